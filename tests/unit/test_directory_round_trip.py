"""Any directory, written as a table or as a GeoPackage and read back, changes nothing."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from observatory.publish import directory_files
from observatory.sources.directory import directory_file, directory_gpkg
from observatory.sources.directory.accompaniment import KINDS
from observatory.sources.directory.directory_cells import Known
from observatory.sources.directory.directory_entry import PLACE_KINDS, Entry, Place, difference, merged
from observatory.sources.formats.cell_text import siret
from observatory.sources.structures.establishments import slug
from observatory.sources.structures.structure_file import clean
from observatory.words.labels import PHASES

TODAY: Final = "2026-11-28"
ZONES: Final = (
    ("epci", "200068799"),
    ("commune", "14762"),
    ("departement", "14"),
    ("region", "28"),
    ("commune", "01004"),
)
SIRETS: Final = ("80950959900019", "35600000000048", "00552013500015")
LETTERS: Final = "abcÉœ ;,\"'’=+-@/().:_012 59&%*!?<>«»€\t"

text = (
    st.text(LETTERS, min_size=1, max_size=14)
    .map(lambda said: clean(said) or "")
    .filter(lambda said: bool(slug(said)) and not said.startswith(("EXEMPLE", "'")))
)
maybe = st.none() | text
phases = st.sets(st.sampled_from(list(PHASES))).map(lambda said: tuple(one for one in PHASES if one in said))
date = st.sampled_from(["2018", "2018-10", "2018-10-01", "2025-12-31", "2024-01-01"])
degrees = st.integers(-900_000, 900_000).map(lambda said: round(said / 1_000_000, 6))


@st.composite
def places(draw: st.DrawFn, rank: int) -> Place:
    has_point = draw(st.booleans())
    return Place(
        rank=rank,
        kind=draw(st.sampled_from(PLACE_KINDS)),
        name=draw(maybe),
        address=draw(maybe),
        commune_code=draw(st.sampled_from([None, "14762", "01004"])) if has_point else None,
        lon=draw(degrees) if has_point else None,
        lat=round(48.5 + draw(degrees), 6) if has_point else None,
        days=draw(maybe),
        phases=draw(phases),
        quality=draw(st.sampled_from(["address", "commune_centre"])) if has_point else "unknown",
        note=draw(maybe),
        territory_code=draw(st.sampled_from([None, "200068799"])),
        origin=draw(text),
        date=draw(date),
    )


@st.composite
def entries(draw: st.DrawFn, number: int) -> Entry:
    name = f"{draw(text)} {number}"
    zones = tuple(draw(st.lists(st.sampled_from(ZONES), unique=True, max_size=3)))
    return Entry(
        structure_id=f"source:{number}",
        name=name,
        kind=draw(st.sampled_from(sorted(KINDS.values()))),
        siret=draw(st.none() | st.sampled_from([one for one in SIRETS if siret(one)])),
        role=draw(maybe),
        phases=draw(phases),
        devices=tuple(draw(st.lists(text, unique=True, max_size=2))),
        is_active=draw(st.booleans()),
        website=draw(st.sampled_from([None, "https://exemple.fr/a?b=c"])),
        note=draw(maybe),
        origin=draw(text),
        date=draw(date),
        zones=zones,
        zones_origin=draw(text) if zones else "",
        zones_date=draw(date) if zones else "",
        places=tuple(draw(places(rank)) for rank in range(1, draw(st.integers(0, 3)) + 1)),
    )


directories = st.integers(1, 4).flatmap(lambda count: st.tuples(*(entries(number) for number in range(count))))


def known(held: tuple[Entry, ...]) -> Known:
    levels: dict[str, tuple[str, ...]] = {}
    for level, code in ZONES:
        levels[code] = (*levels.get(code, ()), level)
    by_id = {one.structure_id: one for one in held}
    return Known(
        levels=levels,
        identify=lambda name, _: next((one.structure_id for one in held if slug(one.name) == slug(name)), None),
        entries=by_id,
        removed=frozenset(),
        successor={},
        town_halls={},
    )


@pytest.mark.parametrize("form", ["csv", "gpkg"])
@settings(
    max_examples=25,
    derandomize=True,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)
@given(held=directories)
def test_what_is_written_and_read_back_changes_nothing(tmp_path: Path, form: str, held: tuple[Entry, ...]) -> None:
    path = tmp_path / f"annuaire.{form}"
    path.unlink(missing_ok=True)
    if form == "csv":
        directory_files.write_csv(held, path)
        frame, present = directory_file.read(path)
    else:
        directory_files.write_gpkg(held, path)
        frame, present = directory_gpkg.read(path)
    reading = directory_file.normalise(frame, present, known(held), today=TODAY)
    assert reading.refused == []
    assert [one.structure_id for one in reading.entries] == [one.structure_id for one in held]
    for before, said in zip(held, reading.entries, strict=True):
        assert difference(before, merged(before, said, keeps_places=False, today=TODAY)) is None


def test_a_place_or_a_zone_whose_structure_is_not_there_is_told_and_changes_nothing(tmp_path: Path) -> None:
    import pandas as pd
    import pyogrio

    held = (Entry("source:0", "Une", "RESSOURCERIE", role="Son rôle", origin="site", date="2025"),)
    path = tmp_path / "annuaire.gpkg"
    directory_files.write_gpkg(held, path)
    lost = pd.DataFrame({"identifiant": ["source:1"], "nom": ["Autre"], "niveau": ["epci"], "code": ["200068799"]})
    pyogrio.write_dataframe(lost, path, layer="zones", driver="GPKG")
    frame, present = directory_gpkg.read(path)
    reading = directory_file.normalise(frame, present, known(held), today=TODAY)
    assert reading.row_count == 2
    assert [(one.name, one.reason[:25]) for one in reading.refused] == [("Autre", "sa structure n’est pas da")]
    assert [one.role for one in reading.entries] == ["Son rôle"]
