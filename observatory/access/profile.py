"""Which ways a traveller may take, in which direction and how fast, from OpenStreetMap tags and declared speeds."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

MODES: Final = ("car", "foot", "bicycle")

_REFUSED: Final = frozenset({"no", "private", "agricultural", "forestry", "emergency", "use_sidepath"})
_ROUNDABOUTS: Final = frozenset({"roundabout", "circular"})
_ONE_WAY_CLASSES: Final = frozenset({"motorway", "motorway_link"})
_MPH: Final = 1.609344
_LIVELIEST_KMH: Final = 150.0
_DURATION = re.compile(r"^(?:(\d+):)?(\d+)(?::\d{2})?$")


@dataclass(frozen=True, slots=True)
class Profile:
    """A mode of travel: declared speeds and rules; where they come from is in the declaration."""

    mode: str
    speeds_kmh: Mapping[str, float]
    access_tags: tuple[str, ...]
    """Tags that open or close a way to this mode, the most specific first."""
    is_oneway: bool
    oneway_tag: str | None
    """Tag that overrides ``oneway`` for this mode."""
    uses_maxspeed: bool
    maxspeed_share: float
    ferry_wait_min: float
    walk_kmh: float
    snap_max_m: float
    no_snap: frozenset[str]
    """Classes that a point is never attached to."""


@dataclass(frozen=True, slots=True)
class Passage:
    """How a way is travelled: its class, and in each direction a speed (0: not allowed) and a fixed time."""

    road_class: str
    forward_kmh: float
    backward_kmh: float
    fixed_min: float = 0.0
    """Added once whatever the length: waiting for a ferry."""
    whole_min: float | None = None
    """Time from one end to the other where a tag states it; the speed is then not used."""


def passage(tags: Mapping[str, str], profile: Profile) -> Passage | None:
    """Return how a way with these tags is travelled in this mode, or ``None`` if it isn't.

    A limit tagged on the way replaces the speed of its class (``maxspeed_share`` of it). Private ways, areas and
    ways under construction are left out; so are turn restrictions, traffic signals and surfaces.
    """
    is_ferry = tags.get("route") == "ferry"
    road_class = "ferry" if is_ferry else tags.get("highway", "")
    speed = profile.speeds_kmh.get(road_class)
    if speed is None or tags.get("area") == "yes" or _is_refused(tags, profile):
        return None
    forward, backward = _directions(tags, profile, road_class)
    limit = (_limit_kmh(tags, "forward", profile), _limit_kmh(tags, "backward", profile))
    return Passage(
        road_class=road_class,
        forward_kmh=(limit[0] or speed) if forward else 0.0,
        backward_kmh=(limit[1] or speed) if backward else 0.0,
        fixed_min=profile.ferry_wait_min if is_ferry else 0.0,
        whole_min=_duration_min(tags.get("duration", "")) if is_ferry else None,
    )


def _is_refused(tags: Mapping[str, str], profile: Profile) -> bool:
    """Tell whether the most specific access tag that is set closes the way."""
    for key in profile.access_tags:
        if key in tags:
            return tags[key] in _REFUSED
    return False


def _directions(tags: Mapping[str, str], profile: Profile, road_class: str) -> tuple[bool, bool]:
    if not profile.is_oneway:
        return True, True
    oneway = tags.get("oneway", "")
    if profile.oneway_tag is not None:
        oneway = tags.get(profile.oneway_tag, oneway)
    if oneway in {"-1", "reverse"}:
        return False, True
    if oneway in {"yes", "true", "1"}:
        return True, False
    is_implied = tags.get("junction") in _ROUNDABOUTS or road_class in _ONE_WAY_CLASSES
    return True, oneway in {"no", "false", "0"} or not is_implied


def _limit_kmh(tags: Mapping[str, str], direction: str, profile: Profile) -> float | None:
    """Return the speed at which the tagged limit is driven; ``None`` without a usable number."""
    if not profile.uses_maxspeed:
        return None
    text = tags.get(f"maxspeed:{direction}", tags.get("maxspeed", ""))
    number = re.match(r"^\s*(\d+(?:\.\d+)?)\s*(mph)?", text)
    if number is None:
        return None
    limit = float(number[1]) * (_MPH if number[2] else 1.0)
    return limit * profile.maxspeed_share if 0 < limit <= _LIVELIEST_KMH else None


def _duration_min(text: str) -> float | None:
    """Return the minutes of a ``duration`` tag (``10``, ``125``, ``00:10``, ``1:05:00``), ``None`` if it isn't one."""
    match = _DURATION.match(text.strip())
    if match is None:
        return None
    minutes = 60.0 * float(match[1] or 0) + float(match[2])
    return minutes if minutes > 0 else None
