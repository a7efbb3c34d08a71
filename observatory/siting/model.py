"""A siting question as arrays, solved: poles that open several services at once, for persons of several défis."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from observatory.siting.mclp import mclp
from observatory.siting.p_median import p_median
from observatory.siting.solution import Booleans, Floats, Solution, infeasible
from observatory.siting.study import Objective


@dataclass(frozen=True, eq=False)
class SitingModel:
    """Everything that a proposal depends on.

    Columns are sites: existing structures first, then candidates. A *row* is a unit × a service, services in turn.
    """

    population_count: NDArray[np.int64]
    """Inhabitants, ``(n_units,)``."""
    concerned_count: Mapping[str, NDArray[np.int64]]
    """Persons concerned by each défi, ``(n_units,)``."""
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
        """Columns of the structures that stay open."""
        return tuple(int(one) for one in np.flatnonzero(self.is_kept))

    def minutes(self, service: int) -> Floats:
        """Return the minutes from each unit to each site that offers a service, ``(n_units, n_sites)``."""
        existing = np.where(self.offers[:, service], self.existing_min, np.inf)
        return np.hstack([existing, self.candidate_min])

    def value(self, sites: Iterable[int]) -> float:
        """Return the objective of a set of open sites: weighted persons within the threshold, or person-minutes."""
        columns, total, weight = list(sites), 0.0, self.weight
        for service in range(len(self.services)):
            least = self.minutes(service)[:, columns].min(axis=1, initial=np.inf)
            if self.objective == "mclp":
                total += float(weight[least <= self.threshold_min].sum())
            else:
                total += float((weight[weight > 0] * least[weight > 0]).sum())
        return total

    def without(self, structure: int) -> SitingModel:
        """Return the model where an existing structure has closed."""
        return replace(self, is_kept=self.is_kept & (np.arange(self.n_existing) != structure))


def is_better(model: SitingModel, first: float, second: float) -> bool:
    """Tell whether an objective is strictly better than another."""
    return first > second if model.objective == "mclp" else first < second


def solve(
    model: SitingModel,
    *,
    forced: Iterable[int] = (),
    refused: Iterable[int] = (),
    time_limit_s: float = 60.0,
) -> Solution:
    """Open the poles of a model, some candidates forced open and others refused (positions of columns).

    Returns
    -------
    Solution
        ``sites``: the structures kept, then the new poles; a question without an answer says why in ``reason``.
    """
    began = time.perf_counter()
    forced, refused = tuple(forced), set(refused)
    n_rows = model.population_count.size * len(model.services)
    reason = _in_the_way(model)
    if reason is not None:
        return infeasible(n_rows, reason, seed=0, elapsed_s=time.perf_counter() - began)
    stacked = np.vstack([model.minutes(service) for service in range(len(model.services))])
    weight = np.tile(model.weight, len(model.services))
    useful = weight > 0
    allowed = [site for site in range(model.n_existing, stacked.shape[1]) if site not in refused]
    existing = (*model.kept, *forced)
    poles = model.poles - len(forced)
    if model.objective == "mclp":
        return mclp(
            stacked[useful] <= model.threshold_min, weight[useful], poles, existing=existing, allowed=allowed,
            time_limit_s=time_limit_s,
        )  # fmt: skip
    return p_median(
        stacked[useful], weight[useful], poles, existing=existing, allowed=allowed, time_limit_s=time_limit_s
    )


def _in_the_way(model: SitingModel) -> str | None:
    """Return the French sentence that says why a model can't be answered, or None."""
    count = model.candidate_min.shape[1]
    if count == 0:
        return "Aucun site candidat n'est connu sur ce territoire : donnez une liste de candidats."
    if model.poles > count:
        available = "un seul site candidat" if count == 1 else f"{count} sites candidats seulement"
        return (
            f"{model.poles} nouveaux pôles sont demandés pour {available} : demandez moins de "
            "pôles ou élargissez la liste des candidats."
        )
    if not model.weight.sum() > 0:
        return "Personne n'est concerné par ces défis sur ce territoire : choisissez d'autres défis."
    counted = model.candidate_min[model.is_counted]
    if model.objective == "mclp" and not (counted <= model.threshold_min).any():
        shortest = f"{counted.min():.1f}".replace(".", ",")
        return (
            f"Aucun habitant n'est à moins de {model.threshold_min:g} minutes d'un site candidat : le trajet le plus "
            f"court en prend {shortest}. Relevez le seuil."
        )
    return None


def k_best(model: SitingModel, count: int, *, deadline: float) -> list[Solution]:
    """Return the best proposals in order, no two with the same poles (Lawler 1972: the set is split, then solved).

    Parameters
    ----------
    count
        Most proposals wanted.
    deadline
        ``time.perf_counter()`` after which nothing more is searched; the first proposal is always there.
    """
    first = solve(model, time_limit_s=max(0.2, deadline - time.perf_counter()))
    if first.status == "infeasible":
        return [first]
    found: list[Solution] = []
    waiting: list[tuple[Solution, tuple[int, ...], frozenset[int]]] = [(first, (), frozenset())]
    better_first = -1.0 if model.objective == "mclp" else 1.0
    while waiting and len(found) < count:
        waiting.sort(key=lambda one: (better_first * one[0].objective, one[0].sites))
        best, forced, refused = waiting.pop(0)
        found.append(best)
        if time.perf_counter() > deadline or len(found) == count:
            break
        held: tuple[int, ...] = forced
        for site in new_sites(model, best):
            if site in forced:
                continue
            other = solve(
                model, forced=held, refused=refused | {site}, time_limit_s=max(0.1, deadline - time.perf_counter())
            )
            if other.status != "infeasible":
                waiting.append((other, held, refused | {site}))
            held = (*held, site)
    return found


def new_sites(model: SitingModel, solution: Solution) -> tuple[int, ...]:
    """Return the columns of the new poles of a proposal, ascending."""
    return tuple(sorted(site for site in solution.sites if site >= model.n_existing))
