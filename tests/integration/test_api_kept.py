"""Answers kept by a served observatory: never older than what is committed, the same of two servers, whole failures."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa
from fastapi.testclient import TestClient

from api.app import create_app
from observatory.settings import Settings
from observatory.store.read.published_version import published_version
from observatory.store.tables import SCHEMA, Base, Source

KEPT = (
    "/",
    "/lacunes",
    "/territoires/epci/200010700",
    "/api/sources",
    "/api/gaps?defi=insertion&service=ess&level=epci",
)
NOT_WATCHED = frozenset({"run", "gap_result", "need_result", "access_result", "tile", "job", "change"})
"""Runs never change once stored, and which of them are shown is asked; the others are no data."""
TOUCH = sa.update(Source).values(title=Source.title)


@pytest.fixture(scope="module")
def app(computed_engine: sa.Engine, settings: Settings) -> Iterator[TestClient]:
    with TestClient(create_app(settings)) as client:
        yield client


def test_every_table_is_watched_or_told_why_not(engine: sa.Engine) -> None:
    with engine.connect() as connection:
        watched = connection.execute(
            sa.text(
                "SELECT relname FROM pg_trigger JOIN pg_class ON pg_class.oid = tgrelid WHERE tgname = 'note_change'"
            )
        ).scalars()
        assert set(watched) == {table.name for table in Base.metadata.tables.values()} - NOT_WATCHED


def test_the_version_follows_what_is_committed_and_nothing_else(engine: sa.Engine, settings: Settings) -> None:
    def version() -> str:
        with engine.connect() as connection:
            return published_version(connection, settings)

    first = version()
    assert version() == first
    with engine.connect() as connection:
        connection.execute(TOUCH)
        assert version() == first
        connection.rollback()
    assert version() == first
    with engine.connect() as one, engine.connect() as other:
        # The transaction begun first ends last: the highest mark is there already when its own appears.
        one.execute(TOUCH.where(Source.source_id == sa.select(sa.func.min(Source.source_id)).scalar_subquery()))
        other.execute(TOUCH.where(Source.source_id == sa.select(sa.func.max(Source.source_id)).scalar_subquery()))
        other.commit()
        second = version()
        one.commit()
    assert len({first, second, version()}) == 3


def test_the_version_follows_the_default_runs_and_the_files(
    computed_engine: sa.Engine, settings: Settings, tmp_path: Path
) -> None:
    with computed_engine.connect() as connection:
        first = published_version(connection, settings)
        connection.execute(sa.text(f"UPDATE {SCHEMA}.run SET is_default = NOT is_default"))
        assert published_version(connection, settings) != first
        connection.rollback()
        study = tmp_path / "autre.toml"
        study.write_text("a", encoding="utf-8")
        other = settings.model_copy(update={"study": study})
        second = published_version(connection, other)
        assert second not in {first, ""}
        study.write_text("ab", encoding="utf-8")
        assert published_version(connection, other) != second


@pytest.mark.parametrize("address", KEPT)
def test_two_servers_give_the_same_tag_and_a_change_gives_another(
    app: TestClient, settings: Settings, engine: sa.Engine, address: str
) -> None:
    first = app.get(address)
    assert first.status_code == 200
    assert app.get(address).content == first.content
    tag = first.headers["etag"]
    with TestClient(create_app(settings)) as other:
        assert other.get(address, headers={"If-None-Match": tag}).status_code == 304
        assert other.get(address).content == first.content
    with engine.begin() as connection:
        connection.execute(TOUCH)
    again = app.get(address, headers={"If-None-Match": tag})
    assert again.status_code == 200
    assert again.headers["etag"] != tag


def test_a_kept_answer_is_gone_with_what_it_told(app: TestClient, engine: sa.Engine) -> None:
    one = app.get("/api/sources").json()["items"][0]
    rename = sa.update(Source).where(Source.source_id == one["source_id"])
    try:
        with engine.begin() as connection:
            connection.execute(rename.values(title="Titre changé"))
        titles = [item["title"] for item in app.get("/api/sources").json()["items"]]
    finally:
        with engine.begin() as connection:
            connection.execute(rename.values(title=one["title"]))
    assert "Titre changé" in titles
    assert app.get("/api/sources").json()["items"][0] == one


@pytest.mark.parametrize("address", [*KEPT, "/healthz", "/territoires/epci/000000000", "/static/site.css"])
def test_head_gives_the_headers_of_get_without_its_body(app: TestClient, address: str) -> None:
    whole, bare = app.get(address), app.head(address)
    assert (bare.status_code, bare.content) == (whole.status_code, b"")
    told = {"content-type", "content-length", "etag", "content-security-policy"}
    assert {name: bare.headers.get(name) for name in told} == {name: whole.headers.get(name) for name in told}


def test_a_method_that_is_refused_says_which_are_taken(app: TestClient) -> None:
    answer = app.delete("/api/sources")
    assert answer.status_code == 405
    assert answer.headers["allow"] == "GET"


@pytest.mark.parametrize("address", ["/api/sources", "/donnees"])
def test_what_no_route_foresaw_is_told_like_any_failure_and_logged_by_its_name(
    app: TestClient, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, address: str
) -> None:
    def broken(*_: object, **__: object) -> None:
        raise ZeroDivisionError("dans /var/secret")

    monkeypatch.setattr("observatory.store.read.sources", broken)
    answer = app.get(f"{address}?", headers={"Authorization": "rien", "X-Request-ID": "essai-1"})
    assert answer.status_code == 500
    assert answer.headers["x-request-id"] == "essai-1"
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert "default-src 'self'" in answer.headers["content-security-policy"]
    assert "secret" not in answer.text
    assert "Zero" not in answer.text
    assert "request essai-1 failed" in caplog.text
    assert len(app.get("/api/sources", headers={"X-Request-ID": "pas bon"}).headers["x-request-id"]) == 16


@pytest.mark.parametrize("bbox", ["-180,-90,180,90", "-10,-90,10,60", "-2,48,2,90"])
def test_a_frame_up_to_the_poles_holds_what_is_in_it(app: TestClient, bbox: str) -> None:
    asked = app.get(f"/api/structures?service=ressourcerie&bbox={bbox}&limit=1")
    assert asked.status_code == 200
    assert (
        asked.json()["total"] == app.get("/api/structures?service=ressourcerie&bbox=-3,47,3,51&limit=1").json()["total"]
    )
