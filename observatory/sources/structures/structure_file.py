"""Structures from one source's own file: records in common columns, then the tables that the database loads."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import pandas as pd

from observatory.declared.services import offer
from observatory.sources.batch import LINE, Batch, Sieve
from observatory.sources.context import Context
from observatory.sources.formats import cell_text, coordinates
from observatory.sources.structures import places, service_rules
from observatory.sources.structures.establishments import CONTACT, record_ids
from observatory.sources.table_declarations import CONFIDENCES, STRUCTURE_RECORDS, STRUCTURES

RECORD_COLUMNS: Final = (
    "source_id",
    "record_id",
    "kind",
    "name",
    "siret",
    "naf",
    "address",
    "post_code",
    "city",
    "commune_code",
    "departement_code",
    "lon",
    "lat",
    "geocoding_score",
    "capacity_count",
    "label",
    "is_commune_centre",
    "period",
    "is_active",
    "state",
    "confidence",
)
TEXT: Final = ("name", "siret", "naf", "address", "post_code", "city", "commune_code", "label")
FILLED: Final = ("structures", "structure_services", "structure_records")
"""Tables that a list of structures becomes."""


def clean(text: str | None) -> str | None:
    """Return a text on one line with single spaces, without e-mail address or telephone number."""
    plain = " ".join(CONTACT.sub("", text or "").split())
    return plain or None


def keep_departements(
    sieve: Sieve,
    departements: set[str],
    *,
    unreadable: str = "code postal illisible",
    codes: Sequence[str] = ("commune_code", "post_code"),
) -> None:
    """Keep the rows of some départements, told by the first of ``codes`` that a row has, lost zeros put back.

    Headers repeated, and rows whose code is ``unreadable``, are put aside.
    """
    cell_text.reject_repeated_headers(sieve)
    sieve.frame = sieve.frame.assign(**{name: cell_text.restored(sieve.frame[name]) for name in codes})
    told = sieve.frame[list(codes)].bfill(axis="columns").iloc[:, 0].fillna("")
    sieve.reject(~told.str.fullmatch(cell_text.COMMUNE if "commune_code" in codes else r"\d{5}"), unreadable)
    sieve.leave_outside(~told.loc[sieve.frame.index].str[:2].isin(departements))


def repair_points(sieve: Sieve) -> None:
    """Turn ``lon`` and ``lat`` into degrees; a point that can't be in France is put aside as a figure, with why."""
    cell_text.numbers(sieve, ["lon", "lat"])
    found = coordinates.repaired(sieve.frame["lon"], sieve.frame["lat"])
    lost = found["note"].notna() & ~found["note"].isin(coordinates.KEPT)
    for note in sorted(set(found.loc[lost, "note"])):
        sieve.reject_cells("lon", lost & found["note"].eq(note), f"{note} : non gardé")
    for note in coordinates.KEPT:
        sieve.repair(int(found["note"].eq(note).sum()), f"points : {note}")
    sieve.frame = sieve.frame.assign(lon=found["lon"], lat=found["lat"])


def records(frame: pd.DataFrame, *, source_id: str, period: str) -> pd.DataFrame:
    """Lay kept rows in the common columns; ``record_id`` is the file's own where it has one, else SIRET or name.

    What is not a SIRET was put aside before, by :func:`observatory.sources.formats.cell_text.sirets`.

    Parameters
    ----------
    frame
        Any of ``RECORD_COLUMNS``; ``kind`` and ``name`` are required.
    source_id, period
        Source, and the date that its rows speak of.
    """
    defaults: dict[str, bool | str] = {
        "is_commune_centre": False,
        "is_active": True,
        "state": "open",
        "confidence": CONFIDENCES[0],
    }
    said = {*frame.columns, "source_id", "period"}
    absent = {name: defaults.get(name) for name in RECORD_COLUMNS if name not in said}
    whole = frame.assign(**absent, source_id=source_id, period=period)
    for name in TEXT:
        whole[name] = _texts([clean(one) if isinstance(one, str) else None for one in whole[name]], whole.index)
    for name in ("geocoding_score", "capacity_count"):
        whole[name] = pd.to_numeric(whole[name]).astype("float64")
    whole = whole.assign(
        siret=whole["siret"].where(whole["siret"].fillna("").str.fullmatch(cell_text.SIRET), None),
        departement_code=whole["commune_code"].combine_first(whole["post_code"]).str[:2],
    )
    if whole["record_id"].isna().any():
        whole = whole.assign(record_id=record_ids(whole, whole["commune_code"].combine_first(whole["post_code"])))
    return whole[[*RECORD_COLUMNS, LINE]].reset_index(drop=True)


def placed(batch: Batch, context: Context) -> dict[str, pd.DataFrame]:
    """Place the records of a batch (:func:`records`) in the communes of the context, and return their three tables."""
    return assembled(places.locate(batch.frame.drop(columns=LINE), context.gazetteer))


def assembled(located: pd.DataFrame, *, reasons: pd.Series | None = None) -> dict[str, pd.DataFrame]:
    """Return ``structures``, ``structure_services`` and ``structure_records`` of records that have their place.

    Parameters
    ----------
    located
        As :func:`observatory.sources.structures.places.locate` returns them.
    reasons
        Why each record offers the services of its kind; the kind's own reason if None.
    """
    located = located.assign(structure_id=located["source_id"] + ":" + located["record_id"], rule="unique")
    return {
        "structures": located[list(STRUCTURES.columns)],
        "structure_services": _services(located, reasons),
        "structure_records": located[list(STRUCTURE_RECORDS.columns)],
    }


def _texts(values: list[str | None], index: pd.Index) -> pd.Series:
    return pd.Series(values, index=index, dtype=object)


def _services(located: pd.DataFrame, reasons: pd.Series | None) -> pd.DataFrame:
    rows = service_rules.by_kind(located, offer())
    if reasons is not None:
        rows["reason"] = rows["structure_id"].map(dict(zip(located["structure_id"], reasons, strict=True)))
    return rows.drop_duplicates(["structure_id", "service"])
