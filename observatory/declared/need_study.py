"""What a need study declares: indicators, goalposts, weights, groups and rules, checked once when it is read."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Annotated, Final, Literal, Self

from pydantic import AfterValidator, ConfigDict, Field, model_validator

from observatory.declared.reading import Number, OpenDeclaration, named_by, shaped, told
from observatory.errors import InputFileError

ROOT_GROUP: Final = ""
"""Name of the top of the hierarchy: the score itself."""

Normalisation = Literal["goalposts", "percentile", "zscore"]
Aggregation = Literal["arithmetic", "geometric"]
MeasureKind = Literal["ratio", "weighted_mean", "inherited", "computed"]
VolumeKind = Literal["count", "share_of_population", "population"]
Level = Literal["iris", "commune", "epci", "departement", "region", "zone_emploi", "bassin_vie"]
"""Levels that a figure may be declared at."""
CLOSED: Final = ConfigDict(extra="forbid")
"""What is read from a table refuses a key that it doesn't know."""


def _with_denominator(measure: Measure) -> Measure:
    if measure.kind == "ratio" and measure.over is None:
        raise told("une mesure « ratio » demande « over », son dénominateur")
    return measure


@dataclass(frozen=True)
class Measure:
    """How the figure of an indicator is worked out at every level, always as a numerator over a denominator.

    ``ratio``: sum of ``figure`` over sum of ``over``; ``weighted_mean``: mean of ``figure`` weighted by the persons of
    ``weight``; ``inherited``: the figure (or the ratio) of the parent territory of ``level``, given to its communes and
    weighted by ``weight``; ``computed``: worked out by the observatory for each commune, weighted by ``weight``.
    """

    __pydantic_config__ = CLOSED

    kind: MeasureKind
    level: Level
    figure: str
    over: str | None = None
    weight: str = "population"
    scale: Number = 1.0
    growth_years: Annotated[Number, Field(gt=0)] | None = None
    """Set for a yearly growth rate in %: ``100 × ((sum / sum) ** (1 / growth_years) − 1)``."""


@dataclass(frozen=True)
class Weight:
    """Persons that a share is a share of: ``figure`` at ``level``, times ``share`` %, or spread by ``spread_by``."""

    __pydantic_config__ = CLOSED

    id: str
    label: str
    level: str
    figure: str
    share: str | None = None
    spread_by: str | None = None


@dataclass(frozen=True)
class Indicator:
    """One indicator of a study: what it means, which way it counts, between which goalposts, with what weight."""

    __pydantic_config__ = CLOSED

    id: str
    label: str
    direction: Literal[1, -1]
    weight: Number
    low: Number
    high: Number
    group: str = ROOT_GROUP
    unit: str = ""
    denominator: str = ""
    vintage: str = ""
    source: str = ""
    status: Literal["observed", "estimated"] = "observed"
    note: str = ""
    goalposts_note: str = ""
    measure: Annotated[Measure, AfterValidator(_with_denominator)] | None = None


@dataclass(frozen=True)
class Group:
    """A node of the hierarchy between the indicators and the score."""

    __pydantic_config__ = CLOSED

    id: str
    weight: Number
    parent: str = ROOT_GROUP
    label: str = ""


@dataclass(frozen=True)
class Volume:
    """The persons concerned: the other face of the need."""

    kind: VolumeKind
    label: str
    indicator: str = ""
    """Count indicator (``count``) or id of the study's indicator in % (``share_of_population``)."""


@dataclass(frozen=True)
class NeedStudy:
    """The composite need of one défi.

    Raises
    ------
    InputFileError
        On building: repeated names, unknown group, cycle, weight that is not positive, goalposts in the wrong order,
        or a rule out of its range.
    """

    id: str
    indicators: tuple[Indicator, ...]
    groups: tuple[Group, ...] = ()
    label: str = ""
    normalisation: Normalisation = "goalposts"
    aggregation: Aggregation = "arithmetic"
    min_weight_share: float = 0.6
    winsorise: tuple[float, float] | None = None
    """Quantiles beyond which values are brought back before normalising; None: nothing is touched."""
    volume: Volume | None = None
    note: str = ""
    weights: Mapping[str, Weight] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Check the declaration once, so that no function has to."""
        _check_names(self)
        _check_hierarchy(self)
        for indicator in self.indicators:
            _check_indicator(self.id, indicator)
        if not 0 < self.min_weight_share <= 1:
            raise InputFileError(f"Étude {self.id} : la part de poids minimale doit être comprise entre 0 et 1.")
        if self.winsorise is not None and not 0 <= self.winsorise[0] < self.winsorise[1] <= 1:
            raise InputFileError(f"Étude {self.id} : les quantiles d’écrêtage doivent être croissants, entre 0 et 1.")

    @property
    def indicator_ids(self) -> list[str]:
        """Identifiers of the indicators, in the order of the study."""
        return [indicator.id for indicator in self.indicators]


def _check_names(study: NeedStudy) -> None:
    names = [*study.indicator_ids, *(group.id for group in study.groups)]
    repeated = sorted({name for name in names if names.count(name) > 1})
    if not study.indicators or repeated:
        detail = f"« {repeated[0]} » est déclaré deux fois" if repeated else "aucun indicateur n’est déclaré"
        raise InputFileError(f"Étude {study.id} : {detail} ; corrigez le fichier d’étude.")
    if {"score", "weight_share", ROOT_GROUP} & set(names):
        raise InputFileError(f"Étude {study.id} : « score » et « weight_share » sont des noms réservés.")


def _check_hierarchy(study: NeedStudy) -> None:
    parents = {group.id: group.parent for group in study.groups}
    for name in [indicator.group for indicator in study.indicators] + list(parents):
        seen: set[str] = set()
        node = name
        while node != ROOT_GROUP:
            if node not in parents or node in seen:
                raise InputFileError(f"Étude {study.id} : le groupe « {node} » est inconnu ou contient son parent.")
            seen.add(node)
            node = parents[node]
    used = {indicator.group for indicator in study.indicators} | set(parents.values())
    for group in study.groups:
        if group.id not in used or not (math.isfinite(group.weight) and group.weight > 0):
            raise InputFileError(
                f"Étude {study.id} : le groupe « {group.id} » est vide ou son poids n’est pas positif."
            )


def _check_indicator(study_id: str, indicator: Indicator) -> None:
    if indicator.direction not in {1, -1}:
        raise InputFileError(f"Étude {study_id}, {indicator.id} : le sens doit valoir 1 ou -1.")
    if not (math.isfinite(indicator.weight) and indicator.weight > 0):
        raise InputFileError(f"Étude {study_id}, {indicator.id} : le poids doit être positif.")
    if not indicator.low < indicator.high:
        raise InputFileError(f"Étude {study_id}, {indicator.id} : la borne basse doit être sous la borne haute.")


class Rules(OpenDeclaration):
    """The ``[rules]`` of a study file, which hold for every défi."""

    normalisation: Normalisation = "goalposts"
    aggregation: Aggregation = "arithmetic"
    min_weight_share: Number = 0.6
    winsorise: Annotated[tuple[Number, Number], shaped("doit être une liste de 2 nombres")] | None = None


class Defi(OpenDeclaration):
    """One ``[defis.…]`` of a study file."""

    label: str
    volume_kind: VolumeKind
    volume_label: str
    volume_indicator: str = ""
    note: str = ""
    indicators: tuple[Indicator, ...] = ()
    groups: tuple[Group, ...] = ()

    @model_validator(mode="after")
    def _has_its_volume(self) -> Self:
        ids = [one.id for one in self.indicators]
        if self.volume_kind != "population" and "volume_indicator" not in self.model_fields_set:
            raise told("« volume_indicator » manque")
        if self.volume_kind == "share_of_population" and self.volume_indicator not in ids:
            raise told(f"« volume_indicator » doit être l’un des indicateurs : {', '.join(ids)}")
        return self

    def need(self, defi: str, rules: Rules, weights: Mapping[str, Weight]) -> NeedStudy:
        """Return the need of this défi.

        Raises
        ------
        InputFileError
            As :class:`NeedStudy`.
        """
        return NeedStudy(
            id=defi,
            volume=Volume(self.volume_kind, self.volume_label, self.volume_indicator),
            weights=weights,
            **{name: getattr(self, name) for name in ("label", "note", "indicators", "groups")},
            **dict(rules),
        )


Weights = Annotated[Mapping[str, Weight], named_by("id")]
"""The ``[weights.…]`` of a study file, by name."""
