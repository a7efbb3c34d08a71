"""Producers' own files, traps included: what each reader makes of them, worked out from the files themselves."""

from __future__ import annotations

import json
from pathlib import Path

import geopandas as gpd
import pandas as pd
import pytest
from shapely.geometry import box

import geodata
from observatory.errors import InputFileError
from observatory.sources.batch import Batch
from observatory.sources.figures import dares
from observatory.sources.figures.sinoe import DECHETERIES
from observatory.sources.structures import france_services, longue_vie
from observatory.sources.territories import banatic, qpv, qpv_2015
from observatory.sources.territories.commune_class import DENSITY_GRID, FRR_LIST, CommuneClass
from observatory.sources.territories.zoning import DENSITY

RAW = Path(__file__).parents[3] / "shared" / "data" / "raw"
NORMANDY = ("14", "27", "50", "61", "76")


@pytest.fixture(scope="module")
def territories() -> pd.DataFrame:
    path = geodata.SNAPSHOT / "territories.parquet"
    if not path.exists():
        pytest.skip("l’instantané n’est pas construit : lancez « observatory snapshot build »")
    frame = pd.read_parquet(path, columns=["level", "code", "is_border"])
    return frame[frame["level"].eq("commune")]


@pytest.fixture(scope="module")
def known(territories: pd.DataFrame) -> dict[str, set[str]]:
    communes = set(territories["code"])
    return {
        "communes": communes,
        "region_communes": set(territories.loc[~territories["is_border"], "code"]),
        "departements": {code[:2] for code in communes},
    }


def raw(name: str) -> Path:
    path = RAW / name
    if not path.exists():
        pytest.skip(f"« {name} » n’est pas dans {RAW}")
    return path


def is_balanced(batch: Batch) -> bool:
    told = batch.kept_count + batch.rejected_count + batch.duplicate_count + batch.outside_count
    return batch.read_count == told


def test_frr_has_the_2644_communes_of_normandy_by_status(known: dict[str, set[str]]) -> None:
    read = FRR_LIST.read(raw(FRR_LIST.file))
    in_normandy = read[read["commune_code"].str[:2].isin(NORMANDY)]
    assert in_normandy["label"].value_counts().to_dict() == {
        "Non classée": 1502,
        "FRR socle": 935,
        "FRR+": 147,
        "FRR bénéficiaire": 59,
        "FRR bénéficiaire partiellement": 1,
    }
    batch = FRR_LIST.normalise(read, **known)
    assert is_balanced(batch)
    assert (batch.read_count, batch.kept_count, batch.outside_count) == (34_875, 5824, 29_051)
    assert batch.rejected.empty


@pytest.mark.parametrize("zoning", [FRR_LIST, DENSITY_GRID])
def test_a_producers_file_says_what_the_snapshot_says(zoning: CommuneClass, known: dict[str, set[str]]) -> None:
    batch = zoning.normalise(zoning.read(raw(zoning.file)), **known)
    rows = zoning.zonings(batch.frame)
    carried = pd.read_parquet(geodata.SNAPSHOT / "zonings.parquet")
    carried = carried[carried["source_id"].eq(zoning.source_id)]
    assert set(zip(rows["code"], rows["value_code"], rows["value_label"], strict=True)) == set(
        zip(carried["code"], carried["value_code"], carried["value_label"], strict=True)
    )


def test_density_has_2644_communes_in_normandy() -> None:
    read = DENSITY_GRID.read(raw(DENSITY_GRID.file))
    assert read["commune_code"].str[:2].isin(NORMANDY).sum() == 2644
    assert read["label"].isin(DENSITY).all()


def test_the_2024_workbook_has_its_header_on_row_5(tmp_path: Path) -> None:
    import openpyxl

    book = openpyxl.Workbook()
    rows = [["Grille de densité"], ["Insee"], [], ["Code", "Degré"], ["CODGEO", "LIBGEO", "DENS"]]
    for row in [*rows, ["14001", "Ablon", 5], ["14003", "Acqueville", 7]]:
        book.active.append(row)
    path = tmp_path / "grille_densite_7_niveaux_2024.xlsx"
    book.save(path)
    communes = {"14001", "14003"}
    batch = DENSITY_GRID.normalise(
        DENSITY_GRID.read(path), communes=communes, region_communes=communes, departements={"14"}
    )
    assert batch.frame[["commune_code", "value_code", "label", "line"]].to_dict("list") == {
        "commune_code": ["14001", "14003"],
        "value_code": ["5", "7"],
        "label": ["Bourgs ruraux", "Rural à habitat très dispersé"],
        "line": [6, 7],
    }


def test_banatic_is_read_in_windows_1252_and_its_populations_add_up(known: dict[str, set[str]]) -> None:
    read = banatic.read(raw(banatic.FILE))
    assert "Communauté d'agglomération" not in set(read["kind"])
    assert "L'Abergement-Clémenciat" in set(read["commune_name"])
    batch = banatic.normalise(read, communes=known["communes"], departements=known["departements"])
    assert is_balanced(batch)
    assert (batch.kept_count, batch.rejected["content"].tolist()) == (
        5824,
        [],
    )
    assert batch.notes == ()  # each EPCI has as many communes as it announces
    whole = read.groupby("epci_code").agg(
        total=("epci_population_count", "first"),
        added=("population_count", lambda ones: sum(int(one.replace(" ", "")) for one in ones)),
    )
    announced = whole["total"].str.replace(" ", "").astype(int)
    assert (announced == whole["added"]).all()


def test_france_services_carries_no_contact_line(known: dict[str, set[str]]) -> None:
    read = france_services.read(raw(france_services.FILE))
    batch = france_services.normalise(read, communes=known["communes"], departements=known["departements"])
    assert is_balanced(batch)
    assert (batch.kept_count, batch.rejected_count) == (404, 0)
    records = pd.read_parquet(geodata.SNAPSHOT / "structure_records.parquet")
    carried = records.loc[records["source_id"].eq(france_services.SOURCE_ID), "record_id"]
    assert set(batch.frame["record_id"]) == set(carried)
    text = batch.frame[["name", "address", "city", "label"]].fillna("").agg(" ".join, axis=1)
    found = text[text.str.contains(r"\w@\w|\b0\d(?:[ .-]?\d\d){4}\b", regex=True)]
    assert found.tolist() == []


def test_sinoe_reads_ademes_whole_file() -> None:
    batch = DECHETERIES.normalise(DECHETERIES.read(raw("ademe_sinoe_decheterie_dept.csv")), departements=set(NORMANDY))
    assert is_balanced(batch)
    carried = pd.read_parquet(geodata.SNAPSHOT / "values.parquet")
    carried = carried[carried["source_id"].eq(DECHETERIES.source_id)]
    keys = ["code", "period", "indicator"]
    both = carried.set_index(keys)["value"].to_frame("carried").join(batch.frame.set_index(keys)["value"])
    assert len(both) == len(batch.frame)
    assert (both["carried"] - both["value"]).abs().max() < 0.0015  # grams are lost when rows are rounded before adding


def test_a_truncated_list_of_communes_is_refused(known: dict[str, set[str]], tmp_path: Path) -> None:
    content = raw(FRR_LIST.file).read_bytes()
    lines = content.split(b"\r\n")
    path = tmp_path / "frr.csv"
    for cut in (b"\r\n".join(lines[:20_000]), content[: len(content) // 2]):
        path.write_bytes(cut)
        with pytest.raises(InputFileError, match="tronqué"):
            FRR_LIST.normalise(FRR_LIST.read(path), **known)


def test_a_windows_1252_or_reordered_copy_reads_the_same(known: dict[str, set[str]], tmp_path: Path) -> None:
    content = raw(FRR_LIST.file).read_bytes().decode("utf-8")
    first = FRR_LIST.normalise(FRR_LIST.read(raw(FRR_LIST.file)), **known).frame
    path = tmp_path / "frr.csv"
    cells = [line.split(";") for line in content.splitlines()]
    turned = "\n".join(",".join([one[3], f'"{one[2]}"', one[0]]) for one in cells)
    for copy in (content.encode("cp1252"), turned.encode("utf-8-sig"), turned.encode("cp1252")):
        path.write_bytes(copy)
        again = FRR_LIST.normalise(FRR_LIST.read(path), **known).frame
        assert again["commune_code"].tolist() == first["commune_code"].tolist()
        assert again["value_code"].tolist() == first["value_code"].tolist()


def test_the_download_of_the_observatoire_des_territoires_marks_what_is_not_classified(tmp_path: Path) -> None:
    path = tmp_path / "frr.csv"
    path.write_text("codgeo;libgeo;codefrr\n14001;Ablon;-9999\n14003;Acqueville;FRR+\n", encoding="utf-8")
    communes = {"14001", "14003"}
    batch = FRR_LIST.normalise(FRR_LIST.read(path), communes=communes, region_communes=communes, departements={"14"})
    assert batch.frame["value_code"].tolist() == ["non_classee", "plus"]


def test_lines_that_contradict_each_other_are_all_put_aside(tmp_path: Path) -> None:
    path = tmp_path / "frr.csv"
    path.write_text(
        "codgeo;libgeo;codefrr\n14001;Ablon;FRR+\n14001;Ablon;FRR socle\n14003;A;FRR+\n14003;A;FRR+\n14099;X;FRR+\n"
        "codgeo;libgeo;codefrr\n",
        encoding="utf-8",
    )
    batch = FRR_LIST.normalise(
        FRR_LIST.read(path), communes={"14001", "14003"}, region_communes={"14003"}, departements={"14"}
    )
    assert (batch.read_count, batch.kept_count, batch.duplicate_count, batch.rejected_count) == (6, 1, 1, 4)
    assert batch.rejected["line"].tolist() == [7, 6, 2, 3]


def test_dares_communes_keep_their_categories() -> None:
    read = dares.read(raw(dares.FILE))
    communes = set(read["commune_code"])
    batch = dares.normalise(read, communes=communes, departements={"91"})
    assert is_balanced(batch)
    assert (batch.read_count, batch.outside_count, batch.rejected_count) == (3999, 0, 0)
    assert batch.frame.iloc[0].to_dict() == {
        "period": "2015-T4",
        "commune_code": "91001",
        "kind": "Brutes",
        "category": "ABC",
        "sex": "Total",
        "age": "Total",
        "job_seekers_count": 10.0,
    }
    assert dares.normalise(read, communes=communes, departements={"14"}).outside_count == 3999


def test_longue_vie_keeps_places_and_no_contact_line(tmp_path: Path) -> None:
    read = longue_vie.read(raw(longue_vie.FILE))
    batch = longue_vie.normalise(read, departements={"56"})
    assert is_balanced(batch)
    assert (batch.read_count, batch.kept_count, batch.outside_count) == (10, 8, 2)
    assert not set(batch.frame.columns) & {"email", "telephone", "url"}
    here = longue_vie.normalise(read, departements={"06"}).frame.iloc[0]
    assert (here["name"], here["siret"], here["naf"]) == ("NOVATEK", "79401251800013", "95.11Z")
    assert (here["lon"], here["lat"]) == (7.1514437, 43.6560528)
    path = tmp_path / "acteurs.json"
    path.write_bytes(raw(longue_vie.FILE).read_bytes()[:9000])
    with pytest.raises(InputFileError, match="entière"):
        longue_vie.read(path)


def quarter(code: str, name: str, commune: object, ring: list[list[float]] | None) -> dict[str, object]:
    """A feature in the form of the ANCT's file of 2024."""
    geometry = None if ring is None else {"type": "Polygon", "coordinates": [ring]}
    return {
        "type": "Feature",
        "properties": {"code_qp": code, "lib_qp": name, "insee_com": commune},
        "geometry": geometry,
    }


def layer(path: Path, features: list[dict[str, object]], **others: object) -> Path:
    path.write_text(json.dumps({"type": "FeatureCollection", "features": features, **others}), encoding="utf-8")
    return path


def square(west: float, south: float, side: float) -> list[list[float]]:
    east, north = west + side, south + side
    return [[west, south], [east, south], [east, north], [west, north], [west, south]]


def test_qpv_are_read_in_any_crs_and_their_outlines_put_right(tmp_path: Path) -> None:
    bow_tie = [[-0.36, 49.18], [-0.34, 49.20], [-0.34, 49.18], [-0.36, 49.20], [-0.36, 49.18]]
    features = [
        quarter("QN01401M", "Le  Chemin", "14118, 14327", bow_tie),
        quarter("QN01402M", "Vide", ["14118"], None),
        quarter("QN01403M", "Plat", "14118", [[-0.3, 49.1], [-0.3, 49.2], [-0.3, 49.1], [-0.3, 49.1]]),
        quarter("QN97401M", "Ailleurs", "97411", square(55.4, -20.9, 0.01)),
    ]
    batch = qpv.normalise(qpv.read(layer(tmp_path / "qpv.geojson", features)), communes={"14118", "14327"})
    (row,) = batch.frame.to_dict("records")
    assert (row["code"], row["name"], row["commune_codes"]) == ("QN01401M", "Le Chemin", ["14118", "14327"])
    assert row["geometry"].is_valid
    assert row["geometry"].area > 0
    assert (batch.kept_count, batch.rejected_count, batch.outside_count, batch.repaired_count) == (1, 2, 1, 1)

    metres = quarter("QN01401M", "Le Chemin", 14118, square(454_000.0, 6_900_000.0, 100.0))
    declared = {"type": "name", "properties": {"name": "urn:ogc:def:crs:EPSG::2154"}}
    for others in ({"crs": declared}, {}):  # as declared, or forgotten
        found = qpv.read(layer(tmp_path / "metres.geojson", [metres], **others))
        assert found.geometry.iloc[0].area == pytest.approx(10_000, rel=1e-6)
    swapped = quarter("QN01401M", "Le Chemin", "14118", [[y, x] for x, y in square(-0.36, 49.18, 0.01)])
    west, south, _, _ = qpv.read(layer(tmp_path / "inverse.geojson", [swapped])).to_crs(4326).total_bounds
    assert (west, south) == pytest.approx((-0.36, 49.18), abs=1e-6)
    for content in (
        '{"type": "FeatureCollection", "features": []}',
        '{"features": [{"properties": null}]}',
        "a;b\n1;2",
    ):
        path = tmp_path / "autre.geojson"
        path.write_text(content, encoding="utf-8")
        with pytest.raises(InputFileError):
            qpv.read(path)


def test_quartiers_of_2015_class_communes_and_quartiers_of_2024_by_surface(tmp_path: Path) -> None:
    """Squares of 100 m: the old one lies three quarters in A, one quarter in B; half of the new one is in it."""
    named = {"CODE_QP": "QP014001", "NOM_QP": "La Guérinière", "COMMUNE_QP": "Caen"}
    shapes = {"QP014001": square(0.0, 0.0, 100.0), "QP035001": square(5000.0, 0.0, 100.0)}
    features: list[dict[str, object]] = [
        {
            "type": "Feature",
            "properties": {**named, "CODE_QP": code},
            "geometry": {"type": "Polygon", "coordinates": [[[x + 454_000, y + 6_900_000] for x, y in ring]]},
        }
        for code, ring in shapes.items()
    ]
    path = layer(tmp_path / "qp.geojson", features)
    batch = qpv_2015.normalise(qpv_2015.read(path), departements={"14", "61"})
    assert (batch.kept_count, batch.outside_count) == (1, 1)

    def places(rows: dict[str, tuple[float, float, float, float]]) -> gpd.GeoDataFrame:
        boxes = [box(a + 454_000, b + 6_900_000, c + 454_000, d + 6_900_000) for a, b, c, d in rows.values()]
        return gpd.GeoDataFrame({"code": list(rows)}, geometry=boxes, crs=2154)

    communes = places({"A": (-500, -500, 75, 500), "B": (75, -500, 500, 500), "C": (500, -500, 900, 500)})
    quarters = places({"QN1": (50, 0, 150, 100), "QN2": (300, 0, 400, 100), "QN3": (98, 0, 198, 100)})
    found = qpv_2015.zonings(gpd.GeoDataFrame(batch.frame), communes=communes, quarters=quarters)
    told = found.set_index(["level", "code"])["value_label"].to_dict()
    assert told == {
        ("commune", "A"): "La Guérinière (QP014001)",
        ("commune", "B"): "La Guérinière (QP014001)",
        ("qpv", "QN1"): "50\u202f% de sa surface dans La Guérinière (QP014001)",
        ("qpv", "QN2"): "hors des périmètres de 2015",
        ("qpv", "QN3"): "hors des périmètres de 2015",  # 2 % is the inaccuracy of an outline
    }
    with pytest.raises(InputFileError, match="ingest qpv_2015 --from-file"):
        qpv.normalise(qpv.read(path), communes={"14118"})
    recent = layer(tmp_path / "recent.geojson", [quarter("QN01401M", "X", "14118", square(-0.3, 49.1, 0.01))])
    with pytest.raises(InputFileError, match="ceux de 2024 par « observatory ingest qpv »"):
        qpv_2015.normalise(qpv_2015.read(recent), departements={"14"})
