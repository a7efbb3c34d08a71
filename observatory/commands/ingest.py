"""``observatory ingest`` and ``observatory sources``: load the data, and say what was loaded."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from observatory.errors import UsageError

if TYPE_CHECKING:
    import sqlalchemy as sa
    from rich.table import Table

    from observatory.store.load import SourceReport

REGION: Final = "28"
FORMATS: Final = ("table", "json")
SUGGESTIONS: Final = 3
REJECTED_SHOWN: Final = 1000
WIDE: Final = 10_000
"""Width in columns when the table is not for a terminal: nothing is cut."""


def ingest(
    sources: Annotated[
        list[str] | None,
        typer.Argument(metavar="[SOURCE]…", help="Sources à charger ; sans argument : tout l’instantané."),
    ] = None,
    *,
    from_file: Annotated[
        Path | None,
        typer.Option(metavar="FICHIER", help="Fichier du producteur, pour la seule SOURCE nommée."),
    ] = None,
    accept_fewer: Annotated[
        bool, typer.Option("--accept-fewer", help="Charge un fichier même s’il dit bien moins que ce qui est chargé.")
    ] = False,
    region: Annotated[
        str, typer.Option(metavar="CODE", help="Région à charger : 28, la Normandie et ses abords.")
    ] = REGION,
) -> None:
    """Load the snapshot, or one source from its producer's file, and print the account of the rows."""
    from observatory.commands.session import messages, opened, progress
    from observatory.store.load import migrate

    _require_region(region)
    wanted = list(dict.fromkeys(_source_ids(sources or [])))
    if from_file is not None and len(wanted) != 1:
        raise UsageError("Nommez la source de ce fichier : « observatory ingest SOURCE --from-file FICHIER ».")
    with opened() as engine, progress() as advance:
        migrate(engine)
        if from_file is None:
            status, reports = _snapshot(engine, wanted, advance)
        else:
            from observatory.store.ingest import ingest_file

            status, reports = ingest_file(engine, wanted[0], from_file, progress=advance, accepts_fewer=accept_fewer)
    _print_account(reports)
    subject = "L’instantané" if from_file is None else f"« {from_file.name} »"
    if status == "unchanged":
        messages().print(f"Inchangé : {subject} est déjà chargé à l’identique.", markup=False)
    else:
        messages().print(f"{subject} est chargé. Suite : « observatory compute ».", markup=False)


def sources(
    *,
    format_: Annotated[str, typer.Option("--format", metavar="{table|json}", help="Forme de la sortie.")] = "table",
    rejected: Annotated[
        bool, typer.Option("--rejected", help="Liste les lignes et figures écartées au dernier chargement.")
    ] = False,
) -> None:
    """Print the catalogue with its age and completeness, or what was rejected."""
    from observatory.commands.session import transaction
    from observatory.store import read

    if format_ not in FORMATS:
        raise UsageError(f"Le format « {format_} » n’existe pas : choisissez parmi {', '.join(FORMATS)}.")
    with transaction() as connection:
        rows = read.rejected(connection, limit=REJECTED_SHOWN) if rejected else _catalogue(read.sources(connection))
    if format_ == "json":
        _write_json(rows)
    elif rejected:
        _print(_rejected_table(rows))
    else:
        _print(_catalogue_table(rows))


def _snapshot(
    engine: sa.Engine,
    wanted: Sequence[str],
    advance: Any,  # noqa: ANN401
) -> tuple[str, tuple[SourceReport, ...]]:
    """Load the snapshot; a wanted source that was loaded from a file is taken back from the snapshot."""
    from observatory.store.ingest import loaded_from_file
    from observatory.store.load import load_snapshot

    with engine.connect() as connection:
        taken_back = loaded_from_file(connection) & set(wanted)
    loaded = load_snapshot(engine, progress=advance, force=bool(taken_back))
    return loaded.status, tuple(one for one in loaded.sources if not wanted or one.source_id in wanted)


def _require_region(region: str) -> None:
    if region != REGION:
        raise UsageError(
            f"L’instantané ne couvre que la Normandie et ses abords : écrivez « --region {REGION} », ou rien "
            f"(« {region} » n’y est pas)."
        )


def _source_ids(names: Iterable[str]) -> list[str]:
    """Return the sources that ``names`` stand for: identifiers of the catalogue, or their aliases.

    Raises
    ------
    UsageError
        If a name is unknown, with the nearest ones.
    """
    from observatory.sources.catalog import known_names

    known = known_names()
    for name in names:
        if name in known:
            continue
        from rapidfuzz import fuzz, process

        near = [found for found, _, _ in process.extract(name, list(known), scorer=fuzz.QRatio, limit=SUGGESTIONS)]
        raise UsageError(f"La source « {name} » n’est pas au catalogue : vouliez-vous dire {', '.join(near)} ?")
    return [known[name] for name in names]


def _print_account(reports: Sequence[SourceReport]) -> None:
    from rich.table import Table

    from observatory.commands.session import messages
    from observatory.publish.labels import count

    table = Table(title="Lignes des fichiers d’origine", title_justify="left")
    table.add_column("Source", no_wrap=True)
    for heading in ("Lues", "Gardées", "Rejetées", "Doublons", "Hors périmètre", "Figures écartées"):
        table.add_column(heading, justify="right")
    for one in reports:
        figures = (
            one.rows_read,
            one.rows_kept,
            one.rows_rejected,
            one.rows_duplicate,
            one.rows_outside,
            one.cells_rejected,
        )
        table.add_row(one.source_id, *(count(figure) for figure in figures))
    console = messages()
    console.print(table)
    if any(one.rows_rejected or one.cells_rejected for one in reports):
        console.print("Ce qui est écarté, et pourquoi : « observatory sources --rejected ».", markup=False)


def _catalogue(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    from observatory.store.read import age_days

    today = datetime.now(UTC).date()
    return [{**row, "age_days": age_days(row["published_date"], today)} for row in rows]


def _catalogue_table(rows: Sequence[dict[str, Any]]) -> Table:
    from rich.table import Table

    from observatory.publish.labels import count

    table = Table(title=f"{len(rows)} sources", title_justify="left")
    for heading in ("Source", "Titre", "Producteur", "Millésime", "Âge", "Contenu", "Complétude", "Licence", "Adresse"):
        table.add_column(heading, overflow="fold")
    for row in rows:
        age = "inconnu" if row["age_days"] is None else f"{count(row['age_days'])} jours"
        share = row["completeness_share"]
        held = "" if row["row_count"] is None else count(row["row_count"])
        if share is not None:
            held += f" sur {count(row['expected_count'])} ({share:.1%})".replace(".", ",").replace("%", " %")
        table.add_row(
            row["source_id"],
            row["title"],
            row["producer"],
            row["vintage"],
            age,
            held,
            row["coverage"],
            row["licence"],
            row["url"],
        )
    return table


def _rejected_table(rows: Sequence[dict[str, Any]]) -> Table:
    from rich.table import Table

    table = Table(title=f"{len(rows)} lignes ou figures écartées", title_justify="left")
    for heading in ("Source", "Fichier", "Ligne", "Quoi", "Raison", "Contenu"):
        table.add_column(heading, overflow="fold")
    for row in rows:
        what = "ligne" if row["scope"] == "row" else "figure"
        line = "" if row["line"] is None else str(row["line"])
        table.add_row(row["source_id"], row["file_name"], line, what, row["reason"], row["content"])
    return table


def _print(table: Table) -> None:
    from rich.console import Console

    is_terminal = sys.stdout.isatty()
    console = (
        Console(highlight=False, markup=False) if is_terminal else Console(width=WIDE, no_color=True, markup=False)
    )
    console.print(table)


def _write_json(rows: Sequence[dict[str, Any]]) -> None:
    from observatory.commands.session import write_text

    envelope = {"items": rows, "total": len(rows)}
    write_text(json.dumps(envelope, ensure_ascii=False, indent=2) + "\n")
