"""Clusters of communes told by name, and the figures of a profile in French, worked by hand."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from observatory.gap.areas import areas
from observatory.gap.spatial import Clusters, clusters_among, surroundings
from observatory.publish.gap_report import GapReport
from observatory.publish.profile_text import against_commune, concentrated, sections

CODES = pd.Index(["A", "B", "C", "D", "E"])
NAMES = pd.Series(["Le Bourg", "Yville", "Cour", "Les Prés", "Exmes"], index=CODES)
PERSONS = pd.Series([500, 200, 900, 40, pd.NA], index=CODES, dtype="Int64")
EPCI = pd.Series(["1", "2", "2", "1"], index=CODES[:4])
EPCI_NAMES = pd.Series(["Pays d'Un", "Pays de Deux"], index=["1", "2"])


def units(quadrants: list[int], clusters: list[int]) -> Clusters:
    frame = pd.DataFrame({"quadrant": quadrants, "cluster": clusters}, index=CODES)
    return Clusters(frame.assign(statistic=0.0, p_value=0.01, is_significant=frame["cluster"] > 0), 0.02)


def test_areas_by_hand() -> None:
    """A and B: 700 persons around Le Bourg, 500 of them in EPCI 1. D alone bears its name; E has no figure, no EPCI."""
    found = areas(
        units([1, 1, 3, 1, 1], [1, 1, 0, 2, 3]), names=NAMES, population_count=PERSONS, epci_code=EPCI,
        epci_names=EPCI_NAMES,
    )  # fmt: skip
    assert found == [
        {
            "kind": "besoin_fort_acces_faible", "name": "Autour du Bourg", "epci": ["Pays d'Un", "Pays de Deux"],
            "commune_count": 2, "population_count": 700, "communes": ["A", "B"],
        },
        {
            "kind": "besoin_fort_acces_faible", "name": "Les Prés", "epci": ["Pays d'Un"],
            "commune_count": 1, "population_count": 40, "communes": ["D"],
        },
        {
            "kind": "besoin_fort_acces_faible", "name": "Exmes", "epci": [],
            "commune_count": 1, "population_count": 0, "communes": ["E"],
        },
    ]  # fmt: skip


def ring(size: int) -> dict[str, list[str]]:
    return {str(one): [str((one - 1) % size), str((one + 1) % size)] for one in range(size)}


def test_no_deficit_anywhere_else_is_no_cluster() -> None:
    """All units lack as much: every draw is as bad as the neighbours, whatever the need."""
    need = pd.Series(np.linspace(0, 100, 30), index=[str(one) for one in range(30)])
    around = surroundings(pd.Series(100.0, index=need.index), ring(30))
    found = clusters_among(need, around, ring(30)).units
    assert found["p_value"].tolist() == [1.0] * 30
    assert not found["is_significant"].any()


def test_ties_count_on_both_sides() -> None:
    """Half of the units lack all: neighbours who both do are drawn a quarter of the time, with much need or little."""
    deficit = pd.Series([100.0] * 50 + [0.0] * 50, index=[str(one) for one in range(100)])
    around = surroundings(deficit, ring(100))
    assert around.lag[25] == pytest.approx(1.0)
    assert around.at_most[25] == 999
    assert 0.15 < around.at_least[25] / 999 < 0.35
    need = pd.Series(np.tile([1.0, -1.0], 50), index=deficit.index)
    found = clusters_among(need, around, ring(100)).units
    assert found["p_value"].iloc[25] > 0.15
    assert found["p_value"].iloc[26] > 0.15
    assert not found["is_significant"].any()


def test_a_profile_without_area_says_so_and_tables_are_whole() -> None:
    class_ = {"persons_count": 10, "lacking_count": 4, "headcount": 0.4, "depth": 0.25, "severity": 0.2}
    profile = {
        "clusters": {"permutations": 999, "seed": 0, "false_discovery_rate": 0.05, "tested_count": 4, "areas": [],
                     "significant_count": {"besoin_fort_acces_faible": 0, "besoin_fort_acces_fort": 2,
                                           "besoin_faible_acces_fort": 1}},
        "depth": {"line_score": 50.0, "densite": [{"code": "rural", **class_}, {"code": "urbain", **class_}],
                  "frr": [], "departement": [], "epci": [], "region": [{"code": "28", "name": "Normandie", **class_}]},
        "qpv": [{"code": "Q1", "name": "Haut", "commune_name": "Alpha", "access_score": 5.0,
                 "commune_access_score": 9.0, "access_difference": -4.0, "nearest_min": 9.0,
                 "commune_nearest_min": 2.0, "nearest_difference_min": 7.0, "is_worse_off": True}],
        "volume": None,
    }  # fmt: skip
    report = GapReport([], {"volume_label": "habitants", "service_label": "Essai"}, [], "x", profile=profile)
    places, depth, quarters = sections(report)
    assert places.sentences[0].startswith("Aucune poche")
    assert places.sentences[1] == (
        "Se distinguent aussi : besoin faible, accès fort alentour (1 commune) ; besoin fort, accès fort alentour (2 "
        "communes)."
    )
    assert depth.sentences[0].replace("\u202f", " ").startswith("40,0 % des personnes concernées (4 sur 10)")
    assert depth.rows[0][1:] == ("10", "4", "40,0\u202f%", "0,25", "0,20")
    assert quarters.sentences[0] == ("Le seul quartier prioritaire a moins d’accès que sa commune.")
    assert depth.sentences[-1].endswith("Les personnes concernées sont les habitants.")
    assert quarters.rows == [("Haut", "Alpha", "5,0", "9,0", "9,0", "2,0")]
    assert sections(GapReport([], {}, [], "x")) == []


@pytest.mark.parametrize(
    ("less", "more", "same", "words"),
    [
        (0, 0, 63, "Les 63 quartiers prioritaires ont tous autant d’accès que leur commune"),
        (2, 1, 60, ("De 63 quartiers prioritaires, 2 ont moins d’accès que leur commune, 1 en a davantage et 60 en ont "
                   "autant")),
        (1, 0, 2, "De 3 quartiers prioritaires, 1 a moins d’accès que sa commune et 2 en ont autant"),
        (0, 3, 4, "De 7 quartiers prioritaires, 3 ont plus d’accès que leur commune et 4 en ont autant"),
    ],
)  # fmt: skip
def test_quartiers_against_their_commune_in_words(less: int, more: int, same: int, words: str) -> None:
    assert against_commune(less, more, same) == words


def test_areas_in_words() -> None:
    one = {"commune_count": 1, "population_count": 3729}
    large = {"commune_count": 3, "population_count": 5000}
    where = "de communes où l’accès est faible, plus que le hasard ne le ferait"
    read = [
        concentrated(areas, [each for each in areas if each["commune_count"] > 1]).replace("\u202f", " ")
        for areas in ([one], [one, large], [one, one])
    ]
    assert read == [
        f"Une seule commune au besoin fort est entourée {where} : 3 729 habitants.",
        (
            f"4 communes au besoin fort sont entourées {where} : 8 729 habitants, une poche de plusieurs communes et "
            "une commune isolée."
        ),
        f"2 communes au besoin fort sont entourées {where} : 7 458 habitants, 2 communes isolées.",
    ]
