"""The joint pole: which services to open at which site, one cost shared by site, several demands; and why."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from observatory.declared.siting_options import Joint
from observatory.siting.question.arrays import SitingModel
from observatory.siting.solvers.effort import USUAL, Effort
from observatory.siting.solvers.joint_milp import Mix, MixQuestion, choose_mix, without_answer
from observatory.siting.solvers.solution import Booleans, Floats


@dataclass(frozen=True, eq=False)
class Part:
    """What one service opened at one site brings: its gain is its part of the change of the objective."""

    site: int
    service: int
    gain: float
    newly_covered: Booleans
    """Units within the threshold thanks to it, ``(n_units,)``."""
    served: Booleans
    """Units that go to it, ``(n_units,)``."""


@dataclass(frozen=True, eq=False)
class JointPoles:
    """A mix of services by site; ``objective == objective_before + sum of gains`` where the latter is known."""

    mix: Mix | None
    """None: impossible; ``reason`` says why."""
    parts: tuple[Part, ...]
    objective_before: float | None
    together: Mix | None
    """The best where each site opens every service, within the same budget."""
    reason: str | None = None


def joint_aim(model: SitingModel) -> Literal["mclp", "p_median"]:
    """Return what a joint pole is sought by: minutes where the question counts them, else persons within reach."""
    return "p_median" if model.objective == "p_median" else "mclp"


def joint_question(model: SitingModel, joint: Joint) -> MixQuestion:
    """Return the model of a joint pole: each service counts the persons of the défis that it answers."""
    columns = model.n_existing + model.candidate_min.shape[1]
    site_cost = np.zeros(columns)
    site_cost[model.n_existing :] = joint.site_cost
    return MixQuestion(
        minutes=[model.minutes(service) for service in range(len(model.services))],
        weights=[service_weight(model, joint, name) for name in model.services],
        n_existing=model.n_existing,
        is_kept=model.is_kept,
        aim=joint_aim(model),
        threshold_min=model.threshold_min,
        poles=joint.poles,
        is_tied=False,
        site_cost=site_cost,
        service_cost=tuple(joint.services[name].cost for name in model.services),
        budget=joint.budget,
        forced=model.limits.required,
        incompatible=model.limits.incompatible,
    )


def service_weight(model: SitingModel, joint: Joint, service: str) -> Floats:
    """Return the weight of each unit for one service: its persons of the défis that the service answers, weighted."""
    wanted = joint.services[service].defis
    weights: Mapping[str, float] = model.weights if wanted is None else {defi: model.weights[defi] for defi in wanted}
    return replace(model, weights=weights).weight if weights else np.zeros(model.population_count.size)


def joint_poles(model: SitingModel, joint: Joint, *, time_limit_s: float, effort: Effort = USUAL) -> JointPoles:
    """Choose the services of each site and share the change of the objective out between them."""
    question = joint_question(model, joint)
    mix = choose_mix(question, time_limit_s=time_limit_s / 2, effort=effort)
    if mix is None:
        return JointPoles(None, (), None, None, without_answer(question, effort=effort))
    together = choose_mix(_tied(question), time_limit_s=time_limit_s / 2, effort=effort)
    before, parts = 0.0, []
    for service, (minutes, weight) in enumerate(zip(question.minutes, question.weights, strict=True)):
        today = minutes[:, list(model.kept)].min(axis=1, initial=np.inf)
        before += _worth(question, today, weight)
        opened = [site for site, services in mix.opened.items() if service in services]
        if not opened:
            continue
        nearest = np.array(opened)[minutes[:, opened].argmin(axis=1)]
        least = minutes[:, opened].min(axis=1)
        for site in opened:
            served = (nearest == site) & (least < today)
            newly = served & (least <= model.threshold_min) & (today > model.threshold_min)
            gain = _worth(question, np.where(served, least, today), weight) - _worth(question, today, weight)
            parts.append(Part(site, service, gain, newly, served))
    return JointPoles(mix, tuple(parts), before if np.isfinite(before) else None, together)


def _tied(question: MixQuestion) -> MixQuestion:
    """Return the same question where each site opens every service: its cost is that of all of them."""
    cost = question.site_cost
    whole = sum(question.service_cost)
    tied = None if cost is None else np.where(np.arange(cost.size) >= question.n_existing, cost + whole, 0.0)
    return replace(question, is_tied=True, site_cost=tied, service_cost=())


def _worth(question: MixQuestion, least: Floats, weight: Floats) -> float:
    useful = weight > 0
    if question.aim == "mclp":
        return float(weight[useful & (least <= question.threshold_min)].sum())
    return float((weight[useful] * least[useful]).sum())
