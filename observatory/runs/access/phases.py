"""Who accompanies a phase of a project, and where: places of the directory, zones of intervention, what is unknown."""

from __future__ import annotations

from typing import Final

import pandas as pd
from sqlalchemy import Connection

from observatory.errors import UsageError
from observatory.store.read import directory_rows
from observatory.words.labels import PHASES

DOUBTFUL: Final = "doubtful"
"""Confidence of what is shown, and counted only in what might be."""


def phase_places(connection: Connection, phase: str) -> tuple[pd.DataFrame, list[str]]:
    """Return the places where a phase is accompanied, and a sentence for each reason to leave a structure out.

    Returns
    -------
    tuple
        One row per place, index ``structure_id`` (a structure may have several): ``name, commune_code, x_m, y_m,
        density_level, source_id, zone_level, zone_code`` (the first zone). A permanence in a commune is within reach
        of it by its very place.

    Raises
    ------
    UsageError
        If no placed and active structure with a known zone is known to accompany the phase: access to it is unknown,
        not nil.
    """
    structures = directory_rows.directory_structures(connection)
    zones = directory_rows.directory_zones(connection).drop_duplicates("structure_id").set_index("structure_id")
    places = directory_rows.directory_places(connection)
    named = places.merge(
        structures[["name", "source_id"]].add_prefix("body_"), left_on="structure_id", right_index=True
    )
    named = named.assign(name=named["body_name"], source_id=named["body_source_id"])
    named = named[named["is_active"].astype(bool) & named["phases"].map(lambda one: phase in (one or ()))]
    named = named[named["confidence"].ne(DOUBTFUL) & named["structure_confidence"].ne(DOUBTFUL)]
    is_placed = named["x_m"].notna()
    is_zoned = named["structure_id"].isin(zones.index)
    found = named[is_placed & is_zoned].set_index("structure_id")
    found["zone_level"] = zones["level"].reindex(found.index).to_numpy()
    found["zone_code"] = zones["code"].reindex(found.index).to_numpy()
    is_counted = structures["confidence"].ne(DOUBTFUL)
    active = structures[structures["is_active"].astype(bool) & is_counted]
    accompanies = active[active["phases"].map(lambda one: phase in (one or ())).astype(bool)]
    warnings = [
        _sentence(
            "À vérifier, montrées mais pas comptées", structures[structures["is_active"].astype(bool) & ~is_counted]
        ),
        _sentence(
            "Lieu inconnu, non comptées dans l’accès", accompanies[~accompanies.index.isin(places["structure_id"])]
        ),
        _sentence("Zone d’intervention inconnue, non comptées", accompanies[~accompanies.index.isin(zones.index)]),
        _sentence("Phases inconnues, non comptées", active[active["phases"].map(lambda one: not one).astype(bool)]),
    ]
    if found.empty:
        raise UsageError(
            f"L’accès à l’accompagnement de la phase « {PHASES[phase]} » est inconnu, et non pas nul : aucune "
            "structure de l’annuaire n’est connue pour elle avec un lieu et une zone. Complétez l’annuaire."
        )
    return found, [one for one in warnings if one]


def _sentence(reason: str, structures: pd.DataFrame) -> str:
    if structures.empty:
        return ""
    return f"{reason} : {len(structures)} ({', '.join(structures['name'])})."
