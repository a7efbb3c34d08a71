"""Choices by rising value, no two alike: the space is split around each one found (Lawler 1972)."""

from __future__ import annotations

import heapq
import itertools
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

T = TypeVar("T")


@dataclass(frozen=True)
class Ranked(Generic[T]):
    """One choice, and the least bound of all that was not yet given."""

    choice: T
    least_bound: float


def by_value(
    best_of: Callable[[tuple[int, ...], tuple[int, ...]], T | None],
    *,
    chosen: Callable[[T], Sequence[int]],
    key: Callable[[T], Any],
    bound: Callable[[T], float],
) -> Iterator[Ranked[T]]:
    """Yield choices by rising key; nothing more is searched once the caller stops asking.

    Parameters
    ----------
    best_of
        The best choice that holds some positions (first argument) and leaves others out (second), None if none does.
    chosen
        Positions that a choice holds, in the order in which the space is split around them.
    key
        What choices are ordered by; must be comparable.
    bound
        Proved lower bound of a choice's part of the space.

    Notes
    -----
    Around a choice ``{s1, …, sp}`` the rest is split in ``p`` parts: ``s1 … s(t-1)`` held and ``st`` left out. What
    holds all of ``{s1, …, sp}`` and more is not looked at.
    """
    order = itertools.count()
    heap: list[tuple[Any, int, T, tuple[int, ...], tuple[int, ...]]] = []

    def push(held: tuple[int, ...], left_out: tuple[int, ...]) -> None:
        best = best_of(held, left_out)
        if best is not None:
            heapq.heappush(heap, (key(best), next(order), best, held, left_out))

    push((), ())
    while heap:
        _, _, best, held, left_out = heapq.heappop(heap)
        yield Ranked(best, min([bound(best), *(bound(entry[2]) for entry in heap)]))
        for site in chosen(best):
            if site not in held:
                push(held, (*left_out, site))
                held = (*held, site)
