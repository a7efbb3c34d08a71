"""A gap analysis as people and programs receive it: CSV, JSON, GeoJSON, always the same columns and figures."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from observatory.errors import UsageError
from observatory.gap.columns import COLUMNS, COUNTS
from observatory.publish.csv_text import MACHINE, Form, table
from observatory.publish.gap_report import GapReport
from observatory.runs.gap.gap_request import PROFILE

if TYPE_CHECKING:
    from sqlalchemy import Connection

LEVELS: Final = ("commune", "epci", "departement", "region", "qpv")
"""Levels that a gap analysis is published at."""
CONCERNED: Final = "need_volume_count"
CONCERNED_FAR: Final = "in_need_out_of_reach_count"


def require_level(level: str) -> None:
    """Check the level that rows are asked at.

    Raises
    ------
    UsageError
        If no gap analysis is published at this level; the sentence lists those that are.
    """
    if level not in LEVELS:
        raise UsageError(f"Le niveau « {level} » n’existe pas : choisissez parmi {', '.join(LEVELS)}.")


def gap_report(
    connection: Connection,
    *,
    defi: str,
    service: str,
    level: str,
    territory: str | None = None,
    threshold_min: float | None = None,
    closed_border: bool = False,
    study_path: Path | None = None,
    catalogue: Sequence[Mapping[str, Any]] = (),
) -> GapReport:
    """Return a gap analysis at one level: the stored one if there is one, else worked out and stored.

    Parameters
    ----------
    connection
        The caller owns the transaction; it may have to write.
    territory
        Code of a territory: only the units inside it. None: all of Normandy.
    threshold_min
        Travel time beyond which a service is out of reach, minutes. None: the study's own for this service.
    closed_border
        As if there were neither supply nor demand outside Normandy; tells which rows that flips.
    catalogue
        What :func:`observatory.store.read.sources` returns, if it was asked already.

    Raises
    ------
    UsageError
        If the défi, service or level is unknown.
    UnknownTerritoryError
        If no territory bears the code.
    """
    from observatory import pipeline
    from observatory.publish import border_rows, known_of_expected
    from observatory.store import read

    require_level(level)
    run = pipeline.gap_run(connection, defi=defi, service=service, threshold_min=threshold_min, study_path=study_path)
    rows = read.gap_rows(connection, run.run_hash, level, territory=territory)
    used = set(run.source_ids)
    catalogue = catalogue or read.sources(connection)
    report = GapReport(
        rows=rows,
        parameters={name: value for name, value in run.parameters.items() if name != PROFILE},
        profile=run.parameters.get(PROFILE),
        sources=[known_of_expected.with_freshness(source) for source in catalogue if source["source_id"] in used],
        run_hash=run.run_hash,
        warnings=known_of_expected.warnings(connection, services=[service], source_ids=used, catalogue=catalogue),
    )
    return border_rows.closed_border(connection, report) if closed_border else report


def largest(report: GapReport, *, count: int) -> GapReport:
    """Return the same report with its ``count`` highest priorities only, then the most persons in need out of reach.

    Territories without a priority, whose score is unknown, are left out.
    """
    known = [row for row in report.rows if row["priority_score"] is not None]
    known.sort(key=lambda row: (-row["priority_score"], -(row["in_need_out_of_reach_count"] or 0), row["code"]))
    return replace(report, rows=known[:count])


def to_csv(report: GapReport, form: Form = MACHINE) -> str:
    """Return the rows as CSV, empty where unknown, the contract's columns first."""
    columns = (*COLUMNS, *report.added)
    return table(columns, ([_cell(row.get(column)) for column in columns] for row in report.rows), form)


def to_json(report: GapReport) -> str:
    """Return the contract's envelope: items, total, parameters, sources, run."""
    return _dump(document(report, total=len(report.rows)))


def document(report: GapReport, *, total: int) -> dict[str, Any]:
    """Return the contract's envelope as a mapping; ``total`` counts the rows before a page of them was cut."""
    return {"items": [_item(row, report) for row in report.rows], **_envelope(report), "total": total}


def to_geojson(report: GapReport, geometries: Mapping[str, str | None]) -> str:
    """Return a FeatureCollection in EPSG:4326, with the rows as properties and the envelope's keys beside it.

    Parameters
    ----------
    geometries
        GeoJSON geometry (text, EPSG:4326) by code, as ``store.read.geometries`` gives it; a territory without one has
        a null geometry.
    """
    features = [
        {
            "type": "Feature",
            "id": row["code"],
            "geometry": json.loads(text) if (text := geometries.get(row["code"])) else None,
            "properties": _item(row, report),
        }
        for row in report.rows
    ]
    return _dump({"type": "FeatureCollection", "features": features, **_envelope(report)})


def totals(rows: Sequence[Mapping[str, Any]]) -> dict[str, int | None]:
    """Return the sum of every count over ``rows``; None where no row knows it.

    ``secret_count`` is how many rows have their persons concerned under secrecy, ``secret_far_count`` how many have
    those out of reach: they are not in the sums.
    """
    sums: dict[str, int | None] = {}
    for column in COUNTS:
        known = [row[column] for row in rows if row.get(column) is not None]
        sums[column] = sum(known) if known else None
    sums["secret_count"] = sum(is_secret(row, CONCERNED) for row in rows)
    sums["secret_far_count"] = sum(is_secret(row, CONCERNED_FAR) for row in rows)
    return sums


def is_secret(row: Mapping[str, Any], column: str) -> bool:
    """Return whether a count is empty because it is small, or protects one, and not because nobody knows it.

    Persons concerned out of reach may be few where all those concerned are many: the sum alone is then under secrecy,
    and the row's status says nothing of it. With the border closed they are given nowhere.
    """
    if column not in {CONCERNED, CONCERNED_FAR} or row.get(column) is not None:
        return False
    is_small_part = column == CONCERNED_FAR and row.get(CONCERNED) is not None and "open_border_typology" not in row
    return row.get("status") == "suppressed" or is_small_part


def _item(row: Mapping[str, Any], report: GapReport) -> dict[str, Any]:
    return {column: row.get(column) for column in (*COLUMNS, *report.added)}


def _envelope(report: GapReport) -> dict[str, Any]:
    return {
        "total": len(report.rows),
        "parameters": report.parameters,
        "sources": report.sources,
        "warnings": list(report.warnings),
        "run": report.run_hash,
        **({} if report.profile is None or "explanation" not in report.added else {"profile": report.profile}),
    }


def _cell(value: object) -> object:
    if isinstance(value, list):
        is_text = all(isinstance(one, str) for one in value)
        return " ; ".join(value) if is_text else json.dumps(value, ensure_ascii=False)
    return value


def _dump(document: Mapping[str, Any]) -> str:
    return json.dumps(document, ensure_ascii=False, default=str, allow_nan=False) + "\n"
