"""The sources of a page, numbered in the order that its figures call them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from markupsafe import Markup


class SourceNotes:
    """Numbers the sources of one page in the order that they are called, for the list that closes it."""

    def __init__(self, sources: Mapping[str, Mapping[str, Any]]) -> None:
        self._sources = sources
        self._numbers: dict[str, int] = {}

    def __call__(self, *source_ids: str | None) -> Markup:
        """Return the superscript calls of the sources of one figure; nothing for a source that isn't catalogued.

        Numbers that follow each other are one call: « 4–12 ».
        """
        known = [source_id for source_id in source_ids if source_id and source_id in self._sources]
        numbers = sorted({self._numbers.setdefault(source_id, len(self._numbers) + 1) for source_id in known})
        names = {number: source_id for source_id, number in self._numbers.items()}
        # The figure and its calls never part at the end of a line.
        calls = Markup("")
        for first, last in _ranges(numbers):
            source = self._sources[names[first]]
            calls += Markup('\u2060<sup class="appel"><a href="#source-{}" title="{}">{}{}</a></sup>').format(
                first,
                f"{source['producer']}, {source['title']}, {source['vintage']}"
                if first == last
                else f"Sources {first} à {last}",
                Markup('<span class="hors-ecran">source </span>'),
                first if first == last else f"{first}–{last}",
            )
        return calls

    def used(self) -> list[tuple[int, Mapping[str, Any]]]:
        """Return the sources called so far, with their numbers."""
        return [(number, self._sources[source_id]) for source_id, number in self._numbers.items()]


def _ranges(numbers: list[int]) -> list[tuple[int, int]]:
    """Return the runs of consecutive numbers as (first, last)."""
    runs: list[tuple[int, int]] = []
    for number in numbers:
        if runs and runs[-1][1] == number - 1:
            runs[-1] = (runs[-1][0], number)
        else:
            runs.append((number, number))
    return runs
