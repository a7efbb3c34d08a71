"""``observatory structures``: which records make one structure, and how to undo, forbid or force a merge."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from observatory.errors import UsageError
from observatory.words import place_notes
from observatory.words.numbers import counted

if TYPE_CHECKING:
    from observatory.store.ingest.resolution import Settled

app = typer.Typer(no_args_is_help=True, rich_markup_mode=None)

FORMATS: Final = ("table", "json")
RULES: Final = {
    "declared": "déclarée",
    "same_siret": "même SIRET",
    "same_siren_commune": "même SIREN dans la commune",
    "same_name_address": "nom et adresse",
    "same_name_commune": "même nom, sans adresse",
    "unique": "seule",
}
WIDE: Final = 160
"""Columns of a table that is not for a terminal (convention de l'observatoire)."""

Format = Annotated[str, typer.Option("--format", metavar="{table|json}", help="Forme de la sortie.")]
Identifier = Annotated[str, typer.Argument(metavar="ID", help="Identifiant, comme « structures merged » l’écrit.")]
Reason = Annotated[str | None, typer.Option(metavar="TEXTE", help="Pourquoi : gardé avec la décision.")]


@app.command("merged", help="Liste les structures que plusieurs enregistrements nomment, et par quelle règle.")
def merged(
    *,
    of: Annotated[
        str | None, typer.Option(metavar="ID", help="Seulement cette structure : identifiant ou SIRET.")
    ] = None,
    format_: Format = "table",
) -> None:
    """Print the records of merged structures."""
    from observatory.commands.session import transaction
    from observatory.store import read

    _require(format_)
    with transaction() as connection:
        rows = read.merged(connection, of=of)
    if of is not None and not rows:
        raise UsageError(f"Aucune structure ne porte « {of} » : « observatory structures merged » les liste.")
    headings = ("Structure", "Enregistrement", "Nom", "Date", "Lieu", "Règle", "Score")
    _write(rows, format_, headings, _merged_cells)


@app.command("doubtful", help="Liste les paires presque assez ressemblantes : à juger par « join » ou « split ».")
def doubtful(*, format_: Format = "table") -> None:
    """Print the pairs under the threshold."""
    from observatory.commands.session import transaction
    from observatory.store.ingest import resolution

    _require(format_)
    with transaction() as connection:
        frame = resolution.doubtful(connection)
    records = frame.astype(object).where(frame.notna(), None).to_dict("records")
    rows = [{str(name): value for name, value in record.items()} for record in records]
    headings = ("Score", "Premier", "Nom et adresse", "Second", "Nom et adresse")
    _write(rows, format_, headings, _doubtful_cells)


@app.command("decisions", help="Liste ce qui a été décidé : réunions forcées ou interdites.")
def decisions(*, format_: Format = "table") -> None:
    """Print the decisions."""
    from observatory.commands.session import transaction
    from observatory.store import read

    _require(format_)
    with transaction() as connection:
        rows = [{**row, "decided_at": row["decided_at"].isoformat()} for row in read.decisions(connection)]
    headings = ("Décision", "Premier", "Second", "Raison", "Date")
    _write(rows, format_, headings, _decision_cells)


@app.command("closed", help="Liste les structures qu’un registre dit fermées : montrées, plus comptées dans l’accès.")
def closed(*, format_: Format = "table") -> None:
    """Print the structures that a register says closed."""
    from observatory.commands.session import messages, transaction
    from observatory.store.ingest import closures

    _require(format_)
    with transaction() as connection:
        rows = [{**row, "recorded_at": row["recorded_at"].isoformat()} for row in closures.closed(connection)]
    if not rows:
        messages().print(
            "Aucune structure connue n’est dite fermée. Les fermetures viennent de Sirene : "
            "« observatory ingest sirene_ess --from-file DOSSIER ».",
            markup=False,
        )
        if format_ == "table":
            return
    headings = ("Fermée depuis", "SIRET", "Nom", "Commune", "Selon", "Lu le")
    _write(rows, format_, headings, _closed_cells)


@app.command(
    "split", help="Sépare une structure, ou en retire un enregistrement ; les chargements suivants le gardent."
)
def split(identifier: Identifier, *, reason: Reason = None) -> None:
    """Undo a merge and forbid it."""
    from observatory.commands.session import transaction
    from observatory.store.ingest import resolution

    with transaction() as connection:
        settled = resolution.split(connection, identifier, reason=reason)
    _say(settled)


@app.command("join", help="Réunit deux structures ou enregistrements ; les chargements suivants le gardent.")
def join(first: Identifier, second: Identifier, *, reason: Reason = None) -> None:
    """Force a merge."""
    from observatory.commands.session import transaction
    from observatory.store.ingest import resolution

    with transaction() as connection:
        settled = resolution.join(connection, first, second, reason=reason)
    _say(settled)


@app.command("forget", help="Oublie une décision : les règles décident de nouveau.")
def forget(first: Identifier, second: Identifier) -> None:
    """Take a decision back."""
    from observatory.commands.session import transaction
    from observatory.store.ingest import resolution

    with transaction() as connection:
        settled = resolution.forget(connection, first, second)
    _say(settled)


def _require(format_: str) -> None:
    if format_ not in FORMATS:
        raise UsageError(f"Le format « {format_} » n’existe pas : choisissez parmi {', '.join(FORMATS)}.")


def _say(settled: Settled) -> None:
    from observatory.commands.session import messages
    from observatory.words.numbers import count

    change = "sans changement" if not settled.moved_count else f"au lieu de {count(settled.former_count)}"
    messages().print(
        f"Décision gardée : {count(settled.structure_count)} structures, {change}. "
        "Suite : « observatory compute » refait les résultats.",
        markup=False,
    )


def _merged_cells(row: dict[str, Any]) -> tuple[str, ...]:
    return (
        row["structure_name"] if row["is_lead"] else "",
        row["record_key"],
        row["name"],
        row["period"] or "",
        place_notes.QUALITIES.get(row["place_quality"], "inconnu"),
        RULES.get(row["rule"], row["rule"]),
        _score(row["score"]),
    )


def _doubtful_cells(row: dict[str, Any]) -> tuple[str, ...]:
    return (
        _score(row["score"]),
        row["first"],
        f"{row['first_name']}, {row['first_address']}",
        row["second"],
        f"{row['second_name']}, {row['second_address']}",
    )


def _decision_cells(row: dict[str, Any]) -> tuple[str, ...]:
    verdict = "une seule" if row["is_same"] else "deux"
    return (verdict, row["first"], row["second"], row["reason"] or "", row["decided_at"][:10])


def _closed_cells(row: dict[str, Any]) -> tuple[str, ...]:
    from observatory.words.numbers import day

    return (
        "date inconnue" if row["closed_date"] is None else day(row["closed_date"]),
        row["siret"],
        row["name"],
        row["city"] or row["commune_code"] or "inconnue",
        f"{row['closed_by']}, {row['file_name']}",
        day(row["recorded_at"][:10]),
    )


def _score(score: float | None) -> str:
    from observatory.words.numbers import decimal

    return "" if score is None else decimal(score, digits=1)


def _write(rows: Sequence[dict[str, Any]], format_: str, headings: Sequence[str], cells: Any) -> None:  # noqa: ANN401
    """Print rows as a table, or whole as JSON."""
    from observatory.commands.session import write_text

    if format_ == "json":
        write_text(json.dumps({"items": rows, "total": len(rows)}, ensure_ascii=False, indent=2) + "\n")
        return
    from rich.console import Console
    from rich.table import Table

    table = Table(title=counted(len(rows), "ligne", written=str), title_justify="left")
    for heading in headings:
        table.add_column(heading, overflow="fold")
    for row in rows:
        table.add_row(*cells(row))
    is_terminal = sys.stdout.isatty()
    console = Console(highlight=False, markup=False, width=None if is_terminal else WIDE, no_color=not is_terminal)
    console.print(table)
