"""The observatory's own study: readable, weighted to 1, and naming only figures and sources that are declared."""

from __future__ import annotations

from pathlib import Path

import pytest

import geodata
from observatory.errors import InputFileError, UsageError
from observatory.runs.need_figures import figure_names
from observatory.studies import read_study

STUDY = read_study()


def test_three_defis_and_seven_services() -> None:
    assert set(STUDY.needs) == {"insertion", "vieillissement", "dechets"}
    assert set(STUDY.services) == set(geodata.declarations("services")["services"])


@pytest.mark.parametrize("defi", sorted(STUDY.needs))
def test_weights_sum_to_one_and_estimates_explain_themselves(defi: str) -> None:
    indicators = STUDY.needs[defi].indicators
    assert sum(indicator.weight for indicator in indicators) == pytest.approx(1.0)
    for indicator in indicators:
        assert indicator.unit
        assert indicator.denominator
        assert indicator.vintage
        assert indicator.goalposts_note
        assert indicator.measure is not None
        if indicator.measure.kind in {"inherited", "computed"}:
            assert indicator.status == "estimated"
            assert "stim" in indicator.note or indicator.measure.kind == "computed"


@pytest.mark.parametrize("defi", sorted(STUDY.needs))
def test_every_figure_and_source_is_declared(defi: str) -> None:
    need = STUDY.needs[defi]
    assert figure_names(need) <= set(geodata.declarations("fields")["fields"])
    sources = {one.source for one in need.indicators if one.measure is not None and one.measure.kind != "computed"}
    assert sources <= set(geodata.declarations("catalog")["sources"])


def test_unknown_names_are_refused_with_the_known_ones() -> None:
    with pytest.raises(UsageError, match="insertion, vieillissement, dechets"):
        STUDY.need("logement")
    with pytest.raises(UsageError, match="tiers_lieu"):
        STUDY.service("piscine")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("[study", "TOML"),
        ('[study]\nid = "x"', "incomplète"),
        (
            '[study]\nid = "x"\ntitle = "x"\nversion = 1\n[defis.a]\nlabel = "a"\nvolume_kind = "tonnes"',
            "illisible",
        ),
    ],
)
def test_a_broken_study_is_refused(tmp_path: Path, content: str, message: str) -> None:
    path = tmp_path / "etude.toml"
    path.write_text(content, encoding="utf-8")
    with pytest.raises(InputFileError, match=message):
        read_study(path)
