"""A siting study worked out and stored under its hash, the same for the command line, the API, the page, notebooks."""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy import Connection

from observatory.declared.siting_study import SitingStudy, study_of
from observatory.declared.study_reading import Study, read_study
from observatory.errors import NotComputedError, UsageError
from observatory.runs.access.travel_cost import travel_in_force, travel_parameters
from observatory.runs.identity import run_hash
from observatory.runs.loaded_inputs import checksums
from observatory.runs.siting.answer import Asked, Progress, answer
from observatory.runs.siting.candidates import check_place, entered_places
from observatory.store import results
from observatory.store.tables import Run

ANSWER_VERSION: Final = 5
"""Part of every siting run's hash: raised whenever an answer is worked out or told otherwise."""
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


def siting_run(
    connection: Connection,
    siting: SitingStudy,
    *,
    study_path: Path | None = None,
    time_limit_s: float | None = None,
    progress: Progress | None = None,
) -> SitingRun:
    """Return a siting study: the stored one if its inputs and parameters are the same, else worked out and stored.

    Parameters
    ----------
    connection
        The caller owns the transaction, which must be able to write.
    study_path
        The study of needs and services; None: the observatory's.
    time_limit_s
        The search stops there (None: :data:`TIME_LIMIT_S`); what it had no time for says so. An answer cut short is
        not stored: its ``run`` is None.
    progress
        Told before each of the :data:`STEPS`; what it raises ends the work.

    Raises
    ------
    UsageError
        If a défi, a service, a candidate is unknown, or the territory too large.
    UnknownTerritoryError
        If no territory bears a code.
    NotComputedError
        If the database is empty.
    """
    # The same question has the same answer in whatever order its défis are written; draws depend on their order.
    siting = study_of(siting.parameters())
    study = checked(siting, study_path)
    name = siting_name(connection, siting, study)
    stored = _stored(connection, name)
    if stored is not None:
        return stored
    results.lock_run(connection, name)
    stored = _stored(connection, name)
    if stored is not None:
        return stored
    limit_s = TIME_LIMIT_S if time_limit_s is None else time_limit_s
    asked = Asked(siting, study, time.perf_counter() + limit_s, progress or _in_silence)
    return _work_out(connection, name, asked)


def checked(siting: SitingStudy, study_path: Path | None) -> Study:
    """Return the study of needs and services, once it is sure that it holds those of the question.

    Raises
    ------
    UsageError
        If a défi or a service is unknown.
    """
    study = read_study(study_path)
    for defi in siting.defis:
        study.need(defi)
    for service in siting.services:
        study.service(service)
    return study


def stored_siting(connection: Connection, siting: SitingStudy, *, study_path: Path | None = None) -> SitingRun | None:
    """Return the answer of a question that was worked out already, or None.

    Raises
    ------
    UsageError
        If a défi, a service or a candidate is unknown, or the territory can't be studied.
    UnknownTerritoryError
        If no territory bears the code.
    """
    study = checked(siting, study_path)
    check_place(connection, siting)
    return _stored(connection, siting_name(connection, siting, study))


def _in_silence(_label: str, _done: int, _total: int) -> None:
    """Tell nobody."""


def siting_name(connection: Connection, siting: SitingStudy, study: Study) -> str:
    """Return the hash that names a question on the data loaded, entered places included."""
    entered = entered_places(connection, siting)
    content: dict[str, Any] = {
        "answer": ANSWER_VERSION,
        "siting": siting.parameters(),
        "study": study.digest,
        "travel": travel_parameters(travel_in_force(connection, study)),
        "inputs": checksums(connection),
    }
    if siting.layers:
        content["entered"] = entered[["code", "name", "x_m", "y_m", "note"]].astype(str).to_numpy().tolist()
    return run_hash("siting", content)


def _stored(connection: Connection, name: str) -> SitingRun | None:
    found = results.find_run(connection, name)
    if found is None:
        return None
    return SitingRun(name, found.parameters["document"], found.parameters["parameters"], found.source_ids)


def _work_out(connection: Connection, name: str, asked: Asked) -> SitingRun:
    found = answer(connection, asked)
    if found.is_cut_short:  # the name of a run is that of its whole answer
        return SitingRun(name, found.document | {"run": None}, found.parameters, found.source_ids)
    document = found.document | {"run": name}
    results.store_run(
        connection,
        run_hash=name,
        kind="siting",
        defi=None,
        service=None,
        parameters={"document": document, "parameters": found.parameters},
        inputs=found.checksums,
        source_ids=found.source_ids,
    )
    # What is read back has the order of keys of the store: the first answer is that of every later one, to the letter.
    return _stored(connection, name) or SitingRun(name, document, found.parameters, found.source_ids)


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
        raise UsageError(f"Le nom d’un calcul a au moins {HASH_SHOWN} chiffres hexadécimaux : recopiez-le.")
    query = sa.select(Run.run_hash).where(Run.kind == "siting", Run.run_hash.startswith(start.lower())).limit(2)
    names = list(connection.execute(query).scalars())
    if len(names) > 1:
        raise UsageError(f"Plusieurs calculs commencent par « {start} » : donnez plus de chiffres.")
    found = _stored(connection, names[0]) if names else None
    if found is None:
        raise NotComputedError(
            f"Aucune étude d’implantation « {start} » n’est dans la base : lancez « observatory site --study »."
        )
    return found
