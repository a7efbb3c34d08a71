"""What a siting study asks: for whom, which services, how many poles, among which places, by which measure."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Annotated, Any, Final, Literal, get_args

from pydantic import BeforeValidator, SkipValidation, TypeAdapter

from observatory.declared.reading import validated
from observatory.declared.siting_options import (
    AIMS,
    AIMS_OF_DEFIS,
    CLOSED,
    CandidateFilters,
    Closable,
    Costs,
    Joint,
    Names,
    Pairs,
    ServedPairs,
)
from observatory.errors import UsageError
from observatory.parameters import require_threshold

Objective = Literal["mclp", "p_median", "lscp", "p_center"]
OBJECTIVES: Final = get_args(Objective)
OBJECTIVE_LABELS: Final[Mapping[str, str]] = {
    "mclp": "Le plus de personnes sous le seuil",
    "p_median": "Le moins de minutes en tout",
    "lscp": "Le moins de pôles pour que chacun soit sous le seuil",
    "p_center": "Le plus éloigné le moins loin possible",
}
OBJECTIVE_UNITS: Final[Mapping[str, str]] = {
    "mclp": "personnes concernées × services, pondérées par les poids des défis, à moins du seuil",
    "p_median": "minutes × personnes concernées × services, pondérées par les poids des défis",
    "lscp": "nombre de nouveaux pôles",
    "p_center": "minutes du lieu le plus éloigné de l’un des services",
}
MAXIMISED: Final = frozenset({"mclp"})
"""Objectives of which more is better."""
ADDITIVE: Final = frozenset({"mclp", "p_median"})
"""Objectives that are sums over persons: each pole has its part of them."""
CANDIDATE_LAYERS: Final = ("candidats", "friches")
"""Layers entered by territories that hold places where a pole may open."""
POLES_MAX: Final = 20
"""Most new poles that may be asked for at once (convention de l'observatoire)."""
SOLUTIONS_MAX: Final = 10
"""Most proposals listed (convention de l'observatoire)."""
Mesh = Literal["commune", "commune_deleguee"]
_CODE: Final = re.compile(r"[0-9A-Za-z_.:-]{1,120}")


def _mesh(level: object) -> object:
    """Refuse a mesh that doesn't exist, or that isn't possible: the data place no IRIS."""
    if level == "iris":
        raise UsageError(
            "La maille « iris » n’est pas possible : les données ne portent ni contour ni lieu des IRIS ; choisissez "
            "commune_deleguee."
        )
    if isinstance(level, str) and level not in get_args(Mesh):
        raise UsageError(f"La maille « {level} » n’existe pas : choisissez commune ou commune_deleguee.")
    return level


@dataclass(frozen=True)
class NamedCandidate:
    """A place that the study names; it stands at the town hall of a unit, whose place it takes."""

    __pydantic_config__ = CLOSED

    id: str
    name: str
    unit: str
    unit_level: str
    note: str
    source: str


@dataclass(frozen=True)
class SitingStudy:
    """A siting question, checked. Weights are per person concerned; the services are opened together at each pole."""

    id: str
    title: str
    territory: str
    services: Names
    defis: Mapping[str, float]
    poles: int
    objective: Annotated[Objective, SkipValidation, BeforeValidator(TypeAdapter(str).validate_python)]
    threshold_min: float
    mesh: Annotated[Mesh, BeforeValidator(_mesh)] = "commune"
    catchment: Names = ()
    solutions: int = 3
    candidates: Names | None = None
    """Codes of the units where a pole may open; None: every unit of the territory."""
    named: tuple[NamedCandidate, ...] = ()
    keep: Names | None = None
    """Existing structures kept open; None: all."""
    notes: tuple[str, ...] = field(default=())
    filters: CandidateFilters = field(default_factory=CandidateFilters)
    layers: Names = ()
    """Layers of places that the territory entered and that may be proposed: ``candidats``, ``friches``."""
    required: Names = ()
    """Candidates that every proposal opens, by code."""
    incompatible: Pairs = ()
    """Pairs of candidates that no proposal opens together."""
    forbidden: ServedPairs = ()
    """Pairs of a unit and a site that may not serve it."""
    costs: Costs | None = None
    closable: tuple[Closable, ...] = ()
    capacity_count: float | None = None
    """Weighted persons that each new pole can take; None: no limit."""
    joint: Joint | None = None
    pareto: Names = ()
    """Aims of the front of compromises; empty: none is searched."""

    def __post_init__(self) -> None:
        if not self.services:
            raise UsageError("Choisissez au moins un service à ouvrir, par exemple ressourcerie.")
        if not self.defis:
            raise UsageError("Choisissez au moins un défi : insertion, dechets ou vieillissement.")
        if not all(0 < weight < float("inf") for weight in self.defis.values()):
            raise UsageError("Le poids d’un défi doit être un nombre positif.")
        if self.objective not in OBJECTIVES:
            raise UsageError(
                f"L’objectif « {self.objective} » n’existe pas : choisissez mclp (le plus de personnes sous le seuil), "
                "p_median (le moins de minutes en tout), lscp (le moins de pôles pour que chacun soit sous le seuil) "
                "ou p_center (le plus éloigné le moins loin possible)."
            )
        if isinstance(self.poles, bool) or not isinstance(self.poles, int) or not 1 <= self.poles <= POLES_MAX:
            raise UsageError(f"Le nombre de nouveaux pôles doit être un entier de 1 à {POLES_MAX}.")
        require_threshold(self.threshold_min)
        if not 1 <= self.solutions <= SOLUTIONS_MAX:
            raise UsageError(f"Le nombre de propositions doit être un entier de 1 à {SOLUTIONS_MAX}.")
        pairs = (code for pair in (*self.incompatible, *self.forbidden) for code in pair)
        named = (*self.required, *pairs, *(one.code for one in self.closable))
        for code in (self.territory, *self.catchment, *(self.candidates or ()), *(self.keep or ()), *named):
            if not _CODE.fullmatch(code):
                raise UsageError(f"Le code « {code[:40]} » n’a pas la forme d’un code : vérifiez-le.")
        self._check_options()

    def _check_options(self) -> None:
        if self.capacity_count is not None:
            if not 0 < self.capacity_count < float("inf"):
                raise UsageError("La capacité d’un pôle est un nombre positif de personnes concernées.")
            if self.objective not in ADDITIVE or len(self.services) != 1:
                raise UsageError(
                    "Une capacité se donne pour un seul service et un objectif mclp ou p_median : simplifiez-la."
                )
            if self.costs is not None or self.closable or self.incompatible or self.required:
                raise UsageError(
                    "Une capacité ne se combine pas avec un budget, des fermetures, des lieux imposés ou "
                    "incompatibles : posez deux questions."
                )
        strange = [layer for layer in self.layers if layer not in CANDIDATE_LAYERS]
        if strange:
            raise UsageError(
                f"La couche « {strange[0]} » n’existe pas : choisissez parmi {', '.join(CANDIDATE_LAYERS)}."
            )
        if self.closable and (self.costs is None or self.costs.budget is None):
            raise UsageError("Fermer une structure n’a de sens qu’avec un budget : déclarez les coûts et le budget.")
        self._check_aims()
        if self.objective != "lscp" and len(set(self.required)) > self.poles:
            raise UsageError("Il y a plus de lieux imposés que de nouveaux pôles : demandez davantage de pôles.")
        if self.joint is not None:
            self._check_joint(self.joint)

    def _check_aims(self) -> None:
        unknown = [aim for aim in self.pareto if aim not in AIMS]
        if unknown:
            raise UsageError(f"Le but « {unknown[0]} » n’existe pas : choisissez parmi {', '.join(AIMS)}.")
        asked = [aim for aim in self.pareto if AIMS_OF_DEFIS.get(aim) is None or AIMS_OF_DEFIS[aim] in self.defis]
        if self.pareto and not asked:
            raise UsageError(
                "Aucun des buts à comparer ne porte sur un défi de l’étude : ajoutez un défi, ou un but comme mean_min."
            )

    def _check_joint(self, joint: Joint) -> None:
        if set(joint.services) != set(self.services):
            raise UsageError("Le pôle commun déclare le coût de chacun des services de l’étude, et d’aucun autre.")
        for name, service in joint.services.items():
            strange = [defi for defi in service.defis or () if defi not in self.defis]
            if strange:
                raise UsageError(
                    f"Pôle commun : le défi « {strange[0]} » du service « {name} » n’est pas dans l’étude ; choisissez "
                    f"parmi {', '.join(self.defis)}."
                )

    def parameters(self) -> dict[str, Any]:
        """Return the whole question as JSON holds it; two equal questions give equal documents."""
        document = asdict(self)
        document["defis"] = {name: float(weight) for name, weight in sorted(self.defis.items())}
        document["threshold_min"] = float(self.threshold_min)
        plain: dict[str, Any] = json.loads(json.dumps(document))
        return plain


def study_of(parameters: Mapping[str, Any]) -> SitingStudy:
    """Return the study whose :meth:`SitingStudy.parameters` are given."""
    return validated(SitingStudy, parameters)
