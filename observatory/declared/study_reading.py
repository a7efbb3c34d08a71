"""Read a study file once: needs of the défis, services with their thresholds, cuts; and name it by its content."""

from __future__ import annotations

import hashlib
import itertools
import json
import re
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
from observatory.need.declaration import number, plain_number, refused, table, text
from observatory.parameters import LONGEST_THRESHOLD_MIN
from observatory.store.loaded_travel import LoadedTravel, loaded_travel
from observatory.words.labels import PHASES

DEFAULT_STUDY = geodata.STUDIES / "defis.toml"
PHASED_SERVICE = "accompagnement"
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
        if phase and name in self.services and name != PHASED_SERVICE:
            raise UsageError(
                f"Le service « {name} » n'a pas de phases : seul « {PHASED_SERVICE} » en a ; retirez la phase."
            )
        if name not in self.services:
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
    content, document = _parsed(path)
    services = geodata.declarations("services")["services"]
    where = f"L'étude « {path.name} » est incomplète ou fausse"
    head, defis = table(document, "study", where=where), table(document, "defis", where=where)
    needs = {defi: need_study(defi, table(defis, defi, where=where), rules=document) for defi in defis}
    declared, cuts = table(document, "services", where=where), table(document, "cuts", where=where)
    return Study(
        id=text(head, "id", where=where),
        title=text(head, "title", where=where),
        version=int(number(head, "version", where=where)),
        digest=_digest(content, services),
        needs=needs,
        services={
            name: _service(name, table(declared, name, where=where), services.get(name, {}), f"{where}, service {name}")
            for name in declared
        },
        cuts=Cuts(*(number(cuts, name, where=f"{where}, [cuts]", above=0, at_most=100) for name in ("need", "access"))),
        catchment_threshold_min=_threshold_min(table(document, "catchment", where=where), f"{where}, [catchment]"),
        travel=_travel(document),
        verdict=VerdictStudy.from_declaration(document) if "verdict" in document else None,
    )


def _parsed(path: Path) -> tuple[bytes, dict[str, Any]]:
    try:
        content = path.read_bytes()
        return content, tomllib.loads(content.decode("utf-8"))
    except FileNotFoundError as error:
        raise InputFileError(f"Le fichier d'étude « {path.name} » n'existe pas : vérifiez son chemin.") from error
    except OSError as error:
        raise InputFileError(f"Le fichier d'étude « {path.name} » ne s'ouvre pas : vérifiez ses droits.") from error
    except UnicodeDecodeError as error:
        raise InputFileError(f"L'étude « {path.name} » n'est pas en UTF-8 : enregistrez-la ainsi.") from error
    except tomllib.TOMLDecodeError as error:
        place = re.search(r"line (\d+), column (\d+)", str(error))
        at = f"ligne {place[1]}, colonne {place[2]}" if place else "fin du fichier"
        raise InputFileError(f"L'étude « {path.name} » n'est pas lisible en TOML ({at}) : corrigez-la.") from error


def _digest(content: bytes, services: Mapping[str, Any]) -> str:
    """Return the checksum of a study and of the declaration of services, whose words its runs carry; not colours."""
    told = {name: {key: one[key] for key in one if key != "colour"} for name, one in services.items()}
    words = json.dumps(told, sort_keys=True, ensure_ascii=False, default=str)
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


def _service(name: str, entry: Mapping[str, Any], declared: Mapping[str, Any], where: str) -> ServiceStudy:
    return ServiceStudy(
        service=name,
        label=declared.get("label", name),
        threshold_min=_threshold_min(entry, where),
        steps=_steps(entry, where) if "steps" in entry else None,
        persons_per_site=number(entry, "persons_per_site", where=where, above=0)
        if "persons_per_site" in entry
        else None,
        note=text(entry, "note", where=where, default=""),
        completeness=declared.get("completeness", ""),
        is_complete=bool(declared.get("is_complete", False)),
        kinds=tuple(declared.get("kinds", ())),
    )


def _threshold_min(entry: Mapping[str, Any], where: str) -> float:
    return number(entry, "threshold_min", where=where, above=0, at_most=LONGEST_THRESHOLD_MIN)


def _steps(entry: Mapping[str, Any], where: str) -> tuple[tuple[float, float], ...]:
    """Return the declared decay: fractions of the threshold that increase, and weights of 0 or more."""
    pairs = entry["steps"]
    if not isinstance(pairs, list) or not pairs or not all(isinstance(one, list) and len(one) == 2 for one in pairs):  # noqa: PLR2004
        raise refused(where, "« steps » doit être une liste de paires [part du seuil, poids]")
    found = tuple(
        (plain_number(part, "la part du seuil", where=where), plain_number(weight, "le poids", where=where))
        for part, weight in pairs
    )
    ends = [0.0, *(part for part, _ in found)]
    if any(after <= before for before, after in itertools.pairwise(ends)) or any(weight < 0 for _, weight in found):
        raise refused(where, "« steps » demande des parts croissantes, supérieures à 0, et des poids positifs ou nuls")
    return found


def _listed(names: Mapping[str, Any]) -> str:
    return ", ".join(names)
