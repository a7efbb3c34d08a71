"""Entity resolution: records of several sources that are one structure, by rules that never guess, all traceable."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import combinations
from typing import Final

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
SAME_STREET: Final = 75.0
"""Under this similarity two addresses are two places, even near each other (convention de l'observatoire)."""
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


@dataclass(frozen=True)
class _Record:
    """What two records are compared on."""

    key: str
    siret: str | None
    name: str
    address: str
    commune_code: str | None
    place_quality: str
    x_m: float
    y_m: float


@dataclass
class _Groups:
    """Union-find over record positions, with the surest rule that touched each."""

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
    compared = _compared(rows)
    groups = _Groups(list(range(len(compared))))
    position_of = {record.key: position for position, record in enumerate(compared)}
    for first, second in declared:
        if first in position_of and second in position_of:
            groups.join(position_of[first], position_of[second], "declared")
    _join_sirets(compared, groups)
    _join_names(compared, groups)
    positions = range(len(compared))
    rows = rows.assign(
        key=[record.key for record in compared],
        rule=[groups.rule.get(position, "unique") for position in positions],
        root=[groups.root(position) for position in positions],
        order=rows["place_quality"].map(PLACE_ORDER),
    )
    lead = rows.sort_values(["root", "order", "source_id", "record_id"]).groupby("root").head(1)
    structure_id = rows["root"].map(lead.set_index("root")["key"])
    rows = rows.assign(structure_id=structure_id, is_lead=rows["key"].eq(structure_id))
    return rows.drop(columns=["root", "order", "key"])


def _compared(rows: pd.DataFrame) -> list[_Record]:
    return [
        _Record(
            key=f"{source_id}:{record_id}",
            siret=siret if isinstance(siret, str) else None,
            name=slug(name).replace("-", " "),
            address=_address_key(address),
            commune_code=commune_code if isinstance(commune_code, str) else None,
            place_quality=str(place_quality),
            x_m=float(x_m),
            y_m=float(y_m),
        )
        for source_id, record_id, siret, name, address, commune_code, place_quality, x_m, y_m in zip(
            rows["source_id"],
            rows["record_id"],
            rows["siret"],
            rows["name"],
            rows["address"],
            rows["commune_code"],
            rows["place_quality"],
            rows["point_x_m"],
            rows["point_y_m"],
            strict=True,
        )
    ]


def _join_sirets(records: list[_Record], groups: _Groups) -> None:
    """Join what bears one SIRET; a record without a place joins only where the SIRET has a single site."""
    for same in _by(records, lambda record: record.siret):
        placed = [position for position in same if records[position].place_quality != "unknown"]
        for first, second in combinations(placed, 2):
            if _is_same_place(records[first], records[second]):
                groups.join(first, second, "same_siret")
        if len({groups.root(position) for position in placed}) == 1:
            for lost in set(same) - set(placed):
                groups.join(placed[0], lost, "same_siret")


def _join_names(records: list[_Record], groups: _Groups) -> None:
    """Join namesakes of a commune; two different SIRET are two establishments, whatever their names."""
    for near in _by(records, lambda record: record.commune_code):
        for first, second in combinations(near, 2):
            one, other = records[first], records[second]
            if one.siret and other.siret and one.siret != other.siret:
                continue
            if fuzz.token_sort_ratio(one.name, other.name) < SAME_NAME:
                continue
            if one.address and other.address:
                if fuzz.token_sort_ratio(one.address, other.address) >= SAME_ADDRESS:
                    groups.join(first, second, "same_name_address")
            elif not one.address and not other.address:
                groups.join(first, second, "same_name_commune")


def _by(records: list[_Record], key: Callable[[_Record], str | None]) -> list[list[int]]:
    """Positions of the records that share a key, where several do."""
    groups: dict[str, list[int]] = {}
    for position, record in enumerate(records):
        value = key(record)
        if value is not None:
            groups.setdefault(value, []).append(position)
    return [positions for positions in groups.values() if len(positions) > 1]


def _is_same_place(one: _Record, other: _Record) -> bool:
    if one.commune_code != other.commune_code:
        return False
    likeness = fuzz.token_sort_ratio(one.address, other.address) if one.address and other.address else SAME_STREET
    if likeness >= SAME_ADDRESS:
        return True
    is_exact = one.place_quality == other.place_quality == "address"
    apart_m = math.hypot(one.x_m - other.x_m, one.y_m - other.y_m)
    return is_exact and likeness >= SAME_STREET and apart_m <= SAME_PLACE_M


def _address_key(address: object) -> str:
    return " ".join(STREETS.get(word, word) for word in slug(address).split("-")).strip()
