"""A gap analysis as if the regional border were closed, beside what it is with it open: who flips."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

import pandas as pd

from observatory.declared.region import home_region

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from observatory.publish.gap_report import GapReport

ADDED: Final = ("open_border_typology", "is_border_flip")
NOTE: Final = (
    "Frontière fermée : ni l’offre ni les habitants hors {of_region} ne comptent. Les personnes concernées hors de "
    "portée ne sont pas données ici : comparées à l’analyse ordinaire, elles dévoileraient de petits comptes."
)
UNJUDGED: Final = ("in_need_out_of_reach_count", "verdict_share", "verdict", "near_threshold_count")
"""Columns that only the ordinary analysis gives."""


def closed_border(connection: Connection, report: GapReport) -> GapReport:
    """Return the report worked out without the supply and the demand outside Normandy.

    Parameters
    ----------
    report
        What ``gap_report`` returned: rows of one level.

    Returns
    -------
    GapReport
        The rows with their access, their three classes, priority and typology worked out again, and the columns
        `ADDED`; QPV, where nobody is counted, keep theirs.
    """
    from observatory.gap import Cuts
    from observatory.runs.access.access_run import stored_access
    from observatory.runs.gap.closed_border import COLUMNS, closed_rows
    from observatory.runs.identity import run_hash
    from observatory.runs.loaded_inputs import read_inputs

    parameters = {
        **report.parameters,
        "closed_border": True,
        "closed_border_note": NOTE.format(of_region=home_region().names.genitive),
    }
    found = pd.DataFrame(columns=list(COLUMNS))
    if report.rows:
        scores = {row["code"]: row["need_score"] for row in report.rows}
        found = closed_rows(
            stored_access(connection, str(parameters["access_run"])),
            level=str(report.rows[0]["level"]),
            need_score=pd.Series(scores, dtype=float),
            threshold_min=float(parameters["threshold_min"]),
            cuts=Cuts(**parameters["cuts"]),
            inputs=read_inputs(connection),
        )
    known = found.astype(object).where(found.notna(), None)
    closed = {
        str(code): dict(zip(known.columns, row, strict=True))
        for code, row in zip(known.index, known.to_numpy(), strict=True)
    }
    rows = [_closed(row, closed.get(row["code"])) for row in report.rows]
    name = run_hash("gap", {"closed_border_of": report.run_hash})
    return replace(report, rows=rows, parameters=parameters, run_hash=name, added=(*report.added, *ADDED))


def _closed(row: dict[str, Any], figures: dict[str, Any] | None) -> dict[str, Any]:
    if figures is None:
        return {**row, "open_border_typology": row["typology"], "is_border_flip": False}
    return {
        **row,
        **{name: int(value) if name.endswith("_count") else value for name, value in figures.items()},
        **dict.fromkeys(UNJUDGED),
        "flips": [],
        "open_border_typology": row["typology"],
        "is_border_flip": figures["typology"] != row["typology"],
    }


def flips_in_words(report: GapReport) -> list[str]:
    """Return « Name (code) : Couvert → À surveiller » for each row that closing the border flips."""
    from observatory.words import labels

    return [
        f"{row['name']} ({row['code']}) : {labels.TYPOLOGIES[row['open_border_typology']]} → "
        f"{labels.TYPOLOGIES[row['typology']]}"
        for row in report.rows
        if row.get("is_border_flip")
    ]
