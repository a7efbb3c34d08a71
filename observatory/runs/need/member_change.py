"""Territories that changed members between two needs, and what one need would be with the members of the other."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

import pandas as pd
from sqlalchemy import Connection

from observatory.declared.study_reading import Study, read_study
from observatory.gap.change import Perimeter
from observatory.runs.access.travel_cost import travel_in_force
from observatory.runs.loaded_inputs import DEMAND_LEVEL, SUMMED_LEVELS, Inputs, read_figures, read_inputs
from observatory.runs.need import small_counts
from observatory.runs.need.need_figures import computed_figures, figure_names, protected_need
from observatory.runs.need.need_rows import VALUE_DECIMALS
from observatory.runs.need.need_run import need_hash
from observatory.runs.need.small_counts import Protected
from observatory.store import read
from observatory.store.kept_membership import KEY, Members, kept_membership

HALF_A_DIGIT: Final = 0.5 * 10.0**-VALUE_DECIMALS

Sets = Mapping[str, frozenset[str]]
"""Territory → communes that it is the sum of."""


def perimeter_of(
    connection: Connection,
    needs: tuple[dict[str, Any], dict[str, Any]],
    values: tuple[pd.DataFrame, pd.DataFrame],
    *,
    level: str,
    study_path: Path | None = None,
) -> Perimeter | None:
    """Return which territories changed members between two needs, and their indicators with the members of the other.

    Parameters
    ----------
    needs
        Stored runs, the earlier first.
    values
        Indicators that they hold at this level, index code; NaN where unknown or hidden.
    study_path
        Study that the figures are worked out again with; None: the observatory's.

    Returns
    -------
    Perimeter or None
        None where territories have no members. Nothing is worked out unless one of the needs is that of the figures
        loaded now (the later one if both are), with this study and this version of the method.

    Notes
    -----
    A territory is left out if secrecy covers one of its indicators or one of the communes that came or went: what the
    two needs already publish apart, nobody learns here.
    """
    if level not in SUMMED_LEVELS:
        return None
    inputs, study = read_inputs(connection), read_study(study_path)
    travel, loaded_now = travel_in_force(connection, study), dict(inputs.checksums)
    is_loaded = [need_hash(study, travel, need["defi"], loaded_now) == need["run_hash"] for need in needs]
    members = [
        _members(connection, need, inputs if loaded else None) for need, loaded in zip(needs, is_loaded, strict=True)
    ]
    before, after = members
    if before is None or after is None:
        return Perimeter(moved=None, indicators=values[1].iloc[:0], is_after=True)
    sets = _sets(before[level]), _sets(after[level])
    moved = pd.Index([code for code in values[1].index if sets[0].get(code) != sets[1].get(code)])
    own = 1 if is_loaded[1] else 0
    if moved.empty or not any(is_loaded):
        return Perimeter(moved=moved, indicators=values[1].iloc[:0], is_after=True)
    other = 1 - own
    swapped = _with_members(inputs, (before, after)[other])
    protected = _worked_out_again(connection, study, str(needs[own]["defi"]), inputs=inputs, swapped=swapped)
    found = protected.table.indicators[level].round(VALUE_DECIMALS)
    summed = _sets(swapped.members[level])
    codes = [one for one in moved if one in found.index and summed.get(one) == sets[other].get(one)]
    found = _without_secrets(found.loc[codes], protected, level)
    hidden = _hidden_communes(connection, str(needs[own]["run_hash"]), protected)
    shown = may_be_told(found, values[other], sets, hidden)
    return Perimeter(moved=moved, indicators=found[shown], is_after=own == 1)


def may_be_told(values: pd.DataFrame, published: pd.DataFrame, sets: tuple[Sets, Sets], hidden: set[str]) -> pd.Series:
    """Return whether the indicators of each territory with other members say nothing of a hidden commune.

    Parameters
    ----------
    values
        Indicators worked out again, index code.
    published
        Those of the need whose members they were given.
    sets
        Members in both needs.
    hidden
        Communes that secrecy covers.

    Returns
    -------
    pandas.Series
        True where no hidden commune came or went, or where ``values`` are published already.
    """
    known = published.reindex(index=values.index, columns=values.columns)
    is_published = ((values - known).abs().lt(HALF_A_DIGIT) | (values.isna() & known.isna())).all(axis="columns")
    nobody: frozenset[str] = frozenset()
    went = [sets[0].get(code, nobody) ^ sets[1].get(code, nobody) for code in values.index]
    return is_published | pd.Series([one.isdisjoint(hidden) for one in went], index=values.index, dtype=bool)


def _members(connection: Connection, need: dict[str, Any], inputs: Inputs | None) -> Members | None:
    """Return the members that a need was summed by: those that it kept, else those of the inputs, if they are its."""
    digest = need["parameters"].get(KEY)
    kept = None if digest is None else kept_membership(connection, str(digest))
    return inputs.members if kept is None and inputs is not None else kept


def _sets(members: Mapping[str, str]) -> Sets:
    frame = pd.Series(members, dtype=object)
    return {str(code): frozenset(rows) for code, rows in frame.index.to_series().groupby(frame)}


def _with_members(inputs: Inputs, members: Members) -> Inputs:
    """Return inputs whose communes belong where ``members`` says; those that it doesn't name stay where they are."""
    parents = dict(inputs.parents)
    for level, own in inputs.members.items():
        parents[DEMAND_LEVEL, level] = pd.Series(
            {code: members[level].get(code, parent) for code, parent in own.items()}, dtype=object
        )
    return replace(inputs, parents=parents)


def _worked_out_again(connection: Connection, study: Study, defi: str, *, inputs: Inputs, swapped: Inputs) -> Protected:
    need = study.need(defi)
    computed, _ = computed_figures(connection, study, need, inputs)  # by commune: no membership in it
    names = figure_names(need)
    return protected_need(need, read_figures(connection, names | small_counts.figure_names(names)), computed, swapped)


def _without_secrets(values: pd.DataFrame, protected: Protected, level: str) -> pd.DataFrame:
    hidden = pd.DataFrame({name: protected.hides(name, level, values.index) for name in values.columns})
    return values[~hidden.any(axis="columns")]


def _hidden_communes(connection: Connection, run_hash: str, protected: Protected) -> set[str]:
    """Return the communes one of whose indicators is covered by secrecy, in the stored need or in the other one."""
    stored = read.need_components(connection, run_hash, DEMAND_LEVEL)
    found = {code for code, one in stored.items() if any(part["status"] == "suppressed" for part in one.values())}
    for figure in protected.figures.values():
        found |= set(figure.mask.index[figure.mask])
    return found
