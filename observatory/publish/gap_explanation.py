"""Explain the rows of a gap analysis in French, from the stored need and how sure it is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

from observatory.declared.region import home_region
from observatory.gap.prose import Certainty, explain

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from observatory.publish.gap_report import GapReport

ADDED: Final = ("contributions", "explanation")


def explained(connection: Connection, report: GapReport) -> GapReport:
    """Return a report whose rows say why, in figures and in French.

    Parameters
    ----------
    report
        What ``gap_report`` returned, or some of its rows, all of one level.

    Returns
    -------
    GapReport
        The rows with the columns `ADDED`: ``contributions``, a list of the indicators of the score
        (``indicator, label, unit, value, normalised, weight, contribution, status, period, source_id``; the
        contributions add up to the need's score), and ``explanation`` (a paragraph).
    """
    from observatory.store import read

    if not report.rows:
        return replace(report, added=ADDED)
    need_run = str(report.parameters["need_run"])
    indicators = read.run(connection, need_run)["parameters"]["indicators"]
    components = read.need_components(connection, need_run, str(report.rows[0]["level"]))
    return replace(
        report,
        rows=[
            {
                **row,
                "contributions": _contributions(components.get(row["code"], {}), indicators),
                "explanation": " ".join(sentences(row, components.get(row["code"], {}), indicators, report.parameters)),
            }
            for row in report.rows
        ],
        added=(*report.added, *ADDED),
    )


def sentences(
    row: Mapping[str, Any],
    components: Mapping[str, Mapping[str, Any]],
    indicators: Sequence[Mapping[str, Any]],
    parameters: Mapping[str, Any],
) -> list[str]:
    """Return the sentences that explain one row of a gap analysis: what `explain` says, with how sure it is."""
    ranked_count = parameters.get("ranked_counts", {}).get(row["level"])
    certainty = Certainty(
        **{
            name: row.get(name)
            for name in ("score_low", "score_high", "rank_low", "rank_high", "verdict", "verdict_share")
        },
        ranked_count=ranked_count or None,
        flips=tuple(row.get("flips") or ()),
    )
    return explain(
        row, components, indicators=indicators, parameters=parameters, region=home_region().names, certainty=certainty
    )


def _contributions(
    components: Mapping[str, Mapping[str, Any]], indicators: Sequence[Mapping[str, Any]]
) -> list[dict[str, Any]]:
    kept = ("value", "normalised", "weight", "contribution", "status", "period", "source_id")
    return [
        {
            "indicator": one["id"],
            "label": one["label"],
            "unit": one["unit"],
            **{name: components[one["id"]].get(name) for name in kept},
        }
        for one in indicators
        if components.get(one["id"], {}).get("contribution") is not None
    ]
