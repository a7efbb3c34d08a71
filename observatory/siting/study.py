"""What a siting study asks: for whom, which services, how many poles, among which places, by which measure."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Final, Literal, get_args

from observatory.errors import UsageError

Objective = Literal["mclp", "p_median"]
OBJECTIVES: Final = get_args(Objective)
POLES_MAX: Final = 20
"""Most new poles that may be asked for at once (convention de l'observatoire)."""
LONGEST_THRESHOLD_MIN: Final = 120.0
"""Longest threshold, in minutes, as for gaps (convention de l'observatoire)."""
SOLUTIONS_MAX: Final = 10
"""Most proposals listed (convention de l'observatoire)."""
_CODE: Final = re.compile(r"[0-9A-Za-z_.:-]{1,120}")


@dataclass(frozen=True)
class NamedCandidate:
    """A place that the study names; it stands at the town hall of a unit, whose place it takes."""

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
    services: tuple[str, ...]
    defis: Mapping[str, float]
    poles: int
    objective: Objective
    threshold_min: float
    mesh: Literal["commune", "commune_deleguee"] = "commune"
    catchment: tuple[str, ...] = ()
    solutions: int = 3
    candidates: tuple[str, ...] | None = None
    """Codes of the units where a pole may open; None: every unit of the territory."""
    named: tuple[NamedCandidate, ...] = ()
    keep: tuple[str, ...] | None = None
    """Existing structures kept open; None: all."""
    notes: tuple[str, ...] = field(default=())

    def __post_init__(self) -> None:
        if not self.services:
            raise UsageError("Choisissez au moins un service à ouvrir, par exemple ressourcerie.")
        if not self.defis:
            raise UsageError("Choisissez au moins un défi : insertion, dechets ou vieillissement.")
        if not all(0 < weight < float("inf") for weight in self.defis.values()):
            raise UsageError("Le poids d'un défi doit être un nombre positif.")
        if self.objective not in OBJECTIVES:
            raise UsageError(
                f"L'objectif « {self.objective} » n'existe pas : choisissez mclp (le plus de personnes sous le seuil) "
                "ou p_median (le moins de minutes en tout)."
            )
        if isinstance(self.poles, bool) or not 1 <= self.poles <= POLES_MAX:
            raise UsageError(f"Le nombre de nouveaux pôles doit être un entier de 1 à {POLES_MAX}.")
        if not 0 < self.threshold_min <= LONGEST_THRESHOLD_MIN:
            raise UsageError(f"Le seuil doit être compris entre 0 et {LONGEST_THRESHOLD_MIN:g} minutes.")
        if not 1 <= self.solutions <= SOLUTIONS_MAX:
            raise UsageError(f"Le nombre de propositions doit être un entier de 1 à {SOLUTIONS_MAX}.")
        for code in (self.territory, *self.catchment, *(self.candidates or ()), *(self.keep or ())):
            if not _CODE.fullmatch(code):
                raise UsageError(f"Le code « {code[:40]} » n'a pas la forme d'un code : vérifiez-le.")

    def parameters(self) -> dict[str, Any]:
        """Return the whole question as JSON holds it; two equal questions give equal documents."""
        document = asdict(self)
        document["defis"] = {name: float(weight) for name, weight in sorted(self.defis.items())}
        document["threshold_min"] = float(self.threshold_min)
        plain: dict[str, Any] = json.loads(json.dumps(document))
        return plain


def siting_study(document: Mapping[str, Any]) -> SitingStudy:
    """Return the study that a parsed TOML file declares (see ``geodata/studies/vire.toml``).

    Raises
    ------
    UsageError
        If it doesn't declare what a siting study must, or declares what makes no sense.
    """
    try:
        about, asked = document["study"], document["siting"]
        return SitingStudy(
            id=str(about["id"]),
            title=str(about["title"]),
            territory=str(document["territory"]["code"]),
            services=tuple(asked["services"]),
            defis={str(name): float(weight) for name, weight in document["defis"].items()},
            poles=asked["poles"],
            objective=asked["objective"],
            threshold_min=float(asked["threshold_min"]),
            mesh=_mesh(document.get("mesh", {}).get("level", "commune")),
            catchment=tuple(document.get("catchment", {}).get("codes", ())),
            solutions=int(asked.get("solutions", 3)),
            candidates=None if "candidates" not in asked else tuple(asked["candidates"]),
            named=tuple(NamedCandidate(**entry) for entry in document.get("candidates", ())),
            keep=None if "keep" not in asked else tuple(asked["keep"]),
            notes=tuple(text for text in (about.get("note"), about.get("source")) if text),
        )
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise UsageError(
            f"L'étude d'implantation est incomplète ou mal formée ({error}) : comparez-la avec "
            "geodata/studies/vire.toml."
        ) from error


def _mesh(level: str) -> Literal["commune", "commune_deleguee"]:
    if level == "commune":
        return "commune"
    if level == "commune_deleguee":
        return "commune_deleguee"
    raise UsageError(f"La maille « {level} » n'existe pas : choisissez commune ou commune_deleguee.")
