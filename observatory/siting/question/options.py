"""What narrows a siting question: which places may be proposed, what may not go together, what may be spent."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from typing import Any, Final

from observatory.errors import UsageError

LONGEST_STATION_MIN: Final = 120.0
"""Longest time to a station that may be asked, in minutes, as for thresholds (convention de l'observatoire)."""
PAIRS_MAX: Final = 500
"""Most pairs that may be declared (convention de l'observatoire)."""
AIMS: Final = {
    "mean_min": "Temps moyen des habitants (minutes)",
    "worst_decile_min": "Temps moyen du dixième d'habitants le plus éloigné (minutes)",
    "uncovered_insertion": "Personnes concernées par l'insertion, hors de portée",
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


@dataclass(frozen=True)
class CandidateFilters:
    """Conditions that a candidate must all meet; the default asks for nothing."""

    polygon: Mapping[str, Any] | None = None
    """GeoJSON geometry (Polygon or MultiPolygon, EPSG:4326); its edge counts as inside."""
    is_qpv: bool = False
    """In a commune that holds a priority neighbourhood (QPV 2024)."""
    is_rural: bool = False
    """In a rural commune of the density grid (levels 5 to 7) or one classed FRR, wholly or in part."""
    min_population_count: int = 0
    """In a commune of so many inhabitants or more."""
    station_max_min: float | None = None
    """So many minutes at most from the town hall of a commune that has a station (BPE)."""

    def __post_init__(self) -> None:
        if self.min_population_count < 0:
            raise UsageError("La population minimale d'une commune candidate doit être un nombre positif.")
        if self.station_max_min is not None and not 0 <= self.station_max_min <= LONGEST_STATION_MIN:
            raise UsageError(f"Le temps jusqu'à une gare doit être compris entre 0 et {LONGEST_STATION_MIN:g} minutes.")
        if self.polygon is not None and self.polygon.get("type") not in {"Polygon", "MultiPolygon"}:
            raise UsageError("Le contour des candidats doit être un Polygon ou un MultiPolygon GeoJSON (EPSG:4326).")

    @property
    def is_empty(self) -> bool:
        """Whether every place may be proposed."""
        return self == CandidateFilters()


@dataclass(frozen=True)
class Costs:
    """Costs in relative units that the study declares; no euro is ever supposed."""

    note: str
    site: float = 1.0
    """Opening one pole."""
    by_site: Mapping[str, float] = field(default_factory=dict)
    """Opening a pole at a given candidate, by its code, in place of ``site``."""
    budget: float | None = None
    """Most that may be spent; the number of poles is then a ceiling."""

    def __post_init__(self) -> None:
        amounts = (self.site, *self.by_site.values(), *(() if self.budget is None else (self.budget,)))
        if not all(0 <= amount < float("inf") for amount in amounts):
            raise UsageError("Un coût et un budget sont des nombres positifs, en unités déclarées par l'étude.")
        if not self.note:
            raise UsageError("Dites d'où viennent les coûts (note) : ils sont une convention de l'étude.")


@dataclass(frozen=True)
class Closable:
    """An existing structure that a proposal may close: what closing costs, and what it frees."""

    code: str
    closing_cost: float = 0.0
    saving: float = 0.0

    def __post_init__(self) -> None:
        if not (0 <= self.closing_cost < float("inf") and 0 <= self.saving < float("inf")):
            raise UsageError("Fermer une structure a un coût et une économie positifs, en unités déclarées.")


@dataclass(frozen=True)
class JointService:
    """One service of a joint pole: what adding it to an open site costs, and the défis that it answers."""

    cost: float
    defis: tuple[str, ...] | None = None
    """None: every défi of the study."""

    def __post_init__(self) -> None:
        if self.defis is not None and not self.defis:
            raise UsageError("Un service du pôle commun répond à au moins un défi : nommez-le, ou retirez « defis ».")


@dataclass(frozen=True)
class Joint:
    """A pole whose mix of services is chosen site by site: a shared cost per site, a cost per service, a budget."""

    note: str
    site_cost: float
    services: Mapping[str, JointService]
    budget: float
    poles: int
    """Most sites that may be opened."""

    def __post_init__(self) -> None:
        if isinstance(self.poles, bool) or not isinstance(self.poles, int) or self.poles < 1:
            raise UsageError("Le pôle commun ouvre au plus un nombre entier de lieux, d'au moins un.")
        amounts = (self.site_cost, self.budget, *(one.cost for one in self.services.values()))
        if not all(0 <= amount < float("inf") for amount in amounts):
            raise UsageError("Les coûts du pôle commun et son budget sont des nombres positifs, en unités déclarées.")
        if not self.services:
            raise UsageError("Déclarez les services du pôle commun et leur coût.")
        if not self.note:
            raise UsageError("Dites d'où viennent les coûts du pôle commun (note) : ils sont une convention.")


def filters_from(document: Mapping[str, Any]) -> CandidateFilters:
    """Return the filters that a study or a request declares; an unknown word is refused."""
    known = {one.name for one in fields(CandidateFilters)}
    unknown = sorted(set(document) - known)
    if unknown:
        raise UsageError(f"Le filtre « {unknown[0]} » n'existe pas : choisissez parmi {', '.join(sorted(known))}.")
    station = document.get("station_max_min")
    return CandidateFilters(
        polygon=document.get("polygon"),
        is_qpv=bool(document.get("is_qpv", False)),
        is_rural=bool(document.get("is_rural", False)),
        min_population_count=int(document.get("min_population_count", 0)),
        station_max_min=None if station is None else float(station),
    )


def joint_from(document: Mapping[str, Any]) -> Joint:
    """Return the joint pole that a study declares."""
    return Joint(
        note=str(document["note"]),
        site_cost=float(document["site_cost"]),
        budget=float(document["budget"]),
        poles=document["poles"],
        services={
            str(name): JointService(
                float(entry["cost"]),
                None if entry.get("defis") is None else tuple(str(defi) for defi in entry["defis"]),
            )
            for name, entry in document["services"].items()
        },
    )


def pairs_from(pairs: Sequence[Sequence[str]], *, may_repeat: bool = False) -> tuple[tuple[str, str], ...]:
    """Return pairs of codes; anything but two codes is refused, and the same code twice unless it ``may_repeat``.

    A unit and the site at its own town hall bear the same code; two sites that exclude each other don't.
    """
    found = tuple(tuple(str(code) for code in pair) for pair in pairs)
    if any(len(pair) != 2 for pair in found) or (not may_repeat and any(len(set(pair)) != 2 for pair in found)):
        raise UsageError('Une paire se donne par deux codes différents, par exemple ["14762", "14174"].')
    if len(found) > PAIRS_MAX:
        raise UsageError(f"{PAIRS_MAX} paires au plus peuvent être déclarées.")
    return tuple((pair[0], pair[1]) for pair in found)
