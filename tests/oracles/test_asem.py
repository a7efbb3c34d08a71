"""The ASEM sustainable connectivity index of COINr: normalised and aggregated as its authors have it, to 1e-12."""

from __future__ import annotations

import warnings
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from observatory.need import Group, Indicator, NeedStudy, aggregate, contributions, normalise

COIN = Path(__file__).resolve().parents[3] / "shared" / "benchmarks" / "coin"
pytestmark = pytest.mark.skipif(not COIN.is_dir(), reason="oracle ASEM absent : ../shared/benchmarks/coin")


@pytest.fixture(scope="module")
def coin() -> dict:
    import rdata

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # classes of R that carry no figure
        return rdata.read_rda(COIN / "ASEM_COIN.rda")["ASEM_COIN"]


def by_unit(coin: dict, stage: str) -> pd.DataFrame:
    return coin["Data"][stage].set_index("UnitCode")


@pytest.fixture(scope="module")
def study(coin: dict) -> NeedStudy:
    treated, meta = by_unit(coin, "Treated"), coin["Input"]["IndMeta"].set_index("IndCode")
    structure = coin["Parameters"]["Structure"]
    weight = coin["Parameters"]["Weights"]["Original"].set_index("Code")["Weight"]
    parents = dict(zip(structure["Agg1"], structure["Agg2"], strict=True)) | {"Conn": "", "Sust": ""}
    return NeedStudy(
        id="asem",
        indicators=tuple(
            Indicator(
                id=row.IndCode,
                label=row.IndCode,
                direction=int(meta.loc[row.IndCode, "Direction"]),
                weight=float(weight[row.IndCode]),
                low=float(treated[row.IndCode].min()),
                high=float(treated[row.IndCode].max()),
                group=row.Agg1,
            )
            for row in structure.itertuples()
        ),
        groups=tuple(Group(id=name, weight=float(weight[name]), parent=parent) for name, parent in parents.items()),
    )


def test_normalised_equals_coinr(coin: dict, study: NeedStudy) -> None:
    normalised = normalise(by_unit(coin, "Treated"), study)
    expected = by_unit(coin, "Normalised")[study.indicator_ids].astype(float)
    pd.testing.assert_frame_equal(normalised, expected, rtol=0, atol=1e-12)


def test_every_level_of_the_index_equals_coinr(coin: dict, study: NeedStudy) -> None:
    scores = aggregate(normalise(by_unit(coin, "Treated"), study), study)
    expected = by_unit(coin, "Aggregated")
    names = [group.id for group in study.groups]
    np.testing.assert_allclose(scores[names], expected[names].astype(float), rtol=0, atol=1e-12)
    np.testing.assert_allclose(scores["score"], expected["Index"].astype(float), rtol=0, atol=1e-12)
    assert scores["score"].idxmax() == "CHE"
    assert round(scores.loc["CHE", "score"], 3) == 68.384
    assert scores["weight_share"].tolist() == pytest.approx([1.0] * 51)


def test_contributions_add_up_through_the_hierarchy(coin: dict, study: NeedStudy) -> None:
    normalised = normalise(by_unit(coin, "Treated"), study)
    total = contributions(normalised, study).sum(axis="columns")
    np.testing.assert_allclose(total, aggregate(normalised, study)["score"], rtol=0, atol=1e-12)
