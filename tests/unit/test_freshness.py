"""Age against rhythm, worked out by hand."""

from __future__ import annotations

from datetime import date

import pytest

from observatory.declared import catalogue
from observatory.sources import freshness

TODAY = date(2026, 11, 23)


@pytest.mark.parametrize(
    ("vintage", "expected"),
    [
        ("RP 2021 (et population 2015)", date(2021, 12, 31)),
        ("10/07/2025", date(2025, 7, 10)),
        ("Janvier 2020 à décembre 2024", date(2024, 12, 31)),
        ("2021-T1 à 2025-T3", date(2025, 9, 30)),
        ("Février 2024", date(2024, 2, 29)),
        ("Zonage 2020, COG 2025", date(2025, 12, 31)),
        ("Celui du fichier donné", None),
    ],
)
def test_the_last_day_that_a_vintage_names(vintage: str, expected: date | None) -> None:
    assert freshness.last_date(vintage) == expected


@pytest.mark.parametrize(
    ("vintage", "published", "rhythm", "state", "age_days"),
    [
        ("2024", None, "annuel", "à jour", 692),  # 31/12/2024 to 23/11/2026, under 2 × 366
        ("RP 2022", None, "annuel", "ancien", 1423),  # under 4 × 366 = 1464
        ("2021", None, "annuel", "périmé", 1788),
        ("décembre 2024", None, "mensuel", "périmé", 692),
        ("2017", "2026-11-01", "quotidien", "à jour", 22),  # under three months, whatever the rhythm
        ("2018", "2018-10", None, "rythme inconnu", 2945),  # from the end of October 2018
        ("Celui du fichier", None, "mensuel", "date inconnue", None),
        ("2027", None, "annuel", "à jour", 0),
    ],
)
def test_states(vintage: str, published: str | None, rhythm: str | None, state: str, age_days: int | None) -> None:
    found = freshness.freshness(vintage=vintage, published_date=published, rhythm=rhythm, today=TODAY)
    assert (found.state, found.age_days) == (state, age_days)
    assert (found.since == "publication") is (published is not None)


@pytest.mark.parametrize(
    ("vintage", "fetched", "loaded", "expected"),
    [
        # Weekly: fetched 13 days ago, under three months; 200 days ago, over 4 × 7 days and three months.
        ("Jour du téléchargement", date(2026, 11, 10), date(2026, 11, 20), ("à jour", 13, "fetch")),
        ("Jour du téléchargement", date(2026, 5, 7), date(2026, 11, 20), ("périmé", 200, "fetch")),
        ("Jour du téléchargement", None, date(2026, 5, 7), ("périmé", 200, "fetch")),
        # A file of unknown date is at least as old as its load: enough to be out of date, never to be up to date.
        ("Celui du fichier donné", None, date(2026, 11, 10), ("date inconnue", 13, "load")),
        ("Celui du fichier donné", None, date(2026, 5, 7), ("périmé", 200, "load")),
        ("2021", date(2026, 11, 10), date(2026, 11, 10), ("périmé", 1788, "period")),
        ("Jour du téléchargement", None, None, ("date inconnue", None, "load")),
    ],
)
def test_the_day_of_the_fetch_dates_what_nothing_else_dates(
    vintage: str, fetched: date | None, loaded: date | None, expected: tuple[str, int | None, str]
) -> None:
    found = freshness.freshness(
        vintage=vintage, published_date=None, rhythm="hebdomadaire", today=TODAY, fetched=fetched, loaded=loaded
    )
    assert (found.state, found.age_days, found.since) == expected


def test_every_rhythm_of_the_catalogue_is_known_or_by_hand() -> None:
    said = {one.rhythm for one in catalogue.sources()} - {None, "à la main"}
    assert said <= set(freshness.RHYTHM_DAYS)
