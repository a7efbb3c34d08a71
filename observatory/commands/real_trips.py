"""Real trips to judge the fallback by: those of a user's matrix, and those that public pages tell of the region."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Literal

from observatory.commands.travel_frame import in_france, transformer
from observatory.errors import InputFileError

if TYPE_CHECKING:
    from pathlib import Path

    import numpy as np

    from observatory.access.calibrate import Trips
    from observatory.access.regional_factor import Factor
    from observatory.access.travel import TravelConstants
    from observatory.sources.roads.travel_matrix import Points

CARRIED: Final = ("drives/gironde_minutes.csv", "drives/gironde_points.csv")
"""The matrix that the declared constants are fitted on, and its points."""


def real_trips(
    matrix: Path, points: Path, *, unit: Literal["min", "s"] | None = None, declared: TravelConstants
) -> tuple[Trips, dict[str, int]]:
    """Read the trips of a matrix that can teach something, and count those left out, by reason.

    Raises
    ------
    InputFileError
        If a file can't be read, or none of the trips has both its points.
    UsageError
        If too few remain.
    """
    import numpy as np

    from observatory.access import calibrate as fitting
    from observatory.access.travel import Places
    from observatory.sources.roads import travel_matrix

    real, places = travel_matrix.read_matrix(matrix, unit=unit), travel_matrix.read_points(points)
    origin, destination, is_known, distance_m = travel_matrix.normalise(real, places)
    if not is_known.any():
        raise InputFileError(
            f"Aucune durée de {matrix.name} n’a ses deux points dans {points.name} : comparez leurs identifiants."
        )
    Places.at(places.xy, places.density)
    crossing = is_known & _crossing(declared, places, origin, destination, is_known)
    keep = is_known & ~crossing & ~np.isnan(real.duration_min)
    sample = fitting.trips(
        origin[keep],
        destination[keep],
        real.duration_min[keep],
        distance_m[keep],
        origin_density=places.density,
        destination_density=places.density,
    )
    return sample, {
        "unknown_points": int((~is_known).sum()),
        "crossing": int(crossing.sum()),
        "unusable": int((is_known & ~crossing).sum()) - len(sample),
    }


def published_factor(declared: TravelConstants) -> Factor | None:
    """Return how many times as long as estimated the region's published drives are; None where too few are known."""
    from observatory.access.regional_factor import regional_factor
    from observatory.sources.roads import published_drives

    drives = published_drives.read()
    if len(set(drives.page)) < 2:  # noqa: PLR2004
        return None
    return regional_factor(drives.duration_min, drives.estimated(declared), drives.page)


def _crossing(
    declared: TravelConstants, places: Points, origin: np.ndarray, destination: np.ndarray, is_known: np.ndarray
) -> np.ndarray:
    """Tell which pairs lie across a declared barrier: what they take says nothing of the open road."""
    import numpy as np

    from observatory.access.barrier import crosses

    blocked = np.zeros(origin.size, dtype=np.bool_)
    if places.is_geographic and not in_france(places.xy):
        return blocked
    xy_m = np.ascontiguousarray(transformer(places.xy)(places.xy) if places.is_geographic else places.xy)
    for barrier in declared.barriers:
        blocked[is_known] |= crosses(barrier, xy_m, xy_m, origin[is_known], destination[is_known])
    return blocked
