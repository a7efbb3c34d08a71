"""Explain the rows of a gap analysis in French, from the stored need and how sure it is."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import pandas as pd

from observatory.gap.prose import Certainty

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from observatory.publish.gaps import GapReport

SHARE_DECIMALS: Final = 4
ADDED: Final = ("rank_low", "rank_high", "verdict_share", "verdict", "explanation")


def explained(
    connection: Connection,
    report: GapReport,
    *,
    defi: str,
    service: str,
    level: str,
    threshold_min: float | None = None,
    study_path: Path | None = None,
) -> GapReport:
    """Return a report whose rows say how sure they are, and why, in French.

    Parameters
    ----------
    report
        What ``gap_report`` returned for the same request, or some of its rows.
    connection, defi, service, level, threshold_min, study_path
        As given to it.

    Returns
    -------
    GapReport
        The rows with the columns `ADDED`: ``rank_low`` and ``rank_high`` (5–95 % interval of the rank, 1 is the
        greatest need), ``verdict_share`` (0 to 1), ``verdict``, ``explanation`` (a paragraph); None where unknown.
    """
    from observatory.gap.prose import explain
    from observatory.runs.certainty import certainties
    from observatory.runs.gap import GapRequest
    from observatory.runs.inputs import at_level, read_inputs
    from observatory.runs.need import need_run
    from observatory.studies import read_study

    study = read_study(study_path)
    request = GapRequest.of(study, defi=defi, service=service, threshold_min=threshold_min)
    inputs = read_inputs(connection)
    need = need_run(connection, study, defi, inputs=inputs)
    sure = certainties(connection, request, level=level, need=need, inputs=inputs)
    components = at_level(need.rows, level)["components"].to_dict()
    ranked_count = int(sure["rank_low"].notna().sum())
    rows = []
    for row in report.rows:
        certainty = _certainty(sure.loc[row["code"]], ranked_count) if row["code"] in sure.index else Certainty()
        sentences = explain(
            row,
            components.get(row["code"], {}),
            indicators=need.parameters["indicators"],
            parameters=report.parameters,
            certainty=certainty,
        )
        words = {"explanation": " ".join(sentences)}
        rows.append({**row, **{name: getattr(certainty, name) for name in ADDED if name not in words}, **words})
    return replace(report, rows=rows, added=ADDED)


def _certainty(row: Mapping[str, Any] | pd.Series, ranked_count: int) -> Certainty:
    def known(name: str) -> float | None:
        return None if pd.isna(row[name]) else float(row[name])

    low, high, flips = known("rank_low"), known("rank_high"), row["flips"]
    return Certainty(
        score_low=known("score_low"),
        score_high=known("score_high"),
        rank_low=None if low is None else int(low),
        rank_high=None if high is None else int(high),
        ranked_count=ranked_count if ranked_count > 1 else None,
        verdict=row["verdict"] if isinstance(row["verdict"], str) else None,
        verdict_share=None if (share := known("verdict_share")) is None else round(share, SHARE_DECIMALS),
        flips=tuple(flips) if isinstance(flips, list) else (),
    )
