"""Sirene into PostGIS on the toy territory: what is kept and why, where, what closes, and that it adds up."""

import json

import pandas as pd
import pytest
import sqlalchemy as sa
import toy_territory

from api.views import page_queries
from observatory.errors import InputFileError, UsageError
from observatory.publish.export_layers import structure_points
from observatory.publish.structure_layers import structure_layer
from observatory.store import read
from observatory.store.ingest import closures, file_ingest
from observatory.store.ingest.bundle import bundled
from observatory.store.ingest.snapshot_load import load_snapshot

SIRENE = "insee_sirene_ess"
UNITS = pd.DataFrame(
    [
        ("900000001", "ASSOCIATION D ALPHAVILLE", "9220", "W142000001", None),
        ("900000002", "SOCIETE AVEC MENTION", "5710", None, "O"),
        ("900000003", "SOCIETE DE LA LISTE", "5710", None, "N"),
        ("900000004", "SOCIETE SANS RIEN", "5710", None, None),
    ],
    columns=[
        "siren",
        "denominationUniteLegale",
        "categorieJuridiqueUniteLegale",
        "identifiantAssociationUniteLegale",
        "economieSocialeSolidaireUniteLegale",
    ],
)
PLACE_COLUMNS = [
    "siret",
    "siren",
    "enseigne1Etablissement",
    "codeCommuneEtablissement",
    "etatAdministratifEtablissement",
    "coordonneeLambertAbscisseEtablissement",
    "coordonneeLambertOrdonneeEtablissement",
    "trancheEffectifsEtablissement",
    "dateDebut",
]
# Squares of 10 km: 14901 from (430 000, 6 870 000), 61901 from (450 000, 6 870 000), 14902 between. 75101 is elsewhere.
PLACES = [
    ("90000000100011", "900000001", None, "14901", "A", "434500.0", "6873700.0", "11", "2010-01-01"),
    ("90000000100029", "900000001", "ANTENNE", "14901", "A", "652000.0", "6862000.0", "NN", "2010-01-01"),
    ("90000000100037", "900000001", None, "14901", "F", None, None, "NN", "2019-05-31"),
    ("90000000100045", "900000001", None, "75101", "A", None, None, "NN", "2010-01-01"),
    ("90000000200010", "900000002", "[ND]", "61901", "A", "[ND]", "[ND]", "01", "2015-01-01"),
    ("90000000300018", "900000003", None, "61901", "A", None, None, "NN", "2015-01-01"),
    ("90000000300018", "900000003", None, "61901", "A", None, None, "NN", "2015-01-01"),
    ("90000000400016", "900000004", None, "14902", "A", None, None, "NN", "2015-01-01"),
    ("9000000A", "900000001", None, "14902", "A", None, None, "NN", "2015-01-01"),
    ("90000000100052", "900000001", None, "14999", "A", None, None, "NN", "2015-01-01"),
]


def write(folder, places, suffix="csv"):
    frame = pd.DataFrame(places, columns=PLACE_COLUMNS).assign(
        activitePrincipaleEtablissement="94.99Z", codePostalEtablissement="14000"
    )
    folder.mkdir(exist_ok=True)
    for name, one in (("StockUniteLegale", UNITS), ("StockEtablissement", frame)):
        path = folder / f"{name}.{suffix}"
        one.to_parquet(path) if suffix == "parquet" else one.to_csv(path, index=False)
    (folder / "liste.csv").write_text("SIREN\n900000003\n", encoding="utf-8")
    (folder / "points.csv").write_text(
        "siret,x,y,qualite_xy,epsg\n90000000300018,455000.0,6874000.0,21,2154\n", encoding="utf-8"
    )
    return folder


@pytest.fixture
def database(empty_engine, tmp_path):
    load_snapshot(empty_engine, toy_territory.write(tmp_path / "toy"))
    return empty_engine


def structures(engine):
    with engine.connect() as connection:
        rows = connection.execute(
            sa.text(
                "SELECT structure.*, round(ST_X(geom)) AS x_m, service.reason FROM observatory.structure AS structure "
                "JOIN observatory.structure_service AS service USING (structure_id) "
                "WHERE source_id = 'insee_sirene_ess' AND service = 'ess'"
            )
        ).mappings()
        return {row["siret"]: row for row in rows}


@pytest.mark.parametrize("suffix", ["csv", "parquet"])
def test_each_establishment_has_its_rule_and_its_place_and_the_account_adds_up(database, tmp_path, suffix):
    folder = write(tmp_path / "stock", PLACES, suffix)
    status, (report,) = file_ingest.ingest_file(database, SIRENE, folder, accepts_fewer=True)
    assert status == "loaded"
    # Kept: two of Alphaville, two of Gamma. Rejected: the SIRET with a letter, the commune that doesn't exist.
    # Outside: the closed one that nobody knew, Paris, the plain company. One row twice.
    told = (report.rows_read, report.rows_kept, report.rows_rejected, report.rows_duplicate, report.rows_outside)
    assert told == (10, 4, 2, 1, 3)
    found = structures(database)
    assert {siret: row["reason"] for siret, row in found.items()} == {
        "90000000100011": "Sirene : catégorie juridique 9220 (association).",
        "90000000100029": "Sirene : catégorie juridique 9220 (association).",
        "90000000200010": "Sirene : l’unité légale porte la mention « économie sociale et solidaire ».",
        "90000000300018": "L’unité légale figure dans la liste d’ESS France.",
    }
    placed = {siret: (row["place_quality"], row["place_note"]) for siret, row in found.items()}
    assert found["90000000100011"]["x_m"] == 434500
    assert placed["90000000100011"] == ("address", "Coordonnées Lambert-93 du fichier Sirene.")
    assert placed["90000000100029"][0] == "town_hall"
    assert "plus de 20 km" in placed["90000000100029"][1]
    assert placed["90000000200010"] == (
        "town_hall",
        "Placée à la mairie de sa commune : Sirene ne donne pas de point sûr.",
    )
    assert placed["90000000300018"] == (
        "address",
        "Géolocalisation de l’Insee : numéro trouvé dans une voie probable.",
    )
    assert found["90000000200010"]["name"] == "SOCIETE AVEC MENTION"
    assert found["90000000100011"]["label"] == "Employeur : 10 à 19 salariés"
    assert found["90000000100029"]["label"] == "Non employeur, ou effectif non renseigné"
    assert file_ingest.ingest_file(database, SIRENE, folder, accepts_fewer=True)[0] == "unchanged"


def test_what_sirene_says_closed_leaves_the_supply_with_a_trace_and_may_open_again(database, tmp_path):
    # The recyclerie of another source is no ESS for Sirene, which says that it closed.
    file_ingest.ingest_file(database, SIRENE, write(tmp_path / "avant", PLACES), accepts_fewer=True)
    closed = [(*row[:4], "F", *row[5:8], "2025-03-31") if row[0] == "90000000100011" else row for row in PLACES] + [
        ("12345678900011", "123456789", None, "14901", "F", None, None, "NN", "2024-12-31")
    ]
    after = write(tmp_path / "apres", closed)
    _, (report,) = file_ingest.ingest_file(database, SIRENE, after, accepts_fewer=True)
    assert report.rows_read == 11
    parts = (report.rows_kept, report.rows_rejected, report.rows_duplicate, report.rows_outside)
    assert parts == (5, 2, 1, 3)
    with database.connect() as connection:
        told = {row["siret"]: (row["closed_date"], row["closed_by"]) for row in closures.closed(connection)}
        assert told == {"12345678900011": ("2024-12-31", SIRENE), "90000000100011": ("2025-03-31", SIRENE)}
        supply = read.supply_frame(connection, "insertion")
        assert supply.loc["s1", "is_closed"]
        assert supply["is_closed"].sum() == 1
        ess = read.supply_frame(connection, "ess")
        assert ess.index[ess["is_closed"]].tolist() == ["insee_sirene_ess:90000000100011"]
        shown = {row["siret"]: row for row in read.structures(connection, service="ess", territory="14901")}
        assert shown["90000000100011"]["closed_date"] == "2025-03-31"
        assert shown["90000000100011"]["is_active"] is False
        exported = structure_points(connection, "ess").set_index("siret")
        columns = ["is_active", "is_closed", "closed_date", "closed_by"]
        assert exported.loc["90000000100011", columns].tolist() == [False, True, "2025-03-31", SIRENE]
        assert exported.loc["90000000200010", columns[:2]].tolist() == [True, False]
        assert exported.loc["90000000200010", columns[2:]].isna().all()
        catalogue = {row["source_id"]: row for row in read.sources(connection)}
        layer = structure_layer(connection, "ess", catalogue, name="ESS")
        drawn = layer.frame.set_index("siret")
        assert drawn.loc["90000000100011", "classe"] == "ferme"
        assert drawn.loc["90000000100011", "etat"].startswith("Fermé depuis le 31/03/2025, selon Insee")
        assert drawn.loc["90000000200010", ["classe", "etat"]].tolist() == ["ess", ""]
        assert set(layer.legend) == {"ess", "ferme"}
        counts = page_queries.service_counts(connection)["ess"]
        assert counts["known_count"] - counts["active_count"] == counts["closed_count"] == 1
    file_ingest.ingest_file(database, SIRENE, write(tmp_path / "encore", PLACES), accepts_fewer=True)
    with database.connect() as connection:
        assert [row["siret"] for row in closures.closed(connection)] == ["12345678900011"]


def test_a_cut_or_strange_file_ends_in_a_sentence_and_changes_nothing(database, tmp_path):
    folder = write(tmp_path / "stock", PLACES, "parquet")
    file_ingest.ingest_file(database, SIRENE, folder, accepts_fewer=True)
    before = structures(database)
    path = folder / "StockEtablissement.parquet"
    path.write_bytes(path.read_bytes()[:-200])
    with pytest.raises(InputFileError, match="n’est ni un Parquet ni un CSV lisible"):
        file_ingest.ingest_file(database, SIRENE, folder)
    write(folder, PLACES[:1], "parquet")
    with pytest.raises(InputFileError, match="tronqué"):
        file_ingest.ingest_file(database, SIRENE, folder)
    assert structures(database) == before


def test_several_files_stand_as_one_for_sirene_only(tmp_path):
    folder = write(tmp_path / "stock", PLACES)
    given = [folder / "StockUniteLegale.csv", folder / "StockEtablissement.csv"]
    with bundled(SIRENE, given) as directory:
        assert sorted(one.name for one in directory.iterdir()) == ["StockEtablissement.csv", "StockUniteLegale.csv"]
    with pytest.raises(UsageError, match="d’un seul fichier"), bundled("dgcl_frr_2025", given):
        pass
    with pytest.raises(InputFileError, match="n’existe pas"), bundled(SIRENE, [*given, tmp_path / "absent"]):
        pass


def test_a_saved_answer_of_the_search_is_loaded_alike(database, tmp_path):
    place = {
        "siret": "90000000500013",
        "commune": "14901",
        "libelle_commune": "ALPHAVILLE",
        "code_postal": "14000",
        "adresse": "3 RUE DE L'EXEMPLE 14000 ALPHAVILLE",
        "etat_administratif": "A",
        "tranche_effectif_salarie": "02",
        "activite_principale": "88.99B",
        "longitude": "-0.6",
        "latitude": "48.9",
        "liste_enseignes": None,
    }
    paris = {**place, "siret": "90000000500021", "commune": "75101", "longitude": "2.34", "latitude": "48.86"}
    unit = {
        "siren": "900000005",
        "nom_complet": "ENTRAIDE DE L'EXEMPLE (EDE)",
        "nom_raison_sociale": "ENTRAIDE DE L'EXEMPLE",
        "nature_juridique": "9220",
        "complements": {"est_ess": True},
        "matching_etablissements": [place, paris],
    }
    path = tmp_path / "reponse.json"
    path.write_text(json.dumps({"results": [unit], "total_results": 1}), encoding="utf-8")
    status, (report,) = file_ingest.ingest_file(database, "recherche_entreprises", path)
    assert (status, report.rows_read, report.rows_kept, report.rows_outside) == ("loaded", 2, 1, 1)
    with database.connect() as connection:
        (row,) = [
            row
            for row in read.structures(connection, service="ess", territory="14901")
            if row["siret"] == "90000000500013"
        ]
    assert (row["name"], row["place_quality"]) == ("ENTRAIDE DE L'EXEMPLE", "address")
    assert row["address"] == "3 RUE DE L'EXEMPLE"
    assert (row["lon"], row["lat"]) == (-0.6, 48.9)
    assert row["place_note"] == "Point de l’API Recherche d’entreprises (adresse géocodée)."
    path.write_text(json.dumps({"results": [unit], "total_results": 40}), encoding="utf-8")
    with pytest.raises(InputFileError, match="1 des 40"):
        file_ingest.ingest_file(database, "recherche_entreprises", path)
    path.write_text('{"erreur": "x"}', encoding="utf-8")
    with pytest.raises(InputFileError, match="« results »"):
        file_ingest.ingest_file(database, "recherche_entreprises", path)
