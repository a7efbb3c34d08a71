"""A siting question worked out, step by step: proposals, reasons, ledgers, robustness, compromises, joint pole."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

import pandas as pd
from sqlalchemy import Connection

from observatory.declared.siting_study import OBJECTIVE_UNITS, SitingStudy
from observatory.declared.study_reading import Study
from observatory.gap.hidden import IRIS
from observatory.parameters import METHOD_VERSION
from observatory.runs.loaded_inputs import DEMAND_LEVEL, Inputs, kept_inputs
from observatory.runs.siting.choices import joint_document, pareto_document
from observatory.runs.siting.document import named_documents, robustness_document, solution_document, volume_labels
from observatory.runs.siting.future_persons import Projected, projected, with_regret
from observatory.runs.siting.ledgers import territory_ledger
from observatory.runs.siting.persons import concerned_persons
from observatory.runs.siting.question_arrays import SitingInputs, siting_inputs
from observatory.siting.proposal.robust import robustness
from observatory.siting.proposal.solving import k_best
from observatory.siting.question.mesh import MESH_NOTE
from observatory.siting.solvers.solution import Solution
from observatory.store import read
from observatory.words.grammar import listed

STEPS: Final = ("lecture", "recherche", "explication", "épreuve", "compromis", "pôle commun")
"""What a study goes through, as its progress counts it."""
Progress = Callable[[str, int, int], None]
"""Called with a French label, what is done and what there is to do."""


@dataclass(frozen=True, eq=False)
class Asked:
    """A question, the study of needs and services, when to stop (``time.perf_counter()``), whom to tell."""

    siting: SitingStudy
    study: Study
    deadline: float
    progress: Progress

    def told(self, label: str, step: int) -> None:
        """Tell that a step begins."""
        self.progress(label, step, len(STEPS))


@dataclass(frozen=True, eq=False)
class Answer:
    """What was worked out, and from what."""

    document: dict[str, Any]
    parameters: dict[str, Any]
    source_ids: list[str]
    checksums: dict[str, str]
    is_cut_short: bool


def answer(connection: Connection, asked: Asked) -> Answer:
    """Work a siting question out; nothing is stored."""
    asked.told("Lecture des données", 0)
    siting, study = asked.siting, asked.study
    inputs = kept_inputs(connection)
    needs = {defi: concerned_persons(connection, study, defi, inputs) for defi in siting.defis}
    found = siting_inputs(
        connection,
        siting,
        study,
        volumes={defi: need.volume for defi, need in needs.items()},
        hidden={defi: need.hidden for defi, need in needs.items()},
        public=frozenset(defi for defi, need in needs.items() if need.is_public),
        inputs=inputs,
    )
    document: dict[str, Any] = {"study": siting.id}
    best = _propose(asked, document, found)
    future = projected(connection, found, study, inputs)
    _weigh(connection, asked, document, found, best=best, inputs=inputs, future=future)
    is_cut = time.perf_counter() > asked.deadline or best.status == "feasible"
    source_ids = {
        *(source for need in needs.values() for source in need.source_ids),
        *found.sites["source_id"].dropna(),
        *inputs.source_ids,
        *future.source_ids,
    }
    parameters = _parameters(asked, found, inputs, best, is_cut=is_cut)
    parameters["projections_note"] = with_regret(future.note, document["robustness"])
    parameters["completeness"] |= {
        name: said for name, said in read.loaded_completeness(connection).items() if name in asked.siting.services
    }
    return Answer(document, parameters, sorted(source_ids), dict(inputs.checksums), is_cut)


def _propose(asked: Asked, document: dict[str, Any], found: SitingInputs) -> Solution:
    """Add the proposals, their reasons and their ledgers; return the best."""
    asked.told("Recherche des sites", 1)
    proposals = k_best(found.model, asked.siting.solutions, deadline=asked.deadline)
    asked.told("Explication des propositions", 2)
    before = _ledgers(asked, found, tuple(range(found.model.n_existing)))
    document["solutions"] = []
    for rank, solution in enumerate(proposals):
        told = solution_document(found, asked.study, solution, deadline=asked.deadline, with_alternatives=rank == 0)
        if solution.status != "infeasible":
            told |= {"ledger_before": before, "ledger_after": _ledgers(asked, found, solution.sites)}
        document["solutions"].append(told)
    return proposals[0]


def _weigh(
    connection: Connection,
    asked: Asked,
    document: dict[str, Any],
    found: SitingInputs,
    *,
    best: Solution,
    inputs: Inputs,
    future: Projected,
) -> None:
    """Add what the best proposal is weighed against: named places, hard cases, compromises, the joint pole."""
    document |= {"named": [], "robustness": None, "pareto": None, "joint": None}
    if best.status == "infeasible":
        return
    deadline = asked.deadline
    asked.told("Épreuve de la proposition", 3)
    document["named"] = named_documents(found, asked.study, best, deadline=deadline)
    tried = robustness(found.model, best, deadline=deadline, futures=future.factors)
    document["robustness"] = robustness_document(found, asked.study, tried)
    asked.told("Compromis entre les buts", 4)
    document["pareto"] = pareto_document(connection, found, asked.siting, inputs, best, deadline=deadline)
    asked.told("Pôle commun", 5)
    left = max(1.0, deadline - time.perf_counter())
    document["joint"] = joint_document(found, asked.study, asked.siting.joint, time_limit_s=left)


def _ledgers(asked: Asked, found: SitingInputs, sites: tuple[int, ...]) -> dict[str, Any]:
    """Return the ledger of the first service, at the study's mesh, then those of the others, then the gap pages'."""
    siting, study = asked.siting, asked.study
    each = []
    for service in siting.services:
        at_mesh, on_pages = (
            territory_ledger(
                found, study.service(service), sites=sites, threshold_min=siting.threshold_min, is_gap_mesh=gap
            )
            for gap in (False, True)
        )
        each.append({"service": service, "mesh": siting.mesh, **at_mesh, "gap_page": {"mesh": "commune", **on_pages}})
    return {**each[0], "services": each}


def mesh_note(siting: SitingStudy, found: SitingInputs, inputs: Inputs) -> str:
    """Return how the territory is cut, and which communes INSEE cuts finer than what may be placed."""
    if siting.mesh != "commune_deleguee":
        return "Chaque commune compte à sa mairie."
    parts = inputs.parents.get((IRIS, DEMAND_LEVEL), pd.Series(dtype=str)).value_counts()
    own = found.units.loc[found.units["is_counted"], "commune_code"].unique()
    cut = [str(inputs.communes.loc[code, "name"]) for code in own if parts.get(code, 0) > 1]
    if not cut:
        return MESH_NOTE
    verb = "est découpée" if len(cut) == 1 else "sont découpées"
    return (
        f"{MESH_NOTE} {listed(cut)} {verb} aussi en IRIS par l’Insee, dont les données ne portent ni contour ni lieu : "
        "ils ne sont pas placés."
    )


def _parameters(asked: Asked, found: SitingInputs, inputs: Inputs, best: Solution, *, is_cut: bool) -> dict[str, Any]:
    siting, study = asked.siting, asked.study
    counted = found.units[found.units["is_counted"]]
    return {
        "method_version": METHOD_VERSION,
        "title": siting.title,
        "question": siting.parameters(),
        "territory": {key: found.territory[key] for key in ("level", "code", "name", "population_count")},
        "defis": {name: study.need(name).label for name in siting.defis},
        "volumes": volume_labels(study, found),
        "services": {name: study.service(name).label for name in siting.services},
        "completeness": {name: study.service(name).completeness for name in siting.services},
        "unit_count": len(counted),
        "population_count": int(counted["population_count"].sum()),
        "neighbour_unit_count": int((~found.units["is_counted"]).sum()),
        "candidate_count": found.model.candidate_min.shape[1],
        "existing_count": found.model.n_existing,
        "objective_unit": OBJECTIVE_UNITS[siting.objective],
        "mesh_note": mesh_note(siting, found, inputs),
        "supply_note": "Un pôle compte pour une structure de chaque service ; la norme reste celle d’aujourd'hui.",
        "cost_note": "" if siting.costs is None else siting.costs.note,
        "capacity_note": (
            ""
            if siting.capacity_count is None
            else "Capacité des structures existantes inconnue : supposée sans limite (convention de l’observatoire). "
            "Le registre compte chaque pôle pour une structure, sans sa capacité : qui n’y trouve pas de place n’y est "
            "pas hors de portée."
        ),
        "secrecy_note": (
            "Des comptes communaux sous le secret entrent dans les sommes par des estimations qui respectent les "
            "totaux publiés ; ils ne sont pas montrés lieu par lieu."
            if any(mask.any() for mask in found.hidden.values())
            else ""
        ),
        "travel_note": found.travel_note,
        "notes": list(siting.notes),
        "named": [{"name": one.name, "note": one.note, "source": one.source} for one in siting.named],
        "seed": best.seed,
        "is_cut_short": is_cut,
    }
