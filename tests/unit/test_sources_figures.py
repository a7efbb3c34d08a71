"""Readers of figures on toy frames: merged communes, absent rows, French months, shares out of range, accounts."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from observatory.errors import InputFileError
from observatory.sources.batch import Sieve
from observatory.sources.figures import bpe, commune_rp, defm, deld, filosofi, iris, ze_unemployment
from observatory.sources.figures.sinoe import DECHETERIES
from observatory.sources.formats import cell_text
from observatory.sources.formats.tables import read_exact
from observatory.sources.territories import history, zoning


def frame(text: str, tmp_path: Path) -> pd.DataFrame:
    path = tmp_path / "toy.csv"
    path.write_text(text, encoding="utf-8")
    header = text.splitlines()[0].split(",")
    return read_exact(path, header)


def census(rows: dict[str, int], tmp_path: Path) -> pd.DataFrame:
    header = ",".join(["commune_code", *commune_rp.FIGURES])
    lines = [",".join([code, *[str(count)] * len(commune_rp.FIGURES)]) for code, count in rows.items()]
    return frame("\n".join([header, *lines]), tmp_path)


def test_csv_lines_are_those_of_the_file_even_with_line_breaks(tmp_path: Path) -> None:
    path = tmp_path / "toy.csv"
    path.write_bytes('\ufeffname,code\n"two\nlines",01\nplain,\n'.encode())
    read = read_exact(path, ("code", "name"))
    assert read.to_dict("records") == [
        {"code": "01", "name": "two\nlines", "line": 3},
        {"code": None, "name": "plain", "line": 4},
    ]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"a,c\n1,2\n", "n’a pas la colonne « b »"),
        (b"a,b\n1,2\n1\n", "1 colonnes à la ligne 3 au lieu de 2"),
        ("a,b\né,2\n".encode("mac_roman"), "ni en UTF-8 ni en Windows-1252"),
        (b"", "est vide"),
    ],
)
def test_a_wrong_file_is_told_in_french(tmp_path: Path, content: bytes, message: str) -> None:
    path = tmp_path / "toy.csv"
    path.write_bytes(content)
    with pytest.raises(InputFileError, match=message):
        read_exact(path, ("a", "b"))


def test_an_absent_file_is_told(tmp_path: Path) -> None:
    with pytest.raises(InputFileError, match="introuvable"):
        read_exact(tmp_path / "absent.csv", ("a",))


def test_a_sieve_keeps_its_account() -> None:
    rows = pd.DataFrame({"code": ["a", "a", "b", "c", "d"], "value": ["1", "1", "x", "", "4"], "line": [2, 3, 4, 5, 6]})
    sieve = Sieve(rows, "toy", "toy.csv")
    sieve.leave_outside(sieve.frame["code"].eq("d"))
    sieve.drop_duplicates()
    sieve.reject(sieve.frame["code"].eq("c"), "inconnue")
    cell_text.numbers(sieve, ["value"])
    batch = sieve.batch()
    assert (batch.read_count, batch.kept_count, batch.rejected_count) == (5, 2, 1)
    assert (batch.duplicate_count, batch.outside_count, batch.rejected_cell_count) == (1, 1, 1)
    assert batch.rejected.to_dict("records") == [
        {"scope": "row", "line": 5, "reason": "inconnue", "content": "c ; "},
        {"scope": "cell", "line": 4, "reason": "value : valeur illisible", "content": "b ; x"},
    ]
    assert batch.frame["value"].tolist()[0] == 1.0


def test_successors_follow_communes_deleguees_and_declarations() -> None:
    delegated = pd.DataFrame({"code": ["A1", "B"], "commune_code": ["A", "B"]})
    assert history.successors(delegated, {"C1": "C"}) == {"A1": "A", "C1": "C"}


def test_counts_of_merged_communes_are_added(tmp_path: Path) -> None:
    batch = commune_rp.normalise(
        census({"A": 100, "A1": 20, "X": 7}, tmp_path), communes={"A", "B"}, successor={"A1": "A"}
    )
    population = batch.frame.set_index("commune_code")["population_count"]
    assert population["A"] == 120
    assert pd.isna(population["B"])
    assert batch.notes == ("A1 ajoutée à A",)
    assert batch.rejected["content"].str.split(" ; ").str[0].tolist() == ["X"]
    long = commune_rp.values(batch.frame).set_index(["code", "indicator"])
    assert long.loc[("A", "population_2015_count"), ["period", "value", "status"]].tolist() == [
        "2015",
        120.0,
        "observed",
    ]
    assert long.loc[("B", "unemployed_1564_count"), "status"] == "missing"
    assert long.loc[("A", "births_2022_count"), "source_id"] == "insee_etat_civil_2022"


def test_a_median_does_not_survive_a_merger_but_survives_a_new_code(tmp_path: Path) -> None:
    text = "commune_code,median_eur,minima_pct\nA,20000,\nA1,30000,2.0\nC1,25000,\nD1,21000,\n"
    successor = {"A1": "A", "C1": "C", "D1": "D"}
    batch = filosofi.normalise(
        frame(text, tmp_path), communes={"A", "B", "C", "D"}, successor=successor, renamed={"C1": "C"}
    )
    medians = batch.frame.set_index("commune_code")["median_eur"]
    assert medians["C"] == 25_000
    # D absorbed D1 and is itself under secrecy: the part's median is not the whole's.
    assert medians[["A", "B", "D"]].isna().all()
    assert batch.rejected_count == 3


def test_an_absent_commune_has_no_equipment(tmp_path: Path) -> None:
    header = ",".join(["commune_code", *bpe.EQUIPMENTS])
    row = ",".join(["A", *["2.0"] * len(bpe.EQUIPMENTS)])
    batch = bpe.normalise(frame(f"{header}\n{row}", tmp_path), communes={"A", "B"})
    long = bpe.values(batch.frame).set_index(["code", "indicator"])["value"]
    assert long["A", "bpe_lycee_count"] == 2
    assert long["B", "bpe_lycee_count"] == 0
    assert len(long) == 2 * 16


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("janvier_2020", "2020-01"),
        ("aout_2024", "2024-08"),
        ("decembre_2021", "2021-12"),
        ("brumaire_2020", None),
        ("mars", None),
        (None, None),
    ],
)
def test_months_are_french_words(text: str | None, expected: str | None) -> None:
    assert defm.period(text) == expected


def test_job_seekers_repeated_and_contradicted(tmp_path: Path) -> None:
    text = (
        "commune_code,month,job_seekers_count\nA,mars_2020,10\nA,mars_2020,10\nB,mars_2020,20\nB,mars_2020,30\n"
        "14,mars_2020,500\n99,mars_2020,1\n"
    )
    batch = defm.normalise(frame(text, tmp_path), communes={"A", "B"}, departements={"14"})
    assert defm.values(batch.frame)[["level", "code", "period", "value"]].to_numpy().tolist() == [
        ["commune", "A", "2020-03", 10.0],
        ["departement", "14", "2020-03", 500.0],
    ]
    assert (batch.duplicate_count, batch.rejected_count, batch.outside_count) == (1, 2, 1)


def test_zone_codes_keep_their_zeros(tmp_path: Path) -> None:
    text = "ze2020,ze2020_name,quarter,unemployment_pct\n0051,Alençon,2025-T4,7.2\n0054,Beauvais,2025-T4,7.6\n"
    batch = ze_unemployment.normalise(frame(text, tmp_path), zones={"0051"})
    assert ze_unemployment.values(batch.frame)[["code", "value"]].to_numpy().tolist() == [["0051", 7.2]]
    assert batch.outside_count == 1


def test_long_term_shares_by_year(tmp_path: Path) -> None:
    text = "codgeo,year0,value0,year1,value1\n14,2013,40.0,2017,44.1\n01,2013,1,2017,2\n"
    batch = deld.normalise(frame(text, tmp_path), departements={"14"})
    assert deld.values(batch.frame)[["code", "period", "value"]].to_numpy().tolist() == [
        ["14", "2013", 40.0],
        ["14", "2017", 44.1],
    ]


def test_tonnages_are_added_over_treatments_and_a_sum_that_lacks_a_row_is_missing(tmp_path: Path) -> None:
    text = (
        "ANNEE,C_DEPT,C_TYP_REG_DECHET,C_TYP_REG_SERVICE,TONNAGE_DECH\n2017,14,02A,02A,1.5\n2017,14,02A,02B,2\n"
        '2017,14,02D,02D,10\n2017,35,02D,02D,99\n2017,14,02D,02E,\n2015,14,02A,02A,"1 234,5"\n'
        '2015,14,02A,02A,"1 234,5"\n2013,14,02A,02A,7\n2013,14,XXX,02D,5\n2011,14,02A,02A,1\n2011,14,02A,02A,2\n'
    )
    path = tmp_path / "tonnages.csv"
    path.write_text(text, encoding="utf-8")
    batch = DECHETERIES.normalise(DECHETERIES.read(path), departements={"14"})
    told = DECHETERIES.values(batch.frame)
    found = told.set_index(["period", "indicator"])["value"]
    assert found["2017", "decheterie_dangereux_t"] == 3.5
    assert found["2015", "decheterie_dangereux_t"] == found["2015", "decheterie_total_t"] == 1234.5  # written twice
    assert found["2013", "decheterie_dangereux_t"] == 7
    lacking = {("2017", "decheterie_encombrants_t"), ("2017", "decheterie_total_t"), ("2013", "decheterie_total_t")}
    assert set(found[found.isna()].index) == lacking
    assert set(told.loc[told["value"].isna(), "status"]) == {"missing"}
    assert (batch.kept_count, batch.outside_count, batch.rejected_count, batch.duplicate_count) == (5, 1, 4, 1)


def test_decimal_commas_are_read_and_rows_that_contradict_each_other_are_not_duplicates(tmp_path: Path) -> None:
    path = tmp_path / "deld.csv"
    path.write_text(
        "codgeo;year0;value0;year1;value1\n14;2013;40,5;2017;44,1\n14;2013;40,5;2017;44,1\n"
        "50;2013;30;2017;31\n50;2013;30;2017;35\n",
        encoding="utf-8",
    )
    batch = deld.normalise(deld.read(path), departements={"14", "50"})
    assert (batch.kept_count, batch.duplicate_count, batch.rejected_count) == (1, 1, 2)
    assert deld.values(batch.frame)["value"].tolist() == [40.5, 44.1]
    header = ",".join(["commune_code", *commune_rp.FIGURES])
    lines = [",".join(["14001", *[figure] * len(commune_rp.FIGURES)]) for figure in ("7", "8")]
    batch = commune_rp.normalise(frame("\n".join([header, *lines]), tmp_path), communes={"14001"}, successor={})
    assert (batch.kept_count, batch.duplicate_count, batch.rejected_count) == (0, 0, 2)
    assert defm.period("Février 2024") == defm.period("fevrier_2024") == "2024-02"


def test_iris_shares_out_of_range_and_names(tmp_path: Path) -> None:
    columns = [*iris.KEYS, *iris.CENSUS, *iris.INCOME]
    rows = [
        ["140010000", "14001", *["50.0"] * 15],
        ["143010101", "14301", *["104.0"] * 15],
        ["999990101", "14301", *["50.0"] * 15],
    ]
    batch = iris.normalise(
        frame("\n".join(",".join(row) for row in [columns, *rows]), tmp_path), communes={"14001", "14301"}
    )
    assert batch.rejected_count == 1
    assert batch.rejected_cell_count == sum(name.endswith("_pct") for name in columns)
    names = iris.names(batch.frame, pd.Series({"14001": "Ablon", "14301": "Dives"}))
    assert names.tolist() == ["Ablon", "Dives – IRIS 0101"]
    long = iris.values(batch.frame).set_index(["code", "indicator"])
    assert long.loc[("143010101", "below_bac_pct"), "status"] == "missing"
    assert long.loc[("143010101", "population_count"), "value"] == 104.0
    assert long.loc[("140010000", "median_eur"), ["period", "source_id"]].tolist() == ["2021", "insee_filosofi_2021"]


def test_zonings_are_coded_and_unknown_labels_put_aside(tmp_path: Path) -> None:
    common = ["Les petites polarités mixtes", "Communes non centre"]
    rows = [
        [*zoning.COLUMNS],
        ["A", "Bourgs ruraux", *common, "FRR+", "0051", "Alençon", "000", "", "30", "61001", "Alençon", "61000"],
        ["B", "Grande cité", *common, "Non classée", "0051", "Alençon", "012", "Caen", "11", "", "", "61501"],
    ]
    text = "\n".join(",".join(row) for row in rows)
    batch = zoning.normalise(frame(text, tmp_path), communes={"A", "B"})
    coded = zoning.zonings(batch.frame).set_index(["code", "zoning"])
    assert coded.loc[("A", "densite"), ["value_code", "value_label"]].tolist() == ["5", "Bourgs ruraux"]
    assert ("B", "densite") not in coded.index
    assert coded.loc[("A", "frr"), "value_code"] == "plus"
    assert coded.loc[("A", "aav"), "value_label"] == "Commune hors attraction des villes"
    assert coded.loc[("A", "unite_urbaine"), "value_label"] == "Commune hors unité urbaine"
    assert coded.loc[("B", "unite_urbaine"), "value_label"] == "Unité urbaine 61501"
    assert batch.rejected["reason"].tolist() == ["density_level : libellé hors nomenclature"]
    assert zoning.memberships(batch.frame, "bassin_vie")["commune_code"].tolist() == ["A"]
    assert zoning.memberships(batch.frame, "zone_emploi")["code"].tolist() == ["0051", "0051"]
