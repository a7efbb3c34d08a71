"""The secret of small counts on Normandy, against an attacker who has every channel: none is known to within two.

What the census publishes is shown. Here its figures are declared ``restricted``, as if territories had entered them.
"""

from __future__ import annotations

import csv
import io
import json
import re
import time
from collections.abc import Iterator
from functools import cache
from typing import Any

import mvt
import numpy as np
import pandas as pd
import pytest
import sqlalchemy as sa
from attacker import Attacker
from fastapi.testclient import TestClient

import geodata
from api.app import create_app
from observatory.declared import catalogue
from observatory.declared.reference import secrecy
from observatory.declared.siting_study import SitingStudy
from observatory.declared.study_reading import read_study
from observatory.gap.secrecy import stand_ins, suppress
from observatory.publish import export_layers, gap_rows, regional_layers
from observatory.publish.offline_map import draw
from observatory.publish.offline_page import page
from observatory.runs.loaded_inputs import Inputs, read_figures, read_inputs
from observatory.runs.need import small_counts
from observatory.runs.need.need_run import NeedRun, need_run
from observatory.runs.siting.answer import Asked, answer
from observatory.runs.territory_series import territory_series
from observatory.settings import Settings
from observatory.store.tables import IndicatorValue, SnapshotFile

DEFIS = ("insertion", "vieillissement")
SERVICES = ("ressourcerie", "tiers_lieu")
LEVELS = ("commune", "epci", "departement", "region")
COUNTS = ("need_volume_count", "in_need_out_of_reach_count")
WITHIN = 2
"""A count is known when its interval is no wider than twice this."""
MOST_AT_RISK = 60
"""Hidden counts that the attacker of two vintages goes for: those that one vintage already leaves the narrowest."""
SITED = SitingStudy(
    id="essai",
    title="Essai",
    territory="200071652",  # Pays Fertois et Bocage Carrougien, where thirteen communes are hidden
    services=("ressourcerie",),
    defis={"insertion": 1.0},
    poles=1,
    objective="mclp",
    threshold_min=10.0,
)


@pytest.fixture(autouse=True, scope="module")
def _restricted(computed_engine: sa.Engine) -> Iterator[None]:
    """Once the default analyses are there, the census declared as if territories had entered it: every rule holds."""
    declared = secrecy()
    census = {"insee_rp_2021", "insee_iris_rp2022", "insee_etat_civil_2022"}
    sources = {name: one for name, one in declared.sources.items() if name not in census}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(small_counts, "secrecy", lambda: declared.model_copy(update={"sources": sources}))
        yield


@pytest.fixture(scope="module")
def client(computed_engine: sa.Engine, settings: Settings) -> Iterator[TestClient]:
    with TestClient(create_app(settings)) as client:
        yield client


@pytest.fixture(scope="module")
def inputs(computed_engine: sa.Engine) -> Inputs:
    with computed_engine.connect() as connection:
        return read_inputs(connection)


@pytest.fixture(scope="module")
def needs(computed_engine: sa.Engine, inputs: Inputs) -> dict[str, NeedRun]:
    with computed_engine.begin() as connection:
        return {defi: need_run(connection, read_study(), defi, inputs=inputs) for defi in DEFIS}


@pytest.fixture(scope="module")
def values(computed_engine: sa.Engine) -> pd.DataFrame:
    with computed_engine.connect() as connection:
        return export_layers.read_layer(connection, "values").frame


def rows(client: TestClient, defi: str, level: str, **asked: Any) -> pd.DataFrame:
    return _rows(client, tuple({"defi": defi, "service": "tiers_lieu", "level": level, **asked}.items()))


@cache
def _rows(client: TestClient, query: tuple[tuple[str, Any], ...]) -> pd.DataFrame:
    answer = client.get("/api/gaps", params=dict(query))
    assert answer.status_code == 200
    return pd.DataFrame(answer.json()["items"]).set_index("code")


def shows_a_small_count(found: pd.DataFrame) -> bool:
    shown = found[list(COUNTS)]
    return bool(((shown > 0) & (shown < 11)).any(axis=None))


def hidden_of(found: pd.DataFrame) -> set[str]:
    return set(found.index[found["status"] == "suppressed"])


@pytest.mark.parametrize("defi", DEFIS)
def test_no_channel_shows_what_another_hides(client: TestClient, defi: str) -> None:
    """Same communes hidden for every service, threshold, page of rows and territory; no small count anywhere."""
    usual = rows(client, defi, "commune")
    hidden = hidden_of(usual)
    assert len(hidden) > 250
    asked: list[dict[str, Any]] = [
        {"service": "ressourcerie"}, {"territory": "61"}, {"offset": 500, "limit": 700},
    ]  # fmt: skip
    if defi == DEFIS[0]:  # a threshold of one's own is a whole analysis
        asked += [{"threshold_min": 7, "territory": "61"}]
    for more in asked:
        found = rows(client, defi, "commune", **more)
        assert hidden_of(found) == hidden & set(found.index)
        assert found.loc[list(hidden_of(found)), "need_volume_count"].isna().all()
        assert set(found.loc[list(hidden_of(found)), "in_need_out_of_reach_count"].dropna()) <= {0}
        assert not shows_a_small_count(found)
    for level in LEVELS[1:]:
        for service in SERVICES:
            assert not shows_a_small_count(rows(client, defi, level, service=service))


@pytest.mark.parametrize("defi", DEFIS)
def test_every_format_hides_the_same(client: TestClient, defi: str) -> None:
    usual = rows(client, defi, "commune", territory="61")
    address = f"/api/gaps?defi={defi}&service=tiers_lieu&level=commune&territory=61"
    for row in csv.DictReader(io.StringIO(client.get(f"{address}&format=csv").text)):
        assert (row["need_volume_count"] == "") == (row["status"] == "suppressed")
        assert row["status"] == usual.loc[row["code"], "status"]
    collection = json.loads(client.get(f"{address}&format=geojson").text)
    for properties in (feature["properties"] for feature in collection["features"]):
        assert (properties["need_volume_count"] is None) == (properties["status"] == "suppressed")
    tile = client.get(f"/tuiles/lacunes/9/256/176.mvt?defi={defi}&service=tiers_lieu&level=commune")
    drawn = mvt.layers(tile.content)["lacunes"]["features"]
    by_code = rows(client, defi, "commune")
    assert any(one["status"] == "suppressed" for one in drawn)
    for properties in drawn:
        for column in COUNTS:
            known = by_code.loc[properties["code"], column]
            assert properties.get(column) == (None if pd.isna(known) else known)


def offline(html: str) -> list[dict[str, Any]]:
    """Return the features' properties that the scripts of an offline map hold."""
    found: list[dict[str, Any]] = []
    for match in re.finditer(r"\.addData\(observatoire\.features\(formes_\d+, ", html):
        found += json.JSONDecoder().raw_decode(html, match.end())[0]
    return found


@pytest.mark.parametrize("defi", DEFIS)
def test_exports_and_the_offline_map_hide_the_same(client: TestClient, computed_engine: sa.Engine, defi: str) -> None:
    """What a GeoPackage or a map sent by mail holds is what the API says: nothing where it says nothing."""
    known = rows(client, defi, "commune", territory="61")
    hidden = hidden_of(known)
    assert len(hidden) > 50
    with computed_engine.connect() as connection:
        layer = export_layers.read_layer(connection, f"gaps-{defi}-tiers_lieu-commune").frame.set_index("code")
        report = gap_rows.gap_report(connection, defi=defi, service="tiers_lieu", level="commune", territory="61")
        shapes = export_layers.territory_shapes(connection, "commune")
    for column in COUNTS:
        shown = layer.loc[known.index, column].astype("Float64")
        assert shown.equals(known[column].astype("Float64"))
    drawn = [
        regional_layers.gap_layer(report, shapes, name="Lacune", level="commune", is_shown=True),
        regional_layers.need_layer(report, shapes, name="Besoin", level="commune"),
    ]
    html = page(draw(drawn, title="Essai", notice="", sources=[]))
    features = offline(html)
    names = dict(zip(known["name"], known.index, strict=True))
    fields = [list(one.fields) for one in drawn]
    assert len(features) == 2 * len(known)
    said = 0
    for position, one in enumerate(features):
        figures = dict(zip(fields[position // len(known)], one["v"], strict=True))
        code = names[one["titre"]]
        for column in set(COUNTS) & set(figures):
            value = known.loc[code, column]
            assert figures[column] == ("secret" if pd.isna(value) else value)
            said += figures[column] == "secret"
    assert said > len(hidden)


def siting_lists(document: dict[str, Any]) -> list[dict[str, Any]]:
    """Return every list of units of a siting answer, with the sums published beside it."""
    best = document["solutions"][0]
    newly = [{"units": one["communes"], **one["newly_covered"]} for why in best["why"] for one in why["services"]]
    return newly + [{"units": one["communes"], "concerned": one["concerned"]} for one in best["uncovered"]]


def sited(connection: sa.Connection) -> dict[str, Any]:
    return answer(connection, Asked(SITED, read_study(), time.perf_counter() + 600.0, lambda *_: None)).document


def test_siting_gives_no_hidden_count(client: TestClient, computed_engine: sa.Engine) -> None:
    """Unit by unit, what the gaps hide; the sums beside the units, with the estimates, tell it of none of them."""
    known = rows(client, "insertion", "commune")
    hidden = hidden_of(known)
    with computed_engine.connect() as connection:
        document = sited(connection)
    seen = set()
    for one in siting_lists(document):
        for unit in one["units"]:
            count = unit["concerned"]["insertion"]
            assert (count is None) == (unit["code"] in hidden), unit
            assert count is None or count == known.loc[unit["code"], "need_volume_count"]
            seen.add(unit["code"])
    assert len(seen & hidden) > 5
    assert len(seen - hidden) > 3


def test_a_page_says_secret_and_why(client: TestClient) -> None:
    both = [hidden_of(rows(client, defi, "commune", territory="61")) for defi in DEFIS]
    code = min(set.intersection(*both))
    page = client.get(f"/territoires/commune/{code}").text
    assert page.count('href="/methode#secret"') >= 2
    assert 'id="secret"' in client.get("/methode").text
    table = client.get("/lacunes?defi=insertion&service=tiers_lieu&level=commune&territory=61").text
    assert '<a class="secret" href="/methode#secret"' in table
    assert "couverts par le secret" in table
    alone = client.get(f"/lacunes?defi=insertion&service=tiers_lieu&level=commune&territory={code}").text
    told = 'Le nombre de chômeurs de 15 à 64 ans (RP 2021) est <a href="/methode#secret">couvert par le secret</a>.'
    assert told in alone
    assert "Parmi les" not in alone
    usual = rows(client, "insertion", "commune")
    nobody = usual.index[(usual["need_volume_count"] == 0) & (usual["population_count"] > 0)][0]
    empty = client.get(f"/lacunes?defi=insertion&service=tiers_lieu&level=commune&territory={nobody}").text
    assert "Personne n’y est compté parmi les chômeurs de 15 à 64 ans (RP 2021)." in empty
    assert "<strong>0</strong> servi," in empty
    assert "Personne n’est compté parmi les chômeurs" in client.get(f"/territoires/commune/{nobody}").text


def public_caps(inputs: Inputs, values: pd.DataFrame) -> pd.Series:
    active = values[(values["indicator"] == "active_1564_count") & (values["level"] == "commune")]
    return active.set_index("code")["value"].reindex(inputs.population_count.index).round()


def test_the_unemployed_of_no_hidden_commune_are_known_within_two(
    client: TestClient, inputs: Inputs, values: pd.DataFrame
) -> None:
    """Every commune is an unknown; every EPCI, département and the region an equation. Nothing is solved by hand."""
    communes = rows(client, "insertion", "commune")
    caps = public_caps(inputs, values)
    attacker = totals_attack(client, "insertion", communes, caps, inputs)
    hidden = sorted(hidden_of(communes))
    found = attacker.intervals(hidden)
    truth = values_before(inputs)  # what the attacker is after: his intervals must hold it
    assert ((found["low"] <= truth[hidden]) & (truth[hidden] <= found["high"])).all()
    narrow = (found["high"] - found["low"] <= 2 * WITHIN) & (caps[hidden] - 1 > 2 * WITHIN)
    assert not narrow.any(), found[narrow]


def values_before(inputs: Inputs) -> pd.Series:
    raw = pd.read_parquet(geodata.SNAPSHOT / "values.parquet")
    raw = raw[(raw["indicator"] == "unemployed_1564_count") & (raw["level"] == "commune")].set_index("code")["value"]
    return (raw.reindex(inputs.population_count.index) + 0.5) // 1


def totals_attack(client: TestClient, defi: str, communes: pd.DataFrame, caps: pd.Series, inputs: Inputs) -> Attacker:
    attacker = Attacker()
    hidden = hidden_of(communes)
    for code in sorted(hidden):
        attacker.unknown(code, 1, float(caps[code]))
    for level in LEVELS[1:]:
        keys = inputs.parents["commune", level].reindex(communes.index)
        for code, total in rows(client, defi, level)["need_volume_count"].dropna().items():
            inside = communes[keys == code]
            rest = total - inside["need_volume_count"].fillna(0).sum()
            unknown = dict.fromkeys(sorted(hidden & set(inside.index)), 1.0)
            if unknown:
                attacker.relation(unknown, rest, rest)
            else:
                assert rest == 0  # what is shown adds up to what is published
    return attacker


def test_the_aged_are_not_known_by_crossing_their_groups(
    client: TestClient, needs: dict[str, NeedRun], inputs: Inputs
) -> None:
    """Among the 60 are the 75, among these the 80, among these those who live alone: shares of each are published.

    The attacker crosses them all, with the EPCI's shares (one decimal) and the totals of those of 75.
    """
    need = needs["vieillissement"].rows
    communes = need.loc["commune"]
    population = inputs.population_count.astype(float)
    groups = ("age60p_pct", "age75p_pct", "age80p_pct")
    share = {
        name: pd.Series({code: one[name]["value"] for code, one in communes["components"].items()}, dtype=float)
        for name in groups
    }
    secret = {
        name: pd.Series({code: one[name]["status"] == "suppressed" for code, one in communes["components"].items()})
        for name in groups
    }
    attacker = Attacker()
    unknown: dict[str, list[str]] = {name: [] for name in groups}
    for code in communes.index:
        for name in groups:
            if secret[name][code]:
                attacker.unknown(f"{name}:{code}", 0.5, float(population[code]) + 0.5)
                unknown[name].append(code)
    for code in communes.index:
        for wide, slim in (("age60p_pct", "age75p_pct"), ("age75p_pct", "age80p_pct")):
            known = {name: share[name][code] * population[code] / 100.0 for name in (wide, slim)}
            if secret[wide][code] and secret[slim][code]:
                attacker.relation({f"{wide}:{code}": 1.0, f"{slim}:{code}": -1.0}, -0.5, float(population[code]))
            elif secret[wide][code] and np.isfinite(known[slim]):
                attacker.relation({f"{wide}:{code}": 1.0}, known[slim] - 0.5, np.inf)
            elif secret[slim][code] and np.isfinite(known[wide]):
                attacker.relation({f"{slim}:{code}": 1.0}, -np.inf, known[wide] + 0.5)
    shown = rows(client, "vieillissement", "commune")
    for level in LEVELS[1:]:
        keys = inputs.parents["commune", level].reindex(communes.index)
        for code, total in rows(client, "vieillissement", level)["need_volume_count"].dropna().items():
            inside = [one for one in unknown["age75p_pct"] if keys[one] == code]
            rest = total - shown.loc[keys == code, "need_volume_count"].sum()
            if inside:
                attacker.relation({f"age75p_pct:{one}": 1.0 for one in inside}, rest, rest)
    found = attacker.intervals([f"age75p_pct:{code}" for code in unknown["age75p_pct"]])
    width = found["high"] - found["low"]
    assert len(width) > 250
    assert (width > 2 * WITHIN).all(), found[width <= 2 * WITHIN]


def test_two_truths_that_agree_with_the_totals_give_the_same_publications(
    computed_engine: sa.Engine, needs: dict[str, NeedRun], inputs: Inputs, values: pd.DataFrame
) -> None:
    """Scores, reasons, estimates, everything that any channel starts from: the same, whatever hides behind a total.

    So that no ledger, threshold, filter or siting answer worked out from it can tell one truth from another.
    """
    truth = values_before(inputs).astype("Int64")
    caps = public_caps(inputs, values)
    parents = small_counts.parents_of(inputs)
    usual = needs["insertion"]
    hidden = pd.Series(usual.parameters["secrecy"]["volume_estimates"]).index
    moved = {direction: other_truth(truth, hidden, parents, caps, direction) for direction in (1, -1)}
    told = []
    for counts in (truth, *moved.values()):
        found = suppress(counts, parents, threshold=11, protection=5, cap_count=caps)
        assert set(found.mask.index[found.mask]) == set(hidden)
        told.append(stand_ins(counts, found, parents, threshold=11, cap_count=caps))
    assert told[0].equals(told[1])
    assert told[0].equals(told[2])
    shift = (moved[1] - truth)[lambda one: one != 0]
    with computed_engine.connect() as connection, connection.begin() as transaction:
        usual_sites = sited(connection)
        for code, change in shift.items():
            connection.execute(
                sa.update(IndicatorValue)
                .where(IndicatorValue.indicator == "unemployed_1564_count", IndicatorValue.code == code)
                .values(value=IndicatorValue.value + int(change))
            )
        files = sa.update(SnapshotFile).where(SnapshotFile.file_name == "values.parquet")
        assert connection.execute(files.values(checksum="other")).rowcount == 1
        again = need_run(connection, read_study(), "insertion", inputs=read_inputs(connection))
        other_sites = sited(connection)
        transaction.rollback()
    assert again.run_hash != usual.run_hash
    assert other_sites == usual_sites  # sites, lists, sums, ledgers, reasons, alternatives
    pd.testing.assert_frame_equal(again.rows.sort_index(), usual.rows.sort_index())
    assert again.parameters == usual.parameters
    # Most hidden counts differ by more than four between the two: no publication can bound them within two.
    assert ((moved[1] - moved[-1]).abs()[hidden] > 2 * WITHIN).mean() > 0.5


def other_truth(
    truth: pd.Series, hidden: pd.Index, parents: pd.DataFrame, caps: pd.Series, direction: int
) -> pd.Series:
    """Give the small counts of each block all to the first codes, or all to the last: 1 to 10 each, the same sum."""
    found = truth.copy()
    small = truth[hidden][lambda one: one < 11].index
    for _, block in parents.loc[small].groupby(["epci", "departement"]):
        codes = sorted(block.index)[:: 1 if direction > 0 else -1]
        rest = int(truth[codes].sum()) - len(codes)
        for code in codes:
            more = min(rest, min(10, int(caps[code])) - 1)
            found[code], rest = 1 + more, rest - more
        assert rest == 0
    return found


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_two_vintages_do_not_betray_each_other(inputs: Inputs, values: pd.DataFrame, seed: int) -> None:
    """A twentieth of the communes change by up to a fifth; the attacker even knows which ones did not.

    What hides an unchanged commune in one vintage hides it in the other, and the sums of both leave it as wide. A count
    that crosses the threshold while nothing else moves around it is a limit, said in docs/secret.md.
    """
    truth, caps = values_before(inputs).astype("Int64"), public_caps(inputs, values)
    parents = small_counts.parents_of(inputs)
    rng = np.random.default_rng(seed)
    changed = pd.Index(rng.choice(truth.index[truth > 0], size=len(truth) // 20, replace=False))
    later = truth.copy()
    later[changed] = (truth[changed].astype(float) * rng.uniform(0.8, 1.2, len(changed))).round().astype("Int64")
    caps = pd.Series(np.maximum(caps, later.astype(float)), index=caps.index)
    first, second = (suppress(counts, parents, threshold=11, protection=5, cap_count=caps) for counts in (truth, later))
    assert ((first.mask != second.mask) & ~first.mask.index.isin(changed)).sum() == 0
    attacker = Attacker()
    names = {0: {}, 1: {}}
    for rank, found in enumerate((first, second)):
        for code in found.mask.index[found.mask]:
            names[rank][code] = f"{code}:{rank}" if code in changed else code
            if rank == 0 or code in changed:
                attacker.unknown(names[rank][code], 1, float(caps[code]))
    for rank, (counts, found) in enumerate(((truth, first), (later, second))):
        for tree in parents.columns:
            for parent, inside in parents.groupby(tree):
                cells = [code for code in inside.index if found.mask[code]]
                if cells and parent not in found.withheld_totals.get(tree, []):
                    total = float(counts[cells].sum())
                    attacker.relation({names[rank][code]: 1.0 for code in cells}, total, total)
    hidden = sorted(code for code in names[0].keys() & names[1].keys() if caps[code] - 1 > 2 * WITHIN)
    assert len(hidden) > 700
    widths = [(one.intervals["high"] - one.intervals["low"]).loc[hidden] for one in (first, second)]
    at_risk = np.minimum(*widths).sort_values(kind="stable").index[:MOST_AT_RISK]
    found = attacker.intervals([names[0][code] for code in at_risk])
    assert (found["high"] - found["low"] > 2 * WITHIN).all()


def test_exported_figures_give_no_small_count(values: pd.DataFrame, computed_engine: sa.Engine, inputs: Inputs) -> None:
    """Every count, and every share times its denominator, that the file of figures still holds."""
    known = small_counts.declared_rules()
    iris = values[values["level"] == "iris"].pivot_table(index="code", columns="indicator", values="value")
    communes = values[values["level"] == "commune"].pivot_table(index="code", columns="indicator", values="value")
    checked = 0
    for rule in known:
        threshold = rule.threshold - 0.5
        if rule.of is None and rule.figure not in communes.columns:
            continue
        if rule.of is None:
            persons = communes[rule.figure]
        elif rule.of in {"population_count", "households_count"}:
            persons = iris[rule.figure] * iris[rule.of] / 100.0
        else:
            continue
        persons = persons.dropna()
        assert not ((persons >= 0.5) & (persons < threshold)).any(), rule.figure
        checked += len(persons)
    assert checked > 10_000
    with computed_engine.connect() as connection:
        raw = read_figures(connection, {"unemployed_1564_count"}).by_level["commune"]["unemployed_1564_count"]
    assert ((raw >= 0.5) & (raw < 10.5)).sum() > 800  # the base holds them, to add up; only the channels don't


def test_a_commune_hidden_in_the_gaps_is_hidden_in_the_figures(
    client: TestClient, values: pd.DataFrame, inputs: Inputs
) -> None:
    shown = values[(values["indicator"] == "unemployed_1564_count") & values["value"].notna()]["code"]
    assert not hidden_of(rows(client, "insertion", "commune")) & set(shown)
    iris = inputs.parents["iris", "commune"]
    shown = values[(values["indicator"] == "age75p_pct") & values["value"].notna()]["code"].map(iris)
    assert not hidden_of(rows(client, "vieillissement", "commune")) & set(shown)


def test_every_field_of_persons_is_protected_or_declared_public() -> None:
    declared = secrecy()
    persons = {
        one.indicator for one in catalogue.fields() if one.unit in {"personnes", "ménages", "naissances", "décès", "%"}
    }
    assert persons == set(declared.figures) | set(declared.public)
    assert not set(declared.figures) & set(declared.public)
    assert all(len(reason) > 20 for reason in declared.public.values())


@pytest.mark.parametrize(
    ("level", "code", "is_kept"),
    [
        ("epci", "200068799", True),  # Intercom de la Vire au Noireau: its total is published
        ("region", "28", True),
        ("epci", "200071652", False),  # its total is withheld
        ("zone_emploi", None, False),  # a third tree, that the secrecy does not count with
        ("bassin_vie", None, False),
    ],
)
def test_a_series_gives_no_sum_that_could_be_a_commune(
    computed_engine: sa.Engine, inputs: Inputs, level: str, code: str | None, is_kept: bool
) -> None:
    """The unemployed of an earlier census make a series: of a territory whose total is published anyway, or of none."""
    with computed_engine.connect() as connection, connection.begin() as transaction:
        add_an_earlier_census(connection, known=None)
        code = code or str(inputs.parents["commune", level].iloc[0])
        found = [one.indicator for one in territory_series(connection, level, code) if one.basis == "communes"]
        assert ("unemployed_1564_count" in found) == is_kept
        transaction.rollback()


def test_a_series_known_for_some_communes_only_gives_no_sum(computed_engine: sa.Engine, inputs: Inputs) -> None:
    """All communes but one: the total less the sum would be that one; and the sum of a single one would be it."""
    epci = inputs.parents["commune", "epci"]
    members = sorted(epci.index[epci == "200068799"])
    for known in (members[1:], members[:1]):
        with computed_engine.connect() as connection, connection.begin() as transaction:
            add_an_earlier_census(connection, known=known)
            found = [one.indicator for one in territory_series(connection, "epci", "200068799")]
            assert "unemployed_1564_count" not in found
            transaction.rollback()


def add_an_earlier_census(connection: sa.Connection, *, known: list[str] | None) -> None:
    table = IndicatorValue.__table__
    columns = [column.name for column in table.columns if column.name != "period"]
    earlier = sa.select(*(table.c[name] for name in columns), sa.literal("2016")).where(
        table.c.indicator == "unemployed_1564_count", table.c.value.is_not(None)
    )
    if known is not None:
        earlier = earlier.where(table.c.code.in_(known))
    connection.execute(sa.insert(table).from_select([*columns, "period"], earlier))


def test_the_profile_shows_no_count_that_the_rows_hide(client: TestClient) -> None:
    """Persons concerned of an EPCI whose total is withheld, and the few who lack access: in no document."""
    small = 0
    for service in (*SERVICES, "france_services"):
        for defi in DEFIS:
            asked = {"defi": defi, "service": service, "level": "epci", "explain": True, "limit": 1}
            depth = client.get("/api/gaps", params=asked).json()["profile"]["depth"]
            secret = hidden_of(rows(client, defi, "epci", service=service))
            for one in depth["epci"]:
                assert (one["persons_count"] is None) == (one["code"] in secret)
                for name in ("persons_count", "lacking_count"):
                    assert one[name] is None or not 0 < one[name] < 11
                small += one["lacking_count"] is None and one["persons_count"] is not None
                if one["lacking_count"] is None and one["persons_count"] is not None:
                    assert one["headcount"] is None
    assert small


def test_a_commune_where_nobody_was_counted_gives_no_share_of_them(
    needs: dict[str, NeedRun], values: pd.DataFrame, inputs: Inputs
) -> None:
    """No unemployed in the census of 2021, all the young ones in that of 2022: too much is said of a village."""
    counts = values_before(inputs)
    nobody = set(counts.index[~(counts > 0)])
    components = needs["insertion"].rows.loc["commune"]["components"]
    shares = ("unemployment_1524_pct", "unemployment_5564_pct")
    told = [code for code in nobody for name in shares if (components[code][name]["value"] or 0) > 0]
    assert not told
    secret = {code for code in nobody for name in shares if components[code][name]["status"] == "suppressed"}
    assert len(secret) > 5
    # What stands in for them is no commune's own: the mean of several hidden ones, or the region's.
    iris = values[values["indicator"].isin(shares) & (values["value"] > 0) & (values["level"] == "iris")]
    assert not set(iris["code"].map(inputs.parents["iris", "commune"])) & nobody
