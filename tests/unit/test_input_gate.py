"""The gate: what no route could take is refused in French before any sees it; what passes, passes whole."""

from __future__ import annotations

import json
from typing import Any

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.testclient import TestClient

from api.input_gate import NOT_FINITE, NOT_JSON, NOT_TEXT, TOO_DEEP, Gate

BODY_MAX_BYTES = 400_000


async def told_back(request: Request) -> Response:
    return Response(await request.body())


@pytest.fixture(scope="module")
def client() -> TestClient:
    app = Starlette(routes=[Route("/api/{rest:path}", told_back, methods=["GET", "POST"])])
    app.add_middleware(Gate, body_max_bytes=BODY_MAX_BYTES)
    return TestClient(app)


def refused(response: Any, status: int) -> str:
    assert response.status_code == status
    assert response.headers["content-type"] == "application/problem+json"
    return str(response.json()["detail"])


@pytest.mark.parametrize(
    "address",
    ["/api/a%00b", "/api/a?q=%00", "/api/a?%00=1", "/api/a?q=%ED%A0%80", "/api/a?q=%FF", "/api/%C3"],
)
def test_an_address_that_is_no_text_is_refused(client: TestClient, address: str) -> None:
    assert refused(client.get(address), 422) == NOT_TEXT


@pytest.mark.parametrize(
    ("body", "sentence"),
    [
        ('{"a": NaN}', NOT_FINITE),
        ("[1e400]", NOT_FINITE),
        ('{"a": [-Infinity]}', NOT_FINITE),
        ('{"a": "\\ud800"}', NOT_TEXT),
        ('{"\\udfff": 1}', NOT_TEXT),
        ('["x", {"a\\u0000": 1}]', NOT_TEXT),
        ("{", NOT_JSON),
        ("[" * 100_000 + "]" * 100_000, TOO_DEEP),
    ],
)
@pytest.mark.parametrize("kind", ["application/json", "application/geo+json; charset=utf-8"])
def test_json_that_cannot_be_kept_is_refused(client: TestClient, body: str, sentence: str, kind: str) -> None:
    assert refused(client.post("/api/a", content=body, headers={"content-type": kind}), 422) == sentence


def test_a_form_with_a_nul_is_refused(client: TestClient) -> None:
    assert refused(client.post("/api/a", data={"name": "a\0"}), 422) == NOT_TEXT


def test_a_body_too_long_is_refused_whether_announced_or_not(client: TestClient) -> None:
    body = json.dumps("x" * BODY_MAX_BYTES).encode()
    assert "400 ko" in refused(client.post("/api/a", content=body), 413)
    pieces = (body[start : start + 1000] for start in range(0, len(body), 1000))
    assert "400 ko" in refused(client.post("/api/a", content=pieces), 413)


def test_what_passes_passes_whole(client: TestClient) -> None:
    body = json.dumps({"é": ["Vire", 1.5, None, {"😀": "\t"}]}).encode()
    assert client.post("/api/a%C3%A9?q=%F0%9F%98%80+x", json=json.loads(body)).json() == json.loads(body)
    other = b"\x00\xff" * 1000
    assert client.post("/api/a", content=other, headers={"content-type": "application/octet-stream"}).content == other
