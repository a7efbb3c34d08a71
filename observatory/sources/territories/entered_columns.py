"""Which column of a territory's file says what: usual headings, those of national schemas, those that a person names.

Schemas: friches and sites économiques of the CNIG (github.com/cnigfr), structures of data·inclusion
(github.com/gip-inclusion/data-inclusion-schema), lieux de médiation numérique, whose names are among its own.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Final

from observatory.errors import InputFileError, UsageError
from observatory.sources.formats import cell_text, coordinates
from observatory.sources.formats.cell_text import heading

FIELDS: Final = {
    "code": ("code", "id", "identifiant", "ref", "reference", "fid_local", "site_id"),
    "nom": ("nom", "name", "libelle", "designation", "intitule", "site_nom", "site"),
    "adresse": ("adresse", "address", "voie", "site_adresse"),
    "code_postal": ("code postal", "code_postal", "cp"),
    "commune": ("commune", "ville", "nom commune", "nom_commune", "comm_nom", "site_comm_nom"),
    "code_commune": (
        "code commune",
        "code_commune",
        "insee",
        "code insee",
        "code_insee",
        "citycode",
        "comm_insee",
        "site_comm_insee",
    ),
    "service": ("service",),
    "structure": ("structure", "organisme"),
    "jours": ("jours", "horaires", "horaires_accueil", "horaires_ouverture"),
    "phases": ("phases",),
    "source": ("source", "source_nom", "source_producteur"),
    "date": ("date", "date_maj", "site_actu_date"),
    "longitude": ("longitude", "lon", "lng", "long", "x", "x_wgs84"),
    "latitude": ("latitude", "lat", "y", "y_wgs84"),
    "position": (
        "position",
        "coordonnees",
        "coordonnees gps",
        "gps",
        "lat, lon",
        "lat lon",
        "latlon",
        "latitude, longitude",
        "geopoint",
        "site_geompoint",
        "geompoint",
        "geo_point_2d",
        "geo_point",
        "geolocalisation",
    ),
}
"""Our name → headings, without case and accents."""
NAMES: Final = ("nom", "adresse", "code")
"""What names a thing: the first that a row has."""
WKT: Final = re.compile(r"(?:SRID=4326;)?\s*POINT\s*Z?\s*\(\s*(\S+)\s+([^\s)]+)[^)]*\)", re.IGNORECASE)
DECIMAL: Final = r"[+-]?\d+(?:[.,]\d+)?"
POINTED: Final = re.compile(r"([+-]?\d+(?:\.\d+)?)\s*[,;|/\s]\s*([+-]?\d+(?:\.\d+)?)")
COMMAED: Final = re.compile(rf"({DECIMAL})\s*(?:[;|/]|,?\s)\s*({DECIMAL})")
"""``48,84 ; -0,89``: what parts the numbers is not what parts their decimals."""


def mapping_of(pairs: Sequence[str]) -> dict[str, str]:
    """Return our name → heading, from ``nom=Nom du site``.

    Raises
    ------
    UsageError
        If one isn't of that form, or names no field of ours.
    """
    found: dict[str, str] = {}
    for pair in pairs:
        ours, equal, theirs = (part.strip() for part in pair.partition("="))
        name = heading(ours).replace(" ", "_")
        if not equal or not theirs or name not in FIELDS:
            raise UsageError(f'« {pair} » ne se comprend pas : écrivez --map "nom=Nom du site" ; {known_fields()}.')
        found[name] = heading(theirs)
    return found


def known_fields() -> str:
    """Return the fields that a file may have, in French."""
    return f"les colonnes connues sont {', '.join(FIELDS)}"


def columns_of(present: Sequence[str], mapping: Mapping[str, str], file_name: str) -> dict[str, str]:
    """Return our name → the heading of the file that says it.

    Raises
    ------
    InputFileError
        If the file lacks a heading of ``mapping``, or has nothing that names its rows.
    """
    left = list(present)
    for theirs in mapping.values():
        if theirs not in left:
            raise InputFileError(
                f"« {file_name} » n’a pas la colonne « {theirs} » de --map ; il a : {', '.join(present)[:300]}."
            )
    found = dict(mapping)
    left = [one for one in left if one not in mapping.values()]
    for ours, names in FIELDS.items():
        if ours in found:
            continue
        heads = [one for key in names for one in (key, key.replace("_", " ")) if one in left]
        if heads:
            found[ours] = heads[0]
            left.remove(heads[0])
    if not any(name in found for name in NAMES):
        raise InputFileError(
            f"« {file_name} » n’a aucune colonne de nom que l’on reconnaisse ; il a : {', '.join(present)[:300]}. "
            f'Dites laquelle avec --map "nom=…" ; {known_fields()}.'
        )
    return found


def understood(columns: Mapping[str, str], present: Sequence[str]) -> str:
    """Return the French sentence that shows how the columns of a file were taken."""
    taken = ", ".join(theirs if theirs == ours else f"{ours} ← {theirs}" for ours, theirs in columns.items())
    others = [one for one in present if one not in columns.values()]
    kept = f" ; gardées telles quelles : {', '.join(others)}" if others else ""
    return f"Colonnes comprises : {taken}{kept}."


def lon_lat(text: str | None) -> tuple[float, float] | None:
    """Return longitude and latitude of a cell that holds both, in either order; None if it doesn't.

    Examples
    --------
    >>> lon_lat("48.838, -0.889"), lon_lat("POINT(-0.889 48.838)"), lon_lat("48,838 ; -0,889"), lon_lat("Vire")
    ((-0.889, 48.838), (-0.889, 48.838), (-0.889, 48.838), None)
    """
    plain = (text or "").strip().strip("[]()") if text and not WKT.fullmatch(text.strip()) else (text or "").strip()
    match = WKT.fullmatch(plain) or POINTED.fullmatch(plain) or COMMAED.fullmatch(plain)
    if match is None:
        return None
    first, second = (cell_text.number(one) for one in match.groups())
    if first is None or second is None:
        return None
    west, south, east, north = coordinates.DEGREES
    is_latitude_first = south <= first <= north and west <= second <= east
    return (second, first) if is_latitude_first else (first, second)
