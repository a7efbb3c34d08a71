"""What ``geodata/studies/travel.toml``, or a study of its own, declares of travel: constants, barriers, networks."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import numpy as np
from pydantic import Field, ValidationError

from observatory.access.barrier import Barrier, Crossing
from observatory.access.profile import MODES, Profile
from observatory.access.travel import DENSITY_LEVELS, TravelConstants
from observatory.declared.reading import Flag, Number, OpenDeclaration, Whole, declaration, fault, validated
from observatory.errors import UsageError

FILE: Final = "studies/travel.toml"


class _Value(OpenDeclaration):
    value: Number


class _Minutes(OpenDeclaration):
    value_min: Number


class _Kilometres(OpenDeclaration):
    value_km: Number


class _Speed(OpenDeclaration):
    value_kmh: Number


class Constants(OpenDeclaration):
    """The ``[travel]`` table: what the fallback makes of a straight line."""

    detour: _Value
    terminal: _Minutes
    ends: _Kilometres
    between: _Speed
    ends_speed_kmh: Mapping[str, Number]
    """By density level: ``"0"``, unknown, then ``"1"`` to ``"7"``."""


class DeclaredCrossing(OpenDeclaration):
    """One ``[[barriers.crossings]]``: a bridge or a ferry (EPSG:2154, metres)."""

    name: str
    x_m: Number
    y_m: Number
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
    """How wrong the fallback is on the trips of one band of distance; shares of the measured time."""

    band: str
    count: Whole
    median: Number
    p90: Number
    bias: Number
    fitted_median: Number
    fitted_p90: Number


class MeasuredError(OpenDeclaration):
    """One ``[[errors]]``: how wrong the fallback is on a matrix of real times."""

    id: str
    title: str
    basis: str
    source: str
    fitted_count: Whole
    held_out_origins: Whole
    bands: tuple[ErrorBand, ...]


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
            If one makes no sense, or a level of density has no speed.
        """
        speeds = self.travel.ends_speed_kmh
        return TravelConstants(
            detour=self.travel.detour.value,
            terminal_min=self.travel.terminal.value_min,
            ends_km=self.travel.ends.value_km,
            between_kmh=self.travel.between.value_kmh,
            ends_speed_kmh=tuple(speeds[str(level)] for level in range(DENSITY_LEVELS + 1) if str(level) in speeds),
            barriers=tuple(one.barrier for one in self.barriers),
        )


class Travel(OwnTravel):
    """The observatory's own declaration."""

    network: Network
    errors: tuple[MeasuredError, ...] = Field(default=())


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
