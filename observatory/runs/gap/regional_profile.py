"""What a gap analysis says of the region as a whole: areas where deficits cluster, how deep they go, and for whom."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import pandas as pd
import sqlalchemy as sa
from sqlalchemy import Connection

from observatory.gap.areas import areas
from observatory.gap.depth import density_class, depths, frr_class, qpv_against_commune
from observatory.gap.spatial import QUADRANTS, Surroundings, clusters_among, surroundings
from observatory.need.volumes import estimated_volumes, small_area
from observatory.runs.gap.gap_request import GapRequest
from observatory.runs.identity import run_hash
from observatory.runs.loaded_inputs import DEMAND_LEVEL, SUMMED_LEVELS, Inputs, read_figures
from observatory.runs.memory import kept
from observatory.runs.need.need_run import NeedRun
from observatory.runs.need.ranking import ranking
from observatory.store.statements import statement
from observatory.store.tables import Indicator, Zoning

PERMUTATIONS: Final = 999
SEED: Final = 0
FALSE_DISCOVERY_RATE: Final = 0.05
"""Of the clusters (convention de l'observatoire)."""
DIGITS: Final = 4
SPREAD: Final[Mapping[str, tuple[str, str]]] = {
    "insertion": ("job_seekers_count", "concerned"),
    "dechets": ("decheterie_total_t", "population"),
}
"""Défi → figure published by département, and what it is spread by: the persons concerned or the inhabitants."""
SPREAD_WORDS: Final = {"concerned": "personnes concernées", "population": "habitants"}


class Profiles:
    """Works profiles out; neighbours, zonings and the surroundings of each access are read or drawn once."""

    def __init__(self, connection: Connection, inputs: Inputs) -> None:
        self._connection = connection
        self._inputs = inputs
        self._frr: pd.Series | None = None
        self._around: dict[tuple[str, float], Surroundings] = {}
        self._volumes: dict[str, dict[str, Any] | None] = {}

    def of(self, request: GapRequest, rows: pd.DataFrame, need: NeedRun) -> dict[str, Any]:
        """Return the profile of an analysis, ready to be stored as JSON.

        Parameters
        ----------
        rows
            Of the analysis, as they are published: ``level, code, need_score, access_score, nearest_min…``.
        need
            Its persons concerned, those under secrecy replaced by estimates made of what is published.

        Returns
        -------
        dict
            ``clusters, depth, qpv, volume`` (None where no published figure is spread for the défi), ``ranking``.
        """
        communes = rows[rows["level"] == DEMAND_LEVEL].set_index("code")
        if request.defi not in self._volumes:
            self._volumes[request.defi] = self._volume(request, need)
        return {
            "clusters": self._clusters(request, communes),
            "depth": self._depth(request, rows, need),
            "qpv": self._qpv(rows[rows["level"] == "qpv"].set_index("code"), communes),
            "volume": self._volumes[request.defi],
            "ranking": ranking(need, request.study.need(request.defi), neighbours=self.neighbours, inputs=self._inputs),
        }

    def _clusters(self, request: GapRequest, communes: pd.DataFrame) -> dict[str, Any]:
        figures = communes[["need_score", "access_score"]].astype(float).dropna()
        neighbours = self.neighbours
        key = request.service.service, request.threshold_min
        around = self._around.get(key)
        if around is None or not around.units.equals(figures.index):
            around = surroundings(
                100.0 - figures["access_score"], neighbours, permutations=PERMUTATIONS, seed=SEED
            )  # fmt: skip
            self._around[key] = around
        found = clusters_among(figures["need_score"], around, neighbours, false_discovery_rate=FALSE_DISCOVERY_RATE)
        inputs = self._inputs
        return {
            "permutations": PERMUTATIONS,
            "seed": SEED,
            "false_discovery_rate": FALSE_DISCOVERY_RATE,
            "p_cut": round(found.p_cut, 6),
            "tested_count": len(figures),
            "significant_count": {
                name: int((found.units["is_significant"] & (found.units["quadrant"] == kind)).sum())
                for kind, name in QUADRANTS.items()
            },
            "areas": areas(
                found,
                names=inputs.communes["name"],
                population_count=inputs.population_count,
                epci_code=inputs.parents[DEMAND_LEVEL, "epci"],
                epci_names=inputs.territories["epci"]["name"],
            ),
        }

    def _depth(self, request: GapRequest, rows: pd.DataFrame, need: NeedRun) -> dict[str, Any]:
        """Return FGT measures of the persons concerned, by zoning and by level; the line is the typology's cut."""
        communes = rows[rows["level"] == DEMAND_LEVEL].set_index("code")
        share = communes["access_score"].astype(float) / 100.0
        line = request.study.cuts.access / 100.0
        persons = need.volume_estimates
        groups = {
            "densite": density_class(self._inputs.density.reindex(share.index)),
            "frr": frr_class(self.frr.reindex(share.index)),
            **{level: self._inputs.parents[DEMAND_LEVEL, level] for level in SUMMED_LEVELS},
        }
        found = {name: _measures(depths(share, persons, group, line=line)) for name, group in groups.items()}
        secret = _secret_places(rows)
        for level in SUMMED_LEVELS:
            names = self._inputs.territories[level]["name"]
            found[level] = [
                {**_shown(one, need, is_secret=(level, one["code"]) in secret), "name": str(names[one["code"]])}
                for one in found[level]
            ]
        return {"line_score": request.study.cuts.access, **found}

    def _qpv(self, quarters: pd.DataFrame, communes: pd.DataFrame) -> list[dict[str, Any]]:
        home = self._inputs.parents.get(("qpv", DEMAND_LEVEL), pd.Series(dtype=str))
        found = qpv_against_commune(quarters, communes, home)
        names = self._inputs.territories[DEMAND_LEVEL]["name"].reindex(pd.Index(found["commune_code"])).to_numpy()
        found = found.assign(name=quarters["name"], commune_name=names).rename_axis("code").reset_index()
        return [{str(key): _plain(value) for key, value in row.items()} for row in found.to_dict("records")]

    def _volume(self, request: GapRequest, need: NeedRun) -> dict[str, Any] | None:
        """Spread a figure of the départements over the communes, and give it by EPCI with its interval."""
        figure, key_name = SPREAD.get(request.defi, ("", ""))
        figures = read_figures(self._connection, {figure})
        inputs = self._inputs
        totals = figures.by_level.get("departement", pd.DataFrame())
        parent = inputs.parents[DEMAND_LEVEL, "departement"].reindex(inputs.population_count.index)
        key = need.volume_estimates if key_name == "concerned" else inputs.population_count
        if figure not in totals or totals[figure].reindex(parent.unique()).isna().any():
            return None
        wanted = totals[figure].reindex(parent.unique())
        estimates = small_area(wanted, key, parent, decimals=1 if key_name == "population" else 0)
        origin = figures.provenance["departement", figure]
        meaning = self._connection.execute(
            sa.select(Indicator.label, Indicator.unit).where(Indicator.indicator == figure)
        ).one()
        levels = {}
        for level in SUMMED_LEVELS:
            groups = estimated_volumes(estimates, inputs.parents[DEMAND_LEVEL, level])
            names = inputs.territories[level]["name"].to_dict()
            levels[level] = [
                {"code": str(code), "name": str(names[code]), **{key: _plain(value) for key, value in row.items()}}
                for code, row in groups.to_dict("index").items()
            ]
        return {
            "indicator": figure, "label": meaning.label, "unit": meaning.unit, "period": origin.period,
            "source_id": origin.source_id, "spread_by": SPREAD_WORDS[key_name], "interval": 0.9, **levels,
        }  # fmt: skip

    @property
    def neighbours(self) -> dict[str, list[str]]:
        """Communes that touch each commune of Normandy."""
        return kept(("neighbours", run_hash("neighbours", dict(self._inputs.checksums))), self._read_neighbours)

    def _read_neighbours(self) -> dict[str, list[str]]:
        found: dict[str, list[str]] = {str(code): [] for code in self._inputs.population_count.index}
        for one, other in self._connection.execute(statement("190_neighbours")):
            found[one].append(other)
            found[other].append(one)
        return found

    @property
    def frr(self) -> pd.Series:
        """Code of the zoning FRR by commune."""
        if self._frr is None:
            query = sa.select(Zoning.code, Zoning.value_code).where(
                Zoning.level == DEMAND_LEVEL, Zoning.zoning == "frr"
            )
            self._frr = pd.Series({row.code: row.value_code for row in self._connection.execute(query)}, dtype=object)
        return self._frr


def _measures(frame: pd.DataFrame) -> list[dict[str, Any]]:
    return [
        {"code": str(code), **{str(key): _plain(value) for key, value in row.items()}}
        for code, row in frame.to_dict("index").items()
    ]


def _secret_places(rows: pd.DataFrame) -> set[tuple[str, str]]:
    """Return the territories, (level, code), whose persons concerned are covered by secrecy."""
    secret = rows[rows["status"] == "suppressed"]
    return set(zip(secret["level"], secret["code"], strict=True))


def _shown(measures: dict[str, Any], need: NeedRun, *, is_secret: bool) -> dict[str, Any]:
    """Leave out of a territory's measures the counts that its row hides, and the small ones with their share."""
    if need.is_volume_public:
        return measures
    if is_secret:
        return {**measures, "persons_count": None, "lacking_count": None}
    is_small = 0 < measures["lacking_count"] < need.secrecy_threshold
    return {**measures, "lacking_count": None, "headcount": None} if is_small else measures


def _plain(value: Any) -> Any:  # noqa: ANN401  (a cell of a frame)
    """Return a cell as JSON has it: None where it is unknown."""
    if pd.isna(value):
        return None
    return round(float(value), DIGITS) if isinstance(value, float) else value
