"""A siting study worked out and stored under its hash, the same for the command line, the API, the page, notebooks."""

from __future__ import annotations

import time
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import pandas as pd
import sqlalchemy as sa
from sqlalchemy import Connection

import geodata
from observatory.errors import InputFileError, NotComputedError, UsageError
from observatory.parameters import METHOD_VERSION
from observatory.runs.identity import run_hash
from observatory.runs.inputs import DEMAND_LEVEL, Inputs, at_level, checksums, read_inputs
from observatory.runs.need import need_hash, need_run
from observatory.runs.siting_document import named_documents, robustness_document, solution_document, volume_labels
from observatory.runs.siting_inputs import SitingInputs, siting_inputs
from observatory.runs.siting_ledger import territory_ledger
from observatory.runs.travel import travel_parameters
from observatory.siting.mesh import MESH_NOTE
from observatory.siting.robust import robustness
from observatory.siting.solution import Solution
from observatory.siting.solving import k_best
from observatory.siting.study import OBJECTIVE_UNITS, SitingStudy, siting_study
from observatory.store import results
from observatory.store.tables import NeedResult, Run
from observatory.studies import Study, read_study

NAMED_STUDIES: Final = ("vire", "caux-seine")
HASH_SHOWN: Final = 6
"""Fewest digits of a hash that name a run."""
TIME_LIMIT_S: Final = 60.0
"""Longest search of a study, in seconds, unless another is given (convention de l'observatoire)."""


@dataclass(frozen=True)
class SitingRun:
    """A stored siting study: ``document`` is the contract's, ``parameters`` what explains it."""

    run_hash: str
    document: dict[str, Any]
    parameters: dict[str, Any]
    source_ids: list[str]


def read_siting_study(name: str | Path) -> SitingStudy:
    """Read a siting study: ``vire``, ``caux-seine``, or the path of a TOML file.

    Raises
    ------
    InputFileError
        If the file is missing or isn't TOML.
    UsageError
        If it doesn't declare what a siting study must.
    """
    path = geodata.STUDIES / f"{name}.toml" if str(name) in NAMED_STUDIES else Path(name)
    try:
        document = tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise InputFileError(
            f"L'étude « {path.name} » n'existe pas : donnez {', '.join(NAMED_STUDIES)} ou le chemin d'un fichier TOML."
        ) from error
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise InputFileError(f"L'étude « {path.name} » n'est pas lisible en TOML : {error}.") from error
    return siting_study(document)


def siting_run(
    connection: Connection,
    siting: SitingStudy,
    *,
    study_path: Path | None = None,
    time_limit_s: float = TIME_LIMIT_S,
) -> SitingRun:
    """Return a siting study: the stored one if its inputs and parameters are the same, else worked out and stored.

    Parameters
    ----------
    connection
        The caller owns the transaction, which must be able to write.
    study_path
        The study of needs and services; None: the observatory's.
    time_limit_s
        The search stops there; what it had no time for says so. An answer cut short is not stored: its ``run`` is
        None.

    Raises
    ------
    UsageError
        If a défi, a service, a candidate is unknown, or the territory too large.
    UnknownTerritoryError
        If no territory bears a code.
    NotComputedError
        If the database is empty.
    """
    study = read_study(study_path)
    for defi in siting.defis:
        study.need(defi)
    for service in siting.services:
        study.service(service)
    name = _name(siting, study, checksums(connection))
    stored = _stored(connection, name)
    if stored is not None:
        return stored
    results.lock_run(connection, name)
    stored = _stored(connection, name)
    return stored or _work_out(connection, name, siting, study, time_limit_s)


def _name(siting: SitingStudy, study: Study, sums: Mapping[str, str]) -> str:
    content = {
        "siting": siting.parameters(),
        "study": study.digest,
        "travel": travel_parameters(study),
        "inputs": dict(sums),
    }
    return run_hash("siting", content)


def _stored(connection: Connection, name: str) -> SitingRun | None:
    found = results.find_run(connection, name)
    if found is None:
        return None
    return SitingRun(name, found.parameters["document"], found.parameters["parameters"], found.source_ids)


def _work_out(connection: Connection, name: str, siting: SitingStudy, study: Study, time_limit_s: float) -> SitingRun:
    deadline = time.perf_counter() + time_limit_s
    inputs = read_inputs(connection)
    needs = {defi: _volume(connection, study, defi, inputs) for defi in siting.defis}
    volumes = {defi: volume for defi, (volume, _) in needs.items()}
    found = siting_inputs(connection, siting, study, volumes=volumes, inputs=inputs)
    best = k_best(found.model, siting.solutions, deadline=deadline)
    before = _ledgers(found, study, siting, tuple(range(found.model.n_existing)))
    document: dict[str, Any] = {"solutions": [], "study": siting.id, "run": name}
    for rank, solution in enumerate(best):
        told = solution_document(found, study, solution, deadline=deadline, with_alternatives=rank == 0)
        if solution.status != "infeasible":
            told |= {"ledger_before": before, "ledger_after": _ledgers(found, study, siting, solution.sites)}
        document["solutions"].append(told)
    document |= {"named": [], "robustness": None}
    if best[0].status != "infeasible":
        document["named"] = named_documents(found, study, best[0], deadline=deadline)
        tried = robustness(found.model, best[0], deadline=deadline)
        document["robustness"] = robustness_document(found, study, tried)
    is_cut = time.perf_counter() > deadline or best[0].status == "feasible"
    source_ids = sorted(
        {
            *(source for _, sources in needs.values() for source in sources),
            *found.sites["source_id"].dropna(),
            *inputs.source_ids,
        }
    )
    parameters = _parameters(siting, study, found, best[0], is_cut=is_cut)
    if is_cut:  # the name of a run is that of its whole answer
        document["run"] = None
    else:
        results.store_run(
            connection,
            run_hash=name,
            kind="siting",
            defi=None,
            service=None,
            parameters={"document": document, "parameters": parameters},
            inputs=inputs.checksums,
            source_ids=source_ids,
        )
    return SitingRun(name, document, parameters, source_ids)


def _volume(connection: Connection, study: Study, defi: str, inputs: Inputs) -> tuple[pd.Series, list[str]]:
    """Return the persons concerned by a défi, by commune, and where they come from; no more is read of the need."""
    name = need_hash(study, defi, dict(inputs.checksums))
    stored = results.find_run(connection, name)
    if stored is None:
        need = need_run(connection, study, defi, inputs=inputs)
        return at_level(need.rows, DEMAND_LEVEL)["volume"], need.source_ids
    query = sa.select(NeedResult.code, NeedResult.volume).where(
        NeedResult.run_hash == name, NeedResult.level == DEMAND_LEVEL
    )
    rows = {row.code: row.volume for row in connection.execute(query)}
    return pd.Series(rows, dtype="Int64"), stored.source_ids


def _ledgers(found: SitingInputs, study: Study, siting: SitingStudy, sites: tuple[int, ...]) -> dict[str, Any]:
    """Return the ledger of the first service, at the study's mesh, then those of the others, then the gap pages'."""
    each = []
    for service in siting.services:
        at_mesh, on_pages = (
            territory_ledger(
                found, study, study.service(service), sites=sites, threshold_min=siting.threshold_min, is_gap_mesh=gap
            )
            for gap in (False, True)
        )
        each.append({"service": service, "mesh": siting.mesh, **at_mesh, "gap_page": {"mesh": "commune", **on_pages}})
    return {**each[0], "services": each}


def _parameters(
    siting: SitingStudy, study: Study, found: SitingInputs, best: Solution, *, is_cut: bool
) -> dict[str, Any]:
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
        "mesh_note": MESH_NOTE if siting.mesh == "commune_deleguee" else "Chaque commune compte à sa mairie.",
        "supply_note": "Un pôle compte pour une structure de chaque service ; la norme reste celle d'aujourd'hui.",
        "projections_note": "Projections de population 2030 et 2040 : non chargées, non essayées.",
        "travel_note": found.travel_note,
        "notes": list(siting.notes),
        "named": [{"name": one.name, "note": one.note, "source": one.source} for one in siting.named],
        "seed": best.seed,
        "is_cut_short": is_cut,
    }


def find_siting(connection: Connection, start: str) -> SitingRun:
    """Return the stored siting study whose hash begins with ``start``.

    Raises
    ------
    UsageError
        If the beginning is too short, not hexadecimal, or names several.
    NotComputedError
        If no siting study is stored under it.
    """
    if len(start) < HASH_SHOWN or set(start.lower()) - set("0123456789abcdef"):
        raise UsageError(f"Le nom d'un calcul a au moins {HASH_SHOWN} chiffres hexadécimaux : recopiez-le.")
    query = sa.select(Run.run_hash).where(Run.kind == "siting", Run.run_hash.startswith(start.lower())).limit(2)
    names = list(connection.execute(query).scalars())
    if len(names) > 1:
        raise UsageError(f"Plusieurs calculs commencent par « {start} » : donnez plus de chiffres.")
    found = _stored(connection, names[0]) if names else None
    if found is None:
        raise NotComputedError(
            f"Aucune étude d'implantation « {start} » n'est dans la base : lancez « observatory site --study »."
        )
    return found
