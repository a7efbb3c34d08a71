"""The two forms of CSV: what a text says never runs, what a number says stays a number."""

from __future__ import annotations

import csv
import io
from pathlib import Path

import pandas as pd
import pytest

from observatory.publish.csv_text import FORMS, FRENCH, csv_text, table
from observatory.publish.directory_files import write_csv
from observatory.publish.export_file import write_layer
from observatory.publish.export_layers import Layer
from observatory.sources.directory import directory_file
from observatory.sources.directory.directory_entry import Entry
from observatory.sources.formats.cell_text import unquoted

RUNS = ('=HYPERLINK("http://x.invalid")', "+33 2", "-2+3", "@SUM(A1)", "\t=1", "\r=1", " =1")
"""Texts that a spreadsheet runs, or might."""


@pytest.mark.parametrize("name", FORMS)
@pytest.mark.parametrize("text", RUNS)
def test_no_text_is_a_formula_and_our_readers_give_it_back(name: str, text: str) -> None:
    form = FORMS[name]
    written = csv_text([{"a": text, text: 1}], form)
    head, row = csv.reader(io.StringIO(written.removeprefix("\ufeff"), newline=""), delimiter=form.delimiter)
    assert head[1] == row[0] == "'" + text.replace("\r", "\n")
    if text[0] not in "\t\r":  # which readers of tables strip
        assert unquoted(row[0]) == text


def test_the_french_form_is_marked_and_its_numbers_are_numbers() -> None:
    rows = [{"nom": "Vire", "solde": -3.5, "n": 1234, "vrai": True, "rien": None, "code": "-12", "texte": "a;b"}]
    assert csv_text(rows) == "nom,solde,n,vrai,rien,code,texte\nVire,-3.5,1234,true,,-12,a;b\n"
    assert csv_text(rows, FRENCH) == ('\ufeffnom;solde;n;vrai;rien;code;texte\r\nVire;-3,5;1234;true;;-12;"a;b"\r\n')
    assert table(["x"], [[float("nan")]]) == 'x\n""\n'


def test_a_layer_is_written_in_both_forms(tmp_path: Path) -> None:
    frame = pd.DataFrame({"name": ["=1+1", None], "share": [0.5, float("nan")], "count": pd.array([1, None], "Int64")})
    layer = Layer("values", frame, pd.DataFrame({"source_id": ["s"]}), "Essai.")
    for name, expected in (
        ("csv", b"name,share,count\n'=1+1,0.5,1\n,,\n"),
        ("csv-fr", "\ufeffname;share;count\r\n'=1+1;0,5;1\r\n;;\r\n".encode()),
    ):
        written = write_layer(layer, tmp_path / f"{name}.csv", file_format=name)
        assert [one.name for one in written] == [f"{name}.csv", f"{name}.sources.csv"]
        assert written[0].read_bytes() == expected


def test_the_directory_gives_back_a_name_that_begins_as_a_formula(tmp_path: Path) -> None:
    entry = Entry(
        "saisie_territoire:x", '=HYPERLINK("http://x.invalid")', "ACCOMPAGNEMENT_LIEU", note="- sur rendez-vous"
    )
    (path,) = write_csv([entry], tmp_path / "annuaire.csv")
    assert b";\"'=HYPERLINK(" in path.read_bytes()
    frame, _ = directory_file.read(path)
    assert unquoted(frame["nom"][0]) == entry.name
    assert unquoted(frame["remarque"][0]) == entry.note
