"""The observatory's own study: readable, weighted to 1, and naming only figures and sources that are declared."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import geodata
from observatory.declared import catalogue
from observatory.declared.services import offer
from observatory.declared.study_reading import DEFAULT_STUDY, read_study
from observatory.errors import InputFileError, UsageError
from observatory.runs.need.need_figures import figure_names

STUDY = read_study()


def test_three_defis_and_seven_services() -> None:
    assert set(STUDY.needs) == {"insertion", "vieillissement", "dechets"}
    assert set(STUDY.services) == set(offer().services)


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
    assert figure_names(need) <= {one.indicator for one in catalogue.fields()}
    sources = {one.source for one in need.indicators if one.measure is not None and one.measure.kind != "computed"}
    assert sources <= {one.source_id for one in catalogue.sources()}


def test_unknown_names_are_refused_with_the_known_ones() -> None:
    with pytest.raises(UsageError, match="insertion, vieillissement, dechets"):
        STUDY.need("logement")
    with pytest.raises(UsageError, match="tiers_lieu"):
        STUDY.service("piscine")
    with pytest.raises(UsageError, match="« ess » n’a pas de phases : seul « accompagnement »"):
        STUDY.service("ess:creation")


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


BROKEN = {
    "no label": ('label = "Chômage des 15-64 ans"\n', "", "indicateur 1 (unemployment_1564_rate) : « label » manque"),
    "unknown key": ("goalposts_note = ", "remarque_bornes = ", "« remarque_bornes » n’est pas une clé connue"),
    "weight of 0": ("weight = 0.25", "weight = 0", "le poids doit être positif"),
    "weight in words": ("weight = 0.25", 'weight = "beaucoup"', "« weight » doit être un nombre"),
    "weight that is no number": ("weight = 0.25", "weight = nan", "« weight » doit être un nombre"),
    "goalpost in words": ("low = 5.0", 'low = "cinq"', "« low » doit être un nombre"),
    "goalposts turned": ("low = 5.0", "low = 25.0", "la borne basse doit être sous la borne haute"),
    "direction": ("direction = 1", "direction = 2", "« direction » doit être l’un de 1, -1"),
    "status": ('status = "observed"', 'status = "deviné"', "« status » doit être l’un de observed, estimated"),
    "identifier": ('id = "unemployment_1564_rate"', "id = 5", "« id » doit être un texte"),
    "kind of measure": ('kind = "ratio"', 'kind = "magie"', "« kind » doit être l’un de ratio, weighted_mean"),
    "level": (
        'kind = "ratio", level = "commune"',
        'kind = "ratio", level = "pays"',
        "« level » doit être l’un de iris",
    ),
    "ratio of nothing": (', over = "active_1564_count"', "", "demande « over », son dénominateur"),
    "scale in words": ("scale = 100.0", 'scale = "cent"', "« scale » doit être un nombre"),
    "growth of no year": ("growth_years = 6.0", "growth_years = 0", "« growth_years » doit être supérieur à 0"),
    "normalisation": ('normalisation = "goalposts"', 'normalisation = "magie"', "« normalisation » doit être l’un de"),
    "one quantile": ("min_weight_share = 0.6", "winsorise = [0.05]", "« winsorise » doit être une liste de 2 nombres"),
    "cut that is no number": ("need = 50.0", "need = nan", "[cuts] : « need » doit être un nombre"),
    "cut beyond the scale": ("need = 50.0", "need = 500", "« need » doit être supérieur à 0 et au plus 100"),
    "no cuts": ("[cuts]", "[coupures]", "le tableau « cuts » manque"),
    "catchment": (
        "[catchment]\nthreshold_min = 20.0",
        "[catchment]\nthreshold_min = -3",
        "[catchment] : « threshold_min »",
    ),
    "threshold": ("threshold_min = 45.0", "threshold_min = 0", "service accompagnement : « threshold_min » doit être"),
    "norm": ("threshold_min = 45.0", "threshold_min = 45.0\npersons_per_site = 0", "« persons_per_site » doit être"),
    "steps": (
        "threshold_min = 45.0",
        "threshold_min = 45.0\nsteps = [[0.5]]",
        "« steps » doit être une liste de paires",
    ),
    "steps back": ("threshold_min = 45.0", "threshold_min = 45.0\nsteps = [[1.0, 0.5], [0.5, 1.0]]", "croissantes"),
    "volume": ('volume_kind = "count"', 'volume_kind = "tonnes"', "« volume_kind » doit être l’un de count"),
    "volume of no indicator": ('volume_indicator = "age75p_pct"', 'volume_indicator = "x"', "l’un des indicateurs"),
    "verdict": ("robust_share = 0.80\n", "", "« robust_share » manque"),
    "endless drives": (
        "travel_factors = [1.0, 1.07",
        "travel_factors = [1.0, inf",
        "chaque élément de « travel_factors »",
    ),
    "version": ("version = 1", 'version = "un"', "« version » doit être un nombre"),
    "syntax": ("[study]", "[study", "n’est pas lisible en TOML (ligne 11, colonne 7)"),
}


@pytest.mark.parametrize("name", BROKEN)
def test_whatever_is_wrong_in_a_study_is_said_in_french(tmp_path: Path, name: str) -> None:
    """One sentence that names the place and the key, and no word of the language it was read with."""
    found, put, message = BROKEN[name]
    text = geodata.path(DEFAULT_STUDY).read_text(encoding="utf-8")
    assert found in text
    path = tmp_path / "etude.toml"
    path.write_text(text.replace(found, put, 1), encoding="utf-8")
    with pytest.raises(InputFileError) as caught:
        read_study(path)
    said = str(caught.value)
    assert message in said
    assert said.endswith(".")
    assert not re.search(r"__init__|argument|could not|expected|float|NoneType|line \d", said)


def test_tables_that_are_none_and_bytes_that_are_no_text_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "etude.toml"
    text = geodata.path(DEFAULT_STUDY).read_text(encoding="utf-8")
    for content in (
        'defis = "x"',
        '[study]\nid = "x"\n[defis]\na = 3',
        f'rules = "x"\n{text.replace("[rules]", "[autres]")}',
    ):
        path.write_text(content, encoding="utf-8")
        with pytest.raises(InputFileError, match=r"doit être un tableau|manque"):
            read_study(path)
    path.write_bytes(text.encode("latin-1", errors="replace"))
    with pytest.raises(InputFileError, match="n’est pas en UTF-8"):
        read_study(path)
