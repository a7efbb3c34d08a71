"""A siting study as people and programs receive it: the contract's JSON, GeoJSON, and two studies side by side."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from observatory.declared.siting_study import OBJECTIVE_LABELS
from observatory.words import numbers

if TYPE_CHECKING:
    from observatory.runs.siting.siting_run import SitingRun

FIRST = ("solutions", "study", "run")
"""Keys of the contract, which come first; a document read back from the database has lost its order."""
SOLUTION_FIRST = ("sites", "objective", "bound", "gap", "status", "ledger_before", "ledger_after", "why")
SITE_FIRST = ("code", "name", "lon", "lat", "is_existing")


def document(run: SitingRun, *, warnings: Sequence[str] = ()) -> dict[str, Any]:
    """Return the contract's document, its keys in order, with the parameters that explain it and what warns of it."""
    ordered = _ordered(run.document, FIRST)
    ordered["solutions"] = [
        {**_ordered(one, SOLUTION_FIRST), "sites": [_ordered(site, SITE_FIRST) for site in one["sites"]]}
        for one in run.document["solutions"]
    ]
    return {**ordered, "parameters": run.parameters, "source_ids": run.source_ids, "warnings": list(warnings)}


def _ordered(mapping: Mapping[str, Any], first: tuple[str, ...]) -> dict[str, Any]:
    return {
        **{key: mapping[key] for key in first},
        **{key: mapping[key] for key in sorted(mapping) if key not in first},
    }


def to_json(run: SitingRun, *, warnings: Sequence[str] = ()) -> str:
    """Return the contract's document as text."""
    return json.dumps(document(run, warnings=warnings), ensure_ascii=False, allow_nan=False) + "\n"


def to_geojson(run: SitingRun) -> str:
    """Return the sites of the first proposal as points (EPSG:4326), what explains them beside the features."""
    best = run.document["solutions"][0]
    reasons = {why["code"]: why["text"] for why in best["why"]}
    features = [
        {
            "type": "Feature",
            "id": site["code"],
            "geometry": {"type": "Point", "coordinates": [site["lon"], site["lat"]]},
            "properties": {**_ordered(site, SITE_FIRST), "why": " ".join(reasons.get(site["code"], []))},
        }
        for site in best["sites"]
    ]
    about = {key: best[key] for key in ("objective", "bound", "gap", "status", "reason")}
    whole = {"type": "FeatureCollection", "features": features, **about, "study": run.document["study"]}
    return json.dumps({**whole, "run": run.run_hash}, ensure_ascii=False, allow_nan=False) + "\n"


def new_sites(solution: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return the new poles of a proposal."""
    return [site for site in solution["sites"] if not site["is_existing"]]


def names(solution: Mapping[str, Any]) -> str:
    """Return the names of the new poles, or the words that say there are none."""
    return ", ".join(site["name"] for site in new_sites(solution)) or "aucun"


def status(solution: Mapping[str, Any]) -> str:
    """Return in French whether a proposal is proved."""
    if solution["status"] == "optimal":
        return "optimum prouvé"
    if solution["status"] == "infeasible":
        return f"impossible : {solution['reason']}"
    if solution["gap"] is None:
        return "meilleure trouvée, écart à l’optimum inconnu"
    return f"meilleure trouvée, à {numbers.decimal(100 * solution['gap'], digits=2)} % au plus de l’optimum"


def spending(run: SitingRun, solution: Mapping[str, Any]) -> list[str]:
    """Return in French what a proposal costs and closes; nothing where the question says nothing of either."""
    said = []
    costs = run.parameters["question"]["costs"]
    if solution["cost"] is not None:
        ceiling = "" if costs["budget"] is None else f" sur un budget de {numbers.amount(costs['budget'])}"
        said.append(f"Coût : {numbers.with_minus(numbers.amount(solution['cost']))}{ceiling} ({costs['note']}).")
    for one in solution["closed"]:
        count = one["population_count"]
        users = "personne ne l’a pour plus proche"
        if count:
            users = f"la plus proche de {numbers.counted(count, 'habitant')}"
        said.append(f"Ferme : {one['name']} ({users}).")
    return said


def left_open(run: SitingRun) -> str:
    """Return in French how many structures were not closed in turn, nothing where all were."""
    count = run.document["robustness"]["unclosed_count"]
    if not count:
        return ""
    return (
        "1 structure, la moins fréquentée, n’a pas été fermée à son tour."
        if count == 1
        else f"{count} structures, les moins fréquentées, n’ont pas été fermées à leur tour."
    )


def regret(run: SitingRun) -> str:
    """Return in French the most that keeping the proposal may lose, over the cases tried."""
    tried = run.document["robustness"]
    if tried is None or tried["max_regret"] is None:
        return "sans mesure : dans un cas au moins, la proposition laisse des personnes sans aucun site"
    return f"{numbers.decimal(100 * tried['max_regret'])} % ({tried['regret_unit']})"


def comparison(first: SitingRun, second: SitingRun) -> list[tuple[str, str, str]]:
    """Return what two studies ask and answer, line by line: label, first, second."""
    return [(label, *pair) for label, pair in zip(_lines(first), _pairs(first, second), strict=True)]


def _pairs(first: SitingRun, second: SitingRun) -> list[tuple[str, str]]:
    return list(zip(_lines(first).values(), _lines(second).values(), strict=True))


def _lines(run: SitingRun) -> dict[str, str]:
    best, asked, about = run.document["solutions"][0], run.parameters["question"], run.parameters
    return {
        "Calcul": run.run_hash[:12],
        "Étude": about["title"],
        "Territoire": about["territory"]["name"],
        "Services": ", ".join(about["services"].values()),
        "Poids des défis": ", ".join(f"{about['defis'][name]} {weight:g}" for name, weight in asked["defis"].items()),
        "Nouveaux pôles demandés": str(asked["poles"]),
        "Objectif": OBJECTIVE_LABELS[asked["objective"]],
        "Seuil (minutes)": f"{asked['threshold_min']:g}",
        "Sites proposés": names(best),
        "Valeur de l’objectif": numbers.decimal(best["objective"], digits=0),
        "Preuve": status(best),
        "Hors de portée avant": _out_of_reach(about["services"], best["ledger_before"]),
        "Hors de portée après": _out_of_reach(about["services"], best["ledger_after"]),
        "Regret le plus grand": regret(run) if run.document["robustness"] else "–",
    }


def _out_of_reach(services: Mapping[str, str], ledger: Mapping[str, Any] | None) -> str:
    if ledger is None:
        return "–"
    counts = [f"{services[one['service']]} {numbers.count(one['out_of_reach_count'])}" for one in ledger["services"]]
    return ", ".join(counts)
