"""How often the likeness of name and address is right: a labelled sample from the real overlaps, and its measure."""

from __future__ import annotations

import math
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path
from typing import Final

import numpy as np
import pandas as pd

from observatory.sources.structures import likeness
from observatory.sources.structures.resolve import SAME_ADDRESS, SIREN_DIGITS

FILE: Final = Path(__file__).with_name("resolution_sample.csv")
"""Pairs judged one by one: two records of a commune, one of them at least without SIRET, and whether they are one."""
HALVES: Final = 2
Z_95: Final = 1.959963984540054
"""Quantile 0.975 of the normal law."""


@dataclass(frozen=True)
class Measure:
    """What a threshold finds in a labelled sample."""

    threshold: float
    true_positive_count: int
    false_positive_count: int
    false_negative_count: int
    true_negative_count: int

    @property
    def precision(self) -> float:
        """Share of the pairs found that are one structure; NaN where none is found."""
        return _share(self.true_positive_count, self.true_positive_count + self.false_positive_count)

    @property
    def recall(self) -> float:
        """Share of the pairs of one structure that are found."""
        return _share(self.true_positive_count, self.true_positive_count + self.false_negative_count)

    @property
    def precision_interval(self) -> tuple[float, float]:
        """95 % interval of the precision (:func:`wilson`)."""
        return wilson(self.true_positive_count, self.true_positive_count + self.false_positive_count)

    @property
    def recall_interval(self) -> tuple[float, float]:
        """95 % interval of the recall (:func:`wilson`)."""
        return wilson(self.true_positive_count, self.true_positive_count + self.false_negative_count)


def sample(records: pd.DataFrame, judged: Path = FILE) -> pd.DataFrame:
    """Return the labelled pairs, with their likeness: the SIRET tells the label, and never the likeness.

    Two records of a commune, both with an address, are one where they bear the same SIRET at the same address, and are
    two where their SIREN differ; where one has no SIRET, the pair is labelled if somebody judged it.

    Parameters
    ----------
    records
        Every record: ``source_id, record_id, siret, name, address, city, commune_code``.
    judged
        CSV of the pairs judged one by one: ``first, second, is_same`` (``oui`` or ``non``).

    Returns
    -------
    pandas.DataFrame
        ``first, second`` (``source_id:record_id``), ``is_same``, ``score`` (0–100) and ``half`` (0 or 1, from the
        checksum of the pair), sorted.
    """
    verdicts = pd.read_csv(judged, dtype=str)
    said = {
        (first, second): is_same == "oui"
        for first, second, is_same in zip(verdicts["first"], verdicts["second"], verdicts["is_same"], strict=True)
    }
    rows: list[tuple[str, str, bool, float]] = []
    placed = records[records["commune_code"].notna() & records["address"].notna()]
    for _, commune in placed.sort_values(["source_id", "record_id"]).groupby("commune_code"):
        rows += _pairs(commune, said)
    frame = pd.DataFrame(rows, columns=["first", "second", "is_same", "score"])
    half = [
        zlib.crc32(f"{one} {other}".encode()) % HALVES
        for one, other in zip(frame["first"], frame["second"], strict=True)
    ]
    return frame.assign(half=half).sort_values(["first", "second"], ignore_index=True)


def measure(pairs: pd.DataFrame, threshold: float) -> Measure:
    """Count what a threshold finds in labelled pairs (``is_same, score``)."""
    found, same = pairs["score"].ge(threshold), pairs["is_same"]
    return Measure(
        threshold=threshold,
        true_positive_count=int((found & same).sum()),
        false_positive_count=int((found & ~same).sum()),
        false_negative_count=int((~found & same).sum()),
        true_negative_count=int((~found & ~same).sum()),
    )


def chosen_threshold(pairs: pd.DataFrame, *, precision: float, candidates: Sequence[float]) -> float:
    """Return the lowest candidate from which every threshold is at least as precise as asked.

    Raises
    ------
    ValueError
        If no candidate is.
    """
    best = None
    for threshold in sorted(candidates, reverse=True):
        if not measure(pairs, threshold).precision >= precision:
            break
        best = threshold
    if best is None:
        raise ValueError("no threshold is as precise as asked")
    return best


def wilson(success_count: int, count: int) -> tuple[float, float]:
    """Return the 95 % score interval of a share (Wilson, 1927); ``(0, 1)`` where nothing was counted."""
    if count == 0:
        return 0.0, 1.0
    share = success_count / count
    spread = 1 + Z_95**2 / count
    middle = (share + Z_95**2 / (2 * count)) / spread
    half = Z_95 / spread * math.sqrt(share * (1 - share) / count + Z_95**2 / (4 * count**2))
    return max(0.0, middle - half), min(1.0, middle + half)


def _pairs(commune: pd.DataFrame, said: dict[tuple[str, str], bool]) -> list[tuple[str, str, bool, float]]:
    """Return the labelled pairs of one commune."""
    keys = (commune["source_id"] + ":" + commune["record_id"]).tolist()
    sirets = [one if isinstance(one, str) else None for one in commune["siret"]]
    block = [
        likeness.likened(name, address, city)
        for name, address, city in zip(commune["name"], commune["address"], commune["city"], strict=True)
    ]
    scores: np.ndarray | None = None
    rows = []
    for one, other in combinations(range(len(block)), 2):
        pair = (min(keys[one], keys[other]), max(keys[one], keys[other]))
        is_same = _label(sirets[one], sirets[other], block[one].address, block[other].address, said.get(pair))
        if is_same is None:
            continue
        scores = likeness.scores(block, range(len(block))) if scores is None else scores
        rows.append((*pair, is_same, float(scores[one, other])))
    return rows


def _label(
    one: str | None,
    other: str | None,
    address: str,
    other_address: str,
    verdict: bool | None,
) -> bool | None:
    """Say if a pair is one structure; None where nobody knows."""
    if one is None or other is None:
        return verdict
    if one == other:
        return True if likeness.address_score(address, other_address) >= SAME_ADDRESS else None
    return None if one[:SIREN_DIGITS] == other[:SIREN_DIGITS] else False


def _share(part: int, whole: int) -> float:
    return part / whole if whole else math.nan
