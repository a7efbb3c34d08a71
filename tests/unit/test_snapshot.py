"""The bundled snapshot, as it is committed: counts that are published, links that hold, nothing personal."""

from __future__ import annotations

import re

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely

import geodata
from observatory.sources import contracts
from observatory.sources.structures.establishments import CONTACT

NORMANDY = ["14", "27", "50", "61", "76"]
TABLES = (
    "territories",
    "territory_links",
    "values",
    "zonings",
    "structures",
    "structure_services",
    "structure_records",
    "structure_members",
    "structure_statements",
    "accompaniment",
    "rejected",
    "runs",
)


@pytest.fixture(scope="module")
def tables() -> dict[str, pd.DataFrame]:
    loaded = {name: pd.read_parquet(geodata.SNAPSHOT / f"{name}.parquet") for name in TABLES[1:]}
    return {"territories": gpd.read_parquet(geodata.SNAPSHOT / "territories.parquet"), **loaded}


@pytest.fixture(scope="module")
def territories(tables: dict[str, pd.DataFrame]) -> gpd.GeoDataFrame:
    return gpd.GeoDataFrame(tables["territories"])


@pytest.fixture(scope="module")
def communes(territories: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    inside = territories[territories["level"].eq("commune") & ~territories["is_border"]]
    return gpd.GeoDataFrame(inside.set_index("code"))


def one(territories: gpd.GeoDataFrame, level: str, code: str) -> pd.Series:
    return territories[territories["level"].eq(level) & territories["code"].eq(code)].iloc[0]


def test_files_are_all_there_and_small() -> None:
    assert {path.stem for path in geodata.SNAPSHOT.glob("*.parquet")} == set(TABLES)
    assert sum(path.stat().st_size for path in geodata.SNAPSHOT.iterdir()) < 12_000_000


def test_contracts_hold(tables: dict[str, pd.DataFrame]) -> None:
    contracts.check_snapshot(tables)


def test_counts_by_level(territories: gpd.GeoDataFrame) -> None:
    assert territories.crs.to_epsg() == 2154
    assert territories["level"].value_counts().to_dict() == {
        "commune": 2644 + 3180,
        "iris": 3279,
        "commune_deleguee": 646,
        "bassin_vie": 125,
        "epci": 71,
        "qpv": 63,
        "zone_emploi": 24,
        "departement": 5,
        "region": 1,
    }


def test_population_adds_up_at_every_level(territories: gpd.GeoDataFrame, communes: gpd.GeoDataFrame) -> None:
    assert communes["population_count"].sum() == 3_339_075
    for level in ("region", "departement", "epci", "zone_emploi", "bassin_vie"):
        whole = territories[territories["level"].eq(level)]
        assert whole["population_count"].sum() == 3_339_075, level
        assert whole["commune_count"].sum() == 2644, level


PUBLISHED_2022 = {"14": 704_605, "27": 601_305, "50": 496_815, "61": 276_144, "76": 1_260_205}
"""Municipal population of 2022, INSEE; 3,339,074 for the région."""


def test_population_is_the_published_one_by_departement(communes: gpd.GeoDataFrame) -> None:
    found = communes.groupby(communes.index.str[:2])["population_count"].sum()
    assert sum(PUBLISHED_2022.values()) == 3_339_074
    assert abs(found - pd.Series(PUBLISHED_2022)).max() <= 3
    assert abs(int(found.sum()) - 3_339_074) <= 3


def test_each_population_says_what_gave_it_and_its_year(
    territories: gpd.GeoDataFrame, communes: gpd.GeoDataFrame
) -> None:
    assert communes["population_method"].value_counts().to_dict() == {
        "published": 2557,
        "iris_sum": 82,
        "epci_remainder": 5,
    }
    assert communes["population_period"].eq("2022").all()
    left = communes[communes["population_method"].eq("epci_remainder")]
    # The rows of IRIS of the commune before it merged, and what the population of its EPCI leaves besides.
    assert left["population_count"].to_dict() == {
        "14408": 2017 + 2511,
        "14581": 1908,
        "14743": 80 + 51,
        "61275": 754 + 681,
        "76455": 293 + 249,
    }
    assert left["population_status"].eq("estimated").all()
    assert left["population_source_id"].eq("insee_epci_2022").all()
    assert communes.drop(left.index)["population_status"].eq("observed").all()
    assert one(territories, "commune_deleguee", "14762")["population_period"] == "2017"


def test_known_territories(territories: gpd.GeoDataFrame) -> None:
    seine = one(territories, "epci", "200010700")
    assert (seine["commune_count"], seine["population_count"], seine["is_partial"]) == (50, 77_970, False)
    assert one(territories, "epci", "200068799")["commune_count"] == 17
    assert one(territories, "commune", "14762")[["name", "population_count"]].tolist() == ["Vire Normandie", 17_411]
    assert one(territories, "commune", "76351")["name"] == "Le Havre"
    assert one(territories, "commune", "61214")["name"] == "L'Aigle"
    assert one(territories, "commune_deleguee", "14762")[["name", "population_count"]].tolist() == ["Vire", 11_091]
    partial = territories[territories["is_partial"] & territories["level"].eq("epci")]
    assert sorted(partial["code"]) == [
        "200040277",
        "200066462",
        "200069722",
        "200072676",
        "246100663",
        "247600588",
    ]


def test_communes_deleguees_of_vire_normandie(tables: dict[str, pd.DataFrame]) -> None:
    links = tables["territory_links"]
    children = links[links["child_level"].eq("commune_deleguee") & links["parent_code"].eq("14762")]["child_code"]
    assert sorted(children) == ["14187", "14388", "14545", "14584", "14717", "14718", "14730", "14762"]


def test_communes_deleguees_with_polygon_and_population(territories: gpd.GeoDataFrame) -> None:
    parts = territories[territories["level"].eq("commune_deleguee")]
    deleguees = parts[~parts["name"].str.endswith("(commune associée)")]
    assert len(deleguees) == 620
    assert deleguees.geometry.notna().sum() == 609
    assert deleguees["population_count"].notna().sum() == 616
    assert (parts["population_status"].eq("missing") == parts["population_count"].isna()).all()


def test_communes_make_a_valid_coverage(communes: gpd.GeoDataFrame) -> None:
    polygons = communes.geometry.to_numpy()
    assert shapely.is_valid(polygons).all()
    assert shapely.coverage_is_valid(polygons)
    assert shapely.is_empty(shapely.coverage_invalid_edges(polygons, gap_width=10.0)).all()


def test_the_communes_leave_no_hole_and_aurseulles_has_its_place(communes: gpd.GeoDataFrame) -> None:
    parts = shapely.get_parts(shapely.coverage_union_all(communes.geometry.to_numpy()))
    assert [ring for part in parts for ring in part.interiors] == []
    aurseulles = communes.loc["14581"]
    # 46.5 km² in IGN's Contours…IRIS; Saint-Germain-d'Ectot, its town hall's commune déléguée, is about there.
    assert aurseulles.geometry.area / 1e6 == pytest.approx(46.5, abs=0.5)
    assert shapely.distance(aurseulles.geometry, shapely.Point(429_390, 6_899_001)) == 0


def test_upper_levels_are_their_communes(territories: gpd.GeoDataFrame, communes: gpd.GeoDataFrame) -> None:
    total_m2 = communes.geometry.area.sum()
    for level in ("region", "departement", "epci", "zone_emploi", "bassin_vie"):
        whole = territories[territories["level"].eq(level)].geometry
        assert whole.area.sum() == pytest.approx(total_m2, rel=1e-9), level
        assert shapely.coverage_is_valid(whole.to_numpy()), level


def test_commune_points_are_in_or_by_their_commune(communes: gpd.GeoDataFrame) -> None:
    points = gpd.GeoSeries(
        gpd.points_from_xy(communes["point_x_m"], communes["point_y_m"]), index=communes.index, crs=2154
    )
    assert communes.geometry.distance(points).max() <= 200


def test_border_communes_have_point_and_population_without_polygon(territories: gpd.GeoDataFrame) -> None:
    border = territories[territories["is_border"]]
    assert set(border["level"]) == {"commune"}
    assert set(border["code"].str[:2]) == {"28", "35", "53", "60", "72", "78", "80", "95"}
    assert border.geometry.isna().all()
    assert border["point_x_m"].notna().all()
    assert border["population_method"].eq("published").all()
    assert border["population_period"].eq("2021").all()


def test_every_commune_has_one_departement_epci_zone_and_bassin(
    tables: dict[str, pd.DataFrame], communes: gpd.GeoDataFrame
) -> None:
    links = tables["territory_links"]
    for level in ("departement", "epci", "zone_emploi", "bassin_vie"):
        rows = links[links["child_level"].eq("commune") & links["parent_level"].eq(level)]
        inside = rows[rows["child_code"].isin(communes.index)]
        assert sorted(inside["child_code"]) == sorted(communes.index), level


def test_qpv_lie_in_their_communes(tables: dict[str, pd.DataFrame], territories: gpd.GeoDataFrame) -> None:
    links = tables["territory_links"]
    rows = links[links["child_level"].eq("qpv")]
    assert rows["child_code"].nunique() == 63
    quartiers = territories[territories["level"].eq("qpv")].set_index("code")
    outlines = territories[territories["level"].eq("commune")].set_index("code")
    shared_m2 = shapely.area(
        shapely.intersection(
            quartiers.geometry.loc[rows["child_code"]].to_numpy(), outlines.geometry.loc[rows["parent_code"]].to_numpy()
        )
    )
    assert (shared_m2 > 0).all()
    assert quartiers.geometry.area.sum() / 1e6 == pytest.approx(22.8, abs=0.1)
    assert quartiers["population_status"].eq("missing").all()


def test_frr_and_density_of_normandy(tables: dict[str, pd.DataFrame], communes: gpd.GeoDataFrame) -> None:
    zonings = tables["zonings"]
    inside = zonings[zonings["code"].isin(communes.index)]
    frr = inside[inside["zoning"].eq("frr")]["value_label"].value_counts().to_dict()
    assert frr == {
        "Non classée": 1502,
        "FRR socle": 935,
        "FRR+": 147,
        "FRR bénéficiaire": 59,
        "FRR bénéficiaire partiellement": 1,
    }
    density = zonings[zonings["zoning"].eq("densite")]
    assert sorted(density["value_code"].unique()) == list("1234567")
    assert len(inside[inside["zoning"].eq("densite")]) == 2644
    caen = density[density["code"].eq("14118")].iloc[0]
    assert (caen["value_code"], caen["value_label"]) == ("1", "Grands centres urbains")


def test_absent_equipment_is_zero_and_absent_income_is_missing(tables: dict[str, pd.DataFrame]) -> None:
    values = tables["values"]
    values = values[values["level"].eq("commune")]
    lycees = values[values["indicator"].eq("bpe_lycee_count")].set_index("code")
    assert len(lycees) == 5824
    # Agy (14003) is not in INSEE's file of equipments.
    assert lycees.loc["14003", ["value", "status"]].tolist() == [0.0, "observed"]
    incomes = values[values["indicator"].eq("median_eur")].set_index("code")
    assert len(incomes) == 5824
    # 14023 is not in INSEE's file of incomes; 14003 is, with 25 210 €.
    assert incomes.loc["14003", ["value", "status"]].tolist() == [25_210.0, "observed"]
    assert incomes.loc["14023", "status"] == "missing"
    assert np.isnan(incomes.loc["14023", "value"])


def test_a_share_over_a_hundred_is_missing_and_told(tables: dict[str, pd.DataFrame]) -> None:
    values = tables["values"]
    row = values[values["indicator"].eq("below_bac_pct") & values["code"].eq("763511903")].iloc[0]
    assert row["status"] == "missing"
    rejected = tables["rejected"]
    told = rejected[rejected["source_id"].eq("insee_iris_rp2022")]
    assert told[["scope", "line"]].to_numpy().tolist() == [["cell", 2723]]
    is_share = values["indicator"].str.endswith("_pct") & ~values["indicator"].str.endswith("_yearly_pct")
    shares = values[is_share]["value"].dropna()
    assert shares.between(0, 100).all()


def test_whole_territories_have_what_is_published(tables: dict[str, pd.DataFrame]) -> None:
    values = tables["values"].set_index(["level", "code", "indicator", "period"])
    published = [values.loc["departement", code, "population_count", "2022"] for code in NORMANDY]
    assert [one["value"] for one in published] == [704_605, 601_305, 496_815, 276_144, 1_260_205]
    caux_seine = values.loc["epci", "200010700"].droplevel("period")["value"]
    assert caux_seine[["population_count", "population_2023_count", "poverty_pct"]].tolist() == [77_968, 77_990, 12.2]
    assert caux_seine[["natural_balance_yearly_pct", "median_eur"]].tolist() == [0.17, 22_550.0]
    counted = tables["values"][tables["values"]["indicator"].eq("population_2023_count")]["level"].value_counts()
    assert counted.to_dict() == {"bassin_vie": 125, "epci": 71, "zone_emploi": 24, "departement": 5}
    assert not tables["values"]["code"].eq("00FR").any()


def test_merged_communes_carry_their_counts(tables: dict[str, pd.DataFrame]) -> None:
    values = tables["values"]
    census = values[values["level"].eq("commune") & values["indicator"].eq("population_count")].set_index("code")
    # May-sur-Orne (14408) and Saint-Martin-de-Fontenay (14623) are one commune since 2025.
    assert census.loc["14408", "value"] > 4000
    assert "14623" not in census.index
    assert census.loc["27676", "status"] == "missing"


def test_periods_and_quarters(tables: dict[str, pd.DataFrame]) -> None:
    values = tables["values"]
    rates = values[values["indicator"].eq("unemployment_pct")]
    assert rates["code"].nunique() == 24
    assert rates["period"].min() == "2021-T1"
    assert rates["period"].max() == "2025-T4"
    alencon = rates[rates["code"].eq("0051") & rates["period"].eq("2025-T4")]
    assert alencon["value"].tolist() == [7.2]
    seekers = values[values["indicator"].eq("job_seekers_count")]
    caen = seekers[seekers["code"].eq("14118") & seekers["period"].eq("2020-01")]
    assert caen["value"].tolist() == [13_550.0]


def test_tonnages_add_up(tables: dict[str, pd.DataFrame]) -> None:
    waste = tables["values"][tables["values"]["indicator"].str.startswith("decheterie_")]
    total = waste[waste["indicator"].eq("decheterie_total_t")].set_index(["code", "period"])["value"]
    parts = waste[waste["indicator"].ne("decheterie_total_t")].groupby(["code", "period"])["value"].sum()
    assert len(total) == 5 * 5
    pd.testing.assert_series_equal(total.sort_index(), parts.sort_index(), check_names=False, rtol=1e-9)


def test_structures_by_source(tables: dict[str, pd.DataFrame]) -> None:
    records = tables["structure_records"]
    # 64 + 69 + 43 rows of the lists read on public pages, and the 9 of the 19 left out that have one commune.
    assert len(records) == 1735 - 4 + 28 + 64 + 69 + 43 + 9
    joined = records.merge(tables["structures"][["structure_id", "departement_code"]], on="structure_id")
    siae = joined[joined["source_id"].eq("asp_siae_2020") & joined["departement_code"].isin(NORMANDY)]
    assert len(siae) == 205


def test_services_count_what_they_should(tables: dict[str, pd.DataFrame]) -> None:
    offer = tables["structure_services"].merge(tables["structures"], on="structure_id")
    supply = offer[offer["is_active"] & offer["point_x_m"].notna()]
    reuse = supply[supply["service"].eq("ressourcerie")]
    # CLIPS (76384) is in none of the pages; the others are the rows of the list that its rule counts.
    assert sorted(reuse.loc[~reuse["structure_id"].isin(_listed(tables)), "commune_code"]) == ["76384"]
    kinds = offer.groupby("service")["kind"].agg(set)
    assert kinds["france_services"] == {"FRANCE_SERVICES"}
    assert kinds["tiers_lieu"] == {
        "FABRIQUE_DE_TERRITOIRE",
        "MANUFACTURE_DE_PROXIMITE",
        "ACCOMPAGNEMENT_LIEU",
        "TIERS_LIEU",
        "MEDIATION_NUMERIQUE",
        "RESSOURCERIE",  # La Coop 5 pour 100, in both lists
        "ACTEUR_REEMPLOI",  # Guidoline: a tiers-lieu, and a repairer of bicycles
    }
    assert offer["reason"].str.len().min() > 10


def _listed(tables: dict[str, pd.DataFrame]) -> set[str]:
    records = tables["structure_records"]
    return set(records.loc[records["source_id"].eq("pages_ressourceries"), "structure_id"])


def test_clips_is_one_structure(tables: dict[str, pd.DataFrame]) -> None:
    records = tables["structure_records"]
    clips = records[records["name"].str.fullmatch("CLIPS RESSOURCERIE", case=False)]
    assert len(clips) == 2
    assert set(clips["structure_id"]) == {"asp_siae_2020:80950959900019-ACI"}
    assert set(clips["rule"]) == {"declared"}
    services = tables["structure_services"]
    offered = services[services["structure_id"].eq(clips["structure_id"].iloc[0])]["service"]
    assert sorted(offered) == ["insertion", "ressourcerie"]


def test_projects_are_not_active_and_nothing_is_guessed(tables: dict[str, pd.DataFrame]) -> None:
    structures = tables["structures"].set_index("structure_id")
    ecosystem = tables["accompaniment"].set_index("structure_id").join(structures)
    assert sorted(ecosystem.loc[~ecosystem["is_active"], "name"]) == [
        "BGE Normandie",
        "Hôtel des associations de Caen",
        "Pôle d'économie circulaire et solidaire du bocage virois",
    ]
    caen = ecosystem[ecosystem["name"].eq("CREACOOP14")].iloc[0]
    assert caen["commune_code"] == "14118"
    assert pd.isna(caen["zone_code"])
    assert ecosystem.loc[ecosystem["name"].eq("ADRESS"), "place_quality"].item() == "unknown"


def test_unplaced_structures_say_so(tables: dict[str, pd.DataFrame]) -> None:
    structures = tables["structures"]
    not_at_address = structures[structures["place_quality"].ne("address")]
    assert not_at_address["place_note"].notna().all()
    unknown = structures[structures["place_quality"].eq("unknown")]
    assert unknown[["point_x_m", "point_y_m"]].isna().all(axis=None)


def test_structures_lie_in_their_commune(tables: dict[str, pd.DataFrame], communes: gpd.GeoDataFrame) -> None:
    placed = tables["structures"].dropna(subset=["point_x_m", "commune_code"])
    placed = placed[placed["commune_code"].isin(communes.index) & placed["place_quality"].eq("address")]
    points = gpd.points_from_xy(placed["point_x_m"], placed["point_y_m"])
    outlines = communes.geometry.loc[placed["commune_code"]].to_numpy()
    distance_m = shapely.distance(outlines, points)
    doubtful = placed["place_note"].fillna("").str.contains("à vérifier").to_numpy()
    assert (distance_m[~doubtful] <= 1000).all()


def test_nothing_personal(tables: dict[str, pd.DataFrame]) -> None:
    for name, table in tables.items():
        columns = [column for column in table.columns if column != "geometry"]
        for column in columns:
            if not pd.api.types.is_numeric_dtype(table[column].dtype):
                text = "\n".join({str(value) for value in table[column].dropna()})
                assert not re.search(r"[\w.+-]+@[\w-]+\.\w", text), (name, column)
                if "code" not in column and column not in {"siret", "checksum", "structure_id", "record_id", "content"}:
                    assert not CONTACT.search(text), (name, column)


def test_rows_are_accounted_for(tables: dict[str, pd.DataFrame]) -> None:
    runs = tables["runs"]
    told = runs["rows_kept"] + runs["rows_rejected"] + runs["rows_duplicate"] + runs["rows_outside"]
    assert (runs["rows_read"] == told).all()
    rejected = tables["rejected"]
    assert rejected["scope"].eq("row").sum() == runs["rows_rejected"].sum()
    assert rejected["scope"].eq("cell").sum() == runs["cells_rejected"].sum()
