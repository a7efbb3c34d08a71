"""French sentences, read whole: what a planner reads must be right to the last space."""

from __future__ import annotations

from typing import Any

import pytest

from observatory.declared.region import home_region
from observatory.gap.prose import HIDDEN_NOTE, Certainty, explain

INDICATORS = [
    {"id": "unemployment", "label": "Chômage des 15-64 ans", "unit": "%"},
    {"id": "below_bac", "label": "Sans baccalauréat", "unit": "%"},
    {"id": "income", "label": "Revenu disponible médian", "unit": "€ par an et par unité de consommation"},
    {"id": "zone", "label": "Chômage localisé de la zone d’emploi", "unit": "%"},
]
REGION = home_region().names
PARAMETERS = {
    "defi_label": "Insertion des personnes éloignées de l’emploi",
    "service_label": "Accompagnement de projets de l’ESS",
    "volume_label": "chômeurs de 15 à 64 ans (RP 2021)",
    "threshold_min": 45.0,
    "cuts": {"need": 50.0, "access": 50.0},
}
COMPONENTS: dict[str, dict[str, Any]] = {
    "unemployment": {"value": 14.2143, "contribution": 15.3, "status": "observed"},
    "below_bac": {"value": 58.1, "contribution": 14.1, "status": "observed"},
    "income": {"value": 21870.0, "contribution": 1.9, "status": "observed"},
    "zone": {"value": 7.6, "contribution": 21.9, "status": "estimated"},
}
CAUX: dict[str, Any] = {
    "level": "epci",
    "code": "200010700",
    "name": "Communauté d'agglomération Caux Seine Agglo",
    "population_count": 77500,
    "need_score": 53.2,
    "need_volume_count": 5321,
    "access_score": 31.4,
    "nearest_min": 38.0,
    "served_count": 24335,
    "reachable_full_count": 40165,
    "out_of_reach_count": 13000,
    "in_need_out_of_reach_count": 812,
    "typology": "prioritaire",
    "status": "estimated",
    "note": None,
}


def said(row: dict[str, Any], certainty: Certainty | None = None, components: Any = COMPONENTS) -> list[str]:
    """Return the sentences with ordinary spaces, so that they can be read here."""
    found = explain(row, components, indicators=INDICATORS, parameters=PARAMETERS, region=REGION, certainty=certainty)
    for sentence in found:
        assert sentence.endswith(".")
        assert "  " not in sentence
        assert not any(f" {mark}" in sentence for mark in ":;!?»%")  # an ordinary space could end a line there
    return [sentence.replace("\u202f", " ").replace("\u00a0", " ") for sentence in found]


def test_caux_seine_agglo_reads_well() -> None:
    certainty = Certainty(
        score_low=45.0, score_high=58.5, rank_low=4, rank_high=19, ranked_count=71, verdict="fragile",
        verdict_share=0.554, flips=("poids égaux", "trajets plus courts de 15\u202f%"),
    )  # fmt: skip
    assert said(CAUX, certainty) == [
        (
            "Pour le défi « Insertion des personnes éloignées de l’emploi », la communauté d'agglomération Caux "
            "Seine Agglo a un besoin fort : 53,2 sur 100, entre 45,0 et 58,5 selon la méthode."
        ),
        "Du plus grand besoin au plus petit, elle se classe entre le 4ᵉ et le 19ᵉ rang sur 71.",
        (
            "Trois indicateurs expliquent surtout ce score : « Chômage localisé de la zone d’emploi » (7,6 %, "
            "estimation, 21,9 points), « Chômage des 15-64 ans » (14,2 %, 15,3 points) et « Sans "
            "baccalauréat » (58,1 %, 14,1 points)."
        ),
        "Ensemble, ils font 51,3 des 53,2 points.",
        "Ce besoin concerne 5 321 chômeurs de 15 à 64 ans (RP 2021).",
        (
            "Pour le service « Accompagnement de projets de l’ESS », un habitant est en moyenne à 38 minutes de la "
            "structure la plus proche, pour un seuil de 45 minutes."
        ),
        "L’accès y vaut 31,4 sur 100, où 100 est l’offre jugée suffisante.",
        (
            "Sur 77 500 habitants, 24 335 sont servis (31,4 %), 40 165 ont une structure à portée mais saturée (51,8 "
            "%) et 13 000 sont hors de portée (16,8 %)."
        ),
        "Parmi les personnes hors de portée, 812 sont concernées par le défi.",
        (
            "Au croisement des deux, la communauté d'agglomération Caux Seine Agglo est classée « prioritaire » : "
            "besoin fort, accès faible."
        ),
        (
            "Ce déficit est fragile : elle reste en déficit dans 55 % des combinaisons de choix de méthode que l’on "
            "pourrait défendre."
        ),
        (
            "Chacun de ces changements suffit à lui seul à inverser la réponse : poids égaux et trajets plus courts de "
            "15 %."
        ),
    ]


def test_vire_au_noireau_reads_well() -> None:
    vire = {
        **CAUX, "code": "200068799", "name": "Communauté de communes Intercom de la Vire au Noireau",
        "population_count": 46112, "need_score": 41.0, "need_volume_count": 2210, "access_score": 0.0,
        "nearest_min": 51.3, "served_count": 0, "reachable_full_count": 0, "out_of_reach_count": 46112,
        "in_need_out_of_reach_count": 2210, "typology": "a_surveiller",
    }  # fmt: skip
    found = said(vire, Certainty(rank_low=1, rank_high=1, ranked_count=71, verdict="absent", verdict_share=0.04))
    assert found[:2] == [
        (
            "Pour le défi « Insertion des personnes éloignées de l’emploi », la communauté de communes Intercom de "
            "la Vire au Noireau a un besoin modéré : 41,0 sur 100."
        ),
        "Du plus grand besoin au plus petit, elle se classe première sur 71, quelle que soit la méthode.",
    ]
    assert "Tous ses habitants sont hors de portée (46 112)." in found
    assert "Parmi les personnes hors de portée, 2 210 sont concernées par le défi." in found
    assert found[-1] == (
        "Cette absence de déficit est robuste : elle ne serait en déficit que dans 4 % des combinaisons de choix de "
        "méthode que l’on pourrait défendre."
    )


def test_a_partial_list_is_told_beside_what_it_gives() -> None:
    """An access of nil on twenty known structures is no proof that there is none."""
    parameters = {**PARAMETERS, "is_complete": False, "supply_count": 20}
    sure = Certainty(verdict="robuste", verdict_share=1.0)
    found = explain(CAUX, COMPONENTS, indicators=INDICATORS, parameters=parameters, region=REGION, certainty=sure)
    read = [sentence.replace("\u202f", " ").replace("\u00a0", " ") for sentence in found]
    place = read.index("L’accès y vaut 31,4 sur 100, où 100 est l’offre jugée suffisante.")
    assert read[place + 1] == (
        "Ces chiffres d’accès ne comptent que les structures connues et situées (20 en Normandie) : la liste est "
        "incomplète, et l’accès réel peut être meilleur."
    )
    assert read[-1] == "Toutes ces combinaisons gardent la même liste de structures, sans celles qui y manquent."
    complete = explain(
        CAUX, COMPONENTS, indicators=INDICATORS, parameters=PARAMETERS | {"is_complete": True}, region=REGION
    )
    assert not any("liste" in sentence for sentence in complete)


def test_singulars_and_little_known_territories() -> None:
    hamlet = {
        **CAUX, "level": "commune", "code": "14001", "name": "Le Havre", "population_count": 30, "need_volume_count": 1,
        "nearest_min": 1.0, "served_count": 1, "reachable_full_count": 28, "out_of_reach_count": 1,
        "in_need_out_of_reach_count": None, "typology": "a_conforter", "need_score": 1.4,
        "note": "Besoin calculé sur 75 % du poids.".replace(" %", "\u202f%"),
    }  # fmt: skip
    one = {"unemployment": {"value": 5.9, "contribution": 1.4, "status": "observed"}, "zone": {"contribution": 0.0}}
    assert said(hamlet, components=one) == [
        (
            "Pour le défi « Insertion des personnes éloignées de l’emploi », la commune du Havre a un besoin modéré "
            ": 1,4 sur 100."
        ),
        "Un indicateur explique ce score : « Chômage des 15-64 ans » (5,9 %, 1,4 point).",
        "Ce besoin concerne une seule personne : chômeurs de 15 à 64 ans (RP 2021).",
        (
            "Pour le service « Accompagnement de projets de l’ESS », la structure la plus proche est à 1 minute, "
            "pour un seuil de 45 minutes."
        ),
        "L’accès y vaut 31,4 sur 100, où 100 est l’offre jugée suffisante.",
        (
            "Sur 30 habitants, 1 est servi (3,3 %), 28 ont une structure à portée mais saturée (93,3 %) et 1 est "
            "hors de portée (3,3 %)."
        ),
        "Au croisement des deux, la commune du Havre est classée « à conforter » : besoin fort, accès assuré.",
        "Besoin calculé sur 75 % du poids.",
    ]


def test_three_reasons_that_say_it_all_are_not_summed() -> None:
    """« Ensemble, ils font 53,2 des 53,2 points » would say nothing."""
    three = {name: COMPONENTS[name] for name in ("unemployment", "below_bac", "zone")}
    found = said(CAUX, components=three)
    assert found[1].startswith("Trois indicateurs expliquent ce score : ")
    assert not any(one.startswith("Ensemble") for one in found)


def test_the_choices_that_turn_the_answer_over() -> None:
    def last(*flips: str) -> str:
        return said(CAUX, Certainty(verdict="fragile", verdict_share=0.5, flips=flips))[-1]

    assert last("moyenne géométrique") == "Un seul changement suffit à inverser la réponse : moyenne géométrique."
    assert last(*"abcdef").endswith(": a, b, c, d, e et un autre.")
    assert last(*"abcdefg").endswith("e et 2 autres.")


def test_a_phase_is_quoted_inside_quotes_and_its_zones_are_said() -> None:
    """Nobody intervenes here is not nobody can be driven to."""
    phase = {"service": "accompagnement:lieu", "service_label": "Accompagnement de projets, phase « lieu »"}
    row = {**CAUX, "nearest_min": None}
    found = explain(row, COMPONENTS, indicators=INDICATORS, parameters=PARAMETERS | phase, region=REGION)
    read = [sentence.replace("\u202f", " ").replace("\u00a0", " ") for sentence in found]
    assert (
        "Pour le service « Accompagnement de projets, phase “lieu” », aucune structure dont on sache qu’elle "
        "intervient ici ne s’atteint en voiture."
    ) in read


def test_what_is_unknown_or_secret_is_said() -> None:
    blank = dict.fromkeys(CAUX)
    district = {
        **blank, "level": "qpv", "code": "QN01", "name": "Chemin Vert", "typology": "indetermine", "status": "missing"
    }  # fmt: skip
    assert said(district, components={}) == [
        (
            "Pour le défi « Insertion des personnes éloignées de l’emploi », le besoin n’est pas connu dans le "
            "quartier prioritaire Chemin Vert : trop de chiffres manquent."
        ),
        "Pour le service « Accompagnement de projets de l’ESS », aucune structure connue ne s’atteint en voiture.",
        "La typologie reste indéterminée, faute de chiffres.",
    ]
    secret = {**CAUX, "need_volume_count": 4, "in_need_out_of_reach_count": 4, "status": "suppressed"}
    assert not any("4 sont concernées" in one or "concerne 4" in one for one in said(secret))
    told = "Le nombre de personnes concernées est couvert par le secret des petits comptes."
    assert told in said(secret)
    larger = said({**secret, "note": f"{HIDDEN_NOTE} Les totaux comprennent 2 communes."})
    assert [one for one in larger if "couvert" in one] == [told]
    assert larger[-1] == "Les totaux comprennent 2 communes."


@pytest.mark.parametrize(
    ("typology", "verdict", "share", "sentence"),
    [
        ("prioritaire", "robuste", 0.94, "Ce déficit est robuste : elle reste en déficit dans 94 % des"),
        ("prioritaire", "robuste", 1.0, "Ce déficit est robuste : elle reste en déficit dans toutes les"),
        ("prioritaire", "robuste", 0.9999, "Ce déficit est robuste : elle reste en déficit dans 99 % des"),
        ("prioritaire", "absent", 0.1, "Ce déficit tient à la méthode : elle ne reste en déficit que dans 10 % des"),
        ("couvert", "absent", 0.0, "Cette absence de déficit est robuste : elle ne serait en déficit dans aucune des"),
        ("couvert", "fragile", 0.4, "Cette absence de déficit est fragile : elle serait en déficit dans 40 % des"),
        (
            "couvert",
            "robuste",
            0.9,
            "Cette absence de déficit tient à la méthode : elle serait en déficit dans 90 % des",
        ),
    ],
)
def test_verdicts_agree_with_the_answer(typology: str, verdict: str, share: float, sentence: str) -> None:
    found = said({**CAUX, "typology": typology}, Certainty(verdict=verdict, verdict_share=share))
    assert f"{sentence} combinaisons de choix de méthode que l’on pourrait défendre." in found
