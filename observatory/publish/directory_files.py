"""Write the accompaniment directory: the table that people edit, a GeoPackage, or the data·inclusion schema."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import pandas as pd

from observatory import crs
from observatory.declared.region import home_region
from observatory.publish.csv_text import FRENCH, table
from observatory.sources.directory.directory_cells import KIND_NAMES, QUALITIES, SEPARATOR
from observatory.sources.directory.directory_entry import Entry, Place
from observatory.sources.directory.directory_file import COLUMNS, HEADINGS, OF_PLACE
from observatory.whole_file import replacing

QUALITY_NAMES: Final = {quality: name for name, quality in QUALITIES.items()}
DECIMAL: Final = ("longitude", "latitude")
OF_ZONE: Final = ("zones", "source_zones", "date_zones")
LONGEST_NAME: Final = 150
"""Characters that the data·inclusion schema v1 asks for (schemas/v1 of gip-inclusion/data-inclusion-schema)."""
THEMES: Final = {
    "emergence": "creation-activite--definir-son-projet-de-creation-dentreprise",
    "creation": "creation-activite--structurer-son-projet-de-creation-dentreprise",
    "developpement": "creation-activite--developper-son-entreprise",
    "essaimage": "creation-activite--developper-son-entreprise",
}
"""Phase → theme of the data·inclusion v1 list."""
FUNDING: Final = "creation-activite--financer-son-projet"
FUNDER: Final = "ACCOMPAGNEMENT_FINANCEUR"


def rows(entries: Iterable[Entry]) -> list[dict[str, str]]:
    """Return one row per structure and place, as the editable table words them; a structure without place has one."""
    found = []
    for entry in entries:
        body = _body(entry)
        found += [body | _place(one) for one in entry.places] or [body | dict.fromkeys(OF_PLACE, "")]
    return found


def write_csv(entries: Iterable[Entry], path: Path) -> list[Path]:
    """Write the editable table, in the form that French spreadsheets open as it is."""
    found = [
        [one[name].replace(".", FRENCH.decimal) if name in DECIMAL else one[name] for name in HEADINGS]
        for one in rows(entries)
    ]
    with replacing(path) as temporary:
        temporary.write_text(table(list(HEADINGS.values()), found, FRENCH), encoding="utf-8", newline="")
    return [path]


def write_gpkg(entries: Sequence[Entry], path: Path) -> list[Path]:
    """Write a GeoPackage: layers ``structures`` and ``zones`` without outline, ``lieux`` as points in WGS 84."""
    import geopandas as gpd
    import pyogrio

    bodies = [_body(one) for one in entries]
    columns = [name for name in COLUMNS if name not in {*OF_PLACE, *OF_ZONE}]
    structures = pd.DataFrame(bodies, columns=columns)
    zones = pd.DataFrame(
        [
            (one.structure_id, one.name, level, code, one.zones_origin, one.zones_date)
            for one in entries
            for level, code in one.zones
        ],
        columns=["identifiant", "nom", "niveau", "code", "source", "date"],
    )
    kept = [name for name in OF_PLACE if name not in {"longitude", "latitude"}]
    said = [
        ({"identifiant": one.structure_id, "nom": one.name} | _place(place), place)
        for one in entries
        for place in one.places
    ]
    lon = [float("nan") if place.lon is None else place.lon for _, place in said]
    lat = [float("nan") if place.lat is None else place.lat for _, place in said]
    points = gpd.points_from_xy(lon, lat, crs=crs.EXCHANGE)
    places = gpd.GeoDataFrame(
        pd.DataFrame([row for row, _ in said], columns=["identifiant", "nom", *kept]), geometry=points, crs=crs.EXCHANGE
    )
    places.loc[places.geometry.is_empty | pd.Series(lon, dtype=float).isna(), "geometry"] = None
    with replacing(path) as temporary:
        pyogrio.write_dataframe(structures, temporary, layer="structures", driver="GPKG")
        pyogrio.write_dataframe(
            places, temporary, layer="lieux", driver="GPKG", geometry_type="Point", append=True, promote_to_multi=False
        )
        pyogrio.write_dataframe(zones, temporary, layer="zones", driver="GPKG", append=True)
    return [path]


def write_data_inclusion(
    entries: Sequence[Entry], path: Path, *, communes: Mapping[str, str], departements: Mapping[str, Sequence[str]]
) -> list[Path]:
    """Write structures and services in the data·inclusion schema v1, without any personal contact.

    A project isn't published, nor is an entry of which no complete date is known: the schema asks for one.

    Parameters
    ----------
    communes
        Code → name.
    departements
        Region → codes of its départements: the schema takes no region.
    """
    active = [one for one in entries if one.is_active and _latest(one)]
    structures = [_structure(one, communes) for one in active]
    services = [row for one in active for row in _services(one, communes, departements)]
    document = {"structures": structures, "services": services}
    with replacing(path) as temporary:
        temporary.write_text(json.dumps(document, ensure_ascii=False, indent=2) + "\n", encoding="utf-8")
    return [path]


def _body(entry: Entry) -> dict[str, str]:
    return {
        "identifiant": entry.structure_id,
        "nom": entry.name,
        "type": KIND_NAMES.get(entry.kind, ""),
        "siret": entry.siret or "",
        "role": entry.role or "",
        "phases": SEPARATOR.join(entry.phases),
        "dispositifs": SEPARATOR.join(entry.devices),
        "zones": SEPARATOR.join(f"{level}:{code}" for level, code in entry.zones),
        "etat": "actif" if entry.is_active else "projet",
        "site_web": entry.website or "",
        "remarque": entry.note or "",
        "source": entry.origin,
        "date": entry.date,
        "source_zones": entry.zones_origin,
        "date_zones": entry.zones_date,
    }


def _place(place: Place) -> dict[str, str]:
    return {
        "lieu_numero": str(place.rank or ""),
        "lieu_type": place.kind,
        "lieu_nom": place.name or "",
        "adresse": place.address or "",
        "code_commune": place.commune_code or "",
        "longitude": "" if place.lon is None else f"{place.lon:.6f}",
        "latitude": "" if place.lat is None else f"{place.lat:.6f}",
        "precision": QUALITY_NAMES[place.quality],
        "jours": place.days or "",
        "lieu_phases": SEPARATOR.join(place.phases),
        "lieu_remarque": place.note or "",
        "territoire": place.territory_code or "",
        "lieu_source": place.origin,
        "lieu_date": place.date,
    }


def _structure(entry: Entry, communes: Mapping[str, str]) -> dict[str, Any]:
    seat = next(iter(sorted(entry.places, key=lambda one: ("siege", "lieu", "permanence").index(one.kind))), None)
    return {
        "source": home_region().identifier,
        "id": entry.structure_id,
        "nom": _name(entry.name),
        "date_maj": _whole_date(_latest(entry)),
        "description": _description(entry),
        "siret": entry.siret,
        "site_web": entry.website,
        **_where(seat, communes),
    }


def _services(
    entry: Entry, communes: Mapping[str, str], departements: Mapping[str, Sequence[str]]
) -> Iterable[dict[str, Any]]:
    """Return one service per place and for the structure's own phases; none where no phase has a theme."""
    zone = list(
        dict.fromkeys(
            code
            for level, own in entry.zones
            for code in (departements.get(own, ()) if level == "region" else (own,))
            if level in {"region", "departement", "epci", "commune"}
        )
    )
    for place in entry.places or (None,):
        phases = (place.phases if place else ()) or entry.phases
        themes = {THEMES[one] for one in phases if one in THEMES} | ({FUNDING} if entry.kind == FUNDER else set())
        if not themes:
            continue
        yield {
            "source": home_region().identifier,
            "structure_id": entry.structure_id,
            "id": f"{entry.structure_id}#{place.rank if place else 0}",
            "nom": _name(f"Accompagnement de projets de l’ESS – {entry.name}"),
            "date_maj": _whole_date(max(entry.date, place.date if place else "") or _latest(entry)),
            "description": _description(entry),
            "type": "financement" if entry.kind == FUNDER else "accompagnement",
            "thematiques": sorted(themes),
            "zone_eligibilite": zone or None,
            "modes_accueil": ["en-presentiel"] if place and place.kind == "permanence" else None,
            **_where(place, communes),
        }


def _where(place: Place | None, communes: Mapping[str, str]) -> dict[str, Any]:
    commune = place.commune_code if place else None
    return {
        "commune": communes.get(commune or ""),
        "code_insee": commune,
        "adresse": place.address if place else None,
        "longitude": place.lon if place else None,
        "latitude": place.lat if place else None,
    }


def _name(text: str) -> str:
    return text[:LONGEST_NAME].rstrip(" .")


def _description(entry: Entry) -> str:
    """Return what is known of the structure, long enough for the schema by facts alone."""
    parts = [entry.role or "Rôle non précisé", f"Phases : {', '.join(entry.phases) or 'non précisées'}"]
    parts.append(f"Dispositifs : {', '.join(entry.devices) or 'non précisés'}")
    parts.append(f"Selon : {entry.origin or 'source non précisée'}, {entry.date or 'date non précisée'}")
    return (". ".join(re.sub(r"[.\s]+$", "", one) for one in parts) + ".")[:2000]


def _latest(entry: Entry) -> str:
    return max([entry.date, entry.zones_date, *(one.date for one in entry.places)])


def _whole_date(text: str) -> str:
    """Return a whole date: the first day of the month or of the year where no more is known."""
    return (text + "-01-01"[len(text) - 4 :])[:10]
