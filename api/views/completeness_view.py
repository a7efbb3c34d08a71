"""What is known against what is expected, as the pages show it."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection

from observatory.declared.region import home_region
from observatory.publish import known_of_expected
from observatory.store import read


def of_territory(connection: Connection, territory: dict[str, Any]) -> dict[str, known_of_expected.Completeness]:
    """Return the completeness of a territory of Normandy made of whole communes; nothing for the others."""
    level, code = territory["level"], territory["code"]
    if territory["is_border"] or level not in {"commune", "epci", "departement", "region"}:
        return {}
    layers = known_of_expected.held(connection, level, code).get(code, {})
    return {**layers, **known_of_expected.completeness(connection, level, code)[code]}


def of_region(connection: Connection, service: str) -> dict[str, Any]:
    """Return what is known against what is expected: every layer in the region, those published below, one by EPCI."""
    region = known_of_expected.completeness(connection, *("region", home_region().code))[home_region().code]
    layer = service if service in region else next(iter(region))
    by_code = known_of_expected.completeness(connection, "epci")
    places = [{**row, "known": by_code[row["code"]][layer]} for row in read.territories(connection, "epci")]
    by_departement = [row for row in known_of_expected.everywhere(connection, "departement") if row["expected_count"]]
    wide = known_of_expected.held(connection, *("region", home_region().code))[home_region().code]
    short = [row for row in known_of_expected.everywhere(connection, "epci") if (row["share"] or 1.0) != 1.0]
    return {
        "region_completeness": region,
        "layer": layer,
        "layer_places": places,
        "region_held": wide,
        "held_labels": known_of_expected.layer_labels(),
        "percent_of": known_of_expected.percent_of,
        "by_departement": by_departement,
        "epci_short": short,
    }
