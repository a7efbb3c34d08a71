"""What narrows a siting question: which places may be proposed, what may not go together, what may be spent."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Annotated, Any, Final

from pydantic import AfterValidator, BeforeValidator, ConfigDict, Field, TypeAdapter
from pydantic_core import PydanticCustomError

from observatory.errors import UsageError
from observatory.parameters import LONGEST_THRESHOLD_MIN

PAIRS_MAX: Final = 500
"""Most pairs that may be declared (convention de l'observatoire)."""
AIMS: Final = {
    "mean_min": "Temps moyen des habitants (minutes)",
    "worst_decile_min": "Temps moyen du dixième d’habitants le plus éloigné (minutes)",
    "uncovered_insertion": "Personnes concernées par l’insertion, hors de portée",
    "uncovered_vieillissement": "Personnes concernées par le vieillissement, hors de portée",
    "uncovered_dechets": "Personnes concernées par les déchets, hors de portée",
    "uncovered_qpv_share": "Part hors de portée des habitants de communes à QPV (%)",
    "uncovered_rural_share": "Part hors de portée des habitants de communes rurales (%)",
    "cost": "Coût (unités déclarées, ou nombre de pôles)",
}
"""What a front of compromises may keep small; services count in turn, and their figures add up or are averaged."""
AIMS_OF_DEFIS: Final = {
    aim: aim.removeprefix("uncovered_") for aim in AIMS if aim.startswith("uncovered_") and not aim.endswith("_share")
}
"""Aims about the persons concerned by a défi → that défi."""
DEFAULT_AIMS: Final = ("mean_min", "worst_decile_min", "cost")


COSTS_WORDS: Final = "Un coût et un budget sont des nombres positifs, en unités déclarées par l’étude."
CLOSING_WORDS: Final = "Fermer une structure a un coût et une économie positifs, en unités déclarées."
JOINT_WORDS: Final = "Les coûts du pôle commun et son budget sont des nombres positifs, en unités déclarées."
JOINT_POLES_WORDS: Final = "Le pôle commun ouvre au plus un nombre entier de lieux, d’au moins un."
CLOSED: Final = ConfigDict(extra="forbid", revalidate_instances="always")
"""What narrows a question refuses a key that it doesn't know, and is checked however it was built."""


def not_a_flag(value: object) -> object:
    """Refuse true and false where a number is meant: they would be taken for 1 and 0."""
    if isinstance(value, bool):
        raise PydanticCustomError("int_parsing", "a whole number is expected")
    return value


def once(names: tuple[str, ...] | None) -> tuple[str, ...] | None:
    """Return names without repetition, in order."""
    return None if names is None else tuple(dict.fromkeys(names))


Count = Annotated[int, BeforeValidator(not_a_flag)]
Names = Annotated[tuple[str, ...], AfterValidator(once)]
"""Codes or names, each once."""
_LISTS: Final = TypeAdapter(tuple[tuple[str, ...], ...])


def _pairs(*, may_repeat: bool) -> BeforeValidator:
    """Return the validator of pairs of codes: anything but two codes is refused, and the same twice unless it may be.

    A unit and the site at its own town hall bear the same code; two sites that exclude each other don't.
    """

    def checked(value: object) -> object:
        found = _LISTS.validate_python(value)
        if any(len(pair) != 2 or (not may_repeat and len(set(pair)) != 2) for pair in found):  # noqa: PLR2004
            raise UsageError('Une paire se donne par deux codes différents, par exemple ["14762", "14174"].')
        if len(found) > PAIRS_MAX:
            raise UsageError(f"{PAIRS_MAX} paires au plus peuvent être déclarées.")
        return found

    return BeforeValidator(checked)


Pairs = Annotated[tuple[tuple[str, str], ...], _pairs(may_repeat=False)]
ServedPairs = Annotated[tuple[tuple[str, str], ...], _pairs(may_repeat=True)]


@dataclass(frozen=True)
class CandidateFilters:
    """Conditions that a candidate must all meet; the default asks for nothing."""

    __pydantic_config__ = CLOSED

    polygon: Annotated[Mapping[str, Any] | None, Field(description="Polygon ou MultiPolygon GeoJSON (EPSG:4326).")] = (
        None
    )
    """GeoJSON geometry (Polygon or MultiPolygon, EPSG:4326); its edge counts as inside."""
    is_qpv: Annotated[bool, Field(description="Dans une commune qui a un quartier prioritaire (QPV 2024).")] = False
    """In a commune that holds a priority neighbourhood (QPV 2024)."""
    is_rural: Annotated[
        bool,
        Field(description="Dans une commune rurale de la grille de densité (5 à 7) ou classée FRR."),
    ] = False
    """In a rural commune of the density grid (levels 5 to 7) or one classed FRR, wholly or in part."""
    min_population_count: Annotated[int, Field(ge=0, description="Dans une commune d’au moins tant d’habitants.")] = 0
    """In a commune of so many inhabitants or more."""
    station_max_min: Annotated[
        float | None,
        Field(
            ge=0,
            le=LONGEST_THRESHOLD_MIN,
            description="À tant de minutes au plus de la mairie d’une commune qui a une gare (BPE).",
        ),
    ] = None
    """So many minutes at most from the town hall of a commune that has a station (BPE)."""

    def __post_init__(self) -> None:
        if self.polygon is not None and self.polygon.get("type") not in {"Polygon", "MultiPolygon"}:
            raise UsageError("Le contour des candidats doit être un Polygon ou un MultiPolygon GeoJSON (EPSG:4326).")

    @property
    def is_empty(self) -> bool:
        """Whether every place may be proposed."""
        return self == CandidateFilters()


@dataclass(frozen=True)
class Costs:
    """Costs in relative units that the study declares; no euro is ever supposed."""

    __pydantic_config__ = CLOSED

    note: Annotated[str, Field(description="D’où viennent ces coûts.")]
    site: Annotated[float, Field(ge=0, description="Ouvrir un pôle.")] = 1.0
    """Opening one pole."""
    by_site: Annotated[Mapping[str, float], Field(description="Ouvrir un pôle en un lieu, par code.")] = field(
        default_factory=dict
    )
    """Opening a pole at a given candidate, by its code, in place of ``site``."""
    budget: Annotated[
        float | None, Field(ge=0, description="Dépense au plus ; le nombre de pôles devient un plafond.")
    ] = None
    """Most that may be spent; the number of poles is then a ceiling."""

    def __post_init__(self) -> None:
        amounts = (self.site, *self.by_site.values(), *(() if self.budget is None else (self.budget,)))
        if not all(0 <= amount < float("inf") for amount in amounts):
            raise UsageError(COSTS_WORDS)
        if not self.note:
            raise UsageError("Dites d’où viennent les coûts (note) : ils sont une convention de l’étude.")


@dataclass(frozen=True)
class Closable:
    """An existing structure that a proposal may close: what closing costs, and what it frees."""

    __pydantic_config__ = CLOSED

    code: str
    closing_cost: Annotated[float, Field(ge=0, description="Ce que coûte sa fermeture.")] = 0.0
    saving: Annotated[float, Field(ge=0, description="Ce que sa fermeture libère.")] = 0.0

    def __post_init__(self) -> None:
        if not (0 <= self.closing_cost < float("inf") and 0 <= self.saving < float("inf")):
            raise UsageError(CLOSING_WORDS)


@dataclass(frozen=True)
class JointService:
    """One service of a joint pole: what adding it to an open site costs, and the défis that it answers."""

    __pydantic_config__ = CLOSED

    cost: Annotated[float, Field(ge=0, description="Ce que coûte ce service dans un lieu ouvert.")]
    defis: Annotated[Names | None, Field(description="Défis auxquels il répond ; sans eux : tous.")] = None
    """None: every défi of the study."""

    def __post_init__(self) -> None:
        if self.defis is not None and not self.defis:
            raise UsageError("Un service du pôle commun répond à au moins un défi : nommez-le, ou retirez « defis ».")


@dataclass(frozen=True)
class Joint:
    """A pole whose mix of services is chosen site by site: a shared cost per site, a cost per service, a budget."""

    __pydantic_config__ = CLOSED

    note: Annotated[str, Field(description="D’où viennent ces coûts.")]
    site_cost: Annotated[float, Field(ge=0, description="Ouvrir un lieu, quels que soient ses services.")]
    services: Mapping[str, JointService]
    budget: Annotated[float, Field(ge=0)]
    poles: Annotated[Count, Field(ge=1, description="Lieux au plus.")]
    """Most sites that may be opened."""

    def __post_init__(self) -> None:
        amounts = (self.site_cost, self.budget, *(one.cost for one in self.services.values()))
        if not all(0 <= amount < float("inf") for amount in amounts):
            raise UsageError(JOINT_WORDS)
        if not self.services:
            raise UsageError("Déclarez les services du pôle commun et leur coût.")
        if not self.note:
            raise UsageError("Dites d’où viennent les coûts du pôle commun (note) : ils sont une convention.")
