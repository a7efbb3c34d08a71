"""What the stock files of Sirene become: ESS establishments with their rule and their place, and closures."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

import numpy as np
import pandas as pd

from observatory.declared.services import offer
from observatory.errors import InputFileError
from observatory.sources.batch import LINE, Batch, Sieve
from observatory.sources.context import Context
from observatory.sources.formats import cell_text
from observatory.sources.registry import CLOSURES, Source
from observatory.sources.structures import sirene_stock, structure_file
from observatory.sources.structures.places import TOO_FAR_M, Gazetteer
from observatory.words import place_notes

SOURCE_ID: Final = "insee_sirene_ess"
KIND: Final = "ETABLISSEMENT_ESS"
EMPLOYER: Final = "Employeur"
"""How the label of an establishment that has, or had within the year, someone on its payroll begins."""
WORKFORCE: Final = {
    "00": "sans salarié au 31 décembre, mais employeur dans l’année",
    "01": "1 ou 2 salariés",
    "02": "3 à 5 salariés",
    "03": "6 à 9 salariés",
    "11": "10 à 19 salariés",
    "12": "20 à 49 salariés",
    "21": "50 à 99 salariés",
    "22": "100 à 199 salariés",
    "31": "200 à 249 salariés",
    "32": "250 à 499 salariés",
    "41": "500 à 999 salariés",
    "42": "1 000 à 1 999 salariés",
    "51": "2 000 à 4 999 salariés",
    "52": "5 000 à 9 999 salariés",
    "53": "10 000 salariés et plus",
}
"""Insee, nomenclature of ``trancheEffectifsEtablissement``; ``NN`` or nothing: no payroll known."""
NO_PAYROLL: Final = "Non employeur, ou effectif non renseigné"
REASONS: Final = {
    "declared": "Sirene : l’unité légale porte la mention « économie sociale et solidaire ».",
    "listed": "L’unité légale figure dans la liste d’ESS France.",
    "searched": "L’API Recherche d’entreprises la dit de l’ESS (mention de Sirene ou liste d’ESS France).",
}
FAMILY_REASON: Final = "Sirene : catégorie juridique {code} ({family})."
NAMELESS: Final = "Nom non diffusé (SIRET {siret})"
LOCATED: Final = {
    "11": "numéro trouvé dans la voie",
    "12": "au hasard dans la voie",
    "21": "numéro trouvé dans une voie probable",
    "22": "au hasard dans une voie probable",
}
"""Insee, ``qualite_xy``; 33 is a point at random in the commune, which is not kept."""
UNKNOWN_PERIOD: Final = "date inconnue"


@dataclass(frozen=True, eq=False)
class Read:
    """The account of the file, the reason of each kept record, and what it says of the establishments known before.

    ``closures``: ``siret, is_closed, closed_date`` (text; none where it isn't said, or where it is open).
    """

    batch: Batch
    reasons: pd.Series
    closures: pd.DataFrame


def normalise(
    stock: sirene_stock.Stock,
    *,
    file_name: str,
    communes: Collection[str],
    successor: Mapping[str, str],
    departements: Collection[str],
    own: Collection[str],
    source_id: str = SOURCE_ID,
    point_note: str = place_notes.LAMBERT,
) -> Read:
    """Keep the establishments to load as structures, those that closed since included, and name the closures.

    Parameters
    ----------
    stock
        As :func:`observatory.sources.structures.sirene_stock.read` returns it.
    communes, successor, departements
        Territories of the observatory: codes of communes, former code → present code, codes of départements.
    own
        SIRET that the database has from this source: once closed, they stay visible.
    source_id, point_note
        Source, and what is said of the points that its rows bear themselves.
    """
    sieve = Sieve(stock.frame.assign(**{LINE: None}), source_id, file_name, shown=("siret", "name", "commune_code"))
    sieve.reject(~sieve.frame["siret"].fillna("").str.fullmatch(cell_text.SIRET), "SIRET illisible")
    sieve.drop_duplicates(["siret"])
    frame = sieve.frame
    present = frame["commune_code"].map(lambda code: successor.get(code, code), na_action="ignore")
    is_here = frame["commune_code"].fillna("").str[:2].isin(set(departements))
    is_structure = frame["ess_rule"].notna() & is_here & (frame["is_active"] | frame["siret"].isin(set(own)))
    informs = frame["is_known"] & ~frame["is_active"]
    sieve.frame = frame.assign(commune_code=present, is_structure=is_structure)
    sieve.leave_outside(~(is_structure | informs))
    lost = sieve.frame["is_structure"] & ~sieve.frame["commune_code"].isin(set(communes))
    sieve.reject(lost, cell_text.UNKNOWN_COMMUNE)
    kept = sieve.frame[sieve.frame["is_structure"]].reset_index(drop=True)
    batch = sieve.batch(_records(kept, source_id, _period(stock.frame)).assign(point_note=point_note))
    elsewhere = stock.read_count - len(stock.frame)
    return Read(
        batch=replace(batch, read_count=stock.read_count, outside_count=batch.outside_count + elsewhere),
        reasons=pd.Series(
            [reason(rule, code) for rule, code in zip(kept["ess_rule"], kept["legal_category_code"], strict=True)],
            dtype=object,
        ),
        closures=closures(stock.frame),
    )


def closures(frame: pd.DataFrame) -> pd.DataFrame:
    """Return ``siret, is_closed, closed_date`` of the establishments that were known before (``is_known``)."""
    known = frame[frame["is_known"]].drop_duplicates("siret")
    is_closed = ~known["is_active"].astype(bool)
    said = {
        "siret": known["siret"],
        "is_closed": is_closed,
        "closed_date": known["state_date"].where(is_closed, None).astype(object),
    }
    return pd.DataFrame(said).reset_index(drop=True)


def reason(rule: str, legal_category_code: str | None) -> str:
    """Return the French sentence that says by which rule an establishment belongs to the ESS."""
    return REASONS.get(rule) or FAMILY_REASON.format(code=legal_category_code, family=rule)


def label(workforce_band: str | None, employer: str | None = None) -> str:
    """Return what is known of the payroll, in French."""
    if workforce_band in WORKFORCE:
        return f"{EMPLOYER} : {WORKFORCE[workforce_band]}"
    return f"{EMPLOYER} : effectif non renseigné" if employer == "O" else NO_PAYROLL


def locate(records: pd.DataFrame, gazetteer: Gazetteer) -> pd.DataFrame:
    """Place the records: INSEE's geolocation, else the stock's own coordinates, else the commune's town hall.

    A point out of its commune's neighbourhood (over 20 km) is not kept, and said so.

    Returns
    -------
    pandas.DataFrame
        ``records`` with ``point_x_m, point_y_m`` (EPSG:2154), ``place_quality`` and ``place_note``.
    """
    communes = gazetteer.communes.loc[records["commune_code"]]
    is_located = records["located_quality"].isin(LOCATED) & records["located_x_m"].notna()
    x_m = np.where(is_located, records["located_x_m"], records["x_m"])
    y_m = np.where(is_located, records["located_y_m"], records["y_m"])
    has_point = np.isfinite(x_m) & np.isfinite(y_m)
    is_near = has_point & (_distance_m(x_m, y_m, communes, has_point) <= TOO_FAR_M)
    at_town_hall = place_notes.TOWN_HALL.format(source="Sirene")
    too_far = place_notes.TOO_FAR.format(source="Sirene", distance="plus de 20")
    notes: list[str] = [
        (place_notes.LOCATED_BY_INSEE.format(quality=LOCATED[quality]) if located else own)
        if near
        else (f"{too_far} {at_town_hall}" if point else at_town_hall)
        for quality, own, located, near, point in zip(
            records["located_quality"], records["point_note"], is_located, is_near, has_point, strict=True
        )
    ]
    return records.assign(
        departement_code=communes["departement_code"].to_numpy(),
        point_x_m=np.round(np.where(is_near, x_m, communes["point"].x.to_numpy()), 1),
        point_y_m=np.round(np.where(is_near, y_m, communes["point"].y.to_numpy()), 1),
        place_quality=np.where(is_near, "address", "town_hall"),
        place_note=notes,
    )


def _distance_m(x_m: np.ndarray, y_m: np.ndarray, communes: pd.DataFrame, has_point: np.ndarray) -> np.ndarray:
    """Metres from each point to its commune's polygon, or to its town hall where only that is known."""
    import shapely

    points = np.full(len(x_m), None, dtype=object)
    points[has_point] = shapely.points(x_m[has_point], y_m[has_point])
    polygons = communes.geometry.to_numpy()
    places = np.where(shapely.is_missing(polygons), communes["point"].to_numpy(), polygons)
    return np.asarray(shapely.distance(points, places), dtype=float)


def _records(kept: pd.DataFrame, source_id: str, period: str) -> pd.DataFrame:
    """Lay the kept rows in the common columns of structures, with the coordinates that :func:`locate` chooses from."""
    named = kept.assign(
        kind=KIND,
        record_id=kept["siret"],
        name=[_name(name, siret) for name, siret in zip(kept["name"], kept["siret"], strict=True)],
        naf=kept["naf_code"].map(lambda code: code.replace(".", ""), na_action="ignore"),
        address=[
            _address(*parts)
            for parts in zip(kept["street_number"], kept["street_type"], kept["street_name"], strict=True)
        ],
        label=[label(band, employer) for band, employer in zip(kept["workforce_band"], kept["employer"], strict=True)],
        is_active=True,
        lon=np.nan,
        lat=np.nan,
    )
    coordinates = ["x_m", "y_m", "located_x_m", "located_y_m", "located_quality"]
    return structure_file.records(named, source_id=source_id, period=period).join(kept[coordinates])


def _name(name: str | None, siret: str) -> str:
    return structure_file.clean(name) or NAMELESS.format(siret=siret)


def _address(*parts: str | None) -> str:
    return " ".join(part for part in parts if part)


def _period(frame: pd.DataFrame) -> str:
    """Return the day of the last change that the files hold: the vintage that they don't write."""
    dates = frame["treated_at"].dropna()
    return str(dates.max())[:10] if len(dates) else UNKNOWN_PERIOD


def register_tables(found: Read, context: Context) -> dict[str, pd.DataFrame]:
    """Return the structures of a register of establishments, and what it says of those known before."""
    located = locate(found.batch.frame.drop(columns=LINE), context.gazetteer)
    return {**structure_file.assembled(located, reasons=found.reasons), CLOSURES: found.closures}


def _extract(path: Path) -> sirene_stock.Extract:
    """Tell apart by their columns the stock files of a directory, or the one that is given.

    Raises
    ------
    InputFileError
        If one is lacking, or isn't what INSEE publishes.
    """
    if not path.is_dir():
        return sirene_stock.recognise([path])
    try:
        found = sorted(one for one in path.iterdir() if one.is_file())
    except OSError as error:
        raise InputFileError(f"Le dossier {path} est illisible : vérifiez ses droits.") from error
    if not found:
        raise InputFileError(f"Le dossier {path} est vide : mettez-y les fichiers de Sirene.")
    return sirene_stock.recognise(found)


def _from_stock(
    extract: sirene_stock.Extract,
    *,
    file_name: str,  # noqa: ARG001  (that of the directory: the establishments' own says more)
    communes: Collection[str],
    successor: Mapping[str, str],
    departements: Collection[str],
    sirets: Mapping[str, Collection[str]],
    known: Collection[str],
) -> Read:
    families = offer().ess_families
    stock = sirene_stock.read(extract, departements=departements, families=families, known=known)
    return normalise(
        stock,
        file_name=extract.establishments.name,
        communes=communes,
        successor=successor,
        departements=departements,
        own=sirets.get(SOURCE_ID, ()),
    )


NEEDS: Final = {
    "communes": "communes",
    "successor": "successor",
    "departements": "all_departements",
    "sirets": "sirets",
    "known": "known_sirets",
}
SOURCE: Final = Source(
    source_id=SOURCE_ID,
    fills=(*structure_file.FILLED, CLOSURES),
    needs=NEEDS,
    read=_extract,
    normalise=_from_stock,
    tables=register_tables,
    bundle="Sirene",
)
