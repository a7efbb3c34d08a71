"""The places where a pole may open: units, places that the study names, places that territories entered; filtered."""

from __future__ import annotations

from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pandas as pd
import shapely
import sqlalchemy as sa
from pyproj import Transformer
from sqlalchemy import Connection

from observatory import crs
from observatory.declared.siting_options import CandidateFilters
from observatory.declared.siting_study import SitingStudy
from observatory.declared.study_reading import Study
from observatory.errors import UsageError
from observatory.runs.access.travel_cost import places, travel_in_force, travel_within
from observatory.runs.loaded_inputs import DEMAND_LEVEL, Inputs, read_figures
from observatory.store import read
from observatory.store.tables import TerritoryLink, Zoning
from observatory.words.numbers import amount, counted

COLUMNS: Final = ["code", "name", "x_m", "y_m", "density", "commune_code", "is_existing", "note", "source_id"]
STATION_FIGURE: Final = "bpe_gare_count"
"""Stations by commune in the permanent base of facilities (BPE): the place is that of the town hall."""
RURAL_DENSITIES: Final = frozenset({"5", "6", "7"})
"""Rural levels of the seven-level density grid (INSEE, 2025)."""
LAYER_NOTES: Final = {
    "candidats": "Site candidat saisi par le territoire.",
    "friches": "Friche saisie par le territoire.",
}

LAYER_WORDS: Final = {"candidats": "aucun site candidat", "friches": "aucune friche"}
STUDIED_LEVELS: Final = frozenset({DEMAND_LEVEL, "epci", "departement", "bassin_vie", "zone_emploi"})

Booleans = npt.NDArray[np.bool_]


def communes_of(connection: Connection, code: str) -> list[str]:
    """Return the communes of a territory that may be studied.

    Raises
    ------
    UnknownTerritoryError
        If no territory bears the code.
    UsageError
        If it is larger than a département, or smaller than a commune.
    """
    level = read.territory_level(connection, code)
    if level not in STUDIED_LEVELS:
        raise UsageError(
            f"« {code} » ne peut pas être étudié : choisissez une commune, une intercommunalité ou un département."
        )
    return read.descendants(connection, level, code, DEMAND_LEVEL)


def check_place(connection: Connection, siting: SitingStudy) -> None:
    """Check quickly that the territory may be studied and holds the candidates listed.

    Raises
    ------
    UnknownTerritoryError
        If no territory bears the code.
    UsageError
        If it can't be studied, or a candidate isn't there.
    """
    communes = communes_of(connection, siting.territory)
    if siting.candidates is not None and siting.mesh == DEMAND_LEVEL:
        entered = set(entered_places(connection, siting)["code"]) if siting.layers else set()
        _require_known(siting.candidates, {*communes, *entered, *(one.id for one in siting.named)})


def _require_known(candidates: tuple[str, ...], known: set[str]) -> None:
    unknown = [code for code in candidates if code not in known]
    if unknown:
        raise UsageError(
            f"Candidats inconnus sur ce territoire : {', '.join(unknown[:5])}. Donnez des codes de ses communes."
        )


def candidate_places(
    connection: Connection, siting: SitingStudy, study: Study, *, units: pd.DataFrame, inputs: Inputs
) -> pd.DataFrame:
    """Return the candidates of a question, in columns :data:`COLUMNS`; index 0, 1, ….

    Raises
    ------
    UsageError
        If a place that the study names, or a code of its list, isn't there.
    """
    frame = _listed(connection, siting, units)
    for passes in _conditions(connection, siting.filters, study, frame, inputs).values():
        frame = frame[passes[frame.index]]
    return frame[COLUMNS].reset_index(drop=True)


def _listed(connection: Connection, siting: SitingStudy, units: pd.DataFrame) -> pd.DataFrame:
    """Return the candidates before any filter; index 0, 1, …."""
    own = _named(siting, units)
    entered = entered_places(connection, siting)
    frame = pd.concat([own, entered], ignore_index=True) if len(entered) else own
    if siting.layers and siting.candidates is None:  # who names layers wants these places, not the town halls
        frame = entered
    if siting.candidates is not None:
        _require_known(siting.candidates, set(frame["code"]))
        frame = frame[frame["code"].isin(siting.candidates)]
    return frame.reset_index(drop=True)


def no_candidate(
    connection: Connection, siting: SitingStudy, study: Study, *, units: pd.DataFrame, inputs: Inputs
) -> str:
    """Return the French sentence that says which condition leaves no candidate."""
    frame = _listed(connection, siting, units)
    if frame.empty and siting.candidates is not None:
        return "La liste des lieux candidats est vide : nommez-en, ou retirez-la pour tous les proposer."
    if frame.empty:
        words = " ni ".join(LAYER_WORDS[layer] for layer in siting.layers)
        return (
            f"Le territoire n’a saisi {words} : enregistrez ses lieux avec « observatory territory-files », ou retirez "
            "ce choix."
        )
    conditions = _conditions(connection, siting.filters, study, frame, inputs)
    alone = [words for words, passes in conditions.items() if not passes.any()]
    if alone:
        return f"Aucun lieu candidat n’est {alone[0]} : élargissez la liste ou les filtres."
    together = " et ".join(conditions)
    return f"Aucun lieu candidat n’est à la fois {together} : élargissez la liste ou les filtres."


def entered_places(connection: Connection, siting: SitingStudy) -> pd.DataFrame:
    """Return the places that the territory entered in the layers of a question, coded ``layer:code``."""
    parts = []
    for layer in siting.layers:
        found = read.site_candidates(connection, siting.territory, layer).reset_index()
        note = LAYER_NOTES[layer] + " " + found["origin"].astype(str) + ", " + found["stated_date"].astype(str) + "."
        parts.append(
            pd.DataFrame(
                {
                    "code": layer + ":" + found["code"].astype(str),
                    "name": found["name"],
                    "x_m": found["x_m"],
                    "y_m": found["y_m"],
                    "density": found["density_level"].astype("string").astype(object),
                    "commune_code": found["commune_code"],
                    "is_existing": False,
                    "note": note,
                    "source_id": None,
                }
            )
        )
    filled = [part for part in parts if len(part)]
    return pd.concat(filled, ignore_index=True) if filled else pd.DataFrame(columns=COLUMNS)


def _named(siting: SitingStudy, units: pd.DataFrame) -> pd.DataFrame:
    """Return the units of the territory as candidates, a place that the study names standing for its own unit."""
    own = units[units["is_counted"]].copy()
    frame = own[["code", "name", "x_m", "y_m", "density", "commune_code", "unit_level"]].assign(
        is_existing=False, note="", source_id=None
    )
    frame["note"] = np.where(
        frame["unit_level"] == DEMAND_LEVEL, "À la mairie de la commune.", "À la mairie de la commune déléguée."
    )
    # What the reader names is looked up among units, then among the places that the study declares.
    for one in siting.named:
        stands = (frame["code"] == one.unit) & frame["unit_level"].isin([one.unit_level, DEMAND_LEVEL])
        if not stands.any():
            raise UsageError(
                f"Le candidat « {one.name} » est placé dans l’unité « {one.unit} », qui n’est pas dans le territoire."
            )
        frame.loc[stands, ["code", "name", "note", "source_id"]] = [one.id, one.name, one.note, one.source]
    return frame


def _conditions(
    connection: Connection, filters: CandidateFilters, study: Study, frame: pd.DataFrame, inputs: Inputs
) -> dict[str, Booleans]:
    """Return each condition in French words, and which candidates meet it, ``(n_candidates,)``."""
    passes: dict[str, Booleans] = {}
    commune = frame["commune_code"]
    if filters.polygon is not None:
        passes["dans le contour donné"] = within_polygon(filters.polygon, frame)
    if filters.is_qpv:
        passes["dans une commune à quartier prioritaire"] = commune.isin(communes_with_qpv(connection)).to_numpy(bool)
    if filters.is_rural:
        passes["dans une commune rurale"] = commune.isin(rural_communes(connection, inputs)).to_numpy(dtype=bool)
    if filters.min_population_count:
        population = inputs.population_count.reindex(commune).fillna(0).to_numpy(dtype=np.int64)
        words = f"dans une commune d’au moins {counted(filters.min_population_count, 'habitant')}"
        passes[words] = population >= filters.min_population_count
    if filters.station_max_min is not None:
        words = f"à {counted(filters.station_max_min, 'minute', written=amount)} au plus d’une commune à gare"
        passes[words] = _near_station(connection, filters.station_max_min, study, frame, inputs)
    return passes


def within_polygon(polygon: Any, frame: pd.DataFrame) -> Booleans:  # noqa: ANN401  (GeoJSON)
    """Tell which points lie in a GeoJSON polygon, its edge included.

    Raises
    ------
    UsageError
        If it isn't a polygon whose outline can be read.
    """
    to_metres = Transformer.from_crs(crs.EXCHANGE, crs.STORAGE, always_xy=True)
    try:
        shape = shapely.from_geojson(shapely.to_geojson(shapely.geometry.shape(polygon)))
        moved = shapely.transform(shape, lambda xy: np.column_stack(to_metres.transform(xy[:, 0], xy[:, 1])))
    except (KeyError, TypeError, ValueError, IndexError, AttributeError, shapely.errors.GEOSException) as error:
        raise UsageError("Le contour des candidats n’est pas un polygone GeoJSON lisible (EPSG:4326).") from error
    if moved.is_empty or not moved.is_valid or not np.isfinite(shapely.get_coordinates(moved)).all():
        raise UsageError(
            "Le contour des candidats est vide, se recoupe, ou sort de France : donnez longitude puis latitude."
        )
    inside: Booleans = shapely.intersects_xy(moved, frame["x_m"].to_numpy(float), frame["y_m"].to_numpy(float))
    return inside


def communes_with_qpv(connection: Connection) -> set[str]:
    """Return the communes that hold a priority neighbourhood, wholly or in part."""
    query = sa.select(TerritoryLink.parent_code).where(
        TerritoryLink.child_level == "qpv", TerritoryLink.parent_level == DEMAND_LEVEL
    )
    return set(connection.execute(query).scalars())


def rural_communes(connection: Connection, inputs: Inputs) -> set[str]:
    """Return the communes that are rural in the density grid or classed FRR, wholly or in part."""
    query = sa.select(Zoning.code).where(
        Zoning.level == DEMAND_LEVEL, Zoning.zoning == "frr", Zoning.value_code != "non_classee"
    )
    sparse = {str(code) for code, level in inputs.density.items() if str(level) in RURAL_DENSITIES}
    return sparse | set(connection.execute(query).scalars())


def _near_station(
    connection: Connection, limit_min: float, study: Study, frame: pd.DataFrame, inputs: Inputs
) -> Booleans:
    figures = read_figures(connection, [STATION_FIGURE]).by_level.get(DEMAND_LEVEL)
    if figures is None or STATION_FIGURE not in figures:
        raise UsageError(
            "Les gares ne sont pas dans les données chargées (BPE) : retirez ce filtre ou chargez la base permanente "
            "des équipements."
        )
    with_station = figures.index[figures[STATION_FIGURE] > 0]
    every = inputs.territories[DEMAND_LEVEL]
    stations = every[every.index.isin(with_station) & every["x_m"].notna()].copy()
    stations["density"] = inputs.density.reindex(stations.index)
    near = np.zeros(len(frame), dtype=np.bool_)
    if len(stations) and len(frame):
        travel = travel_in_force(connection, study)
        cost = travel_within(places(frame), places(stations), travel, max_min=limit_min)
        near[np.unique(cost.origin_idx)] = True
    return near
