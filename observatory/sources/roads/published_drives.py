"""Drives between town halls whose minutes public pages give, as ``geodata/drives/published.csv`` holds them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import pandas as pd

import geodata
from observatory.access.pairs import Floats, Indices
from observatory.access.travel import Places, TravelConstants, fallback

FILE: Final = "drives/published.csv"
_LONGEST_MIN: Final = 600.0


@dataclass(frozen=True, eq=False)
class PublishedDrives:
    """Drives, one per row, all of their length."""

    origins: Places
    destinations: Places
    duration_min: Floats
    page: tuple[str, ...]
    """Address or name of the page that gives each."""

    def estimated(self, constants: TravelConstants) -> Floats:
        """Return the minutes that the fallback gives them, crossings included, ``(n,)``."""
        minutes = np.empty(self.duration_min.size)
        for k in range(minutes.size):
            here: Indices = np.array([k], dtype=np.int64)
            cost = fallback(
                self.origins.some(here), self.destinations.some(here), constants=constants, max_min=_LONGEST_MIN
            )
            minutes[k] = cost.duration_min[0]
        return minutes


def read() -> PublishedDrives:
    """Return the drives whose two communes are in the snapshot, from town hall to town hall."""
    told = pd.read_csv(geodata.path(FILE), dtype={"from_code": str, "to_code": str})
    communes = _communes()
    told = told[told["from_code"].isin(communes.index) & told["to_code"].isin(communes.index)]
    ends = [communes.loc[told[name]] for name in ("from_code", "to_code")]
    places = [
        Places.at(one[["point_x_m", "point_y_m"]].to_numpy(dtype=float), one["density"].to_numpy()) for one in ends
    ]
    return PublishedDrives(places[0], places[1], told["minutes"].to_numpy(dtype=float), tuple(told["page"]))


def _places(communes: pd.DataFrame) -> Places:
    return Places.at(communes[["point_x_m", "point_y_m"]].to_numpy(dtype=float), communes["density"].to_numpy())


def _communes() -> pd.DataFrame:
    """Return the town hall and the density level of every commune of the snapshot; index: code."""
    columns = ["level", "code", "point_x_m", "point_y_m"]
    places = pd.read_parquet(geodata.snapshot() / "territories.parquet", columns=columns)
    classes = pd.read_parquet(geodata.snapshot() / "zonings.parquet", columns=["level", "code", "zoning", "value_code"])
    places = places[places["level"].eq("commune")].dropna().set_index("code")
    level = classes[classes["level"].eq("commune") & classes["zoning"].eq("densite")].set_index("code")["value_code"]
    return places.assign(density=pd.to_numeric(level).reindex(places.index).fillna(0).astype(int))
