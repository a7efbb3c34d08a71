"""Readers of producers' own forms, on small files of the true shape; expected values worked by hand."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path
from typing import Any

import geopandas as gpd
import openpyxl
import pandas as pd
import pytest
from shapely.geometry import Polygon, box

from observatory.declared import catalogue
from observatory.declared.reference import equipments
from observatory.errors import InputFileError
from observatory.sources import registry
from observatory.sources.batch import Batch
from observatory.sources.context import Context
from observatory.sources.fetch import archive
from observatory.sources.figures import (
    bpe,
    commune_rp,
    dares,
    filosofi,
    sinoe_actor,
    sinoe_crosswalk,
    ze_unemployment,
)
from observatory.sources.figures.sinoe import COLLECTED, TREATED
from observatory.sources.structures import decheteries, emplois, longue_vie, tiers_lieux
from observatory.sources.structures.labelled_place import FABRIQUES, MANUFACTURES, LabelledPlaces
from observatory.sources.table_declarations import FILLED
from observatory.sources.territories import admin_express, geo_api, geo_api_epci

CAEN, VIRE = "14118", "14762"


def is_balanced(batch: Batch) -> bool:
    told = batch.kept_count + batch.rejected_count + batch.duplicate_count + batch.outside_count
    return batch.read_count == told


def written(path: Path, answer: object) -> Path:
    path.write_text(json.dumps(answer, ensure_ascii=False), encoding="utf-8")
    return path


def test_every_declared_reader_declares_its_source_and_fills_known_tables() -> None:
    known = {table.name for table in FILLED} | {registry.CLOSURES}
    for one in catalogue.sources():
        source = registry.find(one.source_id)
        assert (source is None) == (one.reader is None), one.source_id
        if source is None:
            continue
        assert source.source_id == one.source_id
        assert set(source.fills) <= known
        assert all(hasattr(Context, attribute) for attribute in source.needs.values())
        assert callable(source.read)
        assert callable(source.normalise)


def test_live_addresses_are_of_a_known_kind_and_have_a_reader() -> None:
    live = [one for one in catalogue.sources() if one.live is not None]
    assert len(live) >= 15
    for one in live:
        assert one.live is not None
        assert one.reader is not None, one.source_id
        assert one.live.kind in catalogue.LIVE_KINDS
        assert one.live.url.startswith("https://")
        assert (one.live.entry is not None) == (one.live.kind == "zip")


def test_geo_api_gives_the_epci_of_each_commune_and_tells_partial_ones(tmp_path: Path) -> None:
    def commune(code: str, epci: str | None, name: str) -> dict[str, Any]:
        centre = {"type": "Point", "coordinates": [0.0, 49.0]}
        found = {"code": code, "nom": name, "population": 10, "departement": {"code": code[:2]}, "centre": centre}
        return {**found, "epci": {"code": epci, "nom": f"CC {epci}"}} if epci else found

    rows = [
        commune("14001", "200000001", "A"),
        commune("14002", "200000001", "B"),
        commune("61001", "200000002", "C"),
        commune("72001", "200000002", "D"),  # the same EPCI, out of the region
        commune("14003", None, "E"),  # no EPCI: an island
        commune("14009", "200000001", "F"),  # a commune that the territories lack
        commune("1004", "200000003", "G"),
    ]
    path = written(tmp_path / "communes.json", rows)
    region = {"14001", "14002", "61001"}
    batch = geo_api.normalise(geo_api.read(path), region_communes=region, departements={"14", "61"})
    assert is_balanced(batch)
    assert (batch.kept_count, batch.rejected_count, batch.outside_count) == (3, 2, 2)
    members = geo_api.memberships(batch.frame).set_index("commune_code")
    assert members["epci_code"].to_dict() == {"14001": "200000001", "14002": "200000001", "61001": "200000002"}
    assert members["is_partial"].to_dict() == {"14001": False, "14002": False, "61001": True}
    with pytest.raises(InputFileError, match="2 des 5 communes"):
        geo_api.normalise(geo_api.read(path), region_communes={*region, "14004", "14005"}, departements={"14", "61"})


def test_the_communes_of_one_epci_are_taken_and_an_epci_that_lost_one_is_refused(tmp_path: Path) -> None:
    """``/epcis/200000001/communes`` with the API's default fields: the EPCI is named by its code alone."""

    def commune(code: str, epci: str) -> dict[str, Any]:
        return {"nom": f"C {code}", "code": code, "codeDepartement": code[:2], "codeEpci": epci, "codesPostaux": ["1"]}

    known: dict[str, Any] = {
        "region_communes": {"14001", "14002", "14003", "61001"},
        "members": {"14001": "200000001", "14002": "200000001", "14003": "200000002"},
        "epci_names": {"200000001": "CC Un", "200000002": "CC Deux"},
        "departements": {"14", "61"},
    }
    rows = [commune(code, "200000001") for code in ("14001", "14002", "61001", "72001", "14581")]
    path = written(tmp_path / "communes.json", rows)
    batch = geo_api_epci.normalise(geo_api_epci.read(path), **known)
    assert is_balanced(batch)
    assert (batch.kept_count, batch.rejected_count, batch.outside_count) == (3, 1, 1)
    members = geo_api_epci.memberships(batch.frame).set_index("commune_code")
    assert members["epci_name"].to_dict() == dict.fromkeys(("14001", "14002", "61001"), "CC Un")
    assert members["is_partial"].all()  # 72001 is out of the region
    with pytest.raises(InputFileError, match=r"1 communes que ces EPCI ont \(14002\)"):
        geo_api_epci.normalise(geo_api_epci.read(written(path, [rows[0]])), **known)
    with pytest.raises(InputFileError, match="n’a pas le champ « epci"):
        geo_api_epci.read(written(path, [{"nom": "A", "code": "14001"}]))
    unknown = written(path, [commune("61001", "200000003")])
    assert geo_api_epci.normalise(geo_api_epci.read(unknown), **known).rejected["reason"].tolist() == [
        "nom de l’EPCI absent"
    ]


def test_household_waste_by_type_reads_decimal_commas_and_any_case(tmp_path: Path) -> None:
    path = tmp_path / "dma.csv"
    path.write_bytes(
        "\ufeffANNEE;C_REGION;L_REGION;C_DEPT;N_DEPT;C_TYP_REG_DECHET;L_TYP_REG_DECHET;TONNAGE_DMA_T\r\n"
        "2019;28;Normandie;14;Calvados;07A;Ordures ménagères résiduelles;161\u202f234,5\r\n"
        "2019;28;Normandie;14;Calvados;07F;DECHETS VERTS ET BIODECHETS;60000,25\r\n"
        "2019;28;Normandie;14;Calvados;07Z;Autres;-9999\r\n"
        "2019;28;Normandie;61;Orne;07C;Encombrants;7,000\r\n"
        "2019;84;Auvergne-Rhône-Alpes;01;Ain;07C;Encombrants;7\r\n".encode()
    )
    batch = COLLECTED.normalise(COLLECTED.read(path), departements={"14", "61"})
    assert is_balanced(batch)
    assert (batch.kept_count, batch.rejected_count, batch.outside_count) == (3, 1, 1)
    found = COLLECTED.values(batch.frame).set_index(["code", "indicator"])["value"]
    assert found["14", "dma_residuelles_t"] == 161_234.5
    assert found["14", "dma_biodechets_t"] == 60_000.25
    assert pd.isna(found["14", "dma_total_t"])  # « Autres » is not known: the total isn't either
    assert found["61", "dma_encombrants_t"] == found["61", "dma_total_t"] == 7.0


def test_destinations_of_waste_are_added_over_its_types(tmp_path: Path) -> None:
    def line(year: int, waste: str, treatment: str, tonnes: object) -> dict[str, object]:
        names = {"C_DEPT": "76", "L_TYP_REG_DECHET": waste, "L_TYP_REG_SERVICE": treatment}
        return {"ANNEE": year, "L_REGION": "Normandie", **names, "TONNAGE_DMA": tonnes, "_i": 1}

    energy = "Incinération avec récupération d’énergie"
    rows = [
        line(2021, "Encombrants", "Stockage", "10,5"),
        line(2021, "Ordures ménagères résiduelles", "Stockage", 20.25),
        line(2021, "Ordures ménagères résiduelles", energy, 100),
        line(2021, "Déblais et gravats", "Stockage pour inertes", 5),
        line(2021, "Encombrants", "Envoi sur la Lune", 1),
    ]
    path = written(tmp_path / "lignes.json", {"total": 5, "results": rows})
    batch = TREATED.normalise(TREATED.read(path), departements={"76"})
    assert is_balanced(batch)
    assert batch.rejected["reason"].tolist() == ["classe hors nomenclature"]
    assert TREATED.values(batch.frame).set_index("indicator")["value"].to_dict() == {
        "dma_stockage_t": 30.75,
        "dma_incineration_energie_t": 100.0,
        "dma_stockage_inertes_t": 5.0,
    }


def test_the_census_file_gives_60_and_over_and_carries_merged_communes(tmp_path: Path) -> None:
    path = tmp_path / "base-cc-evol-struct-pop-2021.csv"
    path.write_text(
        "CODGEO;P21_POP;P21_POP6074;P21_POP75P;P21_CHOM1564;P21_ACT1564;P15_POP6074P\n"
        "14118;100;20,5;10;8;60;1\n14900;30;6;4;1;9;1\n14901;5;1;1;0;2;1\n75056;9;1;1;1;1;1\n",
        encoding="utf-8",
    )
    batch = commune_rp.normalise(
        commune_rp.read(path), communes={CAEN, VIRE}, successor={"14900": VIRE}, departements={"14"}
    )
    assert is_balanced(batch)
    assert (batch.kept_count, batch.rejected_count, batch.outside_count) == (2, 1, 1)
    found = commune_rp.values(batch.frame).set_index(["code", "indicator"])
    assert found.loc[(CAEN, "age60p_count"), "value"] == 30.5
    assert found.loc[(VIRE, "age60p_count"), "value"] == 10
    assert found.loc[(VIRE, "population_count"), "value"] == 30
    assert set(found["period"]) == {"2021"}
    assert "age1564_count" not in found.index.get_level_values("indicator")  # this file doesn't hold it


def test_melodi_observations_become_one_row_per_commune(tmp_path: Path) -> None:
    def seen(geo: str, age: str, value: float | None, **others: str) -> dict[str, Any]:
        measured = {} if value is None else {"value": value}
        dimensions = {"GEO": geo, "AGE": age, "SEX": "_T", "RP_MEASURE": "POP", "TIME_PERIOD": "2021", **others}
        return {"dimensions": dimensions, "measures": {"OBS_VALUE_NIVEAU": measured}}

    rows = [
        seen("2024-COM-14118", "_T", 100.0),
        seen("2024-COM-14118", "Y60T74", 20.0),
        seen("2024-COM-14118", "Y_GE75", 11.0),
        seen("2024-COM-14762", "_T", 50.0),
        seen("2024-COM-14762", "Y60T74", 5.0),
        seen("2024-COM-14762", "Y_GE75", None),
        seen("2024-COM-14118", "_T", 48.0, SEX="M"),
        seen("2024-DEP-14", "_T", 700000.0),
    ]
    path = written(tmp_path / "insee_rp_2021.json", {"observations": rows, "paging": {"isLast": True}})
    batch = commune_rp.normalise(commune_rp.read(path), communes={CAEN, VIRE}, successor={}, departements={"14"})
    found = commune_rp.values(batch.frame).set_index(["code", "indicator"])
    assert found.loc[(CAEN, "population_count"), "value"] == 100
    assert found.loc[(CAEN, "age60p_count"), "value"] == 31
    assert found.loc[(VIRE, "age60p_count"), "status"] == "missing"  # half of it is unknown: not five persons
    rows.append(seen("2024-COM-14118", "_T", 99.0, TIME_PERIOD="2015"))
    with pytest.raises(InputFileError, match="2 millésimes"):
        commune_rp.read(written(path, {"observations": rows}))


def test_filosofi_by_iris_and_by_commune_hides_what_insee_hides(tmp_path: Path) -> None:
    path = tmp_path / "BASE_TD_FILO_IRIS_2021_DISP.csv"
    path.write_text(
        "IRIS;DISP_TP6021;DISP_INCERT21;DISP_MED21;DISP_GI21\n141180101;22,5;1;20310;0,3\n141180102;ns;2;nd;ns\n"
        "761180101;10;1;21000;0,2\n14118ABCD;1;1;1;1\n",
        encoding="utf-8",
    )
    known = {"iris": {"141180101", "141180102"}, "communes": {CAEN}, "successor": {}, "renamed": {}}
    batch = filosofi.normalise(filosofi.read(path), **known)
    assert is_balanced(batch)
    assert (batch.kept_count, batch.rejected_count, batch.outside_count) == (2, 1, 1)
    found = filosofi.values(batch.frame).set_index(["code", "indicator"])
    assert found.loc[("141180101", "poverty_pct"), "value"] == 22.5
    assert found.loc[("141180101", "median_eur"), "value"] == 20310
    assert found.loc["141180102", "status"].tolist() == ["missing", "missing"]
    assert set(found["level"]) == {"iris"}

    path = tmp_path / "FILO2022_DISP_COM.csv"
    path.write_text("CODGEO;LIBGEO;Q222;PPMINI22\n14118;Caen;21 040;3,4\n14762;Vire;ns;ns\n", encoding="utf-8")
    batch = filosofi.normalise(filosofi.read(path), **{**known, "communes": {CAEN, VIRE}})
    found = filosofi.values(batch.frame).set_index(["code", "indicator"])
    assert found.loc[(CAEN, "minima_pct"), "value"] == 3.4
    assert found.loc[(CAEN, "median_eur"), "value"] == 21040
    assert found.loc[(VIRE, "minima_pct"), "status"] == "missing"
    assert set(found["period"]) == {"2022"}


def test_the_bpe_archive_counts_communes_and_certain_types_only(tmp_path: Path) -> None:
    path = tmp_path / "DS_BPE_CSV_FR.zip"
    lines = [
        '"GEO";"GEO_OBJECT";"FACILITY_DOM";"FACILITY_TYPE";"BPE_MEASURE";"TIME_PERIOD";"OBS_VALUE"',
        '"14118";"COM";"B";"B207";"FACILITIES";"2024";12',
        '"14118";"COM";"D";"D307";"FACILITIES";"2024";7',
        '"14118";"COM";"A";"A501";"FACILITIES";"2024";70',
        '"14118";"UU2020";"B";"B207";"FACILITIES";"2024";99',
        '"75056";"COM";"B";"B207";"FACILITIES";"2024";900',
        '"14999";"COM";"B";"B207";"FACILITIES";"2024";1',
    ]
    with zipfile.ZipFile(path, "w") as made:
        made.writestr("DS_BPE_2024_data.csv", "\n".join(lines))
        made.writestr("DS_BPE_2024_metadata.csv", "COD_VAR;COD_MOD\n")
    assert archive.is_archive(path)
    live = catalogue.source(bpe.SOURCE_ID).live
    assert live is not None
    assert live.entry is not None
    inner = archive.unpack(path, live.entry, tmp_path)
    batch = bpe.normalise(bpe.read(inner), communes={CAEN, VIRE})
    assert is_balanced(batch)
    assert (batch.kept_count, batch.rejected_count, batch.outside_count) == (2, 1, 3)
    found = bpe.values(batch.frame).set_index(["code", "indicator"])
    assert found.loc[(CAEN, "bpe_boulangerie_count"), "value"] == 12
    assert found.loc[(VIRE, "bpe_pharmacie_count"), "value"] == 0  # a commune that the file lacks has none
    declared = set(equipments().values())
    assert {name for _, name in found.index} == {f"bpe_{name}_count" for name in declared}
    with pytest.raises(InputFileError, match="ne contient pas"):
        archive.unpack(path, "*_autre.csv", tmp_path)
    with pytest.raises(InputFileError, match="contient 2 fois"):
        archive.unpack(path, "*.csv", tmp_path)


def test_an_entry_of_an_archive_does_not_choose_where_it_is_written(tmp_path: Path) -> None:
    path = tmp_path / "a.zip"
    with zipfile.ZipFile(path, "w") as made:
        made.writestr("../../dehors_data.csv", "x")
    inside = tmp_path / "dedans"
    inside.mkdir()
    assert archive.unpack(path, "*_data.csv", inside) == inside / "dehors_data.csv"
    path.write_bytes(path.read_bytes()[:-30])
    assert not archive.is_archive(path)
    with pytest.raises(InputFileError, match="n’est pas une archive"):
        archive.unpack(path, "*", inside)


def test_the_sheet_of_zones_is_read_under_its_notes(tmp_path: Path) -> None:
    book = openpyxl.Workbook()
    book.active.title = "Lisez-moi"
    sheet = book.create_sheet("txcho_ze")
    for row in (
        ["Taux de chômage localisés"],
        [],
        ["En %"],
        [],
        [],
        ["ZE2020", "LIBZE2020", "REG", "LIBREG", "2025-T3", "2025-T4"],
        [2801, "Alençon", "28", "Normandie", 6.9, 7.1],
        ["0051", "Alençon", "28", "Normandie", None, 7.25],
        ["Source : Insee"],
    ):
        sheet.append(row)
    path = tmp_path / "chomage-zone.xlsx"
    book.save(path)
    assert not archive.is_archive(path)  # a workbook is a ZIP that isn't to be unpacked
    batch = ze_unemployment.normalise(ze_unemployment.read(path), zones={"0051", "2801"})
    found = ze_unemployment.values(batch.frame).set_index(["code", "period"])
    assert found.loc[("2801", "2025-T3"), "value"] == 6.9
    assert found.loc[("0051", "2025-T4"), "value"] == 7.25
    assert found.loc[("0051", "2025-T3"), "status"] == "missing"
    with pytest.raises(InputFileError, match="n’a pas la feuille"):
        ze_unemployment.read(_without_sheet(tmp_path))


def _without_sheet(directory: Path) -> Path:
    book = openpyxl.Workbook()
    book.save(directory / "autre.xlsx")
    return directory / "autre.xlsx"


def test_insertion_structures_carry_no_contact_and_only_followed_kinds(tmp_path: Path) -> None:
    def siae(number: int, kind: str, post_code: str, **others: Any) -> dict[str, Any]:
        place = {
            "adresse": "1 rue A",
            "code_postal": post_code,
            "commune": "Caen",
            "latitude": 49.18,
            "longitude": -0.37,
        }
        who = {"id": f"s{number}", "nom": f"Structure {number}", "kind": kind, "siret": "80950959900019"}
        return {**who, **place, "date_maj": "2025-03-0" + str(number), "courriel": "x@exemple.fr", **others}

    rows = [siae(1, "ACI", "14000"), siae(2, "EA", "14000"), siae(3, "EI", "33000"), siae(4, "AI", "76600", latitude=0)]
    path = written(tmp_path / "siae.json", {"results": rows})
    batch = emplois.normalise(emplois.read(path), departements={"14", "76"})
    assert is_balanced(batch)
    assert (batch.kept_count, batch.rejected_count, batch.outside_count) == (2, 1, 1)
    assert batch.rejected_cell_count == 1  # a point in the sea is put aside, its structure stays
    assert "exemple.fr" not in batch.frame.to_csv()
    assert set(batch.frame["period"]) == {"2025-03-04"}
    assert batch.frame.set_index("record_id").loc["s1", "lon"] == pytest.approx(-0.37)


def test_the_census_of_tiers_lieux_has_a_bom_and_decimal_commas(tmp_path: Path) -> None:
    path = tmp_path / "bdftl-2026-fiche-identite.csv"
    head = (
        "ID_UNIQUE;NOM;ADRESSE;CODPOST;VILLE;DEPARTEMENT_TL;REGION_TL;LATITUDE;LONGITUDE;TYPE_STRUCTURE_GEST;INTERNET"
    )
    path.write_text(
        f"\ufeff{head};familles_tiers_lieux\nTL1;Le Lieu;1 rue B;14;Caen;14;Normandie;49,18;-0,37;asso;http://a;café\n"
        "TL2;L’Autre;2 rue C;14500;Vire;14;Normandie;48,84;-0,89;asso;;\nTL3;Loin;;33000;Bordeaux;33;NA;44,8;-0,5;;;\n",
        encoding="utf-8",
    )
    batch = tiers_lieux.normalise(tiers_lieux.read(path), departements={"14"})
    assert is_balanced(batch)
    assert (batch.kept_count, batch.rejected_count, batch.outside_count) == (1, 1, 1)  # 14 is no postal code
    (place,) = batch.frame.to_dict("records")
    assert (place["lat"], place["lon"], place["period"], place["kind"]) == (48.84, -0.89, "2026", "TIERS_LIEU")


@pytest.mark.parametrize(("label", "head"), [(FABRIQUES, "id_fabt,lib_fabt"), (MANUFACTURES, "id_manup,lib_manup")])
def test_labelled_places_are_read_by_their_commune(tmp_path: Path, label: LabelledPlaces, head: str) -> None:
    path = tmp_path / "lieux.csv"
    path.write_text(f"{head},insee_com,lib_com\n1,Lieu A,14118,Caen\n2,Lieu B,33063,Bordeaux\n3,Lieu C,14999,?\n")
    batch = label.normalise(label.read(path), communes={CAEN}, departements={"14"})
    assert (batch.kept_count, batch.rejected_count, batch.outside_count) == (1, 1, 1)
    assert batch.frame["commune_code"].tolist() == [CAEN]
    assert batch.frame["source_id"].tolist() == [label.source_id]


def test_decheteries_are_those_of_the_last_year_placed_by_latitude_then_longitude(tmp_path: Path) -> None:
    def line(year: int, service: str, place: str | None) -> dict[str, Any]:
        site = {"AD1_SITE": "ZA", "CP_SITE": "14000", "L_VILLE_SITE": "Caen", "C_COMM": "14118", "C_DEPT": "14"}
        return {"ANNEE": year, "C_SERVICE": service, "N_SERVICE": f"Déchèterie {service}", **site, "_geopoint": place}

    rows = [
        line(2021, "1", "49.1,-0.3"),
        line(2023, "1", "49.2,-0.4"),
        line(2021, "2", "49.1,-0.3"),
        line(2023, "3", None),
    ]
    path = written(tmp_path / "lignes.json", {"total": 4, "results": rows})
    batch = decheteries.normalise(decheteries.read(path), departements={"14"})
    assert is_balanced(batch)
    assert (batch.kept_count, batch.duplicate_count, batch.rejected_count) == (2, 1, 1)
    assert batch.rejected["reason"].tolist() == ["n’est plus dans l’annuaire de 2023"]
    found = batch.frame.set_index("record_id")
    assert (found.loc["1", "lat"], found.loc["1", "lon"]) == (49.2, -0.4)


def test_sinoe_actors_are_matched_by_the_table_and_never_guessed(tmp_path: Path) -> None:
    table = tmp_path / "sinoe_epci.csv"
    table.write_text(
        "c_acteur;siren;nom\n101;200000001;CC A\n102;200000002;CC B\n103;200000002;CC B bis\n104;999999999;?\n"
    )
    batch = sinoe_crosswalk.normalise(sinoe_crosswalk.read(table), epci={"200000001", "200000002"})
    assert (batch.kept_count, batch.rejected_count) == (1, 3)
    pairs = sinoe_crosswalk.zonings(batch.frame)
    actors = dict(zip(pairs["value_code"], pairs["code"], strict=True))
    assert actors == {"101": "200000001"}

    rows = [
        {"annee": 2021, "l_region": "Normandie", "c_acteur": 101, "tonnage_omr": 1234.5, "tonnage_bio": "12,5"},
        {"annee": 2021, "l_region": "Normandie", "c_acteur": 102, "tonnage_omr": 1.0, "tonnage_bio": None},
        {"annee": 2021, "l_region": "Bretagne", "c_acteur": 900, "tonnage_omr": 1.0, "tonnage_bio": 1.0},
    ]
    path = written(tmp_path / "lignes.json", {"total": 3, "results": rows})
    batch = sinoe_actor.normalise(sinoe_actor.read(path), actors=actors)
    assert is_balanced(batch)
    assert (batch.kept_count, batch.rejected_count, batch.outside_count) == (1, 1, 1)
    assert "sans correspondance" in batch.rejected["reason"].iloc[0]
    found = sinoe_actor.values(batch.frame).set_index("indicator")
    assert found["value"].to_dict() == {"residual_waste_t": 1234.5, "organic_waste_t": 12.5}
    with pytest.raises(InputFileError, match="sinoe_epci --from-file"):
        sinoe_actor.normalise(sinoe_actor.read(path), actors={})


def test_longue_vie_lines_make_a_ressourcerie_of_a_name_that_says_it(tmp_path: Path) -> None:
    def actor(number: str, name: str, commune: str) -> dict[str, Any]:
        return {
            "identifiant": number,
            "nom": name,
            "siret": "80950959900019",
            "code_commune": commune,
            "latitude": 49.5,
            "longitude": 0.5,
            "type_de_services": "don|achat",
            "date_de_derniere_modification": "2025-06-01",
        }

    rows = [
        actor("a", "La Ressourcerie du Pays", "76351"),
        actor("b", "Ressources et Cie", "76351"),
        actor("c", "X", "33063"),
    ]
    batch = longue_vie.normalise(
        longue_vie.read(written(tmp_path / "lignes.json", {"results": rows})), departements={"76"}
    )
    assert batch.frame.set_index("record_id")["kind"].to_dict() == {"a": "RESSOURCERIE", "b": "ACTEUR_REEMPLOI"}


def test_dares_keeps_the_four_series_of_the_dictionary(tmp_path: Path) -> None:
    head = "Date;Code région;Région;Code département;Département;Code commune;Commune;Type de données;Catégorie;Sexe"
    start = "2024-T4;28;Normandie;14;Calvados;14118;Caen;"
    path = tmp_path / "dares.csv"
    path.write_text(
        f"\ufeff{head};Tranche d'âge;Nombre de demandeurs d'emploi\n{start}Brutes;ABC;Total;Total;9 000\n"
        f"{start}Brutes;ABC;Femmes;Total;4500\n{start}Brutes;A;Total;Total;5000\n{start}CVS-CJO;ABC;Total;Total;8990\n"
        f"{start}Brutes;ABC;Hommes;50 ans et plus;900\n",
        encoding="utf-8",
    )
    batch = dares.normalise(dares.read(path), communes={CAEN}, departements={"14"})
    found = dares.values(batch.frame)
    assert found.set_index("indicator")["value"].to_dict() == {
        "job_seekers_abc_count": 9000,
        "job_seekers_abc_women_count": 4500,
    }
    assert set(found["period"]) == {"2024-T4"}


def test_outlines_are_reprojected_and_broken_ones_counted(tmp_path: Path) -> None:
    bow_tie = Polygon([(0.0, 49.0), (0.01, 49.01), (0.01, 49.0), (0.0, 49.01)])
    frame = gpd.GeoDataFrame(
        {"INSEE_COM": ["14001", "14002", "75056"], "NOM": ["A", "B", "Paris"]},
        geometry=[box(0, 49.1, 0.01, 49.11), bow_tie, box(2.3, 48.8, 2.4, 48.9)],
        crs=4326,
    )
    path = tmp_path / "ADE-COG.gpkg"
    frame.to_file(path, layer="COMMUNE")
    frame.to_file(path, layer="EPCI")
    known = {"region_communes": {"14001", "14002"}, "departements": {"14"}}
    batch = admin_express.normalise(admin_express.read(path), **known)
    assert is_balanced(batch)
    assert (batch.kept_count, batch.outside_count) == (2, 1)
    assert batch.notes == ("1 contours invalides remis en ordre",)
    assert batch.repaired_count == 1
    result = gpd.GeoDataFrame(batch.frame)
    assert result.crs.to_epsg() == 2154
    assert result.geometry.is_valid.all()
    # A hundredth of a degree of longitude by one of latitude at 49.1° N: 730 m by 1,112 m.
    assert result.set_index("code").geometry.area["14001"] == pytest.approx(730 * 1112, rel=0.01)
    with pytest.raises(InputFileError, match="1 des 3 communes"):
        admin_express.normalise(
            admin_express.read(path), region_communes={"14001", "14002", "14003"}, departements={"14"}
        )
    with pytest.raises(InputFileError, match="introuvable"):
        admin_express.read(tmp_path / "absent.gpkg")
    (tmp_path / "faux.gpkg").write_text("rien")
    with pytest.raises(InputFileError, match="lisible"):
        admin_express.read(tmp_path / "faux.gpkg")


def test_a_json_list_that_is_cut_or_lacks_a_field_ends_in_a_sentence(tmp_path: Path) -> None:
    path = tmp_path / "lignes.json"
    path.write_text('{"results": [{"code": "14118"}, {"co', encoding="utf-8")
    with pytest.raises(InputFileError, match="liste JSON entière"):
        geo_api.read(path)
    with pytest.raises(InputFileError, match="n’a pas le champ « nom »"):
        geo_api.read(written(path, [{"code": CAEN}]))
    with pytest.raises(InputFileError, match="aucune ligne"):
        geo_api.read(written(path, {"results": []}))


def test_contracts_hold_for_what_the_readers_give(tmp_path: Path) -> None:
    from observatory.sources import contracts

    path = tmp_path / "dares.csv"
    pd.DataFrame(
        {
            "annee": ["2021"],
            "l_region": ["Normandie"],
            "c_acteur": ["101"],
            "tonnage_omr": ["1"],
            "tonnage_bio": ["2"],
        }
    ).to_csv(path, sep=";", index=False)
    batch = sinoe_actor.normalise(sinoe_actor.read(path), actors={"101": "200000001"})
    contracts.check_tables({"values": sinoe_actor.values(batch.frame)})
    wrong = sinoe_actor.values(batch.frame).assign(period="deux mille")
    with pytest.raises(InputFileError, match="values"):
        contracts.check_tables({"values": wrong})
