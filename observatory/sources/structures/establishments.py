"""Establishments: insertion, ESAT, France services, France Travail, digital mediation, tiers-lieux, posts."""

from __future__ import annotations

import re
import unicodedata
from typing import Final

import pandas as pd

from observatory.sources.batch import Batch, Sieve
from observatory.sources.formats import cell_text
from observatory.sources.formats.tables import reader
from observatory.sources.table_declarations import CONFIDENCES

FILE: Final = "structures.csv"
COLUMNS: Final = (
    "source",
    "kind",
    "name",
    "siret",
    "naf",
    "address",
    "post_code",
    "city",
    "commune_code",
    "department",
    "lon",
    "lat",
    "geocoding_score",
    "capacity",
    "label",
)
PERIODS: Final = {
    "asp_siae_2020": "2020-12",
    "finess_esat_2025": "2025",
    "anct_france_services_2024": "2024-08-01",
    "anct_fabriques_2024": "2024",
    "anct_manufactures_2024": "2024",
    "anct_mednum_2022": "2022",
    "anct_adultes_relais_2023": "2023",
    "anct_fonjep_2023": "2023",
    "france_travail_2026": "2026",
}
"""Source id → the date that its rows speak of."""
CONTACT: Final = re.compile(r"[\w.+-]+@[\w-]+\.\w+|(?<!\d)0\d(?:[ .-]?\d{2}){4}(?!\d)")
"""E-mail addresses and French telephone numbers: never carried."""
PLAIN: Final = str.maketrans({"’": "'", "œ": "oe", "Œ": "OE", "æ": "ae", "Æ": "AE"})
"""What Unicode does not decompose."""
BETWEEN_WORDS: Final = re.compile(r"[^a-z0-9]+")
CENTRE_LABEL: Final = "point au centre de la commune"

read: Final = reader(COLUMNS)


def normalise(frame: pd.DataFrame) -> list[Batch]:
    """Clean names, numbers and identifiers; one batch per source.

    Returns
    -------
    list of Batch
        Frames: ``source_id, record_id, kind, name, siret, naf, address, post_code, city, commune_code,
        departement_code, lon, lat, geocoding_score, capacity_count, label, period, is_active,
        state, confidence``; ``None``/NaN where the
        source says nothing. ``record_id`` is unique in its source and stable: SIRET and kind, or name and place.
    """
    return [_normalise_source(str(source), rows) for source, rows in frame.groupby("source", sort=True)]


def slug(*parts: object) -> str:
    """Return lower-case ASCII words joined by hyphens, a stable identifier; what is not text is left out."""
    words = " ".join(part for part in parts if isinstance(part, str))
    if not words.isascii():
        words = unicodedata.normalize("NFKD", words.translate(PLAIN)).encode("ascii", "ignore").decode()
    return BETWEEN_WORDS.sub("-", words.lower()).strip("-")


def _normalise_source(source: str, rows: pd.DataFrame) -> Batch:
    sieve = Sieve(rows, source, FILE, shown=("kind", "name", "siret", "city", "department"))
    sieve.reject(~sieve.frame["source"].isin(PERIODS), "source inconnue du catalogue")
    sieve.drop_duplicates()
    sieve.reject(sieve.frame["name"].isna() | sieve.frame["kind"].isna(), "nom ou type absent")
    for column in ("name", "address", "city", "label"):
        sieve.frame = sieve.frame.assign(**{column: sieve.frame[column].map(_clean, na_action="ignore")})
    cell_text.sirets(sieve)
    cell_text.numbers(sieve, ["lon", "lat", "geocoding_score", "capacity"])
    frame = sieve.frame
    result = pd.DataFrame(
        {
            "source_id": frame["source"],
            "record_id": record_ids(
                frame, frame["commune_code"].combine_first(frame["post_code"]).combine_first(frame["department"])
            ),
            "kind": frame["kind"],
            "name": frame["name"],
            "siret": frame["siret"],
            "naf": frame["naf"],
            "address": frame["address"],
            "post_code": frame["post_code"],
            "city": frame["city"],
            "commune_code": frame["commune_code"],
            "departement_code": frame["department"],
            "lon": frame["lon"],
            "lat": frame["lat"],
            "geocoding_score": frame["geocoding_score"],
            "capacity_count": frame["capacity"],
            "label": frame["label"].where(frame["label"].ne(CENTRE_LABEL), None),
            "is_commune_centre": frame["label"].eq(CENTRE_LABEL),
            "period": PERIODS.get(source, ""),
            "is_active": True,
            "state": "open",
            "confidence": CONFIDENCES[0],
        }
    )
    return sieve.batch(result.reset_index(drop=True))


def _clean(text: str) -> str:
    """One line, single spaces, no e-mail address or telephone number."""
    return " ".join(CONTACT.sub("", text).split())


def record_ids(frame: pd.DataFrame, place: pd.Series) -> pd.Series:
    """Return the identifiers of records (``siret, kind, name``): SIRET and kind, or name and place without a SIRET.

    A rank tells namesakes apart.
    """
    named = [
        f"{siret}-{kind}" if isinstance(siret, str) else slug(name, where)
        for siret, kind, name, where in zip(frame["siret"], frame["kind"], frame["name"], place, strict=True)
    ]
    ids = pd.Series(named, index=frame.index)
    rank = ids.groupby(ids).cumcount()
    return ids.where(rank.eq(0), ids + "-" + (rank + 1).astype(str))
