"""A source that nobody knew: one module, one entry of the catalogue, one service, and it is on the map.

The recipe of ``docs/adr/0036-une-source-un-module.md``, followed to the letter on a made-up list of épiceries sociales.
"""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

import geodata
from observatory.declared import catalogue, services
from observatory.publish import structure_layers
from observatory.sources import structures
from observatory.store import read
from observatory.store.ingest import dry_run, file_ingest
from observatory.store.ingest.snapshot_load import load_snapshot, silent

MODULE = '''
"""Épiceries sociales: a made-up national list."""

from __future__ import annotations

from typing import Final

import pandas as pd

from observatory.sources.batch import Batch, Sieve
from observatory.sources.formats import cell_text
from observatory.sources.formats.tables import reader
from observatory.sources.registry import Source
from observatory.sources.structures import structure_file

SOURCE_ID: Final = "epiceries_sociales_2026"
COLUMNS: Final = {"name": ("nom",), "commune_code": ("code_insee",), "address": ("adresse",), "siret": ("siret",)}

read: Final = reader(COLUMNS)


def normalise(frame: pd.DataFrame, *, communes: set[str], departements: set[str], file_name: str) -> Batch:
    """Keep the épiceries in the communes of the observatory."""
    sieve = Sieve(frame, SOURCE_ID, file_name)
    cell_text.keep_departements(sieve, departements)
    sieve.reject(sieve.frame["name"].isna(), "nom absent")
    cell_text.reject_unknown_communes(sieve, communes)
    sieve.drop_duplicates(["name", "commune_code"])
    named = sieve.frame.assign(kind="EPICERIE_SOCIALE")
    return sieve.batch(structure_file.records(named, source_id=SOURCE_ID, period="2026"))


SOURCE: Final = Source(
    source_id=SOURCE_ID,
    fills=structure_file.FILLED,
    needs={"communes": "communes", "departements": "all_departements"},
    read=read,
    normalise=normalise,
    tables=structure_file.placed,
)
'''
CATALOGUE = """
[sources.epiceries_sociales_2026]
title = "Épiceries sociales"
producer = "Tests"
licence = "Licence Ouverte 2.0"
url = "https://example.org/epiceries"
vintage = "2026"
coverage = "France entière."
format = "CSV"
file = "epiceries.csv"
in_snapshot = false
reader = "structures.epiceries_made_up"
"""
SERVICE = """
[services.epicerie_sociale]
label = "Épiceries sociales"
colour = "#8c510a"
kinds = ["EPICERIE_SOCIALE"]
is_complete = false
completeness = "Liste inventée."
capacity_unit = "épiceries"
notes = ""

[kinds.EPICERIE_SOCIALE]
label = "Épicerie sociale"
"""
ROWS = """nom;code_insee;adresse;siret
Le Panier;14901;1 rue du Four;
Le Cabas;61902;;
Le Filet;75056;;
;14902;;
"""


@pytest.fixture
def declared(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The three things that the recipe asks for, in a catalogue of their own."""
    place = tmp_path / "declared"
    place.mkdir()
    (place / "epiceries_made_up.py").write_text(MODULE, encoding="utf-8")
    monkeypatch.setattr(structures, "__path__", [*structures.__path__, str(place)])
    shutil.copy(geodata.ROOT / "fields.toml", place)
    for name, entry in (("catalog", CATALOGUE), ("services", SERVICE)):
        text = (geodata.ROOT / f"{name}.toml").read_text(encoding="utf-8")
        (place / f"{name}.toml").write_text(text + entry, encoding="utf-8")
    declaration = catalogue.declaration

    def with_entry(file: str, kind: type[Any], *, directory: Path | None = None) -> Any:
        return declaration(file, kind, directory=directory or place)

    for module in (catalogue, services):
        monkeypatch.setattr(module, "declaration", with_entry)


def test_one_module_and_two_declarations_put_a_national_list_on_the_map(
    declared: None, empty_engine: sa.Engine, toy_snapshot: Path, tmp_path: Path
) -> None:
    load_snapshot(empty_engine, toy_snapshot)
    path = tmp_path / "epiceries.csv"
    path.write_text(ROWS, encoding="utf-8")

    would = dry_run.check_file(empty_engine, "epiceries_sociales_2026", path, origin="fichier", progress=silent)
    assert (would.added_count, would.removed_count, would.changed_count) == (2, 0, 0)
    status, (report,) = file_ingest.ingest_file(empty_engine, "epiceries_sociales_2026", path)

    assert status == "loaded"
    assert (report.rows_read, report.rows_kept, report.rows_rejected, report.rows_outside) == (4, 2, 1, 1)
    with empty_engine.connect() as connection:
        found = read.structures(connection, service="epicerie_sociale")
        sources = {"epiceries_sociales_2026": {"producer": "Tests", "title": "Épiceries sociales", "vintage": "2026"}}
        layer = structure_layers.structure_layer(connection, "epicerie_sociale", sources, name="Épiceries sociales")
    assert [one["name"] for one in found] == ["Le Cabas", "Le Panier"]
    assert layer.name == "Épiceries sociales (2)"
    assert set(layer.frame["genre"]) == {"Épicerie sociale"}
    assert file_ingest.ingest_file(empty_engine, "epiceries_sociales_2026", path)[0] == "unchanged"
