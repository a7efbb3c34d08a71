"""A siting question as arrays: poles that open several services at once, for persons of several défis."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from observatory.declared.siting_study import Objective
from observatory.siting.solvers.solution import Booleans, Floats, Solution


@dataclass(frozen=True, eq=False)
class Limits:
    """What a proposal must respect besides its number of poles; columns are those of the model."""

    required: tuple[int, ...] = ()
    incompatible: tuple[tuple[int, int], ...] = ()
    site_cost: Floats | None = None
    """Cost of opening each column, existing structures 0, ``(n_columns,)``."""
    closing_cost: Floats | None = None
    """For each existing structure, what closing it costs less what that saves; nan: it may not be closed."""
    budget: float | None = None

    @property
    def is_none(self) -> bool:
        """Whether nothing is asked for."""
        return not (self.required or self.incompatible) and self.budget is None and self.closing_cost is None


@dataclass(frozen=True, eq=False)
class SitingModel:
    """Everything that a proposal depends on.

    Columns are sites: existing structures first, then candidates. A *row* is a unit × a service, services in turn.
    """

    population_count: NDArray[np.int64]
    """Inhabitants, ``(n_units,)``."""
    concerned_count: Mapping[str, NDArray[np.int64] | Floats]
    """Persons concerned by each défi, ``(n_units,)``: whole today, not where they are projected."""
    weights: Mapping[str, float]
    """Weight of a person concerned by each défi."""
    is_counted: Booleans
    """Whether a unit weighs in the choice; the others are neighbours, ``(n_units,)``."""
    existing_min: Floats
    """Minutes to each existing structure, infinite where it doesn't serve, ``(n_units, n_existing)``."""
    offers: Booleans
    """Whether each existing structure offers each service, ``(n_existing, n_services)``."""
    is_kept: Booleans
    """Whether each existing structure stays open, ``(n_existing,)``."""
    candidate_min: Floats
    """Minutes to each candidate, ``(n_units, n_candidates)``."""
    services: tuple[str, ...]
    poles: int
    objective: Objective
    threshold_min: float
    limits: Limits = Limits()
    capacity: float | None = None
    """Weighted persons that each new pole can take; existing structures are supposed to have no limit."""
    unit_names: tuple[str, ...] = ()
    no_candidate: str = ""
    """French sentence that says why there is no candidate, where there is none."""

    @property
    def n_existing(self) -> int:
        """Number of existing structures."""
        return int(self.existing_min.shape[1])

    @property
    def weight(self) -> Floats:
        """Weight of each unit in the objective: its persons concerned, weighted, 0 for neighbours."""
        total = np.zeros(self.population_count.size)
        for defi, weight in self.weights.items():
            total = total + weight * self.concerned_count[defi]
        return np.where(self.is_counted, total, 0.0)

    @property
    def kept(self) -> tuple[int, ...]:
        """Columns of the structures that stay open, or may."""
        return tuple(int(one) for one in np.flatnonzero(self.is_kept))

    def minutes(self, service: int) -> Floats:
        """Return the minutes from each unit to each site that offers a service, ``(n_units, n_sites)``."""
        existing = np.where(self.offers[:, service], self.existing_min, np.inf)
        return np.hstack([existing, self.candidate_min])

    def nearest_min(self, sites: Iterable[int]) -> list[Floats]:
        """Return, for each service, the minutes from each unit to its nearest open site."""
        columns = list(sites)
        return [self.minutes(service)[:, columns].min(axis=1, initial=np.inf) for service in range(len(self.services))]

    def value(self, sites: Iterable[int]) -> float:
        """Return the objective of a set of open sites (without regard to capacity).

        Weighted persons within the threshold; person-minutes; the minutes of the farthest; or the number of new sites,
        infinite where someone stays beyond the threshold.
        """
        columns, weight = list(sites), self.weight
        useful = weight > 0
        nearest = [least[useful] for least in self.nearest_min(columns)]
        weight = weight[useful]
        if self.objective == "mclp":
            return float(sum(weight[least <= self.threshold_min].sum() for least in nearest))
        if self.objective == "p_median":
            return float(sum((weight * least).sum() for least in nearest))
        farthest = max((float(least.max(initial=0.0)) for least in nearest), default=0.0)
        if self.objective == "p_center":
            return farthest
        count = float(sum(site >= self.n_existing for site in columns))
        return count if farthest <= self.threshold_min else np.inf

    def without(self, structure: int) -> SitingModel:
        """Return the model where an existing structure has closed."""
        return replace(self, is_kept=self.is_kept & (np.arange(self.n_existing) != structure))


def new_sites(model: SitingModel, solution: Solution) -> tuple[int, ...]:
    """Return the columns of the new poles of a proposal, ascending."""
    return tuple(sorted(site for site in solution.sites if site >= model.n_existing))
