"""Dates as spreadsheets leave them: read as precisely as they are written, or asked."""

from __future__ import annotations

import pytest

from observatory.sources.formats import dates
from observatory.sources.formats.dates import UnclearDateError


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2018", "2018"),
        ("2018-10", "2018-10"),
        ("oct.-18", "2018-10"),  # a French Excel
        ("Oct-18", "2018-10"),  # an English one
        ("févr.-24", "2024-02"),
        ("août-2023", "2023-08"),
        ("Décembre 2025", "2025-12"),
        ("1er mai 2024", "2024-05-01"),
        ("5-oct.-18", "2018-10-05"),
        ("05/10/2018", "2018-10-05"),
        ("5.10.2018", "2018-10-05"),
        ("10/2018", "2018-10"),
        ("2018/10/05", "2018-10-05"),
        ("2018-10-05 00:00:00", "2018-10-05"),
        ("2018-10-05T08:30:00.000Z", "2018-10-05"),
    ],
)
def test_a_date_keeps_the_precision_that_it_is_written_with(text: str, expected: str) -> None:
    assert dates.iso(text) == expected


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("45413", "nombre de jours de tableur : écrivez 2024-05-01"),  # =DATE(2024;5;1) in both programs
        ("12/31/2024", "à l’américaine : écrivez 2024-12-31"),
        ("1/5/24", "l’année a deux chiffres"),
        ("18-oct.", "sans année"),
        ("31/02/2024", "illisible"),
        ("2024-13", "illisible"),
        ("hier", "illisible"),
        ("#N/A", "illisible"),
    ],
)
def test_what_can_be_read_two_ways_is_asked(text: str, told: str) -> None:
    with pytest.raises(UnclearDateError, match="date « ") as refusal:
        dates.iso(text)
    assert told in str(refusal.value)


def test_one_american_date_makes_the_doubtful_ones_of_its_file_doubtful() -> None:
    assert not dates.has_month_first(["31/12/2024", None, "05/04/2024"])
    assert dates.has_month_first(["12/31/2024", None])
    assert dates.iso("05/04/2024") == "2024-04-05"
    with pytest.raises(UnclearDateError, match="mettent le mois d’abord"):
        dates.iso("05/04/2024", is_month_first=True)
    assert dates.iso("05/05/2024", is_month_first=True) == "2024-05-05"


def test_the_first_day_of_what_is_known_is_what_is_known() -> None:
    assert dates.is_less_told("2018-10-01", "2018-10")
    assert dates.is_less_told("2018-01-01", "2018")
    assert not dates.is_less_told("2018-10-02", "2018-10")
    assert not dates.is_less_told("2018-10-01", "2018-10-01")
    assert not dates.is_less_told("2018-10-01", "")
