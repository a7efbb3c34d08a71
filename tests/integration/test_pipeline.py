"""The pipeline on the toy territory, every figure written out, then on Normandy: it adds up in every direction."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import sqlalchemy as sa

from observatory import pipeline
from observatory.declared.study_reading import read_study
from observatory.errors import InputFileError, NoSupplyError, NotComputedError, UsageError
from observatory.store.ingest.snapshot_load import load_snapshot
from observatory.store.tables import AccessResult, GapResult, IndicatorValue, NeedResult, Run, SnapshotFile, Structure

CENSUS = Path(__file__).parents[3] / "shared" / "data" / "figures" / "commune_rp2021.csv"
MERGED_SINCE = {
    "14011": "14581",  # Anctoville, then Aurseulles under its code, now Aurseulles
    "14300": "14743",  # Gerrots: Victot-en-Auge
    "14623": "14408",  # Saint-Martin-de-Fontenay: Saint-Martin-de-May
    "61017": "61275",  # Les Authieux-du-Puits, La Genevraie, Godisson and Nonant-le-Pin: Merlerault-le-Pin
    "61188": "61275",
    "61192": "61275",
    "61310": "61275",
    "76358": "76455",  # Le Héron: Morville-le-Héron
}
"""Communes of the census of 2021 that are others today: their persons are counted in these."""
TOY_STUDY = """
[study]
id = "toy"
title = "Étude de démonstration"
version = 1

[rules]
normalisation = "goalposts"
aggregation = "arithmetic"
min_weight_share = 0.6

[cuts]
need = 50.0
access = 50.0

[catchment]
threshold_min = 15.0

[weights.active]
label = "actifs"
level = "commune"
figure = "active_15_64_count"

[defis.insertion]
label = "Insertion"
volume_kind = "share_of_population"
volume_indicator = "unemployment"
volume_label = "chômeurs"

[[defis.insertion.indicators]]
id = "unemployment"
label = "Chômage"
unit = "%"
direction = 1
weight = 1.0
low = 0.0
high = 20.0
measure = { kind = "weighted_mean", level = "commune", figure = "unemployed_15_64_share", weight = "active" }

[services.ressourcerie]
threshold_min = 15.0

[services.tiers_lieu]
threshold_min = 15.0

[services.accompagnement]
threshold_min = 15.0

[travel.one_km]
value_min = 1.0
[travel.exponent]
value = 1.0
[travel.floor]
value_min = 0.0
[travel.urban]
value_min = 0.0
value_km = 1.0
levels = []
"""
COUNTS = ["population_count", "served_count", "reachable_full_count", "out_of_reach_count"]


@pytest.fixture
def toy_study(tmp_path: Path) -> Path:
    path = tmp_path / "toy.toml"
    path.write_text(TOY_STUDY, encoding="utf-8")
    return path


def rows_of(connection: sa.Connection, run_hash: str) -> pd.DataFrame:
    query = sa.select(*GapResult.__table__.columns).where(GapResult.run_hash == run_hash)
    result = connection.execute(query)
    return pd.DataFrame(result.all(), columns=list(result.keys())).set_index(["level", "code"])


def toy_gap(connection: sa.Connection, study: Path, service: str, **options: Any) -> pd.DataFrame:
    run = pipeline.gap_run(connection, defi="insertion", service=service, study_path=study, **options)
    return rows_of(connection, run.run_hash)


def test_gap_of_the_toy_territory_by_hand(toy_connection: sa.Connection, toy_study: Path) -> None:
    """One minute per kilometre; one site at 14901, one across the border at 72901; 15 minutes (steps 7.5, 11.25, 15).

    Site 1 is 0 min from 14901, 10 from 14902, 20 from 61901; site 2 is 0 min from 72901, 10 from 61902, 20 from 61901.
    Weighted demand: site 1 1000 + 0.3 × 500 = 1150; site 2 400 + 0.3 × 200 = 460 (the border counts).
    Supply per inhabitant: 14901 1/1150; 14902 0.3/1150; 61901 0; 61902 0.3/460. Norm: 1 site in the region for 2000.
    Shares: 2000/1150 → 1; 600/1150 = 0.52174; 0; 600/460 → 1.
    Served 1000, ⌊260.87 + 0.5⌋ = 261, 0, 200; full 0, 239, 0, 0; out of reach 0, 0, 300, 0.
    Unemployment 10, 5, 20 %, unknown: scores 50, 25, 100, none; unemployed 100, 25, 60, unknown.
    EPCI 1: 50 of 600 active = 8.33 %, a protected share, so 8.3 % → 41.5; access (1000 + 260.87) / 1500 = 84.1;
    5000 / 1500 = 3.3 min: covered.
    EPCI 2: 20 of 100 active → 100; access 200 / 500 = 40; (300 × 20 + 200 × 10) / 500 = 16 min: priority 60.
    Region: 70 of 700 → 50; access 1460.87 / 2000 = 73.0; 13 000 / 2000 = 6.5 min; priority 50 × 27 % = 13.5.
    """
    rows = toy_gap(toy_connection, toy_study, "ressourcerie")
    communes = rows.loc["commune"]
    assert communes.index.tolist() == ["14901", "14902", "61901", "61902"]
    assert communes["served_count"].tolist() == [1000, 261, 0, 200]
    assert communes["reachable_full_count"].tolist() == [0, 239, 0, 0]
    assert communes["out_of_reach_count"].tolist() == [0, 0, 300, 0]
    assert communes["nearest_min"].tolist() == [0.0, 10.0, 20.0, 10.0]
    assert communes["need_score"].tolist()[:3] == [50.0, 25.0, 100.0]
    assert communes.loc["61902", "status"] == "missing"
    assert communes.loc["61902", "typology"] == "indetermine"
    assert communes.loc["61902", "note"].startswith("Pas de score de besoin : on ne connaît que 0\u202f% du poids")
    columns = ["need_score", "need_volume_count", "access_score", "nearest_min", "priority_score", "typology"]
    assert rows.loc[("epci", "200000001"), columns].tolist() == [41.5, 125, 84.1, 3.3, 6.6, "couvert"]
    assert rows.loc[("epci", "200000002"), columns].tolist() == [100.0, 60, 40.0, 16.0, 60.0, "prioritaire"]
    assert rows.loc[("region", "28"), columns].tolist() == [50.0, 185, 73.0, 6.5, 13.5, "a_conforter"]
    assert rows.loc[("region", "28"), COUNTS].tolist() == [2000, 1461, 239, 300]
    assert rows.loc[("region", "28"), "in_need_out_of_reach_count"] == 60


def test_a_qpv_has_access_but_no_count(toy_connection: sa.Connection, toy_study: Path) -> None:
    qpv = toy_gap(toy_connection, toy_study, "ressourcerie").loc[("qpv", "QN01499X")]
    assert (qpv["nearest_min"], qpv["access_score"]) == (0.0, 100.0)
    assert (qpv["status"], qpv["typology"]) == ("missing", "indetermine")
    assert qpv[[*COUNTS, "need_score", "need_volume_count"]].isna().all()
    assert "Population du quartier absente" in qpv["note"]


def test_a_partial_territory_says_so(toy_connection: sa.Connection, toy_study: Path) -> None:
    row = toy_gap(toy_connection, toy_study, "ressourcerie").loc[("epci", "200000002")]
    assert row["is_partial"]
    assert "ses 2 communes de Normandie" in row["note"]


def test_accompaniment_stays_in_its_zone(toy_connection: sa.Connection, toy_study: Path) -> None:
    """The body of 14901 only serves EPCI 200000001, whatever the time allowed."""
    rows = toy_gap(toy_connection, toy_study, "accompagnement", threshold_min=60).loc["commune"]
    assert rows["out_of_reach_count"].tolist() == [0, 0, 300, 200]
    assert rows["nearest_min"].isna().tolist() == [False, False, True, True]


def test_projects_and_places_unknown_are_no_supply(toy_connection: sa.Connection, toy_study: Path) -> None:
    run = pipeline.gap_run(toy_connection, defi="insertion", service="tiers_lieu", study_path=toy_study)
    rows = rows_of(toy_connection, run.run_hash)
    assert rows.loc[("region", "28"), COUNTS].tolist() == [2000, 0, 0, 2000]
    assert run.parameters["supply_count"] == 0
    assert any("Projet de Gamma" in sentence for sentence in run.parameters["warnings"])
    assert any("Le Hangar" in sentence for sentence in run.parameters["warnings"])


def test_a_service_offered_beyond_the_border_only_is_left_out_and_said(
    empty_engine: sa.Engine, toy_snapshot: Path, toy_study: Path
) -> None:
    """Without s1 no site of the region fixes a norm, while 61902 still reaches the one of 72901."""
    load_snapshot(empty_engine, toy_snapshot)
    before = pipeline.compute(empty_engine, study_path=toy_study)
    assert (before.new_count, before.without_supply) == (3, ())
    with empty_engine.begin() as connection:
        connection.execute(sa.update(Structure).where(Structure.structure_id == "s1").values(is_active=False))
        connection.execute(
            sa.update(SnapshotFile).where(SnapshotFile.file_name == "structures.parquet").values(checksum="other")
        )
    label = read_study(toy_study).services["ressourcerie"].label
    for counts in ((2, 0), (0, 2)):
        report = pipeline.compute(empty_engine, study_path=toy_study)
        assert (report.new_count, report.unchanged_count) == counts
        assert str(report).endswith(
            f"Aucune structure connue dans la région, donc aucune analyse de l’accès : {label}."
        )
        with empty_engine.connect() as connection:
            shown = connection.execute(sa.select(Run.service).where(Run.kind == "gap", Run.is_default))
            assert set(shown.scalars()) == {"accompagnement", "tiers_lieu"}
    with empty_engine.begin() as connection, pytest.raises(NoSupplyError, match="Aucune offre dans la région"):
        pipeline.gap_run(connection, defi="insertion", service="ressourcerie", study_path=toy_study)


def test_a_threshold_only_moves_access(toy_connection: sa.Connection, toy_study: Path) -> None:
    """At 30 minutes everyone is within reach (20 min at most): nobody is out, and the need is what it was."""
    near = toy_gap(toy_connection, toy_study, "ressourcerie")
    far = toy_gap(toy_connection, toy_study, "ressourcerie", threshold_min=30)
    assert far.loc[("region", "28"), "out_of_reach_count"] == 0
    pd.testing.assert_series_equal(near["need_score"], far["need_score"])


def test_the_same_request_is_the_same_run(toy_connection: sa.Connection, toy_study: Path) -> None:
    ask = {"defi": "insertion", "service": "ressourcerie", "study_path": toy_study}
    first = pipeline.gap_run(toy_connection, **ask)
    again = pipeline.gap_run(toy_connection, **ask)
    other = pipeline.gap_run(toy_connection, **ask, threshold_min=16)
    assert (first.is_new, again.is_new, other.is_new) == (True, False, True)
    assert first.run_hash == again.run_hash != other.run_hash
    assert first.parameters == again.parameters
    kinds = toy_connection.execute(sa.select(Run.kind, sa.func.count()).group_by(Run.kind)).all()
    assert dict(kinds) == {"need": 1, "access": 2, "gap": 2}


def test_new_data_make_a_new_run(toy_connection: sa.Connection, toy_study: Path) -> None:
    ask = {"defi": "insertion", "service": "ressourcerie", "study_path": toy_study}
    first = pipeline.gap_run(toy_connection, **ask)
    toy_connection.execute(
        sa.update(SnapshotFile).where(SnapshotFile.file_name == "values.parquet").values(checksum="other")
    )
    toy_connection.execute(
        sa.update(IndicatorValue).where(IndicatorValue.code == "14902", IndicatorValue.value == 5.0).values(value=20.0)
    )
    second = pipeline.gap_run(toy_connection, **ask)
    assert second.run_hash != first.run_hash
    before, after = rows_of(toy_connection, first.run_hash), rows_of(toy_connection, second.run_hash)
    assert after.loc[("commune", "14902"), "need_score"] == 100.0
    others = [("commune", "14901"), ("commune", "61901"), ("epci", "200000002")]
    assert after.loc[others, "need_score"].tolist() == before.loc[others, "need_score"].tolist()


def test_reasons_add_up_to_the_score(toy_connection: sa.Connection, toy_study: Path) -> None:
    pipeline.gap_run(toy_connection, defi="insertion", service="ressourcerie", study_path=toy_study)
    for row in toy_connection.execute(sa.select(NeedResult.score, NeedResult.components)):
        parts = [one["contribution"] for one in row.components.values() if one["contribution"] is not None]
        assert (row.score is None) == (not parts)
        assert row.score is None or sum(parts) == pytest.approx(row.score)


def test_wrong_requests_are_refused(toy_connection: sa.Connection, toy_study: Path, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="défi « eau »"):
        pipeline.gap_run(toy_connection, defi="eau", service="ressourcerie", study_path=toy_study)
    with pytest.raises(UsageError, match="service « piscine »"):
        pipeline.gap_run(toy_connection, defi="insertion", service="piscine", study_path=toy_study)
    with pytest.raises(UsageError, match="seuil"):
        pipeline.gap_run(
            toy_connection, defi="insertion", service="ressourcerie", threshold_min=-5, study_path=toy_study
        )
    with pytest.raises(InputFileError, match=r"absente\.toml"):
        pipeline.gap_run(toy_connection, defi="insertion", service="ressourcerie", study_path=tmp_path / "absente.toml")


def test_an_empty_database_says_what_to_do(empty_engine: sa.Engine, toy_study: Path) -> None:
    with pytest.raises(NotComputedError, match="observatory ingest"):
        pipeline.compute(empty_engine, study_path=toy_study)


@pytest.fixture(scope="module")
def normandy(engine: sa.Engine) -> sa.Engine:
    pipeline.compute(engine)
    return engine


def test_second_compute_changes_nothing(normandy: sa.Engine) -> None:
    report = pipeline.compute(normandy)
    assert (report.new_count, report.unchanged_count) == (0, 21)
    assert str(report).startswith("Inchangé")
    with normandy.connect() as connection:
        defaults = connection.execute(sa.select(Run.kind, sa.func.count()).where(Run.is_default).group_by(Run.kind))
        assert dict(defaults.all()) == {"need": 3, "access": 7, "gap": 21}


def test_normandy_adds_up_at_every_level(normandy: sa.Engine) -> None:
    with normandy.connect() as connection:
        runs = connection.execute(sa.select(Run.run_hash).where(Run.kind == "gap", Run.is_default)).scalars().all()
        assert len(runs) == 21
        for run_hash in runs:
            rows = rows_of(connection, run_hash)
            levels = ("commune", "epci", "departement", "region")
            totals = [rows.loc[level, COUNTS].sum() for level in levels]
            assert totals[0]["population_count"] == 3_339_075
            for total in totals[1:]:
                assert total.tolist() == totals[0].tolist()
            _persons_add_up(connection, run_hash, rows)
            counted = rows[rows["population_count"].notna()]
            parts = counted[["served_count", "reachable_full_count", "out_of_reach_count"]].sum(axis="columns")
            assert (parts == counted["population_count"]).all()


def _persons_add_up(connection: sa.Connection, run_hash: str, rows: pd.DataFrame) -> None:
    """What is published is shown: each total is the sum of the communes, none hidden."""
    gap = connection.execute(sa.select(Run.parameters).where(Run.run_hash == run_hash)).scalar_one()
    assert gap["secrecy"] == {"threshold": None, "hidden_count": 0, "withheld": {}}
    communes = rows.loc["commune"]
    assert "suppressed" not in set(communes["status"])
    volume = communes["need_volume_count"].astype("Int64")
    total = rows.loc[("region", "28"), ["need_volume_count", "in_need_out_of_reach_count"]]
    assert total["need_volume_count"] == volume.sum() == rows.loc["departement", "need_volume_count"].sum()
    assert total["in_need_out_of_reach_count"] == rows.loc["departement", "in_need_out_of_reach_count"].sum()
    is_far = communes["out_of_reach_count"] == communes["population_count"]
    assert total["in_need_out_of_reach_count"] == volume[is_far].sum()
    assert rows.loc["epci", "need_volume_count"].sum() == total["need_volume_count"]


def test_every_commune_has_the_unemployed_that_insee_publishes(normandy: sa.Engine) -> None:
    """Small counts too: to the person, with the rate that they make, from the producer's file."""
    if not CENSUS.is_file():
        pytest.skip("les figures de l’Insee ne sont pas à côté du projet")
    census = pd.read_csv(CENSUS, dtype={"commune_code": str})
    merged = census["commune_code"].isin(MERGED_SINCE)
    assert merged.sum() == len(MERGED_SINCE)
    counted = census.groupby(census["commune_code"].replace(MERGED_SINCE))
    census = counted[["unemployed_1564_count", "active_1564_count"]].sum()
    with normandy.connect() as connection:
        query = (
            sa.select(NeedResult.code, NeedResult.volume, NeedResult.components)
            .join(Run, Run.run_hash == NeedResult.run_hash)
            .where(Run.is_default, Run.defi == "insertion", NeedResult.level == "commune")
        )
        found = pd.DataFrame(connection.execute(query).mappings().all()).set_index("code")
    # Les Trois Lacs, under neither of its codes, is not in the file: it has no count.
    assert len(found) == 2644
    absent = found[~found.index.isin(census.index)]
    assert absent.index.tolist() == ["27676"]
    assert absent["volume"].isna().all()
    found = found.drop(index="27676")
    known = census.loc[found.index]
    assert known.loc["14408", "unemployed_1564_count"] == 78 + 74
    assert found["volume"].tolist() == ((known["unemployed_1564_count"] + 0.5) // 1).tolist()
    assert (known["unemployed_1564_count"].between(1, 10)).sum() > 800
    rate = pd.Series({code: one["unemployment_1564_rate"]["value"] for code, one in found["components"].items()})
    expected = 100 * known["unemployed_1564_count"] / known["active_1564_count"]
    assert rate.astype(float).to_numpy() == pytest.approx(expected.to_numpy(), abs=1e-4, nan_ok=True)


def test_who_is_near_the_threshold_is_counted_at_every_level(normandy: sa.Engine) -> None:
    """Held-out error at 20 minutes (18.7 km: the band from 10 to 20 km): 25.86 %; see geodata/studies/travel.toml."""
    with normandy.begin() as connection:
        run = pipeline.gap_run(connection, defi="vieillissement", service="tiers_lieu")
        rows = rows_of(connection, run.run_hash)
    threshold_min, error = run.parameters["threshold_min"], run.parameters["travel"]["error"]
    assert error == {"median": 0.0991, "p90": 0.2586}
    assert "9e décile" in run.parameters["travel"]["note"]
    communes = rows.loc["commune"]
    minutes, near = communes["nearest_min"].astype(float), communes["near_threshold_count"].astype(int)
    # Printed minutes are rounded to a tenth: within it of a bound, either answer is right.
    low, high = threshold_min * (1 - error["p90"]), threshold_min * (1 + error["p90"])
    sure = (minutes - low).abs().gt(0.06) & (minutes - high).abs().gt(0.06)
    inside = minutes.gt(low) & minutes.le(high)
    assert (near[sure] == communes["population_count"].astype(int).where(inside, 0)[sure]).all()
    assert 0 < near.sum() < communes["population_count"].sum()
    for level in ("epci", "departement", "region"):
        assert rows.loc[level, "near_threshold_count"].sum() == near.sum()


def test_the_71_epci_have_a_score(normandy: sa.Engine) -> None:
    with normandy.begin() as connection:
        run = pipeline.gap_run(connection, defi="vieillissement", service="tiers_lieu")
        assert not run.is_new
        epci = rows_of(connection, run.run_hash).loc["epci"]
    assert len(epci) == 71
    assert epci[["need_score", "access_score", "priority_score", "nearest_min"]].notna().all(axis=None)
    assert (epci["typology"] != "indetermine").all()
    partial = epci[epci["is_partial"]]
    assert len(partial) > 0
    assert partial["note"].str.contains("communes de Normandie dont le contour est connu").all()


def test_every_result_names_sources_that_exist(normandy: sa.Engine) -> None:
    with normandy.connect() as connection:
        known = set(connection.exec_driver_sql("SELECT source_id FROM observatory.source").scalars())
        for kind, source_ids in connection.execute(sa.select(Run.kind, Run.source_ids)):
            assert source_ids, kind
            assert set(source_ids) <= known
        nearest = set(connection.execute(sa.select(AccessResult.nearest_structure_id).distinct()).scalars()) - {None}
        structures = set(connection.exec_driver_sql("SELECT structure_id FROM observatory.structure").scalars())
        assert nearest <= structures


def test_shares_of_75_by_epci_are_the_iris_file_weighted_by_population(normandy: sa.Engine) -> None:
    query = """
        SELECT epci.parent_code, sum(share.value * persons.value) / sum(persons.value)
        FROM observatory.indicator_value AS share
        JOIN observatory.indicator_value AS persons USING (level, code)
        JOIN observatory.territory_link AS iris
            ON iris.child_level = 'iris' AND iris.child_code = share.code AND iris.parent_level = 'commune'
        JOIN observatory.territory_link AS epci
            ON epci.child_level = 'commune' AND epci.child_code = iris.parent_code AND epci.parent_level = 'epci'
        WHERE share.level = 'iris' AND share.indicator = 'age75p_pct' AND persons.indicator = 'population_count'
        GROUP BY epci.parent_code
    """
    with normandy.connect() as connection:
        expected = dict(connection.exec_driver_sql(query).all())
        found = connection.execute(
            sa.select(NeedResult.code, NeedResult.components)
            .join(Run, Run.run_hash == NeedResult.run_hash)
            .where(Run.is_default, Run.defi == "vieillissement", NeedResult.level == "epci")
        ).all()
    assert len(found) == 71
    for code, components in found:
        assert components["age75p_pct"]["value"] == pytest.approx(expected[code], abs=0.5001e-4)
