"""``observatory gaps``: who is served, who finds the service full, who is out of reach."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from observatory.declared.region import home_region
from observatory.errors import UsageError
from observatory.gap.columns import BY_NAME, COLUMNS
from observatory.parameters import LONGEST_THRESHOLD_MIN, SHORTEST_THRESHOLD_MIN
from observatory.words.grammar import capital

if TYPE_CHECKING:
    from collections.abc import Mapping

    from rich.table import Table

    from observatory.publish.gap_report import GapReport

FORMATS: Final = ("table", "csv", "csv-fr", "json", "geojson")
LAST: Final = ("rank_low", "verdict", "status", "note")
LEFT_OUT: Final = (
    "level",
    "is_partial",
    "rank_median",
    "rank_high",
    "verdict_share",
    "score_low",
    "score_high",
    "flips",
)
"""Columns that the table does without, or shows with another: a rank has both its ends."""
HEADINGS: Final = {
    name: BY_NAME[name].short for name in (*(one for one in COLUMNS if one not in {*LEFT_OUT, *LAST}), *LAST)
}
TEXT_COLUMNS: Final = ("code", "name", "typology", *LAST)
LEAST_NEEDED_FIRST: Final = (
    "note",
    "status",
    "near_threshold_count",
    "nearest_min",
    "in_need_out_of_reach_count",
    "rank_low",
    "need_volume_count",
    "typology",
    "code",
    "access_score",
    "need_score",
)
"""Columns that a narrow terminal goes without; the population and its three parts are always there."""
HIDDEN: Final = "secret"
"""What stands for a count that is covered by secrecy, as on the pages."""
MARGIN: Final = 3
"""Characters that a table puts around a column."""
NAME_WIDTH: Final = 30
"""Characters under which a name isn't folded."""
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
            metavar="SERVICE", help="Service dont on mesure l’accès : ressourcerie, tiers_lieu, accompagnement…"
        ),
    ],
    level: Annotated[str, typer.Option(metavar="{commune|epci|departement|region|qpv}", help="Maille des lignes.")],
    territory: Annotated[
        str | None,
        typer.Option(
            metavar="CODE", help="Se limite aux unités de ce territoire (code INSEE, SIREN d’EPCI ou code de QPV)."
        ),
    ] = None,
    threshold_min: Annotated[
        float | None,
        typer.Option(
            metavar="MINUTES",
            min=SHORTEST_THRESHOLD_MIN,
            max=LONGEST_THRESHOLD_MIN,
            help="Temps de trajet au-delà duquel un service est hors de portée ; sans cette option : celui de l’étude.",
        ),
    ] = None,
    format_: Annotated[
        str, typer.Option("--format", metavar="{table|csv|csv-fr|json|geojson}", help="Forme de la sortie.")
    ] = "table",
    study: Annotated[
        Path | None, typer.Option(metavar="FICHIER", help="Étude (TOML) ; sans cette option : celle de l’observatoire.")
    ] = None,
    phase: Annotated[
        str | None,
        typer.Option(
            metavar="PHASE", help="De l’accompagnement : emergence, creation, developpement, essaimage, lieu."
        ),
    ] = None,
    closed_border: Annotated[
        bool,
        typer.Option(
            "--closed-border",
            help="Recalcule sans l’offre ni les habitants hors de la région, et dit quels territoires basculent.",
        ),
    ] = False,
    explain: Annotated[
        bool,
        typer.Option(
            "--explain",
            help="Dit pour chaque ligne pourquoi, et avec quelle certitude : contributions, phrases.",
        ),
    ] = False,
) -> None:
    """Print a gap analysis at one level."""
    from observatory.commands.session import chosen_study, messages, transaction, working, write_text
    from observatory.publish import gap_rows as publication
    from observatory.publish.csv_text import FORMS

    if format_ not in FORMATS:
        raise UsageError(f"Le format « {format_} » n’existe pas : choisissez parmi {', '.join(FORMATS)}.")
    publication.require_level(level)
    with working("Calcul des lacunes…"), transaction() as connection:
        asked: Any = {
            "defi": defi, "service": f"{service}:{phase}" if phase else service, "level": level,
            "threshold_min": threshold_min, "study_path": chosen_study(study),
        }  # fmt: skip
        report = publication.gap_report(connection, territory=territory, closed_border=closed_border, **asked)
        if explain:
            from observatory.publish.gap_explanation import explained

            report = explained(connection, report)
        if format_ == "geojson":
            from observatory.store import read

            geometries = read.geometries(connection, level)
    for sentence in report.warnings:
        messages().print(f"Attention : {sentence}", markup=False)
    if format_ in FORMS:
        write_text(publication.to_csv(report, FORMS[format_]))
    elif format_ == "json":
        write_text(publication.to_json(report))
    elif format_ == "geojson":
        write_text(publication.to_geojson(report, geometries))
    else:
        _print(report)
        if explain:
            write_text(_paragraphs(report) + _profile(report))


def _paragraphs(report: GapReport) -> str:
    """Return a titled paragraph for each row."""
    return "".join(f"\n{row['name']} ({row['code']})\n{row['explanation']}\n" for row in report.rows)


def _profile(report: GapReport) -> str:
    """Return what the analysis says of all of Normandy, its tables as lists."""
    from observatory.publish.profile_text import sections

    lines = []
    for section in sections(report):
        lines += ["", f"{capital(home_region().names.locative)} – {section.title}", " ".join(section.sentences)]
        if section.rows:
            lines += [f"{section.caption} : {', '.join(section.headings)}"]
        lines += [f"  - {' | '.join(row)}" for row in section.rows]
    return "".join(f"{line}\n" for line in lines)


def _print(report: GapReport) -> None:
    from rich.console import Console

    is_terminal = sys.stdout.isatty()
    console = Console(highlight=False) if is_terminal else Console(highlight=False, width=WIDE, no_color=True)
    cells = _cells(report)
    hidden = _hide_to_fit(cells, width=console.width) if is_terminal else []
    console.print(_table(cells, has_total=len(report.rows) > 1))
    _say_basis(report, hidden)


def _cells(report: GapReport) -> dict[str, list[str]]:
    """Return the text of every column, the total last where there is more than one row."""
    from observatory.publish.gap_rows import totals

    sums: dict[str, Any] = {**totals(report.rows), "name": f"Total de {len(report.rows)} lignes"}
    cells = {
        column: [_words(column, row) for row in report.rows]
        for column in HEADINGS
        if column != "note" or any(row.get("note") for row in report.rows)
    }
    if len(report.rows) > 1:
        for column, texts in cells.items():
            texts.append(_text(column, sums[column]) if column in sums else "")
    return cells


def _hide_to_fit(cells: dict[str, list[str]], *, width: int) -> list[str]:
    """Take columns away, the least needed first, until the table fits; return the headings that were taken away."""
    hidden = []
    for column in LEAST_NEEDED_FIRST:
        needed = sum(_width(name, texts) for name, texts in cells.items())
        if needed <= width:
            break
        if cells.pop(column, None) is not None:
            hidden.append(HEADINGS[column])
    return hidden


def _width(column: str, texts: list[str]) -> int:
    """Return the characters that a column needs, with its margins; names may be folded."""
    longest = max(len(text) for text in [HEADINGS[column], *texts])
    return MARGIN + (min(longest, NAME_WIDTH) if column == "name" else longest)


def _table(cells: dict[str, list[str]], *, has_total: bool) -> Table:
    from rich import box
    from rich.table import Table

    table = Table(box=box.SIMPLE_HEAD, show_footer=has_total, padding=(0, 1), pad_edge=False)
    for column, texts in cells.items():
        is_text = column in TEXT_COLUMNS
        table.add_column(
            HEADINGS[column],
            footer=texts[-1] if has_total else "",
            justify="left" if is_text else "right",
            no_wrap=column not in {"name", "note"},
            overflow="fold",
        )
    for row in zip(*(texts[:-1] if has_total else texts for texts in cells.values()), strict=True):
        table.add_row(*row)
    return table


def _words(column: str, row: dict[str, Any]) -> str:
    from observatory.publish.gap_rows import is_secret
    from observatory.words import labels, numbers

    if is_secret(row, column):
        return HIDDEN
    if column == "rank_low":
        return numbers.rank_interval(row.get("rank_low"), row.get("rank_high"))
    if column == "verdict":
        return labels.verdict(row.get("verdict"), row.get("verdict_share"))
    return _text(column, row.get(column))


def _text(column: str, value: object) -> str:
    from observatory.words import labels, numbers

    if column == "typology":
        return labels.TYPOLOGIES.get(str(value), str(value))
    if column == "status":
        return labels.STATUSES.get(str(value), str(value))
    if isinstance(value, str) or (value is None and column == "note"):
        return str(value or "")
    if value is not None and not isinstance(value, int | float):
        return str(value)
    return numbers.count(value) if column.endswith("_count") else numbers.decimal(value)


def _left_out(report: GapReport) -> list[str]:
    """Say how many secret counts the totals under the table are without."""
    from observatory.publish.gap_rows import totals
    from observatory.words.grammar import plural

    sums = totals(report.rows)
    found = []
    for name, words in (("secret_count", "Concernés"), ("secret_far_count", "Concernés hors de portée")):
        number = sums[name] or 0
        if number and len(report.rows) > 1:
            places = plural(number, "territoire couvert", "territoires couverts")
            found.append(f"Total « {words} » sans {number} {places} par le secret des petits comptes.")
    return found


def _border(report: GapReport) -> list[str]:
    """Say which territories a closed border flips, or how many would."""
    from observatory.publish import border_rows

    parameters = report.parameters
    if not parameters.get("closed_border"):
        count = len(parameters["border_flips"].get(str(report.rows[0]["level"]), {})) if report.rows else 0
        if not count:
            return []
        words = "territoire de cette maille basculerait" if count == 1 else "territoires de cette maille basculeraient"
        return [f"Frontière régionale fermée, {count} {words} : --closed-border les nomme."]
    found = border_rows.flips_in_words(report)
    if not found:
        return [parameters["closed_border_note"], "Frontière fermée, aucun territoire ne bascule."]
    words = "territoire bascule" if len(found) == 1 else "territoires basculent"
    return [
        parameters["closed_border_note"],
        f"Frontière fermée, {len(found)} {words} :",
        *(f"  - {one}" for one in found),
    ]


def _near(parameters: Mapping[str, Any]) -> str:
    """Say which times are near the threshold; nothing where their error is unknown."""
    from observatory.gap.near_threshold import near_threshold_words

    error = parameters["travel"]["error"]
    if error is None:
        return ""
    return near_threshold_words(threshold_min=parameters["threshold_min"], error_share=error["p90"])


def _say_basis(report: GapReport, hidden: list[str]) -> None:
    """Name on the error stream what was assumed, what the service's list lacks, every source, and the run."""
    from observatory.commands.session import messages

    parameters = report.parameters
    shown = ", ".join(hidden)
    lines = [
        f"Colonnes masquées faute de place : {shown} (terminal plus large, ou --format csv)." if hidden else "",
        f"Personnes concernées : {parameters['volume_label']}.",
        *_left_out(report),
        f"Hors de portée : à plus de {parameters['threshold_min']:g} minutes. {parameters['norm_origin']}",
        f"{parameters['service_label']} : {parameters['completeness']}",
        parameters["travel"]["note"],
        _near(parameters),
        *_border(report),
        *parameters["warnings"],
        "Sources :",
        *(f"  - {one['title']} ({one['producer']}, {one['vintage']}, {one['licence']})" for one in report.sources),
        f"Calcul {report.run_hash[:12]}.",
    ]
    console = messages()
    for line in lines:
        if line:
            console.print(line, markup=False)
