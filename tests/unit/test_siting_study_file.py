"""A study file that is wrong: one French sentence that names the key, and nothing of Python's own words."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest

import geodata
from observatory.declared.siting_file import read_siting_study, siting_study
from observatory.errors import ObservatoryError, UsageError

VIRE = (geodata.path("studies/vire.toml")).read_text(encoding="utf-8")
ENGLISH = re.compile(r"\b(not|object|invalid|argument|convert|float|expected|must|line|value|missing)\b")


@pytest.mark.parametrize(
    ("written", "instead", "named"),
    [
        ("poles = 1\n", 'poles = "un"\n', "siting.poles"),
        ("poles = 1\n", "poles = 1.5\n", "siting.poles"),
        ("poles = 1\n", "poles = true\n", "siting.poles"),
        ("poles = 1\n", "poles = 0\n", "1 à 20"),
        ("threshold_min = 20", 'threshold_min = "vingt"', "siting.threshold_min"),
        ('services = ["ressourcerie", "tiers_lieu"]', 'services = "ressourcerie"', "siting.services"),
        ("insertion = 24", "insertion = true", "defis.insertion"),
        ("solutions = 3", "solution = 3", "vouliez-vous écrire « solutions »"),
        ("[defis]", "[defi]", "vouliez-vous écrire « defis »"),
        ('unit = "14762"', 'unite = "14762"', "candidates[1].unite"),
        ("[[candidates]]", "[candidates]", "[[candidates]]"),
        ('codes = ["200035814", "200043354", "200066389"]', 'codes = "200035814"', "catchment.codes"),
        ('level = "commune_deleguee"\n\n[siting]', 'level = "iris"\n\n[siting]', "contour"),
        ("[siting]", '[filters]\nis_qpv = "non"\n[siting]', "filters.is_qpv"),
        ("[siting]", "[costs]\nsite = 1\n[siting]", "costs.note"),
        ("[siting]", '[costs]\nnote = "x"\nby_site = { a = "b" }\n[siting]', "costs.by_site.a"),
        ("[siting]", '[siting]\nrequired = "14762"', "siting.required"),
        ("[siting]", '[siting]\nincompatible = ["14762"]', "siting.incompatible"),
        ("site_cost = 2", 'site_cost = "deux"', "joint.site_cost"),
        ('defis = ["dechets", "insertion"]', 'defis = ["bonheur"]', "bonheur"),
        ('defis = ["dechets", "insertion"]', "defis = []", "au moins un défi"),
        ("[joint.services.ressourcerie]\ncost = 2", "[joint.services.ressourcerie]\ncout = 2", "cost"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_named_in_french(written: str, instead: str, named: str) -> None:
    assert written in VIRE
    with pytest.raises(UsageError) as refused:
        siting_study(tomllib.loads(VIRE.replace(written, instead, 1)))
    assert named in str(refused.value)
    assert not ENGLISH.search(str(refused.value))


def test_a_front_without_any_aim_left_is_refused() -> None:
    # Its only aim is about a défi that the study doesn't count.
    start, end = VIRE.index("pareto = ["), VIRE.index("]", VIRE.index("pareto = [")) + 1
    alone = VIRE[:start] + 'pareto = ["uncovered_dechets"]' + VIRE[end:]
    assert siting_study(tomllib.loads(alone)).pareto == ("uncovered_dechets",)
    without = alone.replace("dechets = 1\n", "", 1).replace('defis = ["dechets", "insertion"]', 'defis = ["insertion"]')
    with pytest.raises(UsageError, match="Aucun des buts"):
        siting_study(tomllib.loads(without))


@pytest.mark.parametrize(
    ("content", "named"),
    [(b"[siting\n", "ligne 1, colonne 8"), (b"x =", "fin du fichier"), (b"\xff", "texte"), (b"", "study")],
)
def test_a_file_that_is_not_toml_says_where(tmp_path: Path, content: bytes, named: str) -> None:
    (tmp_path / "essai.toml").write_bytes(content)
    with pytest.raises(ObservatoryError) as refused:
        read_siting_study(tmp_path / "essai.toml")
    assert named in str(refused.value)
    assert not ENGLISH.search(str(refused.value))
