"""What a need study declares: indicators, goalposts, weights, groups and rules, checked once when it is read."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Literal, get_args

from observatory.errors import InputFileError
from observatory.need.declaration import (
    choice,
    instance,
    number,
    numbers,
    optional_table,
    refused,
    rows,
    table,
    text,
)

ROOT_GROUP: Final = ""
"""Name of the top of the hierarchy: the score itself."""

Normalisation = Literal["goalposts", "percentile", "zscore"]
Aggregation = Literal["arithmetic", "geometric"]
MeasureKind = Literal["ratio", "weighted_mean", "inherited", "computed"]
VolumeKind = Literal["count", "share_of_population", "population"]
LEVELS: Final = ("iris", "commune", "epci", "departement", "region", "zone_emploi", "bassin_vie")
"""Levels that a figure may be declared at."""


@dataclass(frozen=True)
class Measure:
    """How the figure of an indicator is worked out at every level, always as a numerator over a denominator.

    ``ratio``: sum of ``figure`` over sum of ``over``; ``weighted_mean``: mean of ``figure`` weighted by the persons of
    ``weight``; ``inherited``: the figure (or the ratio) of the parent territory of ``level``, given to its communes and
    weighted by ``weight``; ``computed``: worked out by the observatory for each commune, weighted by ``weight``.
    """

    kind: MeasureKind
    level: str
    figure: str
    over: str | None = None
    weight: str = "population"
    scale: float = 1.0
    growth_years: float | None = None
    """Set for a yearly growth rate in %: ``100 × ((sum / sum) ** (1 / growth_years) − 1)``."""


@dataclass(frozen=True)
class Weight:
    """Persons that a share is a share of: ``figure`` at ``level``, times ``share`` %, or spread by ``spread_by``."""

    id: str
    label: str
    level: str
    figure: str
    share: str | None = None
    spread_by: str | None = None


@dataclass(frozen=True)
class Indicator:
    """One indicator of a study: what it means, which way it counts, between which goalposts, with what weight."""

    id: str
    label: str
    direction: Literal[1, -1]
    weight: float
    low: float
    high: float
    group: str = ROOT_GROUP
    unit: str = ""
    denominator: str = ""
    vintage: str = ""
    source: str = ""
    status: Literal["observed", "estimated"] = "observed"
    note: str = ""
    goalposts_note: str = ""
    measure: Measure | None = None


@dataclass(frozen=True)
class Group:
    """A node of the hierarchy between the indicators and the score."""

    id: str
    weight: float
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
            raise InputFileError(f"Étude {self.id} : les quantiles d'écrêtage doivent être croissants, entre 0 et 1.")

    @property
    def indicator_ids(self) -> list[str]:
        """Identifiers of the indicators, in the order of the study."""
        return [indicator.id for indicator in self.indicators]


def _check_names(study: NeedStudy) -> None:
    names = [*study.indicator_ids, *(group.id for group in study.groups)]
    repeated = sorted({name for name in names if names.count(name) > 1})
    if not study.indicators or repeated:
        detail = f"« {repeated[0]} » est déclaré deux fois" if repeated else "aucun indicateur n'est déclaré"
        raise InputFileError(f"Étude {study.id} : {detail} ; corrigez le fichier d'étude.")
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
                f"Étude {study.id} : le groupe « {group.id} » est vide ou son poids n'est pas positif."
            )


def _check_indicator(study_id: str, indicator: Indicator) -> None:
    if indicator.direction not in {1, -1}:
        raise InputFileError(f"Étude {study_id}, {indicator.id} : le sens doit valoir 1 ou -1.")
    if not (math.isfinite(indicator.weight) and indicator.weight > 0):
        raise InputFileError(f"Étude {study_id}, {indicator.id} : le poids doit être positif.")
    if not indicator.low < indicator.high:
        raise InputFileError(f"Étude {study_id}, {indicator.id} : la borne basse doit être sous la borne haute.")


def need_study(defi: str, declaration: Mapping[str, Any], *, rules: Mapping[str, Any]) -> NeedStudy:
    """Read one défi of a study file.

    Parameters
    ----------
    defi
        Identifier of the défi.
    declaration
        The table ``[defis.<defi>]`` of the study file.
    rules
        The whole study file: its ``[rules]`` and ``[weights]`` tables hold for every défi.

    Raises
    ------
    InputFileError
        If a key is missing or unknown, or a value is not what the study allows.
    """
    where = f"Étude du défi « {defi} » illisible"
    common = optional_table(rules, "rules", where=where)
    indicators = rows(declaration, "indicators", where=where)
    kind = choice(declaration, "volume_kind", get_args(VolumeKind), where=where)
    study = NeedStudy(
        id=defi,
        label=text(declaration, "label", where=where),
        note=text(declaration, "note", where=where, default=""),
        indicators=tuple(_indicator(entry, f"{where}, indicateur {rank}") for rank, entry in enumerate(indicators, 1)),
        groups=tuple(instance(Group, entry, where=where) for entry in rows(declaration, "groups", where=where)),
        normalisation=choice(common, "normalisation", get_args(Normalisation), where=where, default="goalposts"),
        aggregation=choice(common, "aggregation", get_args(Aggregation), where=where, default="arithmetic"),
        min_weight_share=number(common, "min_weight_share", where=where, default=0.6),
        winsorise=_winsorise(common, where),
        volume=Volume(
            kind=kind,
            label=text(declaration, "volume_label", where=where),
            indicator=text(declaration, "volume_indicator", where=where, default="" if kind == "population" else None),
        ),
        weights={
            name: instance(
                Weight, optional_table(declared, name, where=where), where=f"{where}, [weights.{name}]", id=name
            )
            for declared in [optional_table(rules, "weights", where=where)]
            for name in declared
        },
    )
    _check_volume(study, where)
    return study


def _indicator(entry: Mapping[str, Any], where: str) -> Indicator:
    known = {name: value for name, value in entry.items() if name != "measure"}
    named = f"{where} ({entry['id']})" if isinstance(entry.get("id"), str) else where
    if "measure" not in entry:
        return instance(Indicator, known, where=named, measure=None)
    measure = instance(Measure, table(entry, "measure", where=named), where=f"{named}, measure")
    if measure.kind == "ratio" and measure.over is None:
        raise refused(named, "une mesure « ratio » demande « over », son dénominateur")
    if measure.level not in LEVELS:
        raise refused(named, f"« level » doit être l'un de {', '.join(LEVELS)}")
    if measure.growth_years is not None and not measure.growth_years > 0:
        raise refused(named, "« growth_years » doit être supérieur à 0")
    return instance(Indicator, known, where=named, measure=measure)


def _winsorise(common: Mapping[str, Any], where: str) -> tuple[float, float] | None:
    if "winsorise" not in common:
        return None
    low, high = numbers(common, "winsorise", where=where, count=2)
    return low, high


def _check_volume(study: NeedStudy, where: str) -> None:
    volume = study.volume
    if volume is not None and volume.kind == "share_of_population" and volume.indicator not in study.indicator_ids:
        raise refused(where, f"« volume_indicator » doit être l'un des indicateurs : {', '.join(study.indicator_ids)}")
