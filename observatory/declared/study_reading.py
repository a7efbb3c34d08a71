"""Read a study file once: needs of the défis, services with their thresholds, cuts; and name it by its content."""

from __future__ import annotations

import hashlib
import itertools
import json
import math
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import Annotated, Any, Final

from pydantic import BeforeValidator, Field, ValidationError

import geodata
from observatory.access.travel import TravelConstants
from observatory.declared import services, travel
from observatory.declared.need_study import Defi, NeedStudy, Rules, Weights
from observatory.declared.reading import (
    Loc,
    Number,
    OpenDeclaration,
    Version,
    document,
    fault,
    told,
    toml_place,
    validated,
    version,
)
from observatory.declared.verdict_study import Cuts, VerdictStudy
from observatory.errors import InputFileError, UsageError
from observatory.parameters import LONGEST_THRESHOLD_MIN
from observatory.words.labels import PHASES

MODEL: Final = "geodata/studies/defis.toml"
DEFAULT_STUDY = "studies/defis.toml"
PHASED_SERVICE = "accompagnement"
PHASE_COMPLETENESS = (
    "Annuaire de l’accompagnement : un lieu compte si sa structure est connue pour cette phase, et seulement dans sa "
    "zone d’intervention. Les structures dont les phases, le lieu ou la zone ne sont pas connus ne comptent pas : "
    "l’accès peut être plus grand."
)


Minutes = Annotated[Number, Field(gt=0, le=LONGEST_THRESHOLD_MIN)]


class Head(OpenDeclaration):
    """The ``[study]`` of a study file."""

    id: str
    title: str
    version: Number


class Catchment(OpenDeclaration):
    """The ``[catchment]`` of a study file."""

    threshold_min: Minutes


def _steps(pairs: object) -> object:
    """Check a declared decay: fractions of the threshold that increase, and weights of 0 or more."""
    if not isinstance(pairs, list) or not pairs or not all(isinstance(one, list) and len(one) == 2 for one in pairs):  # noqa: PLR2004
        raise told("« steps » doit être une liste de paires [part du seuil, poids]")
    for pair in pairs:
        for value, words in zip(pair, ("la part du seuil", "le poids"), strict=True):
            if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
                raise told(f"{words} doit être un nombre")
    ends = [0.0, *(part for part, _ in pairs)]
    if any(after <= before for before, after in itertools.pairwise(ends)) or any(weight < 0 for _, weight in pairs):
        raise told("« steps » demande des parts croissantes, supérieures à 0, et des poids positifs ou nuls")
    return pairs


class ServiceEntry(OpenDeclaration):
    """One ``[services.…]`` of a study file."""

    threshold_min: Minutes
    steps: Annotated[tuple[tuple[float, float], ...], BeforeValidator(_steps)] | None = None
    persons_per_site: Annotated[Number, Field(gt=0)] | None = None
    note: str = ""


class StudyFile(OpenDeclaration):
    """A study file, table by table."""

    study: Head
    defis: Mapping[str, Defi]
    rules: Rules = Rules()
    weights: Weights = Field(default_factory=dict)
    services: Mapping[str, ServiceEntry]
    cuts: Cuts
    catchment: Catchment
    verdict: VerdictStudy | None = None


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
    is_own: bool = False
    """Whether the study declares its own, which what the operator loaded then doesn't replace."""


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
            raise UsageError(f"Le défi « {defi} » n’est pas dans l’étude : choisissez {_listed(self.needs)}.")
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
                f"Le service « {name} » n’a pas de phases : seul « {PHASED_SERVICE} » en a ; retirez la phase."
            )
        if name not in self.services:
            raise UsageError(f"Le service « {service} » n’est pas dans l’étude : choisissez {_listed(self.services)}.")
        if not phase:
            return self.services[name]
        if phase not in PHASES:
            raise UsageError(f"La phase « {phase} » n’existe pas : choisissez {_listed(PHASES)}.")
        whole = self.services[name]
        label = f"{whole.label}, phase « {PHASES[phase]} »"
        return replace(whole, service=service, label=label, phase=phase, completeness=PHASE_COMPLETENESS)


def read_study(path: Path | None = None) -> Study:
    """Read a study file, once per version of it.

    Parameters
    ----------
    path
        TOML file; None: ``geodata/studies/defis.toml``.

    Raises
    ------
    InputFileError
        If the file is missing, is not TOML, or does not declare what a study must.
    """
    path = path or geodata.path(DEFAULT_STUDY)
    _parsed(path)
    return _built(path, *(version(one) for one in (path, geodata.path(services.FILE), geodata.path(travel.FILE))))


@lru_cache(maxsize=16)
def _built(path: Path, *_: Version) -> Study:
    written = _parsed(path)
    try:
        declared = validated(StudyFile, written)
    except ValidationError as error:
        found = fault(error, StudyFile)
        raise InputFileError(f"{_place(found.loc, written, path)} : {found.words} ; comparez avec {MODEL}.") from None
    return Study(
        id=declared.study.id,
        title=declared.study.title,
        version=int(declared.study.version),
        digest=_digest(path.read_bytes()),
        needs={name: one.need(name, declared.rules, declared.weights) for name, one in declared.defis.items()},
        services={name: _service(name, one) for name, one in declared.services.items()},
        cuts=declared.cuts,
        catchment_threshold_min=declared.catchment.threshold_min,
        travel=_travel(written),
        verdict=declared.verdict,
    )


def _parsed(path: Path) -> Mapping[str, Any]:
    try:
        return document(path)
    except FileNotFoundError as error:
        raise InputFileError(f"Le fichier d’étude « {path.name} » n’existe pas : vérifiez son chemin.") from error
    except OSError as error:
        raise InputFileError(f"Le fichier d’étude « {path.name} » ne s’ouvre pas : vérifiez ses droits.") from error
    except UnicodeDecodeError as error:
        raise InputFileError(f"L’étude « {path.name} » n’est pas en UTF-8 : enregistrez-la ainsi.") from error
    except tomllib.TOMLDecodeError as error:
        raise InputFileError(
            f"L’étude « {path.name} » n’est pas lisible en TOML ({toml_place(error)}) : corrigez-la."
        ) from error


def _place(loc: Loc, written: Mapping[str, Any], path: Path) -> str:
    """Return where in a study file something is wrong, in French."""
    whole, table, *rest = (f"L’étude « {path.name} » est incomplète ou fausse", *loc)
    if len(rest) == 0 or (table == "defis" and len(rest) == 1 and not isinstance(written["defis"][rest[0]], Mapping)):
        return whole
    if table == "verdict":
        return "Le tableau [verdict] de l’étude est incomplet ou faux"
    if table in {"cuts", "catchment"}:
        return f"{whole}, [{table}]"
    if table == "services":
        return f"{whole}, service {rest[0]}"
    if table in {"rules", "weights"}:
        # They hold for every défi: the first is the one that can't be read.
        place = f", [weights.{rest[0]}]" if table == "weights" else ""
        return f"Étude du défi « {next(iter(written['defis']))} » illisible{place}"
    return whole if table != "defis" else f"Étude du défi « {rest[0]} » illisible{_indicator_place(rest, written)}"


def _indicator_place(rest: Sequence[int | str], written: Mapping[str, Any]) -> str:
    defi, *deeper = rest
    if len(deeper) < 2 or deeper[0] != "indicators":  # noqa: PLR2004
        return ""
    entry = written["defis"][defi]["indicators"][deeper[1]]
    named = f" ({entry['id']})" if isinstance(entry.get("id"), str) else ""
    return f", indicateur {int(deeper[1]) + 1}{named}{', measure' if 'measure' in deeper[2:-1] else ''}"


def _digest(content: bytes) -> str:
    """Return the checksum of a study and of the declaration of services, whose words its runs carry; not colours."""
    shown = {
        name: {key: one[key] for key in one if key != "colour"}
        for name, one in document(geodata.path(services.FILE))["services"].items()
    }
    words = json.dumps(shown, sort_keys=True, ensure_ascii=False, default=str)
    return hashlib.sha256(content + words.encode("utf-8")).hexdigest()


def _travel(written: Mapping[str, Any]) -> TravelStudy:
    """Read the travel constants that the study declares for itself, or else the observatory's."""
    is_own = "travel" in written
    source = written if is_own else document(geodata.path(travel.FILE))
    shown = {name: source.get(name) for name in ("travel", "barriers")}
    words = json.dumps(shown, sort_keys=True, ensure_ascii=False, default=str)
    constants = travel.constants_of(written) if is_own else travel.travel().constants
    return TravelStudy(constants, hashlib.sha256(words.encode()).hexdigest(), is_own)


def _service(name: str, entry: ServiceEntry) -> ServiceStudy:
    declared = services.offer().services.get(name)
    told: dict[str, Any] = {"label": name, "completeness": "", "is_complete": False, "kinds": ()}
    if declared is not None:
        told = {key: getattr(declared, key) for key in told}
    return ServiceStudy(service=name, **told, **dict(entry))


def _listed(names: Mapping[str, Any]) -> str:
    return ", ".join(names)
