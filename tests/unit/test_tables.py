"""Text whatever its trap: encodings, separators, headers, numbers, codes, points."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import openpyxl
import pandas as pd
import pytest

from observatory.errors import InputFileError
from observatory.sources.batch import Sieve
from observatory.sources.formats import cell_text, coordinates, workbooks
from observatory.sources.formats.encodings import decode
from observatory.sources.formats.tables import read_table
from observatory.sources.formats.vintage import vintage

COLUMNS = {"code": ("CODGEO", "code insee"), "name": ("LIBGEO",), "count": ("pop_*",)}


def written(tmp_path: Path, content: bytes) -> Path:
    path = tmp_path / "fichier.csv"
    path.write_bytes(content)
    return path


@pytest.mark.parametrize(
    ("content", "encoding"),
    [
        ("é;œ\n".encode(), "utf-8"),
        ("é;œ\n".encode("utf-8-sig"), "utf-8"),
        ("é;œ – 3 €\n".encode("cp1252"), "cp1252"),
        (b"plain\n", "utf-8"),
    ],
)
def test_encodings_that_are_read(content: bytes, encoding: str) -> None:
    text, found = decode(content, "f.csv")
    assert found == encoding
    assert not text.startswith("\ufeff")
    assert text in {"é;œ\n", "é;œ – 3 €\n", "plain\n"}


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"", "est vide"),
        (b" \n\n", "est vide"),
        ("é\n".encode() + "è\n".encode("cp1252"), "la ligne 2 ne l’est pas"),
        ("Évreux\n".encode("mac_roman"), "ni en UTF-8 ni en Windows-1252"),
        ("Évreux é\n".encode("cp850"), "ni en UTF-8 ni en Windows-1252"),
        ("é".encode("utf-16"), "UTF-16"),
        (b"a;b\nc\x00;d\n", "ligne 2"),
        ("Ã©tÃ©\n".encode(), "encodé deux fois"),
        ("nom\nSaint-L\ufffd\n".encode(), "perdu des lettres accentuées à la ligne 2"),
        (b"PK\x03\x04...", "ZIP"),
        (b"<!DOCTYPE html><html>", "page web"),
        (b"%PDF-1.7", "PDF"),
    ],
)
def test_what_is_never_silently_wrong(content: bytes, sentence: str) -> None:
    with pytest.raises(InputFileError, match=sentence):
        decode(content, "f.csv")


@pytest.mark.parametrize(
    "text",
    [
        "CODGEO;LIBGEO;pop_2025\n14001;Ablon;1 200\n",
        "CODGEO;LIBGEO;pop_2025;\r\n14001;Ablon;1 200;\r\n",
        "Titre\n\nInsee ; 2025\nLIBGEO;Codgeo ;POP_2021\nAblon;14001;1 200\n",
        "pop_2025,code insee,other,LIBGEO\n1 200,14001,x,Ablon\n",
        'CODGEO\tLIBGEO\tpop_2025\r"14001"\t"Ablon"\t1 200\r',
        "CODGEO|LIBGEO|pop_2025\n\n14001| Ablon\u00a0|1 200",
    ],
)
def test_layouts_that_are_read(tmp_path: Path, text: str) -> None:
    frame = read_table(written(tmp_path, text.encode()), COLUMNS)
    assert frame[["code", "name", "count"]].to_dict("records") == [{"code": "14001", "name": "Ablon", "count": "1 200"}]


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("CODGEO;LIBGEO\n14001;Ablon\n", "n’a pas la colonne « pop_… ».* Il a : codgeo, libgeo"),
        ("CODGEO;CODGEO;LIBGEO;pop_1\n1;2;3;4\n", "deux colonnes pour « CODGEO »"),
        ("CODGEO;LIBGEO;pop_1\n14001;Ablon\n", "2 colonnes à la ligne 2 au lieu de 3"),
        ("CODGEO;LIBGEO;pop_1\n14001;Ablon;3;4\n", "4 colonnes à la ligne 2 au lieu de 3"),
        ('CODGEO;LIBGEO;pop_1\n14001;"Ablon;3\n', "tronqué ou mal formé"),
        ("CODGEO;LIBGEO;pop_1\n14001;" + "x" * 200_000 + ";3\n", "cellule démesurée"),
        ("CODGEO;LIBGEO;pop_1\n", "n’a que son en-tête"),
        ("n’importe quoi\n", "n’a pas la colonne « CODGEO »"),
    ],
)
def test_layouts_that_are_refused(tmp_path: Path, text: str, sentence: str) -> None:
    with pytest.raises(InputFileError, match=sentence):
        read_table(written(tmp_path, text.encode()), COLUMNS)


def test_a_json_list_is_read_only_where_its_producer_gives_one(tmp_path: Path) -> None:
    rows = '{"results": [{"CodGeo": "14001", "libgeo": "n.d.", "pop": {"all": 7}}, {"CODGEO": "14002", "x": [1, 2]}]}'
    path = written(tmp_path, rows.encode())
    columns = {"code": ("CODGEO",), "name": ("LIBGEO",), "count": ("pop.all",), "x": ("x",)}
    frame = read_table(path, columns, as_list=True)
    assert frame.drop(columns="is_header").to_numpy().tolist() == [
        ["14001", None, "7", None, 1],
        ["14002", None, None, "1,2", 2],
    ]
    with pytest.raises(InputFileError, match="n’a pas le champ « pop_… »"):
        read_table(path, COLUMNS, as_list=True)
    with pytest.raises(InputFileError, match="n’a pas la colonne « CODGEO »"):
        read_table(path, columns)


def test_missing_marks_are_empty_and_optional_columns_may_be_absent(tmp_path: Path) -> None:
    path = written(tmp_path, b"CODGEO;LIBGEO\n14001;-9999\n14002;n.d.\n14003;A\n")
    frame = read_table(path, COLUMNS, optional=["count"])
    assert frame["name"].tolist() == [None, None, "A"]
    assert frame["count"].isna().all()
    assert read_table(path, {"name": ("LIBGEO",)}, missing=frozenset())["name"].tolist() == ["-9999", "n.d.", "A"]


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("1 234,5", 1234.5),
        ("1\u00a0234\u202f567", 1234567.0),
        ("-0,5", -0.5),
        ("12.25", 12.25),
        ("1,234", 1.234),
        ("0", 0.0),
        ("12 34", None),
        ("1,234,567", None),
        ("1.234,5", None),
        ("nan", None),
        ("inf", None),
        ("0x1F", None),
        ("12€", None),
        ("", None),
        (None, None),
    ],
)
def test_numbers_as_the_french_write_them(text: str | None, value: float | None) -> None:
    assert cell_text.number(text) == value


def test_a_lost_zero_is_put_back_only_when_all_were_lost() -> None:
    lost = pd.Series(["1001", "14001", "2A004", None])
    assert cell_text.restored(lost).tolist()[:3] == ["01001", "14001", "2A004"]
    doubtful = pd.Series(["1001", "01002", "14001"])
    assert cell_text.restored(doubtful).tolist() == ["1001", "01002", "14001"]


def test_a_siret_is_restored_only_if_its_key_holds() -> None:
    # 005 520 135 00014: the SIREN of the Insee's own example of a leading zero is not needed, any right key will do.
    whole = next(text for last in range(10) if cell_text.has_valid_key(text := f"0055201350001{last}"))
    assert cell_text.siret(whole.lstrip("0")) == whole
    wrong = str(int(whole) + 1)
    assert cell_text.siret(wrong) is None
    assert cell_text.siret("794 012 518 00013") == "79401251800013"
    assert cell_text.siret("7.9401E+13") is None


def test_la_poste_has_a_key_of_its_own_and_luhns_as_well() -> None:
    # Head office: Luhn's key. Digits that add up to a multiple of 5: La Poste's. Another's Luhn's. Neither: wrong.
    assert cell_text.has_valid_key("35600000000048")
    assert cell_text.has_valid_key("35600000049837")
    assert cell_text.has_valid_key("35600000000113")
    assert not cell_text.has_valid_key("35600000049838")
    assert not cell_text.has_valid_key("73282932000079")
    assert cell_text.has_valid_key("356000000")
    assert not cell_text.has_valid_key("35600000 ")
    assert not cell_text.has_valid_key(None)


def test_codes_in_one_cell() -> None:
    assert cell_text.code_list("14118, 14327") == ["14118", "14327"]
    assert cell_text.code_list(None) == []


def test_contradictions_are_put_aside_and_repetitions_are_duplicates() -> None:
    frame = pd.DataFrame({"code": ["a", "a", "b", "b"], "value": ["1", "1", "2", "3"], "line": [2, 3, 4, 5]})
    sieve = Sieve(frame, "toy", "toy.csv")
    cell_text.reject_contradictions(sieve, ["code"], ["value"])
    batch = sieve.batch()
    assert (batch.kept_count, batch.duplicate_count, batch.rejected["line"].tolist()) == (1, 1, [4, 5])


def test_points_are_put_right_or_emptied() -> None:
    # Caen's town hall: -0.3706 E, 49.1829 N; in Lambert-93 about (454 300, 6 902 300).
    x_m, y_m = 454_300.0, 6_902_300.0
    lon = pd.Series([-0.3706, 49.1829, x_m, y_m, 0.0, 25.0, -0.37, np.nan])
    lat = pd.Series([49.1829, -0.3706, y_m, x_m, 0.0, -30.0, np.nan, np.nan])
    found = coordinates.repaired(lon, lat)
    assert found["lon"].head(2).tolist() == [-0.3706, -0.3706]
    assert found["lat"].iloc[2:4].to_numpy() == pytest.approx([49.18, 49.18], abs=0.02)
    assert found["lon"].iloc[2:4].to_numpy() == pytest.approx([-0.37, -0.37], abs=0.02)
    assert found["lon"].iloc[4:].isna().all()
    assert found["note"].tolist() == [
        None,
        coordinates.SWAPPED_NOTE,
        coordinates.METRIC_NOTE,
        coordinates.METRIC_NOTE,
        coordinates.ZERO_NOTE,
        coordinates.ELSEWHERE_NOTE,
        coordinates.HALF_NOTE,
        None,
    ]


def workbook(path: Path, rows: list[list[object]]) -> Path:
    book = openpyxl.Workbook()
    for row in rows:
        book.active.append(row)
    book.save(path)
    return path


def test_codes_that_a_spreadsheet_made_numbers_are_read_whole(tmp_path: Path) -> None:
    rows: list[list[object]] = [["CODGEO", "LIBGEO", "pop_1"], [14001.0, "Ablon", 1200.5], [14002, "Acqueville", 3.0]]
    table = read_table(workbook(tmp_path / "nombres.xlsx", rows), COLUMNS)
    assert table[["code", "count"]].to_numpy().tolist() == [["14001", "1200.5"], ["14002", "3"]]


def test_a_workbook_that_unpacks_into_too_much_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = workbook(tmp_path / "bombe.xlsx", [["CODGEO", "LIBGEO", "pop_1"], ["14001", "Ablon", "1"]])
    monkeypatch.setattr(workbooks, "MAX_WORKBOOK_BYTES", 1024)
    with pytest.raises(InputFileError, match="est-ce bien le classeur"):
        read_table(path, COLUMNS)


@pytest.mark.parametrize("heading", ["P21_POP", "p21_pop"])
def test_the_year_of_a_heading_is_read_in_any_case_and_in_workbooks(tmp_path: Path, heading: str) -> None:
    text = tmp_path / "rp.csv"
    text.write_text(f"CODGEO;{heading}\n14001;1\n", encoding="utf-8")
    pattern = r"P(\d\d)_POP"
    assert vintage(text, pattern) == "2021"
    notes: list[list[object]] = [["Titre"], [None], ["CODGEO", heading], ["14001", 1]]
    assert vintage(workbook(tmp_path / "rp.xlsx", notes), pattern) == "2021"
