"""A proposal as every channel shows it: sites, objective and bound, ledgers, reasons, robustness; plain values only."""

from __future__ import annotations

import math
import time
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from pyproj import Transformer

from observatory import crs
from observatory.declared.reference import secrecy
from observatory.declared.study_reading import Study
from observatory.parameters import MINUTES_DECIMALS
from observatory.runs.siting.question_arrays import SitingInputs
from observatory.siting.proposal.explain import (
    Alternative,
    Explanation,
    Reasons,
    ServiceChange,
    covered,
    explain,
    with_named,
)
from observatory.siting.proposal.reasons import named_sentence, reason_sentences
from observatory.siting.proposal.robust import STABLE_SHARE, Robustness
from observatory.siting.question.arrays import new_sites
from observatory.siting.solvers.solution import Booleans, Floats, Solution

OBJECTIVE_DECIMALS = 6
"""Digits kept of the objective: person-minutes are not whole."""


REGRET_UNITS = {"lscp": "part des personnes concernées laissées au-delà du seuil"}
"""What a regret is a share of, where it is not of the objective."""


def known(value: float | None) -> float | None:
    """Return a figure, None where it is not known, whole where it is."""
    if value is None or not math.isfinite(value):
        return None
    rounded = round(float(value), OBJECTIVE_DECIMALS)
    return int(rounded) if rounded == int(rounded) else rounded


def site_rows(found: SitingInputs, columns: Sequence[int]) -> list[dict[str, Any]]:
    """Return sites as the contract wants them: code, name, lon, lat, is_existing; then what else is known."""
    to_degrees = Transformer.from_crs(crs.STORAGE, crs.EXCHANGE, always_xy=True)
    rows = []
    for column in columns:
        site = found.sites.iloc[column]
        lon, lat = to_degrees.transform(float(site["x_m"]), float(site["y_m"]))
        rows.append(
            {
                "code": str(site["code"]),
                "name": str(site["name"]),
                "lon": round(lon, 5),
                "lat": round(lat, 5),
                "is_existing": bool(site["is_existing"]),
                "commune_code": str(site["commune_code"]),
                "services": [
                    name
                    for service, name in enumerate(found.model.services)
                    if not site["is_existing"] or found.model.offers[column, service]
                ],
                "note": str(site["note"]),
                "source_id": site["source_id"] if isinstance(site["source_id"], str) else None,
            }
        )
    return rows


def solution_document(
    found: SitingInputs,
    study: Study,
    solution: Solution,
    *,
    deadline: float | None,
    with_alternatives: bool,
) -> dict[str, Any]:
    """Return one proposal without its ledgers; an infeasible one says why."""
    document: dict[str, Any] = {
        "sites": site_rows(found, solution.sites),
        "objective": known(solution.objective),
        "bound": known(solution.bound),
        "gap": known(solution.gap),
        "status": solution.status,
        "reason": solution.reason,
    }
    if solution.status == "infeasible":
        nothing: dict[str, Any] = {"why": [], "uncovered": [], "closed": [], "cost": None}
        return {**document, "ledger_before": None, "ledger_after": None, **nothing}
    story = explain(found.model, solution, deadline=deadline if with_alternatives else -1.0)
    document |= {"closed": _closed(found, story, solution), "cost": _cost(found, solution)}
    document["objective_before"] = known(story.objective_before)
    document["closure_effect"] = known(story.closure_effect)
    document["why"] = [_why(found, study, solution, story, one) for one in story.reasons]
    nearest = found.model.nearest_min(solution.sites)
    document["uncovered"] = [
        _uncovered(found, change, name, least)
        for (name, change), least in zip(_by_service(found, story), nearest, strict=True)
    ]
    return document


def _closed(found: SitingInputs, story: Explanation, solution: Solution) -> list[dict[str, Any]]:
    """Return the structures that a proposal doesn't keep, and the inhabitants who go there today, each counted once."""
    own, persons = found.model.is_counted, found.model.population_count
    rows = []
    for column in sorted(set(range(found.model.n_existing)) - set(solution.sites)):
        users = np.any([change.site_before == column for change in story.changes], axis=0) & own
        site = found.sites.iloc[column]
        count = int(persons[users].sum())
        rows.append({"code": str(site["code"]), "name": str(site["name"]), "population_count": count})
    return rows


def _cost(found: SitingInputs, solution: Solution) -> float | None:
    """Return what a proposal costs in the units that the question declares, None where it declares none."""
    limits = found.model.limits
    if limits.site_cost is None:
        return None
    total = float(limits.site_cost[list(new_sites(found.model, solution))].sum())
    if limits.closing_cost is not None:
        closed = sorted(set(found.model.kept) - set(solution.sites))
        total += float(limits.closing_cost[closed].sum())
    return known(total)


def _by_service(found: SitingInputs, story: Explanation) -> list[tuple[str, ServiceChange]]:
    return list(zip(found.model.services, story.changes, strict=True))


def _why(found: SitingInputs, study: Study, solution: Solution, story: Explanation, one: Reasons) -> dict[str, Any]:
    (site,) = site_rows(found, [one.site])
    ranked = sorted(one.leavers, key=lambda column: (-one.leavers[column], column))
    why: dict[str, Any] = {
        "code": site["code"],
        "name": site["name"],
        "note": site["note"],
        "gain": known(one.gain),
        "services": [
            _service(found, name, change, one.served[service], one.newly_covered[service])
            for service, (name, change) in enumerate(_by_service(found, story))
        ],
        "existing_losses": [
            {
                "code": str(found.sites.iloc[column]["code"]),
                "name": str(found.sites.iloc[column]["name"]),
                "population_count": one.leavers[column],
                "services": {
                    name: lost[column]
                    for name, lost in zip(found.model.services, one.losses, strict=True)
                    if column in lost
                },
            }
            for column in ranked
        ],
        "alternative": _alternative(found, solution, one.alternative),
        "without": one.without,
    }
    labels = {name: study.service(name).label for name in found.model.services}
    why["text"] = reason_sentences(
        why,
        services=labels,
        volumes=volume_labels(study, found),
        threshold_min=found.model.threshold_min,
        objective=found.model.objective,
        public=found.public,
    )
    if why["alternative"] is not None:
        why["alternative"] |= {"concerned_lost": without_small(found, why["alternative"]["concerned_lost"])}
    return why


def volume_labels(study: Study, found: SitingInputs) -> dict[str, str]:
    """Return the French name of the persons that each défi concerns, without its source in brackets."""
    named = {}
    for defi in found.model.weights:
        volume = study.need(defi).volume
        named[defi] = defi if volume is None else volume.label.partition(" (")[0]
    return named


def _service(
    found: SitingInputs, name: str, change: ServiceChange, served: Booleans, newly: Booleans
) -> dict[str, Any]:
    model, own = found.model, found.model.is_counted
    closer = served & own & np.isfinite(change.before_min) & (change.after_min < change.before_min)
    persons = model.population_count
    gained = (change.before_min - change.after_min)[closer]
    weighted = float((persons[closer] * gained).sum()) / max(1, int(persons[closer].sum()))
    return {
        "service": name,
        "newly_covered": persons_counts(found, newly & own),
        "newly_covered_neighbours": persons_counts(found, newly & ~own),
        "communes": _units(found, change, newly & own),
        "closer_population_count": int(persons[closer].sum()),
        "mean_gain_min": round(weighted, MINUTES_DECIMALS),
    }


def persons_counts(found: SitingInputs, units: Booleans) -> dict[str, Any]:
    """Return inhabitants and persons concerned of the units picked; a small count of the latter is None."""
    model = found.model
    concerned = {defi: int(model.concerned_count[defi][units].sum()) for defi in model.weights}
    return {
        "population_count": int(model.population_count[units].sum()),
        "concerned": without_small(found, concerned),
    }


def without_small(found: SitingInputs, counts: Mapping[str, int]) -> dict[str, int | None]:
    """Return counts of persons by défi, None where they are small and the défi's are not public."""
    least = secrecy().thresholds.persons
    return {
        defi: None if 0 < abs(count) < least and defi not in found.public else count for defi, count in counts.items()
    }


def _units(found: SitingInputs, change: ServiceChange, picked: Booleans) -> list[dict[str, Any]]:
    """Return the units picked, the most inhabited first."""
    model = found.model
    positions = sorted(np.flatnonzero(picked), key=lambda i: (-found.model.population_count[i], i))
    rows = []
    for position in positions:
        unit, before = found.units.iloc[position], float(change.before_min[position])
        after = float(change.after_min[position])
        rows.append(
            {
                "level": str(unit["unit_level"]),
                "code": str(unit["code"]),
                "commune_code": str(unit["commune_code"]),
                "name": str(unit["name"]),
                "minutes_before": round(before, MINUTES_DECIMALS) if math.isfinite(before) else None,
                "minutes_after": round(after, MINUTES_DECIMALS) if math.isfinite(after) else None,
                "population_count": int(unit["population_count"]),
                "concerned": {
                    defi: None if found.hidden[defi][position] else count
                    for defi, count in without_small(found, {defi: int(unit[defi]) for defi in model.weights}).items()
                },
            }
        )
    return rows


def _uncovered(found: SitingInputs, change: ServiceChange, name: str, least: Floats) -> dict[str, Any]:
    """Return who stays uncovered: out of reach, as the ledger counts them, or near a pole that has no room left."""
    left = change.uncovered & found.model.is_counted
    no_room = left & (least <= found.model.threshold_min)
    return {
        "service": name,
        **persons_counts(found, left),
        "no_room_count": int(found.model.population_count[no_room].sum()),
        "communes": _units(found, change, left),
    }


def _alternative(found: SitingInputs, solution: Solution, alternative: Alternative | None) -> dict[str, Any] | None:
    if alternative is None:
        return None
    model, other = found.model, alternative.solution
    lost = dict.fromkeys(model.weights, 0)
    inhabitants = 0
    for service in range(len(model.services)):
        ours, theirs = (covered(model, sites, service) & model.is_counted for sites in (solution.sites, other.sites))
        inhabitants += int(model.population_count[ours].sum()) - int(model.population_count[theirs].sum())
        for defi in model.weights:
            count = model.concerned_count[defi]
            lost[defi] += int(count[ours].sum()) - int(count[theirs].sum())
    scale = abs(solution.objective) or 1.0
    return {
        "sites": site_rows(found, new_sites(model, other)),
        "objective": known(other.objective),
        "status": other.status,
        "cost": known(alternative.cost),
        "cost_share": known(alternative.cost / scale),
        "population_lost": inhabitants,
        "concerned_lost": lost,
    }


def named_documents(found: SitingInputs, study: Study, solution: Solution, *, deadline: float) -> list[dict[str, Any]]:
    """Return, for each place that the study names, the best proposal that holds it and what choosing it would cost."""
    documents = []
    for one in found.named:
        columns = np.flatnonzero((found.sites["code"] == one.id).to_numpy(dtype=bool))
        if columns.size == 0:  # the reader's own list of candidates leaves it out
            continue
        column, left = int(columns[0]), max(0.1, deadline - time.perf_counter())
        held = _alternative(found, solution, with_named(found.model, solution, column, time_limit_s=left))
        if held is None:
            continue
        is_chosen = column in solution.sites
        document = {"code": one.id, "name": one.name, "note": one.note, "is_chosen": is_chosen, **held}
        document["text"] = named_sentence(
            document,
            volumes=volume_labels(study, found),
            objective=found.model.objective,
            is_several=len(found.model.services) > 1,
            public=found.public,
        )
        document["concerned_lost"] = without_small(found, document["concerned_lost"])
        documents.append(document)
    return documents


def robustness_document(found: SitingInputs, study: Study, tried: Robustness) -> dict[str, Any]:
    """Return what was tried, the greatest regret, and which candidates are stable or contested."""
    names = [str(name) for name in found.sites["name"]]
    worded = {
        "defi": lambda subject: f"Seul compte le défi « {study.need(subject).label} »",
        "travel": lambda subject: f"Trajets {'plus courts' if float(subject) < 1 else 'plus longs'} de 20 %",
        "projection": lambda subject: f"Personnes concernées projetées en {subject}",
        "closure": lambda subject: f"Fermeture de {names[int(subject)]}",
        "draw": lambda subject: f"Tirage {int(subject) + 1} : poids et trajets au hasard",
    }
    return {
        "max_regret": known(tried.max_regret),
        "regret_unit": REGRET_UNITS.get(found.model.objective, "part de l’objectif"),
        "seed": tried.seed,
        "is_complete": tried.is_complete,
        "unclosed_count": tried.unclosed_count,
        "stable_share": STABLE_SHARE,
        "cases": [
            {
                "kind": case.kind,
                "label": worded[case.kind](case.subject),
                "objective": known(case.objective),
                "best_objective": known(case.best_objective),
                "regret": known(case.regret),
                "sites": [str(found.sites.iloc[site]["code"]) for site in case.sites],
            }
            for case in tried.cases
        ],
        "sites": [
            {
                "code": str(found.sites.iloc[site]["code"]),
                "name": names[site],
                "share": round(share, 4),
                "verdict": "stable" if share >= STABLE_SHARE else "contesté",
            }
            for site, share in sorted(tried.shares.items(), key=lambda item: (-item[1], item[0]))
        ],
    }
