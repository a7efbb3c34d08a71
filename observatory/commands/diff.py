"""``observatory diff``: what changed between two stored gap analyses, and why."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from observatory.errors import UsageError
from observatory.gap.columns import BY_NAME
from observatory.publish.csv_text import FORMS, csv_text
from observatory.words.numbers import counted, signed

if TYPE_CHECKING:
    from observatory.runs.gap.gap_difference import Difference


def diff(
    *,
    before: Annotated[str | None, typer.Argument(metavar="[CALCUL_A]", help="Nom du premier, ou son début.")] = None,
    after: Annotated[str | None, typer.Argument(metavar="[CALCUL_B]", help="Nom du second, ou son début.")] = None,
    level: Annotated[
        str, typer.Option(metavar="{commune|epci|departement|region|qpv}", help="Maille des lignes.")
    ] = "epci",
    territory: Annotated[
        str | None, typer.Option(metavar="CODE", help="Se limite aux unités de ce territoire.")
    ] = None,
    study: Annotated[
        Path | None,
        typer.Option(metavar="FICHIER", help="Étude des calculs, si ce n’est pas celle de l’observatoire."),
    ] = None,
    format_: Annotated[
        str, typer.Option("--format", metavar="{table|csv|csv-fr|json}", help="Forme de la sortie.")
    ] = "table",
) -> None:
    """Compare two analyses; without names, list those that are kept."""
    from observatory.commands.session import chosen_study, transaction, write_text
    from observatory.publish.gap_rows import require_level
    from observatory.runs.gap.gap_difference import difference, stored_runs

    if format_ not in {"table", *FORMS, "json"}:
        raise UsageError(f"Le format « {format_} » n’existe pas : choisissez parmi table, csv, csv-fr, json.")
    require_level(level)
    if (before is None) != (after is None):
        raise UsageError("Donnez les noms de deux calculs, ou aucun pour voir ceux qui existent.")
    with transaction() as connection:
        if before is None or after is None:
            write_text(_runs(stored_runs(connection)))
            return
        found = difference(connection, before, after, level=level, territory=territory, study_path=chosen_study(study))
    if format_ == "json":
        write_text(json.dumps(_document(found), ensure_ascii=False) + "\n")
    elif format_ in FORMS:
        write_text(csv_text(found.rows, FORMS[format_]))
    else:
        write_text(_text(found))


def _runs(runs: list[dict[str, Any]]) -> str:
    lines = [
        f"{run['run_hash'][:12]}  {run['created_at']:%d/%m/%Y %H:%M}  {run['defi']} × {run['service']}, "
        f"{run['parameters']['threshold_min']:g} minutes{', affiché par les pages' if run['is_default'] else ''}\n"
        for run in runs
    ]
    return "".join(lines) or "Aucun calcul : lancez « observatory compute ».\n"


def _document(found: Difference) -> dict[str, Any]:
    return {
        "items": found.rows,
        "total": len(found.rows),
        "before": found.before["run_hash"],
        "after": found.after["run_hash"],
        "changed_inputs": found.changed_inputs,
        "changed_choices": found.changed_choices,
        "appeared": found.appeared,
        "disappeared": found.disappeared,
        "changed_members": found.changed_members,
    }


def _text(found: Difference) -> str:
    def listed(items: list[str]) -> str:
        return ", ".join(items) if items else "rien"

    names = found.before["run_hash"][:12], found.after["run_hash"][:12]
    lines = [
        f"De {names[0]} à {names[1]}, {found.after['defi']} × {found.after['service']}.",
        f"Données qui diffèrent : {listed(found.changed_inputs)}.",
        f"Choix de méthode qui diffèrent : {listed(found.changed_choices)}.",
        f"Territoires apparus (géographie) : {listed(found.appeared)}.",
        f"Territoires disparus (géographie) : {listed(found.disappeared)}.",
        "Communes membres : inconnues pour un de ces calculs, fait avant qu’elles soient gardées."
        if found.changed_members is None
        else f"Territoires dont les communes membres diffèrent : {listed(found.changed_members)}.",
    ]
    moved = [row for row in found.rows if any(row[name] for name in row if name.endswith("_change"))]
    lines += [_sentence(row) for row in moved]
    still = len(found.rows) - len(moved)
    if still:
        lines.append(f"{counted(still, 'territoire', written=str)} sans changement.")
    return "\n".join(lines) + "\n"


def _sentence(row: dict[str, Any]) -> str:
    parts = [f"{row['name']} ({row['code']})"]
    change = row["need_score_change"]
    if change:
        why = (
            "part des données et part de la méthode non séparables avec ce qui est gardé"
            if row["need_score_data_effect"] is None
            else _effects(row)
        )
        parts.append(f"besoin {counted(change, 'point', written=signed)} ({why})")
    for name in ("access_score", "population_count", "out_of_reach_count", "in_need_out_of_reach_count"):
        words = BY_NAME[name].label.lower()
        if row[f"{name}_change"]:
            parts.append(f"{words} {signed(row[f'{name}_change'], digits=0 if name.endswith('_count') else 1)}")
    return f"{parts[0]} : {' ; '.join(parts[1:])}."


def _effects(row: dict[str, Any]) -> str:
    """Name the parts of a change; a rounding alone is said to be nothing else."""
    data, method, perimeter, rounding = (
        row[f"need_score_{name}_effect"] for name in ("data", "method", "perimeter", "rounding")
    )
    if not data and not method and not perimeter:
        return "arrondi seul"
    note = f", périmètre {row['need_score_perimeter_note']}" if row["need_score_perimeter_note"] else ""
    return (
        f"données {signed(data)}{note}, méthode {signed(method)}"
        + (f", périmètre {signed(perimeter)}" if perimeter else "")
        + (f", arrondi {signed(rounding)}" if rounding else "")
    )
