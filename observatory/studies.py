"""Read a study file once: needs of the défis, services with their thresholds, cuts; and name it by its content."""

from __future__ import annotations

import hashlib
import json
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import geodata
from observatory.access.travel import TravelConstants
from observatory.errors import InputFileError, UsageError
from observatory.gap import Cuts
from observatory.gap.verdict import VerdictStudy
from observatory.need import NeedStudy, need_study
from observatory.store.travel_file import LoadedTravel, loaded_travel

DEFAULT_STUDY = geodata.STUDIES / "defis.toml"
PHASED_SERVICE = "accompagnement"
PHASES = {
    "emergence": "émergence",
    "creation": "création",
    "developpement": "développement",
    "essaimage": "essaimage",
    "lieu": "lieu",
}
"""Phases of a project that accompaniment is asked for, as ``accompagnement:emergence``."""
PHASE_COMPLETENESS = (
    "Annuaire de l'accompagnement : un lieu compte si sa structure est connue pour cette phase, et seulement dans sa "
    "zone d'intervention. Les structures dont les phases, le lieu ou la zone ne sont pas connus ne comptent pas : "
    "l'accès peut être plus grand."
)
DEFAULT_TRAVEL = geodata.STUDIES / "travel.toml"


@dataclass(frozen=True)
class ServiceStudy:
    """How access to one service is judged."""

    service: str
    label: str
    threshold_min: float
    steps: tuple[tuple[float, float], ...] | None
    """Fractions of the threshold and weights; None: the APL steps of the DREES."""
    persons_per_site: float | None
    """Norm declared by the study; None: the regional mean."""
    note: str
    completeness: str
    """French sentence: what the list of structures holds and lacks."""
    is_complete: bool
    kinds: tuple[str, ...]
    phase: str | None = None
    """Phase of a project that the service is narrowed to (``accompagnement:emergence``)."""


@dataclass(frozen=True, eq=False)
class TravelStudy:
    """Constants of the travel cost, and the checksum of the declaration they come from."""

    constants: TravelConstants
    digest: str
    loaded: LoadedTravel | None = None
    """Road network or matrix that the operator loaded, which the constants then only complete."""


@dataclass(frozen=True)
class Study:
    """A study file, checked, and the checksum of its content."""

    id: str
    title: str
    version: int
    digest: str
    needs: Mapping[str, NeedStudy]
    services: Mapping[str, ServiceStudy]
    cuts: Cuts
    catchment_threshold_min: float
    travel: TravelStudy
    verdict: VerdictStudy | None = None
    """Choices of method that the study calls defensible; None: no verdict is given."""

    def need(self, defi: str) -> NeedStudy:
        """Return the need of one défi.

        Raises
        ------
        UsageError
            If the study has no such défi.
        """
        if defi not in self.needs:
            raise UsageError(f"Le défi « {defi} » n'est pas dans l'étude : choisissez {_listed(self.needs)}.")
        return self.needs[defi]

    def service(self, service: str) -> ServiceStudy:
        """Return how access to one service is judged.

        Raises
        ------
        UsageError
            If the study has no such service.
        """
        name, _, phase = service.partition(":")
        if name not in self.services or (phase and name != PHASED_SERVICE):
            raise UsageError(f"Le service « {service} » n'est pas dans l'étude : choisissez {_listed(self.services)}.")
        if not phase:
            return self.services[name]
        if phase not in PHASES:
            raise UsageError(f"La phase « {phase} » n'existe pas : choisissez {_listed(PHASES)}.")
        whole = self.services[name]
        label = f"{whole.label}, phase « {PHASES[phase]} »"
        return replace(whole, service=service, label=label, phase=phase, completeness=PHASE_COMPLETENESS)


def read_study(path: Path | None = None) -> Study:
    """Read a study file.

    Parameters
    ----------
    path
        TOML file; None: ``geodata/studies/defis.toml``.

    Raises
    ------
    InputFileError
        If the file is missing, is not TOML, or does not declare what a study must.
    """
    path = path or DEFAULT_STUDY
    try:
        content = path.read_bytes()
        document = tomllib.loads(content.decode("utf-8"))
    except FileNotFoundError as error:
        raise InputFileError(f"Le fichier d'étude « {path.name} » n'existe pas : vérifiez son chemin.") from error
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise InputFileError(f"L'étude « {path.name} » n'est pas lisible en TOML : {error}.") from error
    services = geodata.declarations("services")["services"]
    try:
        return Study(
            id=document["study"]["id"],
            title=document["study"]["title"],
            version=int(document["study"]["version"]),
            digest=_digest(content, services),
            needs={
                defi: need_study(defi, declaration, rules=document) for defi, declaration in document["defis"].items()
            },
            services={
                name: _service(name, entry, services.get(name, {})) for name, entry in document["services"].items()
            },
            cuts=Cuts(need=float(document["cuts"]["need"]), access=float(document["cuts"]["access"])),
            catchment_threshold_min=float(document["catchment"]["threshold_min"]),
            travel=_travel(document),
            verdict=VerdictStudy.from_declaration(document) if "verdict" in document else None,
        )
    except (KeyError, TypeError, ValueError) as error:
        raise InputFileError(
            f"L'étude « {path.name} » est incomplète ({error}) : comparez-la avec geodata/studies/defis.toml."
        ) from error


def _digest(content: bytes, services: Mapping[str, Any]) -> str:
    """Return the checksum of a study and of the declaration of services, whose words its runs carry."""
    words = json.dumps(services, sort_keys=True, ensure_ascii=False, default=str)
    return hashlib.sha256(content + words.encode("utf-8")).hexdigest()


def _travel(document: Mapping[str, Any]) -> TravelStudy:
    """Read the travel constants that the study declares for itself, or else the observatory's."""
    declaration = document if "travel" in document else tomllib.loads(DEFAULT_TRAVEL.read_text(encoding="utf-8"))
    shown = {name: declaration.get(name) for name in ("travel", "barriers")}
    words = json.dumps(shown, sort_keys=True, ensure_ascii=False, default=str)
    # A study that declares its own travel means it: what the operator loaded is for the observatory's.
    loaded = None if "travel" in document else loaded_travel()
    return TravelStudy(
        TravelConstants.from_declaration(declaration), hashlib.sha256(words.encode()).hexdigest(), loaded
    )


def _service(name: str, entry: Mapping[str, Any], declared: Mapping[str, Any]) -> ServiceStudy:
    steps = entry.get("steps")
    return ServiceStudy(
        service=name,
        label=declared.get("label", name),
        threshold_min=float(entry["threshold_min"]),
        steps=None if steps is None else tuple((float(fraction), float(weight)) for fraction, weight in steps),
        persons_per_site=None if "persons_per_site" not in entry else float(entry["persons_per_site"]),
        note=entry.get("note", ""),
        completeness=declared.get("completeness", ""),
        is_complete=bool(declared.get("is_complete", False)),
        kinds=tuple(declared.get("kinds", ())),
    )


def _listed(names: Mapping[str, Any]) -> str:
    return ", ".join(names)
