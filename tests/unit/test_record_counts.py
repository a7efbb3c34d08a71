"""What a file holds is counted by other means than the reader's: a reader that loses something is stopped."""

from __future__ import annotations

import json
import struct
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import openpyxl
import pandas as pd
import pytest
import shapely

from observatory import cli
from observatory.access.implied_speed import unit_doubt
from observatory.errors import InputFileError, UsageError
from observatory.sources.batch import MALFORMED, Sieve
from observatory.sources.formats import cell_text, delimited, layers, record_counts, workbooks
from observatory.sources.formats.tables import read_table
from observatory.sources.territories import entered_file

CASES = Path(__file__).parents[3] / "shared" / "cases"
HEAD = ["code", "nom", "longitude", "latitude", "surface"]


def case(name: str) -> Path:
    if not (CASES / name).exists():
        pytest.skip(f"le cas {name} n’est pas dans {CASES}")
    return CASES / name


def workbook(path: Path, *, count: int = 20, sheets: tuple[str, ...] = ("Sites",)) -> Path:
    book = openpyxl.Workbook()
    book.remove(book.worksheets[0])
    for title in sheets:
        sheet = book.create_sheet(title)
        sheet.append(HEAD)
        for rank in range(1, count + 1):
            sheet.append([f"D{rank}", f"Site {rank}", -0.889 + rank / 10_000, 48.838, rank])
    book.save(path)
    return path


def with_dimension(path: Path, says: str) -> Path:
    """Rewrite what the sheet says of its size, or take it out."""
    with zipfile.ZipFile(path) as archive:
        parts = {name: archive.read(name) for name in archive.namelist()}
    name = "xl/worksheets/sheet1.xml"
    before, _, after = parts[name].partition(b"<dimension")
    parts[name] = before + says.encode() + after.partition(b"/>")[2]
    with zipfile.ZipFile(path, "w") as archive:
        for one, content in parts.items():
            archive.writestr(one, content)
    return path


@pytest.mark.parametrize(
    "says", ['<dimension ref="A1:E6"/>', '<dimension ref="A1"/>', "", '<dimension ref="A1:Z9999"/>']
)
def test_every_row_of_a_sheet_is_read_whatever_its_dimension_says(tmp_path: Path, says: str) -> None:
    frame, _ = entered_file.read(with_dimension(workbook(tmp_path / "a.xlsx"), says))
    assert frame["code"].tolist() == [f"D{rank}" for rank in range(1, 21)]


@pytest.mark.parametrize("name", ["cinq-lignes.xlsx", "sans.xlsx"])
def test_the_workbooks_that_say_less_than_they_hold(name: str) -> None:
    assert len(entered_file.read(case(name))[0]) == 20


def cut_at_row_5(found: list[Any]) -> list[Any]:
    return found[:5]


def without_a_column(found: list[Any]) -> list[Any]:
    return [(line, [*cells[:3], "", *cells[4:]]) for line, cells in found]


@pytest.mark.parametrize("breaks", [cut_at_row_5, without_a_column])
def test_a_reader_that_loses_rows_or_a_column_is_stopped(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, breaks: Callable[[list[Any]], list[Any]]
) -> None:
    book = workbook(tmp_path / "a.xlsx")
    text = tmp_path / "a.csv"
    text.write_text("\n".join([";".join(HEAD), *(f"D{n};Site;1;2;{n}" for n in range(20))]) + "\n", encoding="utf-8")
    whole = delimited.records
    monkeypatch.setattr(delimited, "records", lambda *given, **named: breaks(whole(*given, **named)))
    with pytest.raises(InputFileError, match=r"a\.csv » contient"):
        read_table(text, {"code": ("code",), "nom": ("nom",)})
    kept = workbooks._text
    seen: list[object] = []

    def losing(value: object) -> str:
        seen.append(value)
        is_lost = len(seen) > 25 if breaks is cut_at_row_5 else len(seen) % 5 == 4
        return "" if is_lost else kept(value)

    monkeypatch.setattr(workbooks, "_text", losing)
    with pytest.raises(InputFileError, match=r"a\.xlsx » contient"):
        workbooks.records(book)


def test_a_second_sheet_with_the_same_columns_is_asked_about_and_another_is_told(tmp_path: Path) -> None:
    both = workbook(tmp_path / "deux.xlsx", sheets=("Vire", "Condé"))
    with pytest.raises(InputFileError, match=r"« Vire » et « Condé » de « deux\.xlsx » ont les mêmes colonnes"):
        entered_file.read(both)
    book = openpyxl.load_workbook(workbook(tmp_path / "notice.xlsx"))
    book.create_sheet("Lisez-moi", 0).append(["Notice", "de la couche"])
    book.save(tmp_path / "notice.xlsx")
    frame, notes = entered_file.read(tmp_path / "notice.xlsx")
    assert len(frame) == 20
    assert notes[1:] == ["Feuille « Lisez-moi » non lue ; la feuille lue est « Sites »."]


def test_rows_out_of_order_that_openpyxl_skips_stop_the_import(tmp_path: Path) -> None:
    path = workbook(tmp_path / "a.xlsx")
    with zipfile.ZipFile(path) as archive:
        parts = {name: archive.read(name) for name in archive.namelist()}
    sheet = parts["xl/worksheets/sheet1.xml"]
    parts["xl/worksheets/sheet1.xml"] = sheet.replace(b'<row r="9"', b'<row r="3"')
    with zipfile.ZipFile(path, "w") as archive:
        for one, content in parts.items():
            archive.writestr(one, content)
    with pytest.raises(InputFileError, match="contient 21 lignes, et 20 ont été lues"):
        entered_file.read(path)


TEXTS = [
    ("a;b\n1;2\n", 2, 2),
    ('a;b\r\n"1\r\n2";3\r\n;;\r\n4;5', 3, 2),
    ('a;b\n12" de long;3\n"dit ""non""";4\n', 3, 2),
    ('a;b\n"";3\n" ";\n', 2, 2),
    ("a,b,c\r1,,\r,2,\r", 3, 3),
]


@pytest.mark.parametrize(("text", "records", "columns"), TEXTS)
def test_the_two_counts_of_a_text_agree_on_what_people_write(text: str, records: int, columns: int) -> None:
    delimiter = ";" if ";" in text else ","
    held = record_counts.of_text(text, delimiter)
    assert (held.records, held.columns) == (records, columns)
    assert record_counts.of_records(cells for _, cells in delimited.records(text, delimiter, "a.csv")) == held


def test_a_row_that_is_not_cut_as_the_others_is_told_and_the_rest_stays(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("code;nom\nA;un\nB\nC;deux;trois\nD;quatre\nE;cinq\n", encoding="utf-8")
    frame = read_table(path, {"code": ("code",), "nom": ("nom",)})
    assert frame[MALFORMED].dropna().tolist() == ["1 colonnes au lieu de 2", "3 colonnes au lieu de 2"]
    batch = Sieve(frame, "s", path.name).batch()
    assert (batch.read_count, batch.kept_count, batch.rejected_count) == (5, 3, 2)
    assert batch.rejected["content"].tolist() == ["B", "C ; deux ; trois"]
    path.write_text("code;nom\nA;un\nB;deux\nC", encoding="utf-8")
    with pytest.raises(InputFileError, match="1 colonnes à la ligne 4 au lieu de 2"):
        read_table(path, {"code": ("code",), "nom": ("nom",)})


def feature(properties: dict[str, Any], geometry: dict[str, Any]) -> dict[str, Any]:
    return {"type": "Feature", "properties": properties, "geometry": geometry}


def geojson(path: Path, *features: dict[str, Any]) -> Path:
    path.write_text(json.dumps({"type": "FeatureCollection", "features": features}), encoding="utf-8")
    return path


POINT = {"type": "Point", "coordinates": [-0.889, 48.838, 12.0]}


def test_altitudes_are_dropped_and_said(tmp_path: Path) -> None:
    square = [[-0.889, 48.838, 1], [-0.888, 48.838, 1], [-0.888, 48.839, 1], [-0.889, 48.838, 1]]
    path = geojson(
        tmp_path / "z.geojson",
        feature({"nom": "a"}, POINT),
        feature({"nom": "b"}, {"type": "Polygon", "coordinates": [square]}),
    )
    frame, notes = entered_file.read(path)
    assert notes[1:] == ["2 formes avec une altitude (Z) : elle n’est pas gardée."]
    assert not shapely.has_z(frame["shape"].to_numpy()).any()


@pytest.mark.parametrize("name", ["z.geojson", "seul-Z1.geojson"])
def test_the_layers_with_altitudes(name: str) -> None:
    frame, notes = entered_file.read(case(name))
    assert not shapely.has_z(frame["shape"].to_numpy()).any()
    assert "altitude" in notes[1]


def test_curves_become_lines(tmp_path: Path) -> None:
    import sqlite3

    path = tmp_path / "courbe.gpkg"
    one = gpd.GeoDataFrame({"nom": ["rond"]}, geometry=[shapely.box(0, 0, 1, 1)], crs=2154)
    one.to_file(path, driver="GPKG", layer="ronds", geometry_type="Unknown")
    around = [(414_000.0, 6_866_000.0), (414_100.0, 6_866_100.0), (414_200.0, 6_866_000.0), (414_100.0, 6_865_900.0)]
    ring = struct.pack("<BII", 1, 8, 5) + b"".join(struct.pack("<dd", *xy) for xy in [*around, around[0]])
    circle = b"GP\x00\x01" + struct.pack("<i", 2154) + struct.pack("<BII", 1, 10, 1) + ring
    with sqlite3.connect(path) as database:
        for (name,) in database.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'").fetchall():
            database.execute(f'DROP TRIGGER "{name}"')
        database.execute("UPDATE ronds SET geom = ?", (circle,))
    frame, _ = entered_file.read(path)
    assert frame["shape"].iloc[0].area == pytest.approx(np.pi * 100**2, rel=0.01)


def test_two_headings_that_differ_by_case_and_lists_are_told(tmp_path: Path) -> None:
    path = geojson(
        tmp_path / "a.geojson",
        feature({"Nom": "Halle", "nom": "halle", "liste": ["a", "b"], "line": "12", "obj": {"a": 1}}, POINT),
    )
    frame, notes = entered_file.read(path)
    assert frame.loc[0, ["nom", "line"]].tolist() == ["Halle", 1]
    assert frame["attributes"].iloc[0] == {"nom (2)": "halle", "liste": "a, b", "line": "12", "obj": '{"a": 1}'}
    assert "Colonnes « Nom » et « nom » : la seconde est lue à part, « nom (2) »." in notes


def test_the_layers_that_ended_in_an_unexpected_error() -> None:
    frame, notes = entered_file.read(case("accent.geojson"))
    assert frame["nom"].tolist() == ["Halle"]
    assert len(notes) == 3
    frame, _ = entered_file.read(case("id-num.geojson"))
    assert frame["attributes"].iloc[0]["liste"] == "a, b"


def test_a_column_named_as_one_of_ours_is_kept(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("code;nom;line;is_header;;raw\nA;un;7;oui;x;brut\n", encoding="utf-8")
    frame, notes = entered_file.read(path)
    assert frame["attributes"].iloc[0] == {"line": "7", "is_header": "oui", "raw": "brut"}
    assert frame["line"].tolist() == [2]
    assert notes[1:] == ["Colonne 5 sans titre : non lue."]


def package(path: Path, **held: gpd.GeoDataFrame | pd.DataFrame) -> Path:
    import pyogrio

    for name, frame in held.items():
        pyogrio.write_dataframe(frame, path, layer=name, driver="GPKG", append=path.exists())
    return path


def test_layers_of_programs_and_without_shapes_are_left_and_several_are_asked_about(tmp_path: Path) -> None:
    sites = gpd.GeoDataFrame({"nom": ["Halle"]}, geometry=[shapely.Point(-0.889, 48.838)], crs=4326)
    styles = pd.DataFrame({"styleqml": ["<qgis/>"]})
    path = package(tmp_path / "un.gpkg", layer_styles=styles, listes=styles, sites=sites)
    frame, notes = entered_file.read(path)
    assert frame["nom"].tolist() == ["Halle"]
    assert notes[1:] == ["Couches sans forme, non lues : listes."]
    both = package(tmp_path / "deux.gpkg", friches=sites, sites=sites.assign(nom="Autre"))
    with pytest.raises(InputFileError, match=r"2 couches \(friches, sites\).*--from-layer"):
        entered_file.read(both)
    assert entered_file.read(both, layer="Sites")[0]["nom"].tolist() == ["Autre"]
    with pytest.raises(UsageError, match="n’a pas la couche « route »"):
        entered_file.read(both, layer="route")


def test_what_macos_adds_to_an_archive_is_left(tmp_path: Path) -> None:
    gpd.GeoDataFrame({"nom": ["Halle"]}, geometry=[shapely.Point(-0.889, 48.838)], crs=4326).to_file(
        tmp_path / "sites.shp", encoding="utf-8"
    )
    with zipfile.ZipFile(tmp_path / "sites.zip", "w") as archive:
        for part in (".shp", ".shx", ".dbf", ".prj"):
            archive.write((tmp_path / "sites.shp").with_suffix(part), f"sites/sites{part}")
            archive.writestr(f"__MACOSX/sites/._sites{part}", b"\x00\x05\x16\x07")
    assert entered_file.read(tmp_path / "sites.zip")[0]["nom"].tolist() == ["Halle"]
    assert len(entered_file.read(case("sites.zip"))[0]) == 2


def test_a_driver_that_gives_fewer_features_than_it_says_is_stopped(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import pyogrio

    path = geojson(tmp_path / "a.geojson", *(feature({"nom": f"{rank}"}, POINT) for rank in range(20)))
    whole = pyogrio.read_dataframe
    monkeypatch.setattr(pyogrio, "read_dataframe", lambda *given, **named: whole(*given, **named, max_features=5))
    with pytest.raises(InputFileError, match="contient 20 lignes, et 5 ont été lues"):
        layers.opened(path)


def test_what_is_no_siret_is_emptied_with_why() -> None:
    said = ["80950959900019", "809 509 599 00019", "809509599", "0" * 14, "9" * 14, "80950959900018", "FR12", None]
    sieve = Sieve(pd.DataFrame({"siret": said, "line": range(8)}, dtype=object), "s", "f.json")
    cell_text.sirets(sieve)
    assert sieve.frame["siret"].tolist() == ["80950959900019", "80950959900019", *[None] * 6]
    assert sorted(sieve.batch().rejected["reason"]) == [
        "siret : SIREN à la place d’un SIRET",
        "siret : SIRET dont la clé est fausse",
        "siret : SIRET illisible",
        "siret : chiffre répété, qui n’est celui de personne",
        "siret : chiffre répété, qui n’est celui de personne",
    ]
    assert not cell_text.has_valid_key("0" * 9)
    assert cell_text.siret("35600000000048") == "35600000000048"  # La Poste


def test_a_matrix_in_seconds_that_does_not_say_so_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("OBS_DATA_DIR", str(tmp_path / "données"))
    (tmp_path / "points.csv").write_text("id,x_m,y_m\na,450000,6900000\nb,470000,6900000\n", encoding="utf-8")
    (tmp_path / "durees.csv").write_text("from_id,to_id,travel_time\na,b,1500\nb,a,1560\n", encoding="utf-8")
    load = ["access", "load-matrix", str(tmp_path / "durees.csv"), "--points", str(tmp_path / "points.csv")]
    assert cli.run(load) == 2
    assert "sont-ce des secondes (« --unit s ») ?" in capsys.readouterr().err
    assert cli.run([*load, "--unit", "s"]) == 0
    assert "km/h" not in capsys.readouterr().err
    metres, minutes = np.array([20_000.0, 0.0]), np.array([25.0, 0.0])
    assert unit_doubt(metres, minutes) is None
    assert unit_doubt(metres, minutes * 60) is not None
    assert unit_doubt(metres, minutes / 60) is not None


def test_rows_that_a_source_takes_out_before_its_account_stop_the_import(tmp_path: Path) -> None:
    from observatory.sources.context import Context
    from observatory.sources.registry import Source

    def forgetful(frame: pd.DataFrame, *, file_name: str) -> Any:
        return Sieve(frame.iloc[:5], "s", file_name).batch()

    path = tmp_path / "a.csv"
    path.write_text("\n".join(["code;nom", *(f"{rank};x" for rank in range(20))]) + "\n", encoding="utf-8")
    source = Source(
        source_id="s",
        fills=(),
        read=lambda one: read_table(one, {"code": ("code",)}),
        normalise=forgetful,
        tables=lambda _found, _context: {},
    )
    with pytest.raises(InputFileError, match="contient 20 lignes, et 5 ont leur compte"):
        source.load(path, Context())


def test_a_source_that_loses_more_than_it_declares_stops_and_one_row_alone_never_does() -> None:
    from observatory.store.ingest.file_check import require_few_lost

    def lost(count: int, kept: int) -> Any:
        sieve = Sieve(pd.DataFrame({"code": range(count + kept), "line": range(count + kept)}), "s", "a.csv")
        sieve.reject(sieve.frame["code"] < count, "nom absent")
        return sieve.batch()

    require_few_lost("anct_france_services_2024", Path("a.csv"), lost(1, 0))
    require_few_lost("anct_france_services_2024", Path("a.csv"), lost(5, 5))
    with pytest.raises(InputFileError, match=r"perdrait 6 de ses 10 lignes \(le plus souvent : nom absent\)"):
        require_few_lost("anct_france_services_2024", Path("a.csv"), lost(6, 4))
    require_few_lost("emplois_inclusion", Path("a.csv"), lost(9, 1))


def test_characters_that_no_text_holds_are_marked(tmp_path: Path) -> None:
    from observatory.sources.formats.json_lists import json_rows

    path = tmp_path / "a.json"
    path.write_text(json.dumps([{"nom": "a\ud800b\x00", "é": ["\udfff", 1]}, {"nom": "\U0001f600"}]), encoding="utf-8")
    assert json_rows(path) == [{"nom": "a\ufffdb\ufffd", "é": ["\ufffd", 1]}, {"nom": "\U0001f600"}]


SIRET_REASONS = {
    "siren.json": ["siret : SIREN à la place d’un SIRET", "siret : SIRET dont la clé est fausse"],
    "zeros.json": ["siret : SIRET dont la clé est fausse", "siret : chiffre répété, qui n’est celui de personne"],
}


@pytest.mark.parametrize("name", SIRET_REASONS)
def test_a_siret_that_is_none_empties_its_cell_and_blocks_no_source(name: str) -> None:
    from observatory.sources.structures import longue_vie

    rows = longue_vie.read(case(name))
    batch = longue_vie.normalise(rows, departements={"14", "27", "50", "61", "76"}, file_name=name)
    assert (batch.read_count, batch.kept_count, batch.rejected_count) == (len(rows), len(rows), 0)
    assert sorted(set(batch.rejected["reason"])) == SIRET_REASONS[name]
    assert all(cell_text.has_valid_key(one) for one in batch.frame["siret"].dropna())
    assert "state" not in batch.frame or not batch.frame["state"].eq("ACTIF").any()
