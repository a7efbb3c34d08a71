"""Entity resolution: records of several sources that are one structure, by rules that never guess, each merge traceable."""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import combinations
from typing import Final

import numpy as np
import pandas as pd
from rapidfuzz import fuzz

from observatory.sources.structures import slug

SAME_PLACE_M: Final = 250.0
"""Points of one establishment geocoded by two producers differ by less (convention de l'observatoire)."""
SAME_NAME: Final = 95.0
"""Similarity of two names (rapidfuzz token_sort_ratio, 0–100) that are the same (convention de l'observatoire)."""
SAME_ADDRESS: Final = 90.0
"""Similarity of two addresses that are the same (convention de l'observatoire)."""
PLACE_ORDER: Final = {"address": 0, "commune_centre": 1, "town_hall": 2, "unknown": 3}
RULES: Final = ("declared", "same_siret", "same_name_address", "same_name_commune", "unique")
STREETS: Final = {
    "r": "rue",
    "av": "avenue",
    "ave": "avenue",
    "bd": "boulevard",
    "bld": "boulevard",
    "pl": "place",
    "rte": "route",
    "chem": "chemin",
    "che": "chemin",
    "imp": "impasse",
    "all": "allee",
    "crs": "cours",
    "sq": "square",
    "st": "saint",
    "ste": "sainte",
    "mal": "marechal",
    "gal": "general",
}


@dataclass
class _Groups:
    """Union-find over record positions, with the rule of each link."""

    parent: list[int]
    rule: dict[int, str] = field(default_factory=dict)

    def root(self, position: int) -> int:
        while self.parent[position] != position:
            position = self.parent[position]
        return position

    def join(self, first: int, second: int, rule: str) -> None:
        low, high = sorted((self.root(first), self.root(second)))
        if low != high:
            self.parent[high] = low
        for position in (first, second):
            known = self.rule.get(position, "unique")
            self.rule[position] = min(known, rule, key=RULES.index)


def resolve(records: pd.DataFrame, *, declared: list[tuple[str, str]]) -> pd.DataFrame:
    """Name the structure that each record belongs to.

    Rules, from the surest: a pair declared in ``services.toml``; the same SIRET at the same place (or where only one of
    the two has a place); the same name at the same address of the same commune; the same name in the same commune
    where neither has an address. The same SIRET at two places is two structures.

    Parameters
    ----------
    records
        Located records (:func:`observatory.sources.places.locate`).
    declared
        Pairs of ``source_id:record_id``.

    Returns
    -------
    pandas.DataFrame
        ``records`` with ``structure_id`` (the lead record's ``source_id:record_id``), ``rule`` and ``is_lead``. The
        lead is the record with the best place, then by source and record.
    """
    rows = records.reset_index(drop=True)
    rows = rows.assign(
        key=rows["source_id"] + ":" + rows["record_id"],
        name_key=rows["name"].map(slug).str.replace("-", " "),
        address_key=rows["address"].map(_address_key),
    )
    groups = _Groups(list(range(len(rows))))
    position_of = {key: position for position, key in enumerate(rows["key"])}
    for first, second in declared:
        if first in position_of and second in position_of:
            groups.join(position_of[first], position_of[second], "declared")
    _join_sirets(rows, groups)
    _join_names(rows, groups)
    root = [groups.root(position) for position in range(len(rows))]
    rule = [groups.rule.get(position, "unique") for position in range(len(rows))]
    rows = rows.assign(root=root, rule=rule, order=rows["place_quality"].map(PLACE_ORDER))
    lead = rows.sort_values(["root", "order", "source_id", "record_id"]).groupby("root").head(1)
    structure_id = rows["root"].map(lead.set_index("root")["key"])
    return rows.assign(structure_id=structure_id, is_lead=rows["key"].eq(structure_id)).drop(
        columns=["root", "order", "name_key", "address_key"]
    )


def _join_sirets(rows: pd.DataFrame, groups: _Groups) -> None:
    known = rows[rows["siret"].notna()]
    for _, same in known.groupby("siret"):
        if len(same) < 2:  # noqa: PLR2004
            continue
        placed = [int(position) for position in same.index[same["place_quality"].ne("unknown")]]
        for first, second in combinations(placed, 2):
            if _is_same_place(rows, first, second):
                groups.join(first, second, "same_siret")
        sites = {groups.root(position) for position in placed}
        for lost in same.index[same["place_quality"].eq("unknown")]:
            if len(sites) == 1:
                groups.join(placed[0], int(lost), "same_siret")


def _join_names(rows: pd.DataFrame, groups: _Groups) -> None:
    for _, near in rows[rows["commune_code"].notna()].groupby("commune_code"):
        for first, second in combinations([int(position) for position in near.index], 2):
            if _conflicting(rows.at[first, "siret"], rows.at[second, "siret"]):
                continue
            if fuzz.token_sort_ratio(rows.at[first, "name_key"], rows.at[second, "name_key"]) < SAME_NAME:
                continue
            addresses = rows.at[first, "address_key"], rows.at[second, "address_key"]
            if all(addresses) and fuzz.token_sort_ratio(*addresses) >= SAME_ADDRESS:
                groups.join(first, second, "same_name_address")
            elif not any(addresses):
                groups.join(first, second, "same_name_commune")


def _is_same_place(rows: pd.DataFrame, first: int, second: int) -> bool:
    if rows.at[first, "commune_code"] != rows.at[second, "commune_code"]:
        return False
    addresses = rows.at[first, "address_key"], rows.at[second, "address_key"]
    if all(addresses) and fuzz.token_sort_ratio(*addresses) >= SAME_ADDRESS:
        return True
    exact = rows.loc[[first, second], "place_quality"].eq("address").all()
    apart_m = np.hypot(
        rows.at[first, "point_x_m"] - rows.at[second, "point_x_m"],
        rows.at[first, "point_y_m"] - rows.at[second, "point_y_m"],
    )
    return bool(exact and apart_m <= SAME_PLACE_M)


def _conflicting(first: object, second: object) -> bool:
    """Two known and different SIRET are two establishments, whatever their names."""
    return isinstance(first, str) and isinstance(second, str) and first != second


def _address_key(address: object) -> str:
    if not isinstance(address, str):
        return ""
    return " ".join(STREETS.get(word, word) for word in slug(address).split("-"))
