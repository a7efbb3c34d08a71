"""``observatory ingest`` and ``observatory sources``: load the data, and say what was loaded."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Sequence
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from observatory.errors import UsageError

if TYPE_CHECKING:
    from rich.table import Table
    from sqlalchemy import Connection

FORMATS: Final = ("table", "json")
LEVELS: Final = ("region", "departement", "epci")
SUGGESTIONS: Final = 3
REJECTED_SHOWN: Final = 1000
WIDE: Final = 160
"""Columns of a table that is not for a terminal; long cells are folded, nothing is cut."""


def ingest(
    sources: Annotated[
        list[str] | None,
        typer.Argument(metavar="[SOURCE]…", help="Sources à charger ; sans argument : tout l’instantané."),
    ] = None,
    *,
    from_file: Annotated[
        list[Path] | None,
        typer.Option(
            metavar="FICHIER",
            help="Fichier du producteur, pour la seule SOURCE nommée ; plusieurs fois pour Sirene, ou un dossier.",
        ),
    ] = None,
    from_snapshot: Annotated[
        bool, typer.Option("--from-snapshot", help="Reprend les SOURCE nommées dans l’instantané, sans le réseau.")
    ] = False,
    all_: Annotated[
        bool, typer.Option("--all", help="L’instantané, puis toutes les sources qui répondent sur le réseau.")
    ] = False,
    check: Annotated[
        bool,
        typer.Option(
            "--check",
            "--dry-run",
            help="Fait tout le chargement, le compare avec ce qui est en place, puis le défait : rien n’est chargé.",
        ),
    ] = False,
    accept_fewer: Annotated[
        bool, typer.Option("--accept-fewer", help="Charge un fichier même s’il dit bien moins que ce qui est chargé.")
    ] = False,
    region: Annotated[
        str | None, typer.Option(metavar="CODE", help="Région à charger, par son code : celle de l’instantané.")
    ] = None,
) -> None:
    """Load the snapshot, sources from their producers' sites, or one from its file; print the account of the rows."""
    from observatory.commands import ingest_source
    from observatory.commands.session import opened, progress
    from observatory.store.ingest.bundle import bundled
    from observatory.store.ingest.snapshot_load import migrate

    _require_region(region)
    wanted = list(dict.fromkeys(_source_ids(sources or [])))
    files = from_file or []
    if files and len(wanted) != 1:
        raise UsageError("Nommez la source de ce fichier : « observatory ingest SOURCE --from-file FICHIER ».")
    if all_ and wanted:
        raise UsageError("Nommez des sources, ou écrivez --all, pas les deux.")
    if files and (from_snapshot or all_):
        raise UsageError("Écrivez --from-file seul : un fichier ne vient ni de l’instantané ni du réseau.")
    plan = ingest_source.Plan(
        wanted=tuple(wanted), from_snapshot=from_snapshot, is_all=all_, accepts_fewer=accept_fewer
    )
    if not files:
        ingest_source.require_at_hand(plan)
    with opened() as engine, progress() as advance, ExitStack() as stack:
        if files:
            plan = replace(plan, from_file=stack.enter_context(bundled(wanted[0], files)))
        migrate(engine)
        done = ingest_source.check(engine, plan, advance) if check else ingest_source.load(engine, plan, advance)
    if not done:
        raise typer.Exit(1)


def sources(
    *,
    format_: Annotated[str, typer.Option("--format", metavar="{table|json}", help="Forme de la sortie.")] = "table",
    rejected: Annotated[
        bool, typer.Option("--rejected", help="Liste les lignes et figures écartées au dernier chargement.")
    ] = False,
    source: Annotated[
        str | None, typer.Option(metavar="SOURCE", help="Avec --rejected : ce qui est écarté de cette seule source.")
    ] = None,
    completeness: Annotated[
        str | None,
        typer.Option(
            metavar="{region|departement|epci}", help="Connu, sur attendu, par couche et par territoire de ce niveau."
        ),
    ] = None,
) -> None:
    """Print the catalogue with its age and completeness, what was rejected, or what is known by territory."""
    from observatory.commands.session import messages, transaction
    from observatory.publish.known_of_expected import everywhere
    from observatory.store import read

    if format_ not in FORMATS:
        raise UsageError(f"Le format « {format_} » n’existe pas : choisissez parmi {', '.join(FORMATS)}.")
    if completeness is not None and (rejected or completeness not in LEVELS):
        raise UsageError(f"Écrivez --completeness seul, suivi de {', '.join(LEVELS)}.")
    if source is not None and not rejected:
        raise UsageError("Écrivez --source avec --rejected.")
    only = None if source is None else _source_ids([source])[0]
    with transaction() as connection:
        if completeness is not None:
            rows = everywhere(connection, completeness)
        elif rejected:
            total = read.rejected_count(connection, only)
            wanted = total if format_ == "json" else min(total, REJECTED_SHOWN)
            rows = _rejected(connection, only, wanted)
        else:
            rows = _catalogue(read.sources(connection))
    if format_ == "json":
        _write_json(rows)
    elif completeness is not None:
        _print(_completeness_table(rows))
    elif rejected:
        _print(_rejected_table(rows))
        if total > len(rows):
            messages().print(
                f"{len(rows)} montrées sur {total} ; « --source SOURCE » choisit, « --format json » donne tout.",
                markup=False,
            )
    else:
        _print(_catalogue_table(rows))
        messages().print("Couverture, licence et adresse de chaque source : « --format json ».", markup=False)


def _require_region(asked: str | None) -> None:
    from observatory.declared.region import home_region

    held = home_region()
    if asked not in {None, held.code}:
        raise UsageError(
            f"L’instantané ne couvre que {held.names.definite} et ses abords : écrivez « --region {held.code} », ou "
            f"rien (« {asked} » n’y est pas)."
        )


def _source_ids(names: Iterable[str]) -> list[str]:
    """Return the sources that ``names`` stand for: identifiers of the catalogue, or their aliases.

    Raises
    ------
    UsageError
        If a name is unknown, with the nearest ones.
    """
    from observatory.declared.catalogue import known_names

    known = known_names()
    for name in names:
        if name in known:
            continue
        from rapidfuzz import fuzz, process

        near = [found for found, _, _ in process.extract(name, list(known), scorer=fuzz.QRatio, limit=SUGGESTIONS)]
        raise UsageError(f"La source « {name} » n’est pas au catalogue : vouliez-vous dire {', '.join(near)} ?")
    return [known[name] for name in names]


def _catalogue(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    from observatory.publish.known_of_expected import with_freshness

    return [with_freshness(row) for row in rows]


def _catalogue_table(rows: Sequence[dict[str, Any]]) -> Table:
    from rich.table import Table

    from observatory.words.numbers import count, decimal

    table = Table(title=f"{len(rows)} sources", title_justify="left")
    table.add_column("Source", overflow="fold", no_wrap=True)
    for heading in ("Titre", "Producteur", "Millésime", "Fraîcheur", "Contenu, sur attendu"):
        table.add_column(heading, overflow="fold")
    for row in rows:
        age = f"{row['freshness']} : {row['age_note']}"
        share = row["completeness_share"]
        held = "" if row["row_count"] is None else count(row["row_count"])
        if share is not None:
            held += f" sur {count(row['expected_count'])} ({decimal(100 * share)} %)"
        table.add_row(
            row["source_id"],
            row["title"],
            row["producer"],
            row["vintage"],
            age,
            held or "non chargée",
        )
    return table


def _rejected(connection: Connection, source_id: str | None, count: int) -> list[dict[str, Any]]:
    """Return the first rejected rows, page after page."""
    from observatory.store import read

    rows: list[dict[str, Any]] = []
    while len(rows) < count:
        page = read.rejected(connection, source_id, limit=count - len(rows), offset=len(rows))
        if not page:
            break
        rows += page
    return rows


def _completeness_table(rows: Sequence[dict[str, Any]]) -> Table:
    from rich.table import Table

    table = Table(title="Ce qui est connu, sur ce qui est attendu", title_justify="left")
    for heading in ("Territoire", "Couche", "Connu", "Selon"):
        table.add_column(heading, overflow="fold")
    for row in rows:
        table.add_row(f"{row['name']} ({row['code']})", row["label"], row["words"], row["expected_note"] or "")
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
