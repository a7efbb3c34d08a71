"""A territory's own files, in every format and CRS, placed in the Intercom de la Vire au Noireau or refused."""

from __future__ import annotations

import json
import threading
import zipfile
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import geopandas as gpd
import pytest
import shapely
import sqlalchemy as sa

from observatory.errors import InputFileError, UnknownTerritoryError, UsageError
from observatory.runs.entered_import import import_layer
from observatory.runs.loaded_inputs import checksums
from observatory.sources.fetch.download import Policy, Transport
from observatory.sources.fetch.geocode import Located, geocode
from observatory.sources.territories import entered_file
from observatory.sources.territories.entered_row import to_ask
from observatory.store import entered_files, read
from observatory.store.directory import directory_store

VIRE = "200068799"
TODAY = "2026-03-31"
STATION = (-0.889, 48.838)
"""Lon, lat of a place in Vire Normandie (14762)."""
TABLE = "code;nom;longitude;latitude;surface m2\nF1;Halle à grains;{lon};{lat};6000\n"


def brought(
    connection: sa.Connection,
    path: Path,
    layer: str = "candidats",
    *,
    crs_name: str | None = None,
    located: dict[int, Located] | None = None,
    **options: bool,
) -> entered_files.Outcome:
    frame, _ = entered_file.read(path, crs_name=crs_name)
    return import_layer(
        connection,
        frame,
        territory=VIRE,
        layer=layer,
        located=located or {},
        file_name=path.name,
        today=TODAY,
        **options,
    )


def table(path: Path, text: str, encoding: str = "utf-8") -> Path:
    path.write_bytes(text.encode(encoding))
    return path


def workbook(path: Path) -> Path:
    import openpyxl

    book = openpyxl.Workbook()
    sheet = book.worksheets[0]
    sheet.append(["code", "nom", "longitude", "latitude", "surface m2"])
    sheet.append(["F1", "Halle à grains", *STATION, 6000])
    book.save(path)
    return path


def layer(path: Path, epsg: int = 4326, *, driver: str, says: int | None = None) -> Path:
    frame = gpd.GeoDataFrame(
        {"code": ["F1"], "nom": ["Halle à grains"], "surface m2": [6000]}, geometry=[shapely.Point(STATION)], crs=4326
    ).to_crs(epsg)
    if says is not None:
        frame = frame.set_crs(says, allow_override=True)
    if driver == "zip":
        frame.to_file(path.with_suffix(".shp"), encoding="utf-8")
        with zipfile.ZipFile(path, "w") as archive:
            for part in (".shp", ".shx", ".dbf", ".prj"):
                archive.write(path.with_suffix(part), f"couche/{path.stem}{part}")
        return path
    frame.to_file(path, driver=driver)
    return path


def pair(lon: str, lat: str) -> str:
    return TABLE.format(lon=lon, lat=lat)


FILES: dict[str, Callable[[Path], tuple[Path, str | None]]] = {
    "csv": lambda at: (table(at / "a.csv", pair("-0,889", "48,838")), None),
    "csv, cp1252": lambda at: (table(at / "a.csv", pair("-0,889", "48,838"), "cp1252"), None),
    "csv, BOM": lambda at: (table(at / "a.csv", pair("-0.889", "48.838"), "utf-8-sig"), None),
    "csv, inverse": lambda at: (table(at / "a.csv", pair("48.838", "-0.889")), None),
    "csv, Lambert-93 tu": lambda at: (table(at / "a.csv", pair("414663,0", "6866800,1")), None),
    "csv, EPSG:3857": lambda at: (table(at / "a.csv", pair("-98963.0", "6247418.0")), "EPSG:3857"),
    "xlsx": lambda at: (workbook(at / "a.xlsx"), None),
    "geojson": lambda at: (layer(at / "a.geojson", driver="GeoJSON"), None),
    "geojson, Lambert-93 tu": lambda at: (layer(at / "a.geojson", 2154, driver="GeoJSON", says=4326), None),
    "gpkg, 2154": lambda at: (layer(at / "a.gpkg", 2154, driver="GPKG"), None),
    "gpkg, faux CRS": lambda at: (layer(at / "a.gpkg", 3857, driver="GPKG", says=27572), "EPSG:3857"),
    "shapefile, 27572": lambda at: (layer(at / "a.zip", 27572, driver="zip"), None),
}


@pytest.mark.parametrize("form", FILES)
def test_the_same_place_from_any_format_and_crs(connection: sa.Connection, tmp_path: Path, form: str) -> None:
    path, crs_name = FILES[form](tmp_path)
    outcome = brought(connection, path, crs_name=crs_name)
    assert (outcome.refused, [one.what for one in outcome.changes]) == ((), ["ajouté"])
    found = read.site_candidates(connection, VIRE)
    assert found.index.tolist() == ["F1"]
    site = found.loc["F1"]
    assert (site["name"], site["commune_code"], site["outside_m"]) == ("Halle à grains", "14762", 0.0)
    expected = gpd.GeoSeries([shapely.Point(STATION)], crs=4326).to_crs(2154).iloc[0]
    assert (site["x_m"], site["y_m"]) == (pytest.approx(expected.x, abs=5), pytest.approx(expected.y, abs=5))
    assert list(site["attributes"].values()) == ["6000"]
    assert (site["origin"], site["stated_date"]) == ("saisie du territoire", TODAY)
    assert brought(connection, path, crs_name=crs_name).changes == ()


def test_a_trial_writes_nothing_and_an_import_tells_each_row(connection: sa.Connection, tmp_path: Path) -> None:
    text = (
        "code;nom;adresse;longitude;latitude;contact\n"
        "F1;Halle;;-0,889;48,838;\nF2;Au Havre;;0,1;49,49;\nF3;Sans point;3 rue du Pont;;;\n"
        "F4;Rien;;;;\nF5;Illisible;;abc;48,8;\nF1;Double;;-0,889;48,838;\nF6;Au large;;0;0;\n"
        "F7;Appelée;;-0,88;48,84;06 00 00 00 00\n"
    )
    path = table(tmp_path / "a.csv", text)
    trial = brought(connection, path, is_trial=True)
    assert read.site_candidates(connection, VIRE).empty
    outcome = brought(connection, path)
    assert outcome == trial
    assert [one.code for one in outcome.changes] == ["F1", "F7"]
    assert [one.line for one in outcome.refused] == [3, 4, 5, 6, 7, 8]
    told = [one.reason for one in outcome.refused]
    for reason, words in zip(
        told,
        ("km du territoire", "ajoutez --geocode", "ni coordonnées ni adresse", "illisible", "ligne 2", "Afrique"),
        strict=True,
    ):
        assert words in reason
    assert outcome.notes == ("ligne 9 : coordonnées personnelles retirées",)
    assert read.site_candidates(connection, VIRE).loc["F7", "attributes"] == {}


def test_outside_is_kept_with_its_distance_when_asked(connection: sa.Connection, tmp_path: Path) -> None:
    path = table(tmp_path / "a.csv", pair("0,1", "49,49"))
    assert "77," in brought(connection, path).refused[0].reason
    outcome = brought(connection, path, allows_outside=True)
    assert outcome.refused == ()
    site = read.site_candidates(connection, VIRE).loc["F1"]
    assert site["outside_m"] == pytest.approx(77_800, rel=0.02)
    assert "km du territoire" in site["place_note"]


def test_areas_are_kept_whole_and_a_change_is_told_field_by_field(connection: sa.Connection, tmp_path: Path) -> None:
    centre = gpd.GeoSeries([shapely.Point(STATION)], crs=4326).to_crs(2154).iloc[0]
    square = shapely.box(centre.x, centre.y, centre.x + 100, centre.y + 60)
    frame = gpd.GeoDataFrame({"code": ["A"], "nom": ["Friche"]}, geometry=[square], crs=2154)
    frame.to_file(tmp_path / "a.gpkg")
    brought(connection, tmp_path / "a.gpkg", "friches")
    site = read.site_candidates(connection, VIRE, "friches").loc["A"]
    assert site["area_m2"] == pytest.approx(6000, abs=1)
    assert square.buffer(1).contains(shapely.Point(site["x_m"], site["y_m"]))
    frame.assign(nom="Friche de la gare", code=["A"]).to_file(tmp_path / "b.gpkg")
    (change,) = brought(connection, tmp_path / "b.gpkg", "friches").changes
    assert (change.what, change.fields) == ("modifié", (("nom", "Friche", "Friche de la gare"),))
    other = frame.assign(code=["B"])
    other.to_file(tmp_path / "c.gpkg")
    assert brought(connection, tmp_path / "c.gpkg", "friches").absent_count == 1
    brought(connection, tmp_path / "c.gpkg", "friches", removes_absent=True)
    assert read.site_candidates(connection, VIRE, "friches").index.tolist() == ["B"]


def test_local_structures_join_the_supply_and_leave_it(connection: sa.Connection, tmp_path: Path) -> None:
    before = checksums(connection)
    path = table(
        tmp_path / "s.csv",
        "code;nom;service;longitude;latitude;source;date\n"
        "R;Recyclerie du bocage;ressourcerie;-0,889;48,838;délibération du 12 mars;2026-03-12\n"
        "X;Inconnue;bidule;-0,889;48,838;;\n",
    )
    outcome = brought(connection, path, "structures")
    assert [one.reason[:26] for one in outcome.refused] == ["service « bidule » inconnu"]
    supply = read.supply_frame(connection, "ressourcerie").loc["saisie_territoire:200068799:R"]
    assert (supply["name"], supply["commune_code"], bool(supply["is_active"])) == (
        "Recyclerie du bocage",
        "14762",
        True,
    )
    (structure,) = (
        one for one in read.structures(connection, territory="14762") if one["name"] == "Recyclerie du bocage"
    )
    assert (structure["label"], structure["services"]) == ("saisi par le territoire", ["ressourcerie"])
    assert checksums(connection) != before
    entered_files.project(connection)  # what a load of the snapshot ends with
    assert "saisie_territoire:200068799:R" in read.supply_frame(connection, "ressourcerie").index
    assert entered_files.remove(connection, VIRE, "structures") == 1
    assert "saisie_territoire:200068799:R" not in read.supply_frame(connection, "ressourcerie").index
    assert checksums(connection) == before


def test_permanences_join_the_directory_and_leave_it(connection: sa.Connection, tmp_path: Path) -> None:
    path = table(
        tmp_path / "p.csv",
        "structure;nom;jours;phases;longitude;latitude\n"
        "ARDES;Mairie de Vire;1er mardi;émergence;-0,889;48,838\n"
        "Inconnue au bataillon;Mairie;lundi;;-0,889;48,838\n",
    )
    held, inputs = directory_store.entries(connection), checksums(connection)
    outcome = brought(connection, path, "permanences")
    assert checksums(connection) != inputs
    assert [one.code for one in outcome.changes] == ["ami_french_impact_2018:ardes"]
    assert ["absente de l’annuaire" in one.reason for one in outcome.refused] == [True]
    (place,) = directory_store.entries(connection)["ami_french_impact_2018:ardes"].places
    assert (place.kind, place.days, place.phases, place.commune_code) == (
        "permanence",
        "1er mardi",
        ("emergence",),
        "14762",
    )
    assert (place.territory_code, place.origin, place.date) == (VIRE, "saisie du territoire", TODAY)
    assert brought(connection, path, "permanences").changes == ()
    (row,) = read.territory_layers(connection)
    assert (row["layer"], row["entry_count"], row["file_name"]) == ("permanences", 1, "p.csv")
    assert entered_files.remove(connection, VIRE, "permanences") == 1
    assert directory_store.entries(connection) == held
    assert checksums(connection) == inputs
    assert read.territory_layers(connection) == []


class Service(BaseHTTPRequestHandler):
    """Answers like the address service: a sure street, a doubtful one, nothing."""

    def do_GET(self) -> None:
        asked = parse_qs(urlsplit(self.path).query)
        self.server.asked.append(asked)  # type: ignore[attr-defined]
        words = asked["q"][0]
        score = 0.91 if "Gare" in words else 0.31
        said = {"score": score, "type": "street", "label": "Avenue de la Gare 14500 Vire Normandie"}
        features = [{"geometry": {"type": "Point", "coordinates": [*STATION]}, "properties": said}]
        body = json.dumps({"type": "FeatureCollection", "features": [] if "nulle part" in words else features})
        self.send_response(200)
        self.end_headers()
        self.wfile.write(body.encode())

    def log_message(self, *_: Any) -> None:
        """Say nothing."""


@pytest.fixture
def service() -> Iterator[Any]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Service)
    server.asked = []  # type: ignore[attr-defined]
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield server
    server.shutdown()
    server.server_close()
    thread.join()


ADDRESSES = (
    "code;nom;adresse;commune;code_commune\nF1;Gare;avenue de la Gare;Vire;14762\nF2;Doute;chemin perdu;Vire;14762\n"
    "F3;Absente;nulle part;Vire;14762\n"
)


def test_addresses_are_asked_and_their_score_kept(connection: sa.Connection, tmp_path: Path, service: Any) -> None:
    path = table(tmp_path / "a.csv", ADDRESSES)
    positions, addresses = to_ask(entered_file.read(path)[0])
    url = f"http://127.0.0.1:{service.server_port}/geocodage/search"
    found = geocode(addresses, Transport(tmp_path / "cache", sleep=lambda _: None), url=url)
    assert service.asked[0] == {"q": ["avenue de la Gare Vire"], "limit": ["1"], "citycode": ["14762"]}
    outcome = brought(connection, path, located=dict(zip(positions, found, strict=True)))
    site = read.site_candidates(connection, VIRE).loc["F1"]
    assert (site["place_quality"], site["place_score"]) == ("address", 0.91)
    assert "score 0,91 sur 1" in site["place_note"]
    assert [(one.line, one.reason[:40]) for one in outcome.refused] == [
        (3, "adresse mal reconnue par le géocodeur de"),
        (4, "adresse introuvable par le géocodeur de "),
    ]
    assert "score 0,31" in outcome.refused[0].reason


@pytest.mark.parametrize(("is_offline", "words"), [(True, "mode hors ligne"), (False, "ne répond pas")])
def test_without_the_service_every_address_is_refused(
    connection: sa.Connection, tmp_path: Path, is_offline: bool, words: str
) -> None:
    path = table(tmp_path / "a.csv", ADDRESSES)
    positions, addresses = to_ask(entered_file.read(path)[0])
    transport = Transport(tmp_path / "cache", policy=Policy(attempts=1), is_offline=is_offline, sleep=lambda _: None)
    found = geocode(addresses, transport, url="http://127.0.0.1:1/search")
    outcome = brought(connection, path, located=dict(zip(positions, found, strict=True)))
    assert [one.line for one in outcome.refused] == [2, 3, 4]
    assert all(words in one.reason for one in outcome.refused)
    assert outcome.changes == ()


def test_what_cant_be_read_or_named_is_one_sentence(connection: sa.Connection, tmp_path: Path) -> None:
    broken = tmp_path / "a.gpkg"
    broken.write_bytes(b"SQLite format 3\x00" + b"x" * 200)
    with pytest.raises(InputFileError, match="n’est pas une couche lisible"):
        entered_file.read(broken)
    with pytest.raises(UsageError, match="EPSG:99"):
        entered_file.read(broken, crs_name="EPSG:99")
    with pytest.raises(InputFileError, match="introuvable"):
        entered_file.read(tmp_path / "rien.csv")
    with pytest.raises(UsageError, match="candidats, friches"):
        entered_files.require_layer(connection, VIRE, "bidule")
    with pytest.raises(UnknownTerritoryError):
        entered_files.require_layer(connection, "14762", "candidats")


def many(path: Path, count: int) -> Path:
    rows = "".join(f"D{rank};Site {rank};-0,889;48,838;{rank}\n" for rank in range(count))
    return table(path, "code;nom;longitude;latitude;surface m2\n" + rows)


def test_a_file_that_names_less_than_half_removes_nothing_unless_it_is_meant(
    connection: sa.Connection, tmp_path: Path
) -> None:
    brought(connection, many(tmp_path / "tous.csv", 20))
    few = many(tmp_path / "peu.csv", 9)
    with pytest.raises(InputFileError, match="ne nomme que 9 des 20 saisies"):
        brought(connection, few, removes_absent=True)
    assert len(entered_files.entered(connection, VIRE, "candidats")) == 20
    assert len(brought(connection, few, removes_absent=True, accepts_fewer=True).changes) == 11


@pytest.mark.parametrize("is_trial", [True, False])
def test_what_the_database_refuses_of_a_row_is_told_by_its_column_and_the_rest_goes_in(
    connection: sa.Connection, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, is_trial: bool
) -> None:
    from dataclasses import replace

    from observatory.runs import entered_import

    whole = entered_import.entered

    def unplaced(one: Any, *, today: str) -> Any:
        said = whole(one, today=today)
        return replace(said, place_quality="unknown") if one.code == "D1" else said

    monkeypatch.setattr(entered_import, "entered", unplaced)
    outcome = brought(connection, many(tmp_path / "a.csv", 3), is_trial=is_trial)
    assert [(one.line, one.reason) for one in outcome.refused] == [
        (3, "« précision » : hors de ce que l’observatoire admet")
    ]
    assert [one.code for one in outcome.changes] == ["D0", "D2"]
    assert outcome.row_count == 3
    held = entered_files.entered(connection, VIRE, "candidats")
    assert sorted(held) == ([] if is_trial else ["D0", "D2"])


def test_altitudes_go_in_as_the_trial_says(connection: sa.Connection, tmp_path: Path) -> None:
    square = [[-0.889, 48.838, 1], [-0.888, 48.838, 1], [-0.888, 48.839, 1], [-0.889, 48.838, 1]]
    kinds = {
        "Polygon": [square],
        "MultiPolygon": [[square]],
        "Point": square[0],
        "MultiPoint": square[:2],
        "LineString": square[:2],
        "MultiLineString": [square[:2]],
    }
    features = [
        {"type": "Feature", "properties": {"code": kind, "nom": kind}, "geometry": {"type": kind, "coordinates": held}}
        for kind, held in kinds.items()
    ]
    path = tmp_path / "z.geojson"
    path.write_text(json.dumps({"type": "FeatureCollection", "features": features}), encoding="utf-8")
    trial = brought(connection, path, "friches", is_trial=True)
    assert len(trial.changes) == len(kinds)
    assert brought(connection, path, "friches").changes == trial.changes
    assert brought(connection, path, "friches").unchanged_count == len(kinds)
