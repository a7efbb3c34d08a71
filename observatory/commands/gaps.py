"""``observatory gaps``: who is served, who finds the service full, who is out of reach."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from observatory.errors import UsageError

if TYPE_CHECKING:
    from rich.table import Table

    from observatory.publish.gaps import GapReport

FORMATS: Final = ("table", "csv", "json", "geojson")
HEADINGS: Final[tuple[tuple[str, str], ...]] = (
    ("code", "Code"),
    ("name", "Territoire"),
    ("population_count", "Population"),
    ("need_score", "Besoin /100"),
    ("need_volume_count", "Personnes concernées"),
    ("access_score", "Accès /100"),
    ("nearest_min", "Trajet (min)"),
    ("served_count", "Servis"),
    ("reachable_full_count", "À portée, saturé"),
    ("out_of_reach_count", "Hors de portée"),
    ("in_need_out_of_reach_count", "Concernés hors de portée"),
    ("priority_score", "Priorité /100"),
    ("typology", "Typologie"),
    ("status", "Statut"),
    ("note", "Note"),
)
WIDE: Final = 10_000
"""Width in columns when the table is not for a terminal: nothing is cut."""


def gaps(
    *,
    defi: Annotated[
        str, typer.Option(metavar="{insertion|dechets|vieillissement}", help="Défi dont on mesure le besoin.")
    ],
    service: Annotated[
        str,
        typer.Option(
            metavar="SERVICE", help="Service dont on mesure l'accès : ressourcerie, tiers_lieu, accompagnement…"
        ),
    ],
    level: Annotated[str, typer.Option(metavar="{commune|epci|departement|region|qpv}", help="Maille des lignes.")],
    territory: Annotated[
        str | None,
        typer.Option(
            metavar="CODE", help="Se limite aux unités de ce territoire (code INSEE, SIREN d'EPCI ou code de QPV)."
        ),
    ] = None,
    threshold_min: Annotated[
        float | None,
        typer.Option(
            metavar="MINUTES",
            min=1,
            max=120,
            help="Temps de trajet au-delà duquel un service est hors de portée ; sans cette option : celui de l'étude.",
        ),
    ] = None,
    format_: Annotated[
        str, typer.Option("--format", metavar="{table|csv|json|geojson}", help="Forme de la sortie.")
    ] = "table",
    study: Annotated[
        Path | None, typer.Option(metavar="FICHIER", help="Étude (TOML) ; sans cette option : celle de l'observatoire.")
    ] = None,
) -> None:
    """Print a gap analysis at one level."""
    from observatory.commands.session import chosen_study, transaction, working, write_text
    from observatory.publish import gaps as publication

    if format_ not in FORMATS:
        raise UsageError(f"Le format « {format_} » n'existe pas : choisissez parmi {', '.join(FORMATS)}.")
    publication.require_level(level)
    with working("Calcul des lacunes…"), transaction() as connection:
        report = publication.gap_report(
            connection,
            defi=defi,
            service=service,
            level=level,
            territory=territory,
            threshold_min=threshold_min,
            study_path=chosen_study(study),
        )
        if format_ == "geojson":
            from observatory.store import read

            geometries = read.geometries(connection, level)
    if format_ == "csv":
        write_text(publication.to_csv(report))
    elif format_ == "json":
        write_text(publication.to_json(report))
    elif format_ == "geojson":
        write_text(publication.to_geojson(report, geometries))
    else:
        _print(report)


def _print(report: GapReport) -> None:
    from rich.console import Console

    is_terminal = sys.stdout.isatty()
    console = Console(highlight=False) if is_terminal else Console(highlight=False, width=WIDE, no_color=True)
    console.print(_table(report, is_terminal=is_terminal))
    _say_sources(report)


def _table(report: GapReport, *, is_terminal: bool) -> Table:
    from rich import box
    from rich.table import Table

    from observatory.publish.gaps import totals

    shown = [pair for pair in HEADINGS if pair[0] != "note" or any(row.get("note") for row in report.rows)]
    table = Table(box=box.SIMPLE_HEAD, show_footer=len(report.rows) > 1)
    sums: dict[str, Any] = {**totals(report.rows), "name": f"Total de {len(report.rows)} lignes"}
    for column, heading in shown:
        is_text = column in {"code", "name", "typology", "status", "note"}
        table.add_column(
            heading,
            footer=_text(column, sums[column]) if column in sums else "",
            justify="left" if is_text else "right",
            no_wrap=not is_terminal,
            overflow="fold",
        )
    for row in report.rows:
        table.add_row(*(_text(column, row.get(column)) for column, _ in shown))
    return table


def _text(column: str, value: object) -> str:
    from observatory.publish import labels

    if column == "typology":
        return labels.TYPOLOGIES.get(str(value), str(value))
    if column == "status":
        return labels.STATUSES.get(str(value), str(value))
    if isinstance(value, str) or (value is None and column == "note"):
        return str(value or "")
    if value is not None and not isinstance(value, int | float):
        return str(value)
    return labels.count(value) if column.endswith("_count") else labels.decimal(value)


def _say_sources(report: GapReport) -> None:
    """Name on the error stream the run, what was assumed, and every source with its vintage and coverage."""
    from observatory.commands.session import messages

    console = messages()
    console.print(f"Calcul {report.run_hash[:12]}. Sources :", markup=False)
    for source in report.sources:
        console.print(
            f"  - {source['title']} ({source['producer']}, {source['vintage']}, {source['licence']}) : "
            f"{source['coverage']}",
            markup=False,
        )
