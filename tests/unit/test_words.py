"""French words: territories after their article, plurals, lists, figures, ranks, dates."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal

import pytest
from babel.numbers import format_decimal
from hypothesis import given
from hypothesis import strategies as st

from observatory.declared.region import home_region
from observatory.words import labels, numbers
from observatory.words.grammar import capital, listed, of, plural, quoted, shortened, territory
from observatory.words.numbers import amount, count, counted, day, decimal, figure, percent, rank, rank_interval, signed

REGION = home_region().names


@pytest.mark.parametrize(
    ("level", "code", "name", "words"),
    [
        ("region", "28", "Normandie", "la région Normandie"),
        ("departement", "14", "Calvados", "le département du Calvados"),
        ("departement", "27", "Eure", "le département de l’Eure"),
        ("departement", "02", "Aisne", "le département Aisne"),
        ("epci", "1", "Métropole Rouen Normandie", "la métropole Rouen Normandie"),
        ("epci", "2", "Caux Seine Agglo", "l’intercommunalité Caux Seine Agglo"),
        ("commune", "61001", "Alençon", "la commune d’Alençon"),
        ("commune", "27016", "Les Andelys", "la commune des Andelys"),
        ("commune", "61214", "L'Aigle", "la commune de L'Aigle"),
        ("commune", "76575", "La Rue-Saint-Pierre", "la commune de La Rue-Saint-Pierre"),
        ("commune", "27229", "Évreux", "la commune d’Évreux"),
        ("commune", "76758", "Yvetot", "la commune d’Yvetot"),
        ("commune", "14327", "Hérouville-Saint-Clair", "la commune d’Hérouville-Saint-Clair"),
        ("commune", "14333", "Honfleur", "la commune de Honfleur"),
        ("commune_deleguee", "14762", "Vire", "la commune déléguée de Vire"),
        ("zone_emploi", "2801", "Argentan", "la zone d’emploi d’Argentan"),
        ("lieu-dit", "x", "Le Bout", "le territoire Le Bout"),
    ],
)  # fmt: skip
def test_territories_are_named(level: str, code: str, name: str, words: str) -> None:
    assert territory(level, code, name, region=REGION).words == words
    assert territory(level, code, name, region=REGION).start == capital(words)


def test_grammar() -> None:
    assert of("Œuilly") == "d’Œuilly"
    assert [plural(1.9, "point"), plural(2, "point"), plural(0, "point")] == ["point", "points", "point"]
    assert [listed([]), listed(["a"]), listed(["a", "b"]), listed(["a", "b", "c"])] == ["", "a", "a et b", "a, b et c"]
    assert quoted("a « b »") == "«\u00a0a “b”\u00a0»"


def test_a_long_list_names_its_first_items_and_counts_the_others() -> None:
    assert shortened(["a", "b"], 2, str) == ["a", "b"]
    assert shortened(["a", "b", "c", "d"], 2, lambda rest: f"{rest} autres") == ["a", "b", "2 autres"]


def test_figures_are_written_as_french_readers_expect() -> None:
    assert count(3328562) == "3\u202f328\u202f562"
    assert decimal(1234.56) == "1\u202f234,6"
    assert (count(None), decimal(None), figure(None), count(None, unknown="?")) == ("–", "–", "–", "?")
    assert (figure(3110.0), figure(337777.84)) == ("3\u202f110", "337\u202f777,8")
    assert (amount(20.0), amount(1.5)) == ("20", "1,5")
    assert (signed(1.54), signed(-3, digits=0), signed(0.0)) == ("+1,5", "−3", "0,0")
    assert (percent(0.4251), percent(0.029, digits=0)) == ("42,5\u202f%", "3\u202f%")


@given(st.floats(min_value=-1e9, max_value=1e9), st.integers(min_value=0, max_value=3))
def test_figures_are_those_of_babel(value: float, digits: int) -> None:
    # Decimal(value) is the double itself: Babel would round its shortest text, 0.15 to 0,2.
    pattern = "#,##0" + ("." + "0" * digits if digits else "")
    said = format_decimal(Decimal(value), format=pattern, locale="fr")
    if set(said) - {"0", ",", "-"}:  # Babel gives no sign to a zero
        assert decimal(value, digits=digits) == said


def test_counts_agree_with_their_noun() -> None:
    assert [counted(number, "habitant") for number in (0, 1, 1204)] == [
        "0 habitant",
        "1 habitant",
        "1\u202f204 habitants",
    ]
    assert counted(1.9, "minute", written=decimal) == "1,9 minute"
    assert counted(2.0, "minute", written=decimal) == "2,0 minutes"
    assert counted(2, "lieu", "lieux", space=numbers.NO_BREAK_SPACE) == "2\u00a0lieux"


def test_ranks_and_days() -> None:
    assert [rank(1), rank(1, is_feminine=True), rank(1204)] == ["premier", "première", "1\u202f204ᵉ"]
    assert [rank_interval(3, 12), rank_interval(1, 1), rank_interval(None, 2)] == ["3 à 12", "1", "–"]
    assert day("2025-03-31") == day(date(2025, 3, 31)) == day(datetime(2025, 3, 31, 8, tzinfo=UTC)) == "31/03/2025"
    assert day("en 2025") == "en 2025"


def test_verdicts_are_told_with_their_share() -> None:
    assert labels.verdict("robuste", 0.94) == "déficit robuste 94\u202f%"
    assert labels.verdict("absent", 0.03) == "pas de déficit (3\u202f%)"
    assert [labels.verdict(None, 0.5), labels.verdict("indetermine", 0.5)] == ["–", "verdict impossible"]
