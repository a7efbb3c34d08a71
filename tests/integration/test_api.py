"""The API on the bundled snapshot: the same figures as every channel, bounded lists, French refusals, decoded tiles."""

from __future__ import annotations

import builtins
import csv
import gzip
import io
import json
import re
import tomllib
from collections.abc import Iterator
from typing import Any

import pytest
import sqlalchemy as sa
from fastapi.testclient import TestClient

from api.app import create_app
from observatory.publish import gap_rows as publication
from observatory.settings import Settings

ADDENDS = ("served_count", "reachable_full_count", "out_of_reach_count")
GAPS = "/api/gaps?defi=vieillissement&service=tiers_lieu"


@pytest.fixture(scope="module")
def client(computed_engine: sa.Engine, settings: Settings) -> Iterator[TestClient]:
    with TestClient(create_app(settings)) as client:
        yield client


def fetched(client: TestClient, address: str) -> dict[str, Any]:
    response = client.get(address)
    assert response.status_code == 200, response.text
    return response.json()


def refusal(client: TestClient, address: str, status: int) -> str:
    response = client.get(address)
    assert response.status_code == status
    assert response.headers["content-type"] == "application/problem+json"
    problem = response.json()
    assert problem["status"] == status
    assert set(problem) == {"type", "title", "status", "detail"}
    return problem["detail"]


def test_every_route_refuses_a_parameter_that_it_does_not_know_by_its_name(client: TestClient) -> None:
    paths = client.get("/openapi.json").json()["paths"]
    addresses = [re.sub(r"\{[^}]+\}", "1", path) for path in paths if path.startswith("/api/") and "get" in paths[path]]
    assert len(addresses) > 5
    for address in addresses:
        assert "« inconnu » inconnu : cette adresse " in refusal(client, f"{address}?inconnu=1", 422)
    assert "vouliez-vous dire « territory » ?" in refusal(client, f"{GAPS}&level=epci&territoire=14", 422)
    assert client.get("/territoires?q=vire&utm_source=lettre").status_code == 200


def test_the_search_says_when_a_name_is_only_near(client: TestClient) -> None:
    assert "presque ainsi" in client.get("/territoires?q=bolbek").text
    assert "presque ainsi" not in client.get("/territoires?q=76210").text
    assert fetched(client, "/api/territories?q=lilebonne&limit=1")["items"][0]["is_near"]


def test_health_is_told_without_and_with_the_database(client: TestClient) -> None:
    assert client.get("/healthz").json() == {"status": "ok"}
    assert client.get("/readyz").json() == {"status": "ready"}


def test_an_empty_database_is_not_ready(empty_engine: sa.Engine) -> None:
    url = empty_engine.url.render_as_string(hide_password=False)
    with TestClient(create_app(Settings(database_url=url, _env_file=None))) as empty:
        assert "observatory ingest" in refusal(empty, "/readyz", 503)
        page = empty.get("/lacunes")
        assert page.status_code == 503
        assert page.headers["retry-after"] == "5"
        assert 'lang="fr"' in page.text
        assert empty.get("/healthz").status_code == 200


def test_normandy_has_its_published_numbers(client: TestClient) -> None:
    region = fetched(client, "/api/territories/region/28")
    assert (region["population_count"], region["commune_count"]) == (3_339_075, 2_644)
    assert region["sources"], "no figure without its source"
    assert fetched(client, "/api/territories?level=epci&limit=1")["total"] == 71
    assert fetched(client, "/api/territories?level=qpv&limit=1")["total"] == 63


def test_the_two_territories_of_the_project_are_there(client: TestClient) -> None:
    vire = fetched(client, "/api/territories/epci/200068799")
    assert vire["commune_count"] == len(vire["children"]["commune"]) == 17
    caux = fetched(client, "/api/territories/epci/200010700")
    assert caux["commune_count"] == 50
    assert 77_000 < caux["population_count"] < 78_000
    assert fetched(client, "/api/territories/commune/14762")["population_count"] == 17_411


def test_search_ignores_accents_and_pages(client: TestClient) -> None:
    found = fetched(client, "/api/territories?q=evreux&level=commune")
    assert found["items"][0]["name"] == "Évreux"
    first = fetched(client, "/api/territories?level=commune&limit=10")["items"]
    second = fetched(client, "/api/territories?level=commune&limit=10&offset=10")["items"]
    assert len(first) == len(second) == 10
    assert not {row["code"] for row in first} & {row["code"] for row in second}


def test_gaps_are_the_rows_of_every_other_channel(client: TestClient, computed_engine: sa.Engine) -> None:
    answer = fetched(client, f"{GAPS}&level=epci")
    with computed_engine.connect() as connection:
        report = publication.gap_report(connection, defi="vieillissement", service="tiers_lieu", level="epci")
    assert answer["run"] == report.run_hash
    assert answer["items"] == json.loads(publication.to_json(report))["items"]
    assert list(answer) == ["items", "total", "parameters", "sources", "warnings", "run"]
    assert answer["total"] == 71


@pytest.mark.parametrize("level", ["commune", "epci", "departement"])
def test_every_level_adds_up_to_the_region(client: TestClient, level: str) -> None:
    rows = fetched(client, f"{GAPS}&level={level}")["items"]
    region = fetched(client, f"{GAPS}&level=region")["items"][0]
    for row in rows:
        assert sum(row[column] for column in ADDENDS) == row["population_count"]
    for column in ("population_count", *ADDENDS):
        assert sum(row[column] for row in rows) == region[column]
    # No IRIS of 2022 gives the ages of Aurseulles: unknown, and counted nowhere.
    unknown = [row["code"] for row in rows if row["need_volume_count"] is None]
    assert unknown == (["14581"] if level == "commune" else [])
    for column in ("need_volume_count", "in_need_out_of_reach_count"):
        assert sum(row[column] for row in rows if row["code"] not in unknown) == region[column]


@pytest.fixture
def forgetful(computed_engine: sa.Engine, settings: Settings) -> Iterator[TestClient]:
    """A server that keeps no answer."""
    with TestClient(create_app(settings.model_copy(update={"kept_mb": 0}))) as client:
        yield client


def test_a_warm_page_of_gaps_reads_no_declaration_and_asks_the_catalogue_once(
    forgetful: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = forgetful
    assert client.get("/lacunes").status_code == 200
    read: list[str] = []
    asked: list[str] = []

    def counted(name: str) -> Any:
        plain = getattr(tomllib, name)
        return lambda *args, **options: (read.append(name), plain(*args, **options))[1]

    def opened(file: Any, *args: Any, **options: Any) -> Any:
        if str(file).endswith(".toml"):
            read.append(str(file))
        return plain_open(file, *args, **options)

    def executed(_connection: Any, _cursor: Any, words: str, *_: Any) -> None:
        if re.search(r"\bobservatory\.source\b", words) and "title" in words:
            asked.append(words)

    plain_open = io.open
    for name in ("load", "loads"):
        monkeypatch.setattr(tomllib, name, counted(name))
    for module in (io, builtins):
        monkeypatch.setattr(module, "open", opened)
    engine = client.app.state.engine  # type: ignore[attr-defined]
    sa.event.listen(engine, "before_cursor_execute", executed)
    try:
        page = client.get("/lacunes")
    finally:
        sa.event.remove(engine, "before_cursor_execute", executed)
    assert page.status_code == 200
    assert read == []
    assert len(asked) == 1


def test_csv_and_geojson_hold_the_same_rows(client: TestClient) -> None:
    answer = client.get(f"{GAPS}&level=epci&format=csv")
    assert answer.headers["content-type"] == "text/csv; charset=utf-8"
    rows = list(csv.DictReader(io.StringIO(answer.text)))
    items = fetched(client, f"{GAPS}&level=epci")["items"]
    assert list(rows[0]) == list(items[0])
    assert [(row["code"], int(row["served_count"])) for row in rows] == [
        (item["code"], item["served_count"]) for item in items
    ]
    features = fetched(client, f"{GAPS}&level=epci&format=geojson")["features"]
    assert [feature["properties"] for feature in features] == items
    west, south = features[0]["geometry"]["coordinates"][0][0][0]
    assert -2 < west < 2
    assert 48 < south < 50.2


def test_a_territory_restricts_the_rows_and_limits_cut_them(client: TestClient) -> None:
    inside = fetched(client, f"{GAPS}&level=commune&territory=200068799")
    assert inside["total"] == len(inside["items"]) == 17
    cut = fetched(client, f"{GAPS}&level=commune&territory=200068799&limit=5&offset=15")
    assert [row["code"] for row in cut["items"]] == [row["code"] for row in inside["items"]][15:]
    assert cut["total"] == 17


def test_structures_by_service_territory_and_bounds(client: TestClient) -> None:
    answer = fetched(client, "/api/structures?service=ressourcerie")
    assert answer["total"] == len(answer["items"]) > 0
    assert all("ressourcerie" in row["services"] for row in answer["items"])
    assert "PERIERS" not in {row["city"] for row in answer["items"]}
    assert answer["completeness"]["ressourcerie"].startswith("Liste partielle")
    placed = fetched(client, "/api/structures?bbox=-1.2,48.7,-0.6,49&limit=2000")["items"]
    assert placed
    assert all(-1.2 <= row["lon"] <= -0.6 and 48.7 <= row["lat"] <= 49 for row in placed)
    caux = fetched(client, "/api/structures?territory=200010700")["items"]
    assert {row["departement_code"] for row in caux} == {"76"}


def test_every_source_says_who_under_what_licence(client: TestClient) -> None:
    for source in fetched(client, "/api/sources")["items"]:
        assert all(source[field] for field in ("title", "producer", "licence", "url", "vintage", "coverage"))


@pytest.mark.parametrize(
    ("address", "status", "words"),
    [
        ("/api/isochrones?lon=0&lat=49", 503, ("Aucun réseau routier",)),
        ("/api/isochrones?lon=0", 422, ("lat", "obligatoire")),
        ("/api/isochrones?lon=nan&lat=49", 422, ("nombre fini",)),
        ("/api/isochrones?lon=0&lat=49&minutes=90", 422, ("à 60",)),
        ("/api/isochrones?lon=0&lat=49&minutes=", 422, ("à 60",)),
        ("/api/gaps?defi=x&service=ess&level=epci", 422, ("x", "insertion, ")),
        ("/api/gaps?defi=insertion&service=x&level=epci", 422, ("x", "ressourcerie")),
        ("/api/gaps?defi=insertion&service=ess&level=x", 422, ("x", "departement")),
        ("/api/gaps?defi=insertion&service=ess", 422, ("level", "obligatoire")),
        ("/api/gaps?defi=insertion&service=ess&level=epci&threshold_min=121", 422, ("au plus 120",)),
        ("/api/gaps?defi=insertion&service=ess&level=epci&threshold_min=abc", 422, ("nombre est attendu",)),
        ("/api/gaps?defi=insertion&service=ess&level=epci&format=xml", 422, ("xml", "geojson")),
        ("/api/gaps?defi=insertion&service=ess&level=epci&territory=%00", 422, ("caractère nul",)),
        ("/api/gaps?defi=insertion&service=ess&level=epci&phase=creation", 422, ("n’a pas de phases",)),
        ("/api/structures?territory=%00", 422, ("caractère nul",)),
        ("/api/gaps?defi=insertion&service=ess&level=epci&territory=999999999", 404, ("999999999",)),
        ("/api/territories?level=canton", 422, ("canton", "commune")),
        ("/api/territories?limit=0", 422, ("au moins 1",)),
        ("/api/territories/epci/000", 404, ("000",)),
        ("/api/structures?bbox=1,2,3", 422, ("ouest,sud,est,nord",)),
        ("/api/structures?bbox=5,49,-5,48", 422, ("ouest,sud,est,nord",)),
        ("/tuiles/routes/8/128/87.mvt", 422, ("routes", "lacunes")),
        ("/tuiles/communes/3/9/0.mvt", 422, ("hors du monde",)),
        ("/tuiles/communes/30/0/0.mvt", 422, ("de 0 à 14",)),
        ("/api/rien", 404, ("accueil",)),
    ],
)
def test_refusals_are_french_and_say_what_is_accepted(
    client: TestClient, address: str, status: int, words: tuple[str, ...]
) -> None:
    detail = refusal(client, address, status)
    for word in words:
        assert word in detail
    for english in ("should", "Input", "Not Found", "field required", "valid "):
        assert english not in detail


def test_other_methods_are_refused_in_french(client: TestClient) -> None:
    response = client.post("/api/sources")
    assert response.status_code == 405
    assert response.headers["content-type"] == "application/problem+json"
    assert "/docs" in response.json()["detail"]


def test_the_text_of_a_bug_is_never_sent(
    computed_engine: sa.Engine, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> None:
        raise RuntimeError("mot de passe : secret")

    monkeypatch.setattr("observatory.store.read.sources", broken)
    with TestClient(create_app(settings), raise_server_exceptions=False) as client:
        assert "secret" not in refusal(client, "/api/sources", 500)
        page = client.get("/donnees")
        assert page.status_code == 500
        assert "secret" not in page.text
        assert "Revenir à l’accueil" in page.text


def test_who_holds_the_answer_is_told_so(client: TestClient) -> None:
    first = client.get("/api/sources")
    assert first.headers["cache-control"] == "public, max-age=60"
    again = client.get("/api/sources", headers={"If-None-Match": first.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")
    assert client.get("/api/sources", headers={"If-None-Match": 'W/"other"'}).status_code == 200


def test_long_answers_are_compressed(client: TestClient) -> None:
    with client.stream("GET", "/api/sources", headers={"Accept-Encoding": "gzip"}) as response:
        assert response.headers["content-encoding"] == "gzip"
        assert json.loads(gzip.decompress(b"".join(response.iter_raw())))["total"] > 10


def test_answers_forbid_third_parties(client: TestClient) -> None:
    policy = client.get("/").headers["content-security-policy"]
    assert "default-src 'self'" in policy
    assert "http" not in policy


def test_the_chosen_basemap_is_the_only_third_party(settings: Settings) -> None:
    chosen = settings.model_copy(update={"basemap_url": "https://tuiles.example.org/{z}/{x}/{y}.png"})
    with TestClient(create_app(chosen)) as client:
        policy = client.get("/accessibilite").headers["content-security-policy"]
    assert policy.count("https://tuiles.example.org") == 2
    assert policy.count("http") == 2


def test_metrics_count_by_route_and_status(client: TestClient) -> None:
    client.get("/api/territories/epci/200068799")
    client.get("/api/territories/epci/000")
    text = client.get("/metrics").text
    route = 'route="/api/territories/{level}/{code}"'
    assert f'observatory_http_requests_total{{method="GET",{route},status="200"}}' in text
    assert f'observatory_http_requests_total{{method="GET",{route},status="404"}} ' in text
    assert f'observatory_http_request_duration_seconds_bucket{{le="+Inf",method="GET",{route},status="200"}}' in text
    assert f'observatory_http_request_duration_seconds_count{{method="GET",{route},status="200"}}' in text
    assert "_created" not in text


def test_each_application_counts_its_own_requests(settings: Settings) -> None:
    with TestClient(create_app(settings)) as one, TestClient(create_app(settings)) as other:
        one.get("/healthz")
        assert 'route="/healthz"' in one.get("/metrics").text
        assert 'route="/healthz"' not in other.get("/metrics").text


def test_every_operation_is_described_in_french(client: TestClient) -> None:
    schema = client.get("/openapi.json").json()
    paths = {"/api/territories", "/api/territories/{level}/{code}", "/api/gaps", "/api/structures", "/api/sources"}
    assert paths | {"/healthz", "/readyz"} <= set(schema["paths"])
    text = client.get("/docs").text
    for path in paths:
        assert path in text
    for operations in schema["paths"].values():
        for operation in operations.values():
            assert all(parameter.get("description") for parameter in operation.get("parameters", []))


def test_completeness_is_served_by_level(client: TestClient) -> None:
    found = client.get("/api/completeness", params={"level": "departement"}).json()
    assert found["total"] == len(found["items"])
    (row,) = [one for one in found["items"] if (one["code"], one["layer"]) == ("50", "ess")]
    assert (row["expected_count"], row["is_complete"]) == (1534, False)
    assert client.get("/api/completeness", params={"level": "iris"}).status_code == 422
    page = client.get("/donnees").text
    for words in ("Par département, là où quelqu’un publie un nombre", "1\u202f534", "27 au lieu de 28"):
        assert words in page, words
