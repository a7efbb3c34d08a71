"""Whoever has all that is published, and a linear programme: the least and the most that each hidden count can be."""

from __future__ import annotations

from collections.abc import Mapping

import highspy
import numpy as np
import pandas as pd


class Attacker:
    """Unknown counts with their bounds, and linear relations between them."""

    def __init__(self) -> None:
        self._names: list[str] = []
        self._bounds: list[tuple[float, float]] = []
        self._rows: list[tuple[dict[int, float], float, float]] = []

    def unknown(self, name: str, low: float, high: float) -> None:
        """Add a count of which only bounds are known."""
        self._names.append(name)
        self._bounds.append((low, high))

    def relation(self, terms: Mapping[str, float], low: float, high: float) -> None:
        """Add ``low ≤ Σ coefficient × count ≤ high`` over unknown counts."""
        position = {name: rank for rank, name in enumerate(self._names)}
        self._rows.append(({position[name]: value for name, value in terms.items()}, low, high))

    def intervals(self, names: list[str]) -> pd.DataFrame:
        """Return ``low`` and ``high`` of some counts; fails if what is published contradicts itself."""
        solver = highspy.Highs()
        solver.setOptionValue("output_flag", "false")
        for low, high in self._bounds:
            solver.addVar(low, high)
        for terms, low, high in self._rows:
            columns = np.array(list(terms), dtype=np.int32)
            solver.addRow(low, high, len(columns), columns, np.array(list(terms.values()), dtype=float))
        found = {}
        for name in names:
            rank = self._names.index(name)
            ends = []
            for sign in (1.0, -1.0):
                solver.changeColCost(rank, sign)
                solver.run()
                assert solver.getModelStatus() == highspy.HighsModelStatus.kOptimal
                ends.append(sign * solver.getInfo().objective_function_value)
            solver.changeColCost(rank, 0.0)
            found[name] = tuple(ends)
        return pd.DataFrame.from_dict(found, orient="index", columns=["low", "high"])
