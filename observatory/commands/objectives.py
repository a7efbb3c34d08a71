"""``observatory objectives``: what territories have set themselves, and where each stands."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from observatory.errors import UsageError
from observatory.publish.csv_text import FORMS, csv_text
from observatory.words.numbers import counted

if TYPE_CHECKING:
    from observatory.runs.objective_progress import Followed

app = typer.Typer(no_args_is_help=True, rich_markup_mode=None)
Code = Annotated[str, typer.Option("--territory", metavar="CODE", help="Code INSEE, SIREN d’EPCI ou code de QPV.")]
Defi = Annotated[str, typer.Option(metavar="DÉFI", help="insertion, dechets ou vieillissement.")]


@app.command("set", help="Déclare un objectif, ou remplace celui du même territoire, défi et indicateur.")
def set_one(
    *,
    territory: Code,
    defi: Defi,
    indicator: Annotated[str, typer.Option(metavar="NOM", help="Figure suivie, par exemple job_seekers_count.")],
    baseline: Annotated[float, typer.Option(metavar="VALEUR", help="Valeur de départ.")],
    baseline_period: Annotated[str, typer.Option(metavar="DATE", help="2024, 2024-06 ou 2024-T2.")],
    target: Annotated[float, typer.Option(metavar="VALEUR", help="Valeur visée.")],
    target_period: Annotated[str, typer.Option(metavar="DATE", help="2027, 2027-12 ou 2027-T4.")],
    origin: Annotated[str, typer.Option(metavar="TEXTE", help="Qui l’a décidé, et où c’est écrit.")],
) -> None:
    """Keep one objective."""
    from observatory.commands.session import chosen_study, messages, transaction
    from observatory.declared.study_reading import read_study
    from observatory.gap.progress import Objective
    from observatory.runs.objective_progress import checked, followed
    from observatory.store.objective_rows import set_objective

    asked = Objective("", territory, defi, indicator, baseline, baseline_period, target, target_period, origin)
    with transaction() as connection:
        objective = checked(connection, read_study(chosen_study(None)), asked)
        is_new = set_objective(connection, objective)
        kept = [
            one
            for one in followed(connection, level=objective.level, code=objective.code)
            if (one.objective.defi, one.objective.indicator) == (defi, indicator)
        ]
    messages().print(f"Objectif {'ajouté' if is_new else 'remplacé'}. {kept[0].progress.sentence}", markup=False)


@app.command("list", help="Dit où en est chaque objectif.")
def list_all(
    *,
    territory: Annotated[str | None, typer.Option(metavar="CODE", help="Un seul territoire.")] = None,
    format_: Annotated[
        str, typer.Option("--format", metavar="{table|csv|csv-fr|json}", help="Forme de la sortie.")
    ] = "table",
) -> None:
    """Print objectives and their progress."""
    from observatory.commands.session import transaction, write_text
    from observatory.runs.objective_progress import flat, followed
    from observatory.store import read

    if format_ not in {"table", *FORMS, "json"}:
        raise UsageError(f"Le format « {format_} » n’existe pas : choisissez parmi table, csv, csv-fr, json.")
    with transaction() as connection:
        code = territory.strip().upper() if territory else None
        level = read.territory_level(connection, code) if code else None
        found = followed(connection, level=level, code=code)
    rows = [flat(one) for one in found]
    if format_ == "json":
        write_text(json.dumps({"items": rows, "total": len(rows)}, ensure_ascii=False) + "\n")
    elif format_ in FORMS:
        write_text(csv_text(rows, FORMS[format_]))
    else:
        write_text(_text(found))


@app.command("remove", help="Retire les objectifs d’un territoire, d’un défi ou d’un indicateur.")
def remove(
    *,
    territory: Code,
    defi: Annotated[str | None, typer.Option(metavar="DÉFI", help="Ceux d’un défi seulement.")] = None,
    indicator: Annotated[str | None, typer.Option(metavar="NOM", help="Celui d’un indicateur seulement.")] = None,
) -> None:
    """Remove objectives."""
    from observatory.commands.session import messages, transaction
    from observatory.store import read
    from observatory.store.objective_rows import remove_objectives

    with transaction() as connection:
        code = territory.strip().upper()
        level = read.territory_level(connection, code)
        count = remove_objectives(connection, level=level, code=code, defi=defi, indicator=indicator)
    if not count:
        raise UsageError("Aucun objectif à retirer : « observatory objectives list » montre ceux qui existent.")
    messages().print(f"{counted(count, 'objectif retiré', 'objectifs retirés', written=str)}.")


@app.command("import", help="Importe les objectifs d’un tableau (CSV ou XLSX) ; tout ou rien.")
def import_file(
    file: Annotated[
        Path,
        typer.Argument(
            metavar="FICHIER",
            help="Colonnes : code, defi, indicateur, depart, date_depart, cible, date_cible, origine.",
        ),
    ],
) -> None:
    """Keep the objectives of a file."""
    from observatory.commands.session import chosen_study, messages, transaction
    from observatory.declared.study_reading import read_study
    from observatory.errors import InputFileError, ObservatoryError
    from observatory.runs.objective_progress import checked, read_objectives
    from observatory.store.objective_rows import set_objective

    rows, study = read_objectives(file), read_study(chosen_study(None))
    with transaction() as connection:
        new = 0
        for line, objective in rows:
            try:
                new += set_objective(connection, checked(connection, study, objective))
            except ObservatoryError as error:
                raise InputFileError(f"{file.name}, ligne {line} : {error} Rien n’a été importé.") from error
    messages().print(f"{len(rows)} objectifs lus : {new} ajoutés, {len(rows) - new} remplacés.")


def _text(found: list[Followed]) -> str:
    from observatory.words.numbers import figure

    if not found:
        return "Aucun objectif : « observatory objectives set » en déclare un.\n"
    lines = []
    for one in found:
        aim = one.objective
        lines.append(
            f"{one.territory_name} ({aim.code}), {aim.defi} : {one.indicator_label}, "
            f"de {figure(aim.baseline_value)} ({aim.baseline_period}) à {figure(aim.target_value)} "
            f"({aim.target_period}) {one.unit}.\n  {one.progress.sentence}\n  Origine : {aim.origin}\n"
        )
    return "".join(lines)
