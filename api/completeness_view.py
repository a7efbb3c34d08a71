"""What is known against what is expected, as the pages show it."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection

from observatory.publish import completeness
from observatory.store import read


def of_territory(connection: Connection, territory: dict[str, Any]) -> dict[str, completeness.Completeness]:
    """Return the completeness of a territory of Normandy made of whole communes; nothing for the others."""
    level, code = territory["level"], territory["code"]
    if territory["is_border"] or level not in {"commune", "epci", "departement", "region"}:
        return {}
    layers = completeness.held(connection, level, code).get(code, {})
    return {**layers, **completeness.completeness(connection, level, code)[code]}


def of_region(connection: Connection, service: str) -> dict[str, Any]:
    """Return what is known against what is expected: every layer in the region, those published below, one by EPCI."""
    region = completeness.completeness(connection, *completeness.REGION)[completeness.REGION[1]]
    layer = service if service in region else next(iter(region))
    by_code = completeness.completeness(connection, "epci")
    places = [{**row, "known": by_code[row["code"]][layer]} for row in read.territories(connection, "epci")]
    by_departement = [row for row in completeness.everywhere(connection, "departement") if row["expected_count"]]
    wide = completeness.held(connection, *completeness.REGION)[completeness.REGION[1]]
    short = [row for row in completeness.everywhere(connection, "epci") if (row["share"] or 1.0) != 1.0]
    return {
        "region_completeness": region,
        "layer": layer,
        "layer_places": places,
        "region_held": wide,
        "held_labels": completeness.layer_labels(),
        "percent_of": completeness.percent_of,
        "by_departement": by_departement,
        "epci_short": short,
    }
