"""Entity resolution: records of several sources that are one structure, by rules that never guess, all traceable."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import combinations
from typing import Final

import numpy as np
import pandas as pd

from observatory.declared.services import offer
from observatory.sources.structures import likeness

SAME_PLACE_M: Final = 250.0
"""Points of one establishment geocoded by two producers differ by less (convention de l'observatoire)."""
SAME_NAME: Final = 95.0
"""Similarity of two names that are the same, where neither record has an address (convention de l'observatoire)."""
SAME_ADDRESS: Final = 90.0
"""Similarity of two addresses that are the same (convention de l'observatoire)."""
SAME_STREET: Final = 75.0
"""Under this similarity two addresses are two places, even near each other (convention de l'observatoire)."""
SIREN_DIGITS: Final = 9
PLACE_ORDER: Final = {"address": 0, "commune_centre": 1, "town_hall": 2, "unknown": 3}
RULES: Final = (
    "declared",
    "same_siret",
    "same_siren_commune",
    "same_name_address",
    "same_name_commune",
    "unique",
)
"""From the surest: what a record was joined to its structure by."""
OWN_SIRET: Final = ("declared", "same_siren_commune")
"""Rules that may join two different SIRET."""


@dataclass(frozen=True)
class _Record:
    """What two records are compared on."""

    key: str
    source_id: str
    siret: str | None
    address: str
    commune_code: str | None
    place_quality: str
    x_m: float
    y_m: float
    likened: likeness.Likened


@dataclass(frozen=True)
class _Match:
    """Two records that a rule finds to be one."""

    first: int
    second: int
    rule: str
    score: float
    """Likeness of name and address, 0–100; NaN where the rule looks at neither."""


class _Groups:
    """Union-find over records: no forbidden pair and, but for two rules, no two SIRET in a group."""

    def __init__(self, records: list[_Record], forbidden: Iterable[tuple[int, int]]) -> None:
        self._parent = list(range(len(records)))
        self._members: dict[int, list[int]] = {}
        self._sirets = [record.siret for record in records]
        self._forbidden: dict[int, set[int]] = {}
        self.rule: dict[int, str] = {}
        self.score: dict[int, float] = {}
        for first, second in forbidden:
            self._forbidden.setdefault(first, set()).add(second)
            self._forbidden.setdefault(second, set()).add(first)

    def root(self, position: int) -> int:
        while self._parent[position] != position:
            position = self._parent[position]
        return position

    def join(self, match: _Match) -> None:
        """Unite the groups of two records, unless what is known of one of their members says no."""
        low, high = sorted((self.root(match.first), self.root(match.second)))
        if low != high:
            left, right = self._members.get(low, [low]), self._members.get(high, [high])
            if not self._may_join(left, right, match.rule):
                return
            self._parent[high] = low
            self._members[low] = [*left, *right]
        for position in (match.first, match.second):
            known = self.rule.get(position, "unique")
            if RULES.index(match.rule) < RULES.index(known):
                self.rule[position] = match.rule
                self.score[position] = match.score

    def _may_join(self, left: list[int], right: list[int], rule: str) -> bool:
        if rule == "declared":
            return True
        others = set(right)
        if any(self._forbidden.get(member, set()) & others for member in left):
            return False
        sirets = {self._sirets[member] for member in (*left, *right)} - {None}
        return rule in OWN_SIRET or len(sirets) <= 1


def threshold() -> float:
    """Return the least likeness of one structure's two records, as ``geodata/services.toml`` declares it (0–100)."""
    return offer().resolution.threshold


def resolve(
    records: pd.DataFrame, *, declared: Iterable[tuple[str, str]], forbidden: Iterable[tuple[str, str]] = ()
) -> pd.DataFrame:
    """Name the structure that each record belongs to.

    Rules, from the surest: a pair declared to be one; the same SIRET at the same place (or where only one of the two
    has a place); the same SIREN in the same commune at the same place, where each source names it once; a likeness of
    name and address over the threshold in the same commune, unless both have their own SIRET; the same name in the
    same commune where neither has an address. The same SIRET at two places is two structures.

    Parameters
    ----------
    records
        Located records (:func:`observatory.sources.structures.places.locate`): ``source_id, record_id, siret, name,
        address, city, commune_code, place_quality, point_x_m, point_y_m``.
    declared
        Pairs of ``source_id:record_id`` that are one structure.
    forbidden
        Pairs that are never in the same structure.

    Returns
    -------
    pandas.DataFrame
        ``records`` with ``structure_id`` (the lead record's ``source_id:record_id``), ``rule``, ``score`` (likeness
        that joined the record, 0–100; NaN where the rule needs none) and ``is_lead``. The lead is the record with the
        best place, then by source and record. The same records in another order give the same structures.
    """
    rows = records.sort_values(["source_id", "record_id"], ignore_index=True)
    compared = _compared(rows)
    position_of = {record.key: position for position, record in enumerate(compared)}
    groups = _Groups(compared, _positions(forbidden, position_of))
    for first, second in _positions(declared, position_of):
        groups.join(_Match(first, second, "declared", math.nan))
    for rule in (_same_siret, _same_siren, _same_name):
        for match in rule(compared):
            groups.join(match)
    _join_unplaced(compared, groups)
    return _told(rows, compared, groups)


def doubtful(records: pd.DataFrame, *, least: float) -> pd.DataFrame:
    """Return the pairs that are nearly alike enough to be one structure, for somebody to judge.

    Parameters
    ----------
    records
        Resolved records (:func:`resolve`).
    least
        Least likeness, 0–100; pairs at the threshold or over are merged already.

    Returns
    -------
    pandas.DataFrame
        ``first, second`` (``source_id:record_id``) and ``score``, from the most alike.
    """
    compared = _compared(records)
    structure = records["structure_id"].to_numpy()
    pairs = [
        (compared[one].key, compared[other].key, score)
        for one, other, score in _alike(compared, least)
        if structure[one] != structure[other]
    ]
    frame = pd.DataFrame(pairs, columns=["first", "second", "score"])
    return frame.sort_values(["score", "first", "second"], ascending=[False, True, True], ignore_index=True)


def _positions(pairs: Iterable[tuple[str, str]], position_of: dict[str, int]) -> list[tuple[int, int]]:
    return [
        (position_of[first], position_of[second])
        for first, second in pairs
        if first in position_of and second in position_of
    ]


def _told(rows: pd.DataFrame, compared: list[_Record], groups: _Groups) -> pd.DataFrame:
    """Write each record's structure, what joined it, and who leads."""
    positions = range(len(compared))
    told = rows.assign(
        key=[record.key for record in compared],
        rule=[groups.rule.get(position, "unique") for position in positions],
        score=[groups.score.get(position, math.nan) for position in positions],
        root=[groups.root(position) for position in positions],
        order=rows["place_quality"].map(PLACE_ORDER),
    )
    lead = told.sort_values(["root", "order", "source_id", "record_id"]).groupby("root").head(1)
    structure_id = told["root"].map(lead.set_index("root")["key"])
    told = told.assign(structure_id=structure_id, is_lead=told["key"].eq(structure_id))
    return told.drop(columns=["root", "order", "key"])


def _compared(rows: pd.DataFrame) -> list[_Record]:
    columns = ("source_id", "record_id", "siret", "name", "address", "city", "commune_code", "place_quality")
    absent = {name: None for name in columns if name not in rows}
    whole = rows.assign(**absent)
    return [
        _Record(
            key=f"{source_id}:{record_id}",
            source_id=str(source_id),
            siret=siret if isinstance(siret, str) else None,
            address=likeness.address_key(address),
            commune_code=commune_code if isinstance(commune_code, str) else None,
            place_quality=str(place_quality),
            x_m=float(x_m),
            y_m=float(y_m),
            likened=likeness.likened(name, address, city),
        )
        for source_id, record_id, siret, name, address, city, commune_code, place_quality, x_m, y_m in zip(
            *(whole[name] for name in columns), whole["point_x_m"], whole["point_y_m"], strict=True
        )
    ]


def _same_siret(records: list[_Record]) -> Iterator[_Match]:
    """Find what bears one SIRET at one place."""
    for same in _by(records, lambda record: record.siret):
        placed = [position for position in same if records[position].place_quality != "unknown"]
        for first, second in combinations(placed, 2):
            if _is_same_place(records[first], records[second]):
                yield _Match(first, second, "same_siret", math.nan)


def _join_unplaced(records: list[_Record], groups: _Groups) -> None:
    """Join a record without a place to the others of its SIRET, only where that SIRET has a single site."""
    for same in _by(records, lambda record: record.siret):
        placed = [position for position in same if records[position].place_quality != "unknown"]
        if len({groups.root(position) for position in placed}) == 1:
            for lost in sorted(set(same) - set(placed)):
                groups.join(_Match(placed[0], lost, "same_siret", math.nan))


def _same_siren(records: list[_Record]) -> Iterator[_Match]:
    """Find the establishments of one SIREN that two sources name in a commune, each once: a SIRET changes on a move."""
    for same in _by(records, _siren_in_commune):
        sources = [records[position].source_id for position in same]
        for first, second in combinations(same, 2):
            one, other = records[first], records[second]
            is_single = sources.count(one.source_id) == sources.count(other.source_id) == 1
            if is_single and one.siret != other.siret and _is_same_place(one, other):
                yield _Match(first, second, "same_siren_commune", math.nan)


def _same_name(records: list[_Record]) -> Iterator[_Match]:
    """Find what is alike enough in a commune, the most alike first; two SIRET are two establishments."""
    found = [_Match(one, other, "same_name_address", score) for one, other, score in _alike(records, threshold())]
    found += list(_namesakes(records))
    yield from sorted(found, key=lambda match: (RULES.index(match.rule), -match.score, match.first, match.second))


def _alike(records: list[_Record], least: float) -> Iterator[tuple[int, int, float]]:
    """Pairs of a commune, one at least without SIRET, whose likeness of name and address is ``least`` or more."""
    for near, without in _communes(records, lambda record: bool(record.address)):
        block = [records[position].likened for position in near]
        scores = likeness.scores(block, without)
        yield from _over(scores, near, without, least)


def _namesakes(records: list[_Record]) -> Iterator[_Match]:
    """Find the same name in the same commune, where neither has an address."""
    for near, without in _communes(records, lambda record: not record.address):
        scores = likeness.name_scores([records[position].likened for position in near], without)
        for one, other, score in _over(scores, near, without, SAME_NAME):
            yield _Match(one, other, "same_name_commune", score)


def _communes(records: list[_Record], keep: Callable[[_Record], bool]) -> Iterator[tuple[list[int], list[int]]]:
    """Return by commune the positions of its records, and which of them (by rank) have no SIRET to go by."""
    for near in _by(records, lambda record: record.commune_code if keep(record) else None):
        without = [rank for rank, position in enumerate(near) if records[position].siret is None]
        if without:
            yield near, without


def _over(scores: np.ndarray, near: list[int], without: list[int], least: float) -> Iterator[tuple[int, int, float]]:
    """Pairs of positions whose score is ``least`` or more, each once."""
    seen = set()
    for row, column in np.argwhere(scores >= least):
        pair = tuple(sorted((near[without[row]], near[column])))
        if pair[0] != pair[1] and pair not in seen:
            seen.add(pair)
            yield pair[0], pair[1], float(scores[row, column])


def _siren_in_commune(record: _Record) -> str | None:
    if record.siret is None or record.commune_code is None:
        return None
    return f"{record.siret[:SIREN_DIGITS]} {record.commune_code}"


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
    has_both = bool(one.address and other.address)
    alike = likeness.address_score(one.address, other.address) if has_both else SAME_STREET
    if alike >= SAME_ADDRESS:
        return True
    is_exact = one.place_quality == other.place_quality == "address"
    apart_m = math.hypot(one.x_m - other.x_m, one.y_m - other.y_m)
    return is_exact and alike >= SAME_STREET and apart_m <= SAME_PLACE_M
