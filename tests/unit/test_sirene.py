"""The Sirene path on stock files small enough to be worked by hand."""

import csv

import numpy as np
import pandas as pd
import pytest

from observatory.declared.services import offer
from observatory.errors import InputFileError, UsageError
from observatory.sources.structures import sirene_stock

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
    units, places = tmp_path / f"unites.{request.param}", tmp_path / f"d’établissements.{request.param}"
    for frame, path in ((UNITS, units), (PLACES, places)):
        if request.param == "csv":
            frame.to_csv(path, index=False)
        else:
            frame.to_parquet(path)
    listed = tmp_path / "liste.csv"
    listed.write_text("SIREN\n5\n 000000002 \nabc\n", encoding="utf-8")
    return sirene_stock.Extract(units, places, listed)


def read(extract, **options):
    return sirene_stock.read(extract, departements=["14", "27", "50", "61", "76"], families=FAMILIES, **options).frame


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
    found = sirene_stock.read(
        sirene_stock.Extract(extract.legal_units, extract.establishments), departements=["27", "76"], families=FAMILIES
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
    assert sirene_stock.recognise(given) == sirene_stock.Extract(
        extract.legal_units, extract.establishments, extract.ess_list, points
    )
    with pytest.raises(InputFileError, match="Il manque le fichier StockUniteLegale"):
        sirene_stock.recognise([extract.establishments])
    with pytest.raises(InputFileError, match="deux fois le même"):
        sirene_stock.recognise([*given, extract.legal_units])
    other = tmp_path / "autre.csv"
    other.write_text("a,b\n1,2\n", encoding="utf-8")
    with pytest.raises(InputFileError, match=r"autre\.csv n’est aucun fichier"):
        sirene_stock.recognise([other])
    short = tmp_path / "court.csv"
    PLACES.drop(columns="codeCommuneEtablissement").to_csv(short, index=False)
    with pytest.raises(InputFileError, match="n’a pas la colonne codeCommuneEtablissement"):
        sirene_stock.recognise([short, extract.legal_units])


def test_insee_geolocation_is_joined_by_siret_in_lambert_93_only(extract, tmp_path):
    points = tmp_path / "points.csv"
    points.write_text(
        "siret,x,y,qualite_xy,epsg\n00000000100012,454100.25,6904100.5,11,2154\n00000000200010,1,2,11,2975\n",
        encoding="utf-8",
    )
    with_points = sirene_stock.Extract(extract.legal_units, extract.establishments, None, points)
    found = read(with_points).set_index("siret")
    assert found.loc["00000000100012", ["located_x_m", "located_y_m", "located_quality"]].tolist() == [
        454100.25,
        6904100.5,
        "11",
    ]
    assert found["located_x_m"].notna().sum() == 1


def test_the_longer_prefix_wins_whatever_the_order():
    codes = sirene_stock._codes({"5458": "scop", "54": "autre_54"})
    assert (codes["5458"], codes["5457"], len(codes)) == ("scop", "autre_54", 100)


def test_wrong_files_end_in_a_sentence(extract, tmp_path):
    with pytest.raises(InputFileError, match="n’existe pas"):
        read(sirene_stock.Extract(tmp_path / "absent.csv", extract.establishments))
    with pytest.raises(InputFileError, match="n’a pas la colonne siret"):
        read(sirene_stock.Extract(extract.legal_units, extract.legal_units))
    broken = tmp_path / "coupe.parquet"
    broken.write_bytes(b"PAR1 coupe")
    with pytest.raises(InputFileError, match=r"coupe\.parquet n’est ni"):
        read(sirene_stock.Extract(broken, extract.establishments))


def test_a_wrong_departement_is_refused(extract):
    with pytest.raises(UsageError, match="142"):
        sirene_stock.read(extract, departements=["142"], families=FAMILIES)


def test_the_declared_families_hold_the_legal_forms_of_the_law_and_no_plain_company():
    codes = sirene_stock._codes(offer().ess_families)
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


HERE = ["14", "2A", "76"]


def drawn(seed=20140731):
    """Draw 400 legal units and 3,000 places, with the oddities that a stock may hold."""
    random = np.random.default_rng(seed)
    sirens = np.array([f"{number:09d}" for number in random.choice(10**9, 400, replace=False)])
    units = pd.DataFrame(
        {
            "siren": sirens,
            "denominationUniteLegale": [None if i % 17 == 0 else f'UNITÉ ; "{i}", ŒUVRE' for i in range(400)],
            "categorieJuridiqueUniteLegale": random.choice(["9220", "5458", "5499", "5710", "1000"], 400),
            "identifiantAssociationUniteLegale": [f"W{i:09d}" if i % 3 else None for i in range(400)],
            "economieSocialeSolidaireUniteLegale": random.choice(["O", "N", None], 400),
        }
    )
    owner = random.integers(0, 420, 3000)
    siren = np.array([sirens[i] if i < 400 else f"99999{i:04d}" for i in owner])
    places = pd.DataFrame(
        {
            "siret": [one + f"{i:05d}" if i % 50 else one[:4] + "A" for i, one in enumerate(siren)],
            "siren": siren,
            "enseigne1Etablissement": random.choice([None, "[ND]", "ENSEIGNE"], 3000),
            "activitePrincipaleEtablissement": "94.99Z",
            "codeCommuneEtablissement": random.choice(["14118", "2A004", "76351", "75101", "1", "", None], 3000),
            "codePostalEtablissement": random.choice(["14000", "[ND]", None], 3000),
            "trancheEffectifsEtablissement": "NN",
            "etatAdministratifEtablissement": random.choice(["A", "F", None], 3000, p=[0.5, 0.45, 0.05]),
            "coordonneeLambertAbscisseEtablissement": random.choice(["454000.5", "[ND]", None], 3000),
            "coordonneeLambertOrdonneeEtablissement": "6904000.5",
        }
    )
    known = [*places["siret"].sample(60, random_state=1), "12345678900011"]
    return units, places, list(sirens[:40]), known


def plain(units, places, listed, known):
    """Do with loops what the SQL does: SIRET → rule, name, activity, whether known; a list, as nothing is dropped."""
    of = {row.siren: row for row in units.itertuples()}
    families = sirene_stock._codes(FAMILIES)
    found = []
    for row in places.itertuples():
        unit = of.get(row.siren)
        rule = None
        if unit is not None:
            rule = families.get(unit.categorieJuridiqueUniteLegale)
            rule = "listed" if row.siren in listed else rule
            rule = "declared" if unit.economieSocialeSolidaireUniteLegale == "O" else rule
        state = row.etatAdministratifEtablissement
        is_here = state == "A" and (row.codeCommuneEtablissement or "")[:2] in HERE
        if (is_here and rule) or (row.siret in known and state in ("A", "F")):
            sign = None if row.enseigne1Etablissement == "[ND]" else row.enseigne1Etablissement
            name = sign or (unit.denominationUniteLegale if rule else None)
            found.append((row.siret, rule, name, state == "A", row.siret in known))
    return sorted(found, key=str)


def as_text(frame):
    return frame.astype(object).where(frame.notna(), None)


@pytest.mark.parametrize(("of_units", "of_places"), [("parquet", "parquet"), ("csv", "csv"), ("csv", "parquet")])
def test_the_sql_finds_what_loops_over_the_rows_find(tmp_path, of_units, of_places):
    units, places, listed, known = (as_text(one) if isinstance(one, pd.DataFrame) else one for one in drawn())
    paths = []
    for frame, suffix in ((units, of_units), (places, of_places)):
        path = tmp_path / f"{len(frame)}.{suffix}"
        # As a spreadsheet would: another order of the columns, a BOM, semicolons, doubled quotes, ends of line of DOS.
        if suffix == "csv":
            frame[sorted(frame)].to_csv(path, index=False, sep=";", encoding="utf-8-sig", lineterminator="\r\n")
        else:
            frame[sorted(frame)].to_parquet(path, row_group_size=700)
        paths.append(path)
    (tmp_path / "liste.csv").write_text("SIREN\n" + "\n".join(str(int(one)) for one in listed), encoding="utf-8")
    stock = sirene_stock.read(
        sirene_stock.Extract(*paths, tmp_path / "liste.csv"), departements=HERE, families=FAMILIES, known=known
    )
    assert stock.read_count == 3000
    told = stock.frame[["siret", "ess_rule", "name", "is_active", "is_known"]]
    expected = plain(units, places, set(listed), set(known))
    assert sorted((tuple(row) for row in told.itertuples(index=False)), key=str) == expected
    assert {rule for _, rule, *_ in expected} == {"declared", "listed", "association", "scop", "autre_54", None}
    assert not stock.frame.isin(["[ND]"]).any(axis=None)


@pytest.mark.parametrize("suffix", ["csv", "parquet"])
def test_codes_that_lost_their_zeros_come_back_where_that_is_certain(tmp_path, suffix):
    # 005410220 00015 and 00024: the first key holds, the second doesn't.
    units = UNITS.assign(siren=UNITS["siren"].astype("int64") + 5_410_219)
    places = PLACES.head(2).assign(siren=5_410_220, siret=[541022000015, 541022000024], codeCommuneEtablissement=1004)
    places["etatAdministratifEtablissement"] = "A"
    paths = [tmp_path / f"{name}.{suffix}" for name in ("unites", "etablissements")]
    for frame, path in zip((units, places), paths, strict=True):
        frame.to_csv(path, index=False) if suffix == "csv" else frame.to_parquet(path)
    if suffix == "csv":
        places = pd.read_csv(paths[1], dtype=str).assign(codeCommuneEtablissement="01004")
        places.to_csv(paths[1], index=False, quoting=csv.QUOTE_ALL)
    found = sirene_stock.read(sirene_stock.Extract(*paths), departements=["01"], families=FAMILIES).frame
    # A whole column of numbers has certainly lost them; a text has if the key of the whole holds.
    lost = {"csv": "541022000024", "parquet": "00541022000024"}[suffix]
    assert set(found["siret"]) == {"00541022000015", lost}
    assert found["siren"].tolist() == ["005410220", "005410220"]
    assert found["ess_rule"].tolist() == ["association", "association"]
    assert found["commune_code"].tolist() == ["01004", "01004"]


def test_another_encoding_than_that_of_insee_is_named(extract, tmp_path):
    strange = tmp_path / "cp1252.csv"
    late = pd.concat([UNITS] * 2000).assign(denominationUniteLegale="ÉCOLE")
    late.iloc[:-5, 1] = "ECOLE"
    late.to_csv(strange, index=False, encoding="cp1252")
    with pytest.raises(InputFileError, match="UTF-8"):
        read(sirene_stock.Extract(strange, extract.establishments))


def test_a_legal_unit_written_twice_gives_its_places_once(extract, tmp_path):
    twice = tmp_path / f"doubles{extract.legal_units.suffix}"
    units = pd.concat([UNITS, UNITS])
    units.to_csv(twice, index=False) if twice.suffix == ".csv" else units.to_parquet(twice)
    found = read(sirene_stock.Extract(twice, extract.establishments), known=["00000000100012"])
    assert found["siret"].is_unique
    assert len(found) == 4
