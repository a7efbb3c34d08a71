"""Clusters of communes as areas with a name: around which town, in which intercommunalities, how many live there."""

from __future__ import annotations

from typing import Any, Final

import pandas as pd

from observatory.gap.spatial import QUADRANTS, Clusters
from observatory.words.grammar import of

SELF_NAMED: Final = 1
"""Communes of an area that bears the commune's own name."""


def areas(
    clusters: Clusters, *, names: pd.Series, population_count: pd.Series, epci_code: pd.Series, epci_names: pd.Series
) -> list[dict[str, Any]]:
    """Describe the areas that clusters make.

    Parameters
    ----------
    clusters
        Of communes.
    names, population_count, epci_code
        By commune; an EPCI may be missing, a population counts for nobody where it is unknown.
    epci_names
        By EPCI.

    Returns
    -------
    list of dict
        By quadrant, then from the most inhabitants: ``kind`` (`QUADRANTS`), ``name`` (« Autour de … », the most
        populated commune; its own name where it is alone), ``epci`` (names, from the most inhabitants of the area),
        ``commune_count``, ``population_count``, ``communes`` (codes).
    """
    inside = clusters.units[clusters.units["cluster"] > 0]
    persons = {str(code): 0 if pd.isna(count) else int(count) for code, count in population_count.items()}
    town, parent, labels = names.to_dict(), epci_code.to_dict(), epci_names.to_dict()
    members: dict[tuple[int, int], list[str]] = {}
    for code, quadrant, cluster in zip(inside.index, inside["quadrant"], inside["cluster"], strict=True):
        members.setdefault((int(quadrant), int(cluster)), []).append(str(code))
    found: list[dict[str, Any]] = []
    for (quadrant, _), codes in members.items():
        largest = min(codes, key=lambda code: (-persons.get(code, 0), code))
        held: dict[str, int] = {}
        for code in codes:
            if parent.get(code) in labels:
                held[parent[code]] = held.get(parent[code], 0) + persons.get(code, 0)
        order = sorted(held.items(), key=lambda pair: (-pair[1], pair[0]))
        found.append(
            {
                "kind": QUADRANTS[quadrant],
                "name": town[largest] if len(codes) == SELF_NAMED else f"Autour {of(town[largest])}",
                "epci": [labels[code] for code, _ in order],
                "commune_count": len(codes),
                "population_count": sum(persons.get(code, 0) for code in codes),
                "communes": sorted(codes),
            }
        )
    order_of: dict[str, int] = {kind: number for number, kind in QUADRANTS.items()}
    found.sort(key=lambda one: (order_of[one["kind"]], -one["population_count"], one["communes"][0]))
    return found
