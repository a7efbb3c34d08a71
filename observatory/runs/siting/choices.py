"""Compromises between aims and the joint pole, as every channel shows them; plain values only."""

from __future__ import annotations

from typing import Any, Final

import numpy as np
from sqlalchemy import Connection

from observatory.declared.siting_options import AIMS, AIMS_OF_DEFIS, Joint
from observatory.declared.siting_study import OBJECTIVE_LABELS, SitingStudy
from observatory.declared.study_reading import Study
from observatory.runs.access.travel_cost import LONGEST_DRIVE_MIN
from observatory.runs.loaded_inputs import Inputs
from observatory.runs.siting.candidates import communes_with_qpv, rural_communes
from observatory.runs.siting.document import known, persons_counts, volume_labels, without_small
from observatory.runs.siting.question_arrays import SitingInputs
from observatory.siting.proposal.compromise import Balance, Targets, balances, picked
from observatory.siting.proposal.joint_pole import JointPoles, Part, joint_aim, joint_poles
from observatory.siting.proposal.reasons import joint_sentences
from observatory.siting.question.arrays import new_sites
from observatory.siting.solvers.joint_milp import Mix
from observatory.siting.solvers.solution import Booleans, Solution

SHOWN_MAX: Final = 40
"""Most compromises listed (convention de l'observatoire); the count of all of them is always said."""


def pareto_document(
    connection: Connection, found: SitingInputs, siting: SitingStudy, inputs: Inputs, best: Solution, *, deadline: float
) -> dict[str, Any] | None:
    """Return the compromises between the aims that the question names, None where it names none.

    An aim about a défi that the question leaves out is left out too, and said.
    """
    if not siting.pareto:
        return None
    aims = tuple(dict.fromkeys(aim for aim in siting.pareto if _is_known(found, aim)))
    cost = np.zeros(len(found.sites))
    cost[found.model.n_existing :] = 1.0
    if found.model.limits.site_cost is not None:
        cost = found.model.limits.site_cost
    commune = found.units["commune_code"].astype(str)
    targets = Targets(
        aims=aims,
        is_qpv=_among(commune.isin(communes_with_qpv(connection))),
        is_rural=_among(commune.isin(rural_communes(connection, inputs))),
        site_cost=cost,
        farthest_min=LONGEST_DRIVE_MIN,
    )
    front = balances(found.model, targets, deadline=deadline)
    shown = picked(front, SHOWN_MAX)
    return {
        "aims": [{"id": aim, "label": AIMS[aim]} for aim in aims],
        "left_out": [AIMS[aim] for aim in siting.pareto if aim not in aims],
        "compromises": [_balance(found, one, aims, shown, new_sites(found.model, best)) for one in shown],
        "total": len(front.balances),
        "choice_count": front.choice_count,
        "is_complete": front.is_complete,
        "reason": front.reason,
        "note": (
            "Chaque ligne est un choix qu’aucun autre n’égale ou ne dépasse sur tous les buts. Les personnes "
            "s’additionnent sur les services ; les temps et les parts en sont la moyenne. Un lieu sans site à portée "
            f"compte pour {LONGEST_DRIVE_MIN:g} minutes (convention de l’observatoire)."
        ),
    }


def _is_known(found: SitingInputs, aim: str) -> bool:
    defi = AIMS_OF_DEFIS.get(aim)
    return defi is None or defi in found.model.concerned_count


def _among(mask: Any) -> Booleans:  # noqa: ANN401  (a boolean series)
    told: Booleans = mask.to_numpy(dtype=bool)
    return told


def _balance(
    found: SitingInputs, one: Balance, aims: tuple[str, ...], shown: list[Balance], proposed: tuple[int, ...]
) -> dict[str, Any]:
    least = [min(other.values[position] for other in shown) for position in range(len(aims))]
    return {
        "sites": [{"code": _code(found, site), "name": _site_name(found, site)} for site in one.sites],
        "values": {aim: _shown(found, aim, value) for aim, value in zip(aims, one.values, strict=True)},
        "best_of": [aim for aim, value, low in zip(aims, one.values, least, strict=True) if value == low],
        "is_proposal": one.sites == proposed,
    }


def _shown(found: SitingInputs, aim: str, value: float) -> float | None:
    """Return what an aim is worth, None where it is a small count of persons."""
    defi = AIMS_OF_DEFIS.get(aim)
    return known(round(value, 4)) if defi is None else without_small(found, {defi: round(value)})[defi]


def _code(found: SitingInputs, site: int) -> str:
    return str(found.sites.iloc[site]["code"])


def _site_name(found: SitingInputs, site: int) -> str:
    return str(found.sites.iloc[site]["name"])


def joint_document(found: SitingInputs, study: Study, joint: Joint | None, *, time_limit_s: float) -> Any:  # noqa: ANN401
    """Return the mix of services chosen at each site and what each brings, None where the study declares none."""
    if joint is None:
        return None
    result = joint_poles(found.model, joint, time_limit_s=time_limit_s)
    document: dict[str, Any] = {
        "budget": joint.budget,
        "poles": joint.poles,
        "note": joint.note,
        "site_cost": joint.site_cost,
        "service_costs": {name: one.cost for name, one in joint.services.items()},
        "defis": {name: list(one.defis or found.model.weights) for name, one in joint.services.items()},
        "objective_label": OBJECTIVE_LABELS[joint_aim(found.model)],
        "status": "infeasible" if result.mix is None else result.mix.status,
        "reason": result.reason,
        "sites": [],
        "text": [result.reason] if result.reason else [],
    }
    if result.mix is None:
        return document
    document |= {
        **_figures(result.mix),
        "objective_before": known(result.objective_before),
        "sites": [_joint_site(found, joint, result, site) for site in result.mix.opened],
        "together": None if result.together is None else _together(found, result.together),
    }
    labels = {name: study.service(name).label for name in found.model.services}
    document["text"] = joint_sentences(
        document, services=labels, volumes=volume_labels(study, found), threshold_min=found.model.threshold_min
    )
    return document


def _figures(mix: Mix) -> dict[str, Any]:
    return {
        "objective": known(mix.objective),
        "bound": known(mix.bound),
        "gap": known(mix.gap),
        "cost": known(mix.cost),
    }


def _together(found: SitingInputs, mix: Mix) -> dict[str, Any]:
    return {**_figures(mix), "sites": [_site_name(found, site) for site in mix.opened]}


def _joint_site(found: SitingInputs, joint: Joint, result: JointPoles, site: int) -> dict[str, Any]:
    parts = [part for part in result.parts if part.site == site]
    services = [found.model.services[part.service] for part in parts]
    return {
        "code": _code(found, site),
        "name": _site_name(found, site),
        "cost": known(joint.site_cost + sum(joint.services[name].cost for name in services)),
        "services": [_part(found, joint, part) for part in parts],
    }


def _part(found: SitingInputs, joint: Joint, part: Part) -> dict[str, Any]:
    name = found.model.services[part.service]
    return {
        "service": name,
        "cost": joint.services[name].cost,
        "gain": known(part.gain),
        "newly_covered": persons_counts(found, part.newly_covered & found.model.is_counted),
    }
