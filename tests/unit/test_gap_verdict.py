"""Verdicts of units whose every specification is worked out by hand, and against a loop over all combinations."""

from __future__ import annotations

import itertools
import tomllib
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import geodata
from observatory.declared.reading import validated
from observatory.declared.study_reading import DEFAULT_STUDY, read_study
from observatory.declared.verdict_study import VerdictStudy
from observatory.errors import InputFileError, UsageError
from observatory.gap.typology import Cuts
from observatory.gap.verdict import (
    Scored,
    access_specifications,
    need_specifications,
    verdict_code,
    verdicts,
)
from observatory.need import Indicator, NeedStudy
from observatory.words import labels

TABLE = {
    "robust_share": 0.8,
    "absent_share": 0.2,
    "normalisations": ["goalposts"],
    "aggregations": ["arithmetic", "geometric"],
    "weightings": ["declared", "equal", "drop_one"],
    "decays": ["declared", "binary"],
    "threshold_factors": [0.5, 1.0],
    "travel_factors": [1.0, 1.5],
    "meshes": ["own", "epci"],
}
STUDY = validated(VerdictStudy, TABLE)
CUTS = Cuts(need=50.0, access=50.0)
NEED = NeedStudy(
    id="toy",
    indicators=(
        Indicator(id="a", label="Chômage", direction=1, weight=3.0, low=0.0, high=100.0),
        Indicator(id="b", label="Revenu", direction=-1, weight=1.0, low=0.0, high=100.0),
    ),
)
UNITS = pd.Index(["u", "v"])


def test_need_specifications_by_hand() -> None:
    """u: a = 60, b = 20 so 80 once turned. Arithmetic (3 × 60 + 80) / 4 = 65; equal 70; without a 80; without b 60.

    Geometric: (60³ × 80)^¼ = 64.474; equal √4800 = 69.282.
    """
    frame = pd.DataFrame({"a": [60.0, 40.0], "b": [20.0, np.nan]}, index=UNITS)
    found = need_specifications(frame, NEED, STUDY)
    assert found.scores[0].tolist() == [65.0, 70.0, 80.0, 60.0, 64.5, 69.3, 80.0, 60.0]
    assert found.choices.loc[0].tolist() == ["", "", ""]
    assert found.choices.loc[2].tolist() == ["", "", "indicateur «\u00a0Chômage\u00a0» retiré"]
    assert found.choices.loc[5].tolist() == ["", "moyenne géométrique", "poids égaux"]
    # v knows a alone: 3/4 of the declared weight, half of the equal one (under 60 %: no score), none without it.
    assert found.scores[1, :4].tolist() == pytest.approx([40.0, np.nan, np.nan, 40.0], nan_ok=True)


def test_access_specifications_by_hand() -> None:
    """One site 8 min from u (100 persons) and 12 from v (100), threshold 20, norm 1 for 200 persons.

    APL steps 10, 15, 20: weights 1 and 0.3, demand 130: u 1/130, v 0.3/130, over 1/200: 100 (capped) and 46.2.
    Trips half as long again, 12 and 18: 0.3 and 0.1, demand 40: 0.3/40 capped, 0.1/40 = 0.0025: 50.0.
    Threshold 10: steps 5, 7.5, 10: u 0.1, v 0: demand 10: u 0.01 capped, v 0. All or nothing to 20: 1/200 each: 100.
    """
    found = access_specifications(
        [0, 1], [0, 0], [8.0, 12.0], [100.0, 100.0], [1.0], index=UNITS, threshold_min=20.0, norm=1 / 200, study=STUDY
    )
    words = {tuple(row): position for position, row in enumerate(found.choices.itertuples(index=False))}
    assert found.scores[:, 0].tolist() == [100.0, 46.2]
    assert found.scores[:, words["", "", "trajets plus longs de 50\u202f%"]].tolist() == [100.0, 50.0]
    assert found.scores[:, words["", "seuil de 10 minutes", ""]].tolist() == [100.0, 0.0]
    assert found.scores[:, words["accès en tout ou rien jusqu’au seuil", "", ""]].tolist() == [100.0, 100.0]


def scored(index: pd.Index, scores: list[list[float]], axis: str) -> Scored:
    labels = ["", *(f"{axis} {position}" for position in range(1, len(scores[0])))]
    return Scored(index, np.array(scores, dtype=float), pd.DataFrame({axis: labels}))


def test_verdicts_by_hand() -> None:
    """u: need high in 3 of 4, access poor in 1 of 2: 3/8. At the EPCI's mesh always: (3/8 + 1) / 2 = 68.75 %.

    v: need unknown. w: need always high, access always poor, at both meshes: 100 %.
    """
    units = pd.Index(["u", "v", "w"])
    need = scored(units, [[60, 50, 49.9, 70], [np.nan] * 4, [90] * 4], "poids")
    access = scored(units, [[10, 50], [10, 10], [0, 0]], "seuil")
    whole = (scored(pd.Index(["E"]), [[80] * 4], "poids"), scored(pd.Index(["E"]), [[0, 0]], "seuil"))
    parent = pd.Series(["E", "E", "E"], index=units)
    known = pd.Series(["E", "?", "E"], index=units)
    found = verdicts(
        {"own": (need, access), "epci": (whole[0].of_parents(known), whole[1].of_parents(parent))},
        cuts=CUTS,
        study=STUDY,
    )
    assert found["verdict_share"].tolist() == pytest.approx([0.6875, np.nan, 1.0], nan_ok=True)
    assert found["verdict"].tolist() == ["fragile", "indetermine", "robuste"]
    assert found["is_deficit"].tolist() == [True, pd.NA, True]
    assert found["flips"].tolist() == [["poids 2", "seuil 1"], [], []]


def test_the_mesh_that_flips_is_named() -> None:
    units = pd.Index(["u"])
    own = (scored(units, [[60.0]], "poids"), scored(units, [[0.0]], "seuil"))
    parent = (scored(units, [[40.0]], "poids"), scored(units, [[0.0]], "seuil"))
    found = verdicts({"own": own, "epci": parent}, cuts=CUTS, study=STUDY)
    assert found["verdict_share"].tolist() == [0.5]
    assert found["flips"].tolist() == [["maille de l’intercommunalité"]]
    with pytest.raises(UsageError, match="mêmes unités"):
        verdicts({"own": own, "epci": (scored(UNITS, [[1.0], [1.0]], "poids"), own[1])}, cuts=CUTS, study=STUDY)


def test_only_choices_made_alone_are_named() -> None:
    """The third specification departs from the study's by two choices: it counts, and is not named."""
    units = pd.Index(["u"])
    choices = pd.DataFrame({"normalisation": ["", "rangs", "rangs"], "weighting": ["", "", "poids égaux"]})
    need = Scored(units, np.array([[60.0, 60.0, 10.0]]), choices)
    found = verdicts({"own": (need, scored(units, [[0.0]], "seuil"))}, cuts=CUTS, study=STUDY)
    assert found["verdict_share"].tolist() == pytest.approx([2 / 3])
    assert found["flips"].tolist() == [[]]


def test_groups_average_their_units_by_population() -> None:
    access = scored(UNITS, [[10.0, np.nan], [40.0, 40.0]], "seuil")
    found = access.averaged(pd.Series(["E", "E"], index=UNITS), pd.Series([300, 100], index=UNITS))
    assert found.scores.tolist() == [[17.5, 40.0]]
    assert found.index.tolist() == ["E"]


@settings(max_examples=50)
@given(
    st.lists(st.tuples(*[st.sampled_from([0.0, 49.9, 50.0, 80.0])] * 3), min_size=1, max_size=4),
    st.lists(st.tuples(*[st.sampled_from([0.0, 49.9, 50.0, 80.0])] * 2), min_size=4, max_size=4),
)
def test_share_equals_a_loop_over_all_combinations(need: list[tuple], access: list[tuple]) -> None:
    units = pd.Index([str(position) for position in range(len(need))])
    rows = [list(row) for row in need], [list(row) for row in access[: len(need)]]
    found = verdicts({"own": (scored(units, rows[0], "a"), scored(units, rows[1], "b"))}, cuts=CUTS, study=STUDY)
    for position, share in enumerate(found["verdict_share"]):
        outcomes = [n >= 50 and a < 50 for n, a in itertools.product(rows[0][position], rows[1][position])]
        assert share == pytest.approx(sum(outcomes) / len(outcomes))
        assert 0 <= share <= 1


def test_wording() -> None:
    def said(share: float) -> str:
        return labels.verdict(verdict_code(share, study=STUDY), share)

    assert said(0.94) == "déficit robuste 94\u202f%"
    assert said(0.8) == "déficit robuste 80\u202f%"
    assert said(0.55) == "fragile 55\u202f%"
    assert said(0.2) == "pas de déficit (20\u202f%)"
    assert said(float("nan")) == "verdict impossible"


@pytest.mark.parametrize(
    "change",
    [
        {"weightings": ["equal"]},
        {"decays": ["declared", "cubic"]},
        {"travel_factors": [0.9, 1.1]},
        {"threshold_factors": [1.0, -1.0]},
        {"normalisations": []},
        {"meshes": ["own", "own"]},
        {"absent_share": 0.9},
        {"robust_share": "beaucoup"},
    ],
)
def test_a_declaration_that_makes_no_sense_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, change: dict[str, object]
) -> None:
    path = tmp_path / "etude.toml"
    text = geodata.path(DEFAULT_STUDY).read_text(encoding="utf-8")
    document = {**tomllib.loads(text), "verdict": {**TABLE, **change}}
    monkeypatch.setattr("observatory.declared.study_reading.document", lambda _: document)
    path.touch()
    with pytest.raises(InputFileError, match="verdict"):
        read_study(path)


def test_the_observatory_declares_its_verdict() -> None:
    document = tomllib.loads(geodata.path(DEFAULT_STUDY).read_text(encoding="utf-8"))
    study = read_study().verdict
    assert study is not None
    assert study.normalisations[0] == document["rules"]["normalisation"]
    assert study.meshes[0] == "own"


def test_drives_of_the_need_and_of_the_access_are_the_same_drives() -> None:
    """u: need 60, and 40 with longer drives; access 40, and 60 with longer drives.

    Each time its own: high and poor at the usual drives, neither with longer ones: 1/2. Crossed, the shares would be
    1/2 × 1/2. v: need 40 and 60, access 40 and 60: usual: not high; longer: high, but not poor: 0, and no flip.
    w: need 40 and 60, access 40 and 30: a deficit with longer drives only.
    """
    units = pd.Index(["u", "v", "w"])
    labels = ["", "trajets plus longs"]
    need = Scored(units, np.array([[60.0, 40.0], [40.0, 60.0], [40.0, 60.0]]), pd.DataFrame({"travel": labels}))
    access = Scored(units, np.array([[40.0, 60.0], [40.0, 60.0], [40.0, 30.0]]), pd.DataFrame({"travel": labels}))
    found = verdicts({"own": (need, access)}, cuts=CUTS, study=STUDY)
    assert found["verdict_share"].tolist() == [0.5, 0.0, 0.5]
    assert found["is_deficit"].tolist() == [True, False, False]
    assert found["flips"].tolist() == [["trajets plus longs"], [], ["trajets plus longs"]]


def test_need_specifications_under_longer_drives() -> None:
    """b counts drives, more being less need: 20 then 80 once turned, 40 then 60. (3 × 60 + 60) / 4 = 60."""
    frame = pd.DataFrame({"a": [60.0], "b": [20.0]}, index=pd.Index(["u"]))
    found = need_specifications(frame, NEED, STUDY, by_travel={1.5: frame.assign(b=40.0)})
    assert found.choices["travel"].unique().tolist() == ["", "trajets plus longs de 50\u202f%"]
    half = found.scores.shape[1] // 2
    assert found.scores[0, 0] == 65.0
    assert found.scores[0, half] == 60.0
    assert found.choices.loc[half].tolist() == ["trajets plus longs de 50\u202f%", "", "", ""]
