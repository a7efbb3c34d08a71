"""What ``geodata/studies/travel.toml``, or a study of its own, declares of travel: constants, barriers, networks."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Annotated, Any, Final, Literal

import numpy as np
from pydantic import Field, ValidationError

from observatory.access.barrier import Barrier, Crossing
from observatory.access.profile import MODES, Profile
from observatory.access.travel import TravelConstants
from observatory.declared.reading import Flag, Number, OpenDeclaration, Whole, declaration, fault, validated
from observatory.errors import UsageError

FILE: Final = "studies/travel.toml"


class _Value(OpenDeclaration):
    value: Number


class _Minutes(OpenDeclaration):
    value_min: Number


class _Urban(OpenDeclaration):
    value_min: Number
    value_km: Number
    levels: tuple[Whole, ...]


class Constants(OpenDeclaration):
    """The ``[travel]`` table: what the fallback makes of a straight line."""

    one_km: _Minutes
    exponent: _Value
    floor: _Minutes
    urban: _Urban


class DeclaredCrossing(OpenDeclaration):
    """One ``[[barriers.crossings]]``: a bridge or a ferry (EPSG:2154, metres)."""

    name: str
    kind: Literal["bridge", "ferry"]
    x_m: Number
    y_m: Number
    is_position_estimated: Flag = False
    """Whether nobody publishes where it is: it is put at the river between the communes that it joins."""
    penalty_min: Number


class DeclaredBarrier(OpenDeclaration):
    """One ``[[barriers]]``: a line (EPSG:2154, metres) that can only be crossed at its crossings."""

    name: str
    line_m: tuple[tuple[Number, Number], ...]
    crossings: tuple[DeclaredCrossing, ...] = ()

    @property
    def barrier(self) -> Barrier:
        """The line and its crossings."""
        crossings = tuple(Crossing(one.name, one.x_m, one.y_m, one.penalty_min) for one in self.crossings)
        return Barrier(self.name, np.array(self.line_m, dtype=float).reshape(-1, 2), crossings)


class Mode(OpenDeclaration):
    """One ``[network.<mode>]``: speeds by class of way, and the tags that open or close one."""

    speeds_kmh: Mapping[str, Number]
    access_tags: tuple[str, ...]
    oneway: Flag
    oneway_tag: str | None = None
    maxspeed: Flag
    no_snap: tuple[str, ...]


class Network(OpenDeclaration):
    """The ``[network]`` table: how each mode takes the ways of OpenStreetMap."""

    snap_max_m: Number
    walk_kmh: Number
    maxspeed_share: Number
    ferry_wait_min: Number
    car: Mode
    foot: Mode
    bicycle: Mode

    def profile(self, mode: str) -> Profile:
        """Return a mode of travel.

        Raises
        ------
        UsageError
            If it is not declared.
        """
        if mode not in MODES:
            raise UsageError(
                f"Mode de déplacement « {mode} » : déclaration absente ou incomplète ; modes connus : "
                f"{', '.join(MODES)}."
            )
        rules: Mode = getattr(self, mode)
        return Profile(
            mode=mode,
            speeds_kmh=rules.speeds_kmh,
            access_tags=rules.access_tags,
            is_oneway=rules.oneway,
            oneway_tag=rules.oneway_tag,
            uses_maxspeed=rules.maxspeed,
            maxspeed_share=self.maxspeed_share,
            ferry_wait_min=self.ferry_wait_min,
            walk_kmh=self.walk_kmh,
            snap_max_m=self.snap_max_m,
            no_snap=frozenset(rules.no_snap),
        )


class ErrorBand(OpenDeclaration):
    """How wrong the fallback is on the trips of one band of distance; shares of the real time."""

    band: str
    low_km: Number
    high_km: Number = math.inf
    count: Whole
    median: Number
    p90: Number
    bias: Number


class MeasuredError(OpenDeclaration):
    """One ``[[errors]]``: how wrong the fallback is on real trips that its fit never saw."""

    id: str
    title: str
    basis: str
    source: str
    bands: Annotated[tuple[ErrorBand, ...], Field(min_length=1)]
    """The first: every trip."""

    def at(self, distance_km: float) -> ErrorBand:
        """Return the narrowest band that holds a straight line."""
        holding = [band for band in self.bands if band.low_km <= distance_km < band.high_km]
        return min(holding, key=lambda band: band.high_km - band.low_km)


class RegionalFactor(OpenDeclaration):
    """The ``[regional_factor]`` table: how many times as long as estimated the region's published drives are."""

    value: Number
    low: Number
    high: Number
    count: Whole
    page_count: Whole
    source: str


class OwnTravel(OpenDeclaration):
    """The constants and barriers of a study file."""

    travel: Constants
    barriers: tuple[DeclaredBarrier, ...] = ()

    @property
    def constants(self) -> TravelConstants:
        """The constants of the fallback.

        Raises
        ------
        UsageError
            If one makes no sense.
        """
        declared = self.travel
        return TravelConstants(
            one_km_min=declared.one_km.value_min,
            exponent=declared.exponent.value,
            floor_min=declared.floor.value_min,
            urban_min=declared.urban.value_min,
            urban_km=declared.urban.value_km,
            urban_levels=declared.urban.levels,
            barriers=tuple(one.barrier for one in self.barriers),
        )


class Travel(OwnTravel):
    """The observatory's own declaration."""

    network: Network
    errors: Annotated[tuple[MeasuredError, ...], Field(min_length=1)]
    """The first: the trips that the constants are fitted on."""
    regional_factor: RegionalFactor


def travel() -> Travel:
    """Return the observatory's declaration of travel, read once per version of the file."""
    return declaration(FILE, Travel)


def constants_of(document: Mapping[str, Any]) -> TravelConstants:
    """Return the constants that a parsed file declares.

    Raises
    ------
    UsageError
        If one is missing or makes no sense.
    """
    try:
        return validated(OwnTravel, document).constants
    except ValidationError as error:
        raise UsageError(
            f"Constantes de trajet : la déclaration est incomplète ou mal formée ({fault(error, OwnTravel).words})."
        ) from None
