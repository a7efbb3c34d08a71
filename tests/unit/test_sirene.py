"""The Sirene path on stock files small enough to be worked by hand."""

import pandas as pd
import pytest

import geodata
from observatory.errors import InputFileError, UsageError
from observatory.sources import sirene

FAMILIES = {"92": "association", "5458": "scop", "54": "autre_54"}

# siren, category, flag: 1 association, 2 SCOP, 3 company with the flag, 4 company, 5 company in ESS France's list,
# 6 association elsewhere in France, 7 another legal category of the family 54.
UNITS = pd.DataFrame(
    {
        "siren": ["000000001", "000000002", "000000003", "000000004", "000000005", "000000006", "000000007"],
        "denominationUniteLegale": ["UN", "DEUX", "TROIS", "QUATRE", "CINQ", "SIX", "SEPT"],
        "categorieJuridiqueUniteLegale": ["9220", "5458", "5710", "5710", "5710", "9220", "5499"],
        "identifiantAssociationUniteLegale": ["W1", None, None, None, None, "W6", None],
        "economieSocialeSolidaireUniteLegale": [None, "N", "O", None, None, "O", None],
    }
)
# Two places for the association (one closed), one each for the others; the sixth is in Paris.
PLACES = pd.DataFrame(
    [
        ("00000000100012", "000000001", None, "14118", "A", "454000.5", "6904000.5"),
        ("00000000100020", "000000001", "ENSEIGNE", "14762", "F", "[ND]", "[ND]"),
        ("00000000200010", "000000002", None, "76384", "A", None, None),
        ("00000000300018", "000000003", "[ND]", "61001", "A", None, None),
        ("00000000400016", "000000004", None, "14118", "A", None, None),
        ("00000000500013", "000000005", None, "27229", "A", None, None),
        ("00000000600011", "000000006", None, "75101", "A", None, None),
        ("00000000700019", "000000007", None, "50502", "A", None, None),
    ],
    columns=[
        "siret",
        "siren",
        "enseigne1Etablissement",
        "codeCommuneEtablissement",
        "etatAdministratifEtablissement",
        "coordonneeLambertAbscisseEtablissement",
        "coordonneeLambertOrdonneeEtablissement",
    ],
).assign(activitePrincipaleEtablissement="94.99Z", codePostalEtablissement=None, trancheEffectifsEtablissement="NN")


@pytest.fixture(params=["csv", "parquet"])
def extract(request, tmp_path):
    units, places = tmp_path / f"unites.{request.param}", tmp_path / f"d'établissements.{request.param}"
    for frame, path in ((UNITS, units), (PLACES, places)):
        if request.param == "csv":
            frame.to_csv(path, index=False)
        else:
            frame.to_parquet(path)
    listed = tmp_path / "liste.csv"
    listed.write_text("SIREN\n5\n 000000002 \nabc\n", encoding="utf-8")
    return sirene.Extract(units, places, listed)


def read(extract, **options):
    return sirene.read(extract, departements=["14", "27", "50", "61", "76"], families=FAMILIES, **options).frame


def test_each_rule_of_membership_is_named(extract):
    rules = read(extract).set_index("siret")["ess_rule"].to_dict()
    assert rules == {
        "00000000100012": "association",
        "00000000200010": "listed",
        "00000000300018": "declared",
        "00000000500013": "listed",
        "00000000700019": "autre_54",
    }


def test_closed_places_withheld_fields_and_coordinates(extract):
    found = read(extract, known=["00000000100020"]).set_index("siret")
    assert found["is_active"].to_dict()["00000000100020"] is False
    assert found["is_known"].to_dict()["00000000100020"] is True
    assert found.loc["00000000100012", ["x_m", "y_m"]].tolist() == [454000.5, 6904000.5]
    assert found.loc["00000000100020", ["x_m", "y_m"]].isna().all()
    assert found.loc["00000000100020", "name"] == "ENSEIGNE"
    assert found.loc["00000000100012", "name"] == "UN"


def test_without_the_list_only_flag_and_families_count(extract):
    found = sirene.read(
        sirene.Extract(extract.legal_units, extract.establishments), departements=["27", "76"], families=FAMILIES
    )
    assert found.frame["ess_rule"].to_dict() == {0: "scop"}
    assert found.read_count == len(PLACES)


def test_what_is_known_is_found_wherever_it_is_and_whatever_it_is(extract):
    # A company that no rule makes ESS, and an association of Paris.
    found = read(extract, known=["00000000400016", "00000000600011"]).set_index("siret")
    assert found.loc["00000000400016", "ess_rule"] is None
    assert found.loc["00000000600011", "commune_code"] == "75101"
    assert found["is_known"].sum() == 2


def test_files_are_told_apart_by_their_columns(extract, tmp_path):
    points = tmp_path / "points.csv"
    points.write_text("siret,x,y,qualite_xy,epsg\n", encoding="utf-8")
    given = [points, extract.ess_list, extract.establishments, extract.legal_units]
    assert sirene.recognise(given) == sirene.Extract(
        extract.legal_units, extract.establishments, extract.ess_list, points
    )
    with pytest.raises(InputFileError, match="Il manque le fichier StockUniteLegale"):
        sirene.recognise([extract.establishments])
    with pytest.raises(InputFileError, match="deux fois le même"):
        sirene.recognise([*given, extract.legal_units])
    other = tmp_path / "autre.csv"
    other.write_text("a,b\n1,2\n", encoding="utf-8")
    with pytest.raises(InputFileError, match=r"autre\.csv n'est aucun fichier"):
        sirene.recognise([other])
    short = tmp_path / "court.csv"
    PLACES.drop(columns="codeCommuneEtablissement").to_csv(short, index=False)
    with pytest.raises(InputFileError, match="n'a pas la colonne codeCommuneEtablissement"):
        sirene.recognise([short, extract.legal_units])


def test_insee_geolocation_is_joined_by_siret_in_lambert_93_only(extract, tmp_path):
    points = tmp_path / "points.csv"
    points.write_text(
        "siret,x,y,qualite_xy,epsg\n00000000100012,454100.25,6904100.5,11,2154\n00000000200010,1,2,11,2975\n",
        encoding="utf-8",
    )
    with_points = sirene.Extract(extract.legal_units, extract.establishments, None, points)
    found = read(with_points).set_index("siret")
    assert found.loc["00000000100012", ["located_x_m", "located_y_m", "located_quality"]].tolist() == [
        454100.25,
        6904100.5,
        "11",
    ]
    assert found["located_x_m"].notna().sum() == 1


def test_the_longer_prefix_wins_whatever_the_order():
    codes = sirene._codes({"5458": "scop", "54": "autre_54"})
    assert (codes["5458"], codes["5457"], len(codes)) == ("scop", "autre_54", 100)


def test_wrong_files_end_in_a_sentence(extract, tmp_path):
    with pytest.raises(InputFileError, match="n'existe pas"):
        read(sirene.Extract(tmp_path / "absent.csv", extract.establishments))
    with pytest.raises(InputFileError, match="n'a pas la colonne siret"):
        read(sirene.Extract(extract.legal_units, extract.legal_units))
    broken = tmp_path / "coupe.parquet"
    broken.write_bytes(b"PAR1 coupe")
    with pytest.raises(InputFileError, match=r"coupe\.parquet n'est ni"):
        read(sirene.Extract(broken, extract.establishments))


def test_a_wrong_departement_is_refused(extract):
    with pytest.raises(UsageError, match="142"):
        sirene.read(extract, departements=["142"], families=FAMILIES)


def test_the_declared_families_hold_the_legal_forms_of_the_law_and_no_plain_company():
    codes = sirene._codes(geodata.declarations("services")["ess_families"])
    assert {code: codes.get(code) for code in ("9220", "9300", "8210", "5458", "5558", "5660", "6316", "5194")} == {
        "9220": "association",
        "9300": "fondation",
        "8210": "mutuelle",
        "5458": "coopérative",
        "5558": "coopérative",
        "5660": "coopérative",
        "6316": "coopérative",
        "5194": "coopérative",
    }
    # SNC, SARL, SA and SAS without any mention, EURL, a commune.
    assert not {"5202", "5499", "5599", "5699", "5710", "5498", "7210"} & set(codes)
