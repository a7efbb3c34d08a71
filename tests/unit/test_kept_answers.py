"""Kept answers: the same bytes while the version holds, never those of another version or of somebody's own."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from api.kept_answers import OVERHEAD_BYTES, Kept, tag_of

MEMORY_BYTES = 100 * OVERHEAD_BYTES


class Counting:
    """An application that numbers its answers, and the version that they are of."""

    def __init__(self, *, status: int = 200, headers: tuple[tuple[bytes, bytes], ...] = (), size: int = 0) -> None:
        self.count = 0
        self.version: str | None = "one"
        self.meanwhile: str | None = None
        self.status, self.headers, self.size = status, headers, size

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        self.count += 1
        await asyncio.sleep(0)
        if self.meanwhile is not None:
            self.version = self.meanwhile
        body = f"{scope['path']} {self.count}".encode() + b"x" * self.size
        await send({"type": "http.response.start", "status": self.status, "headers": list(self.headers)})
        await send({"type": "http.response.body", "body": body[:3], "more_body": True})
        await send({"type": "http.response.body", "body": body[3:]})

    async def current(self) -> str | None:
        return self.version

    def kept(self, memory_bytes: int = MEMORY_BYTES) -> Kept:
        return Kept(self, version=self.current, memory_bytes=memory_bytes)


async def asked(
    app: Kept, path: str = "/", *, query: bytes = b"", method: str = "GET", **headers: str
) -> tuple[int, dict[str, str], bytes]:
    sent: list[dict[str, Any]] = []

    async def send(message: Any) -> None:
        sent.append(message)

    raw = [(name.replace("_", "-").encode(), value.encode()) for name, value in headers.items()]
    scope = {"type": "http", "method": method, "path": path, "query_string": query, "headers": raw}
    await app(scope, None, send)  # type: ignore[arg-type]
    told = {name.decode().lower(): value.decode() for name, value in sent[0]["headers"]}
    return sent[0]["status"], told, b"".join(message.get("body", b"") for message in sent[1:])


def get(app: Kept, path: str = "/", **options: Any) -> tuple[int, dict[str, str], bytes]:
    return asyncio.run(asked(app, path, **options))


def test_an_answer_is_worked_out_once_a_version() -> None:
    inner = Counting()
    app = inner.kept()
    first = get(app)
    assert first == get(app) == (200, {"etag": tag_of("one")}, b"/ 1")
    inner.version = "two"
    assert get(app)[2] == b"/ 2"
    assert get(app, query=b"a=1")[2] == b"/ 3"
    assert get(app, host="other")[2] == b"/ 4"
    assert get(app, accept_encoding="gzip, br")[2] == b"/ 5"
    assert get(app)[2] == b"/ 2"


def test_who_holds_the_version_is_told_so_without_any_work() -> None:
    inner = Counting()
    app = inner.kept()
    assert get(app, if_none_match=f'"x", {tag_of("one")}') == (304, {"etag": tag_of("one")}, b"")
    assert inner.count == 0
    assert get(app, if_none_match=tag_of("zero"))[0] == 200


@pytest.mark.parametrize("name", ["authorization", "cookie"])
def test_who_signs_neither_reads_nor_fills(name: str) -> None:
    inner = Counting()
    app = inner.kept()
    assert get(app, **{name: "mine"}) == (200, {}, b"/ 1")
    assert get(app)[2] == b"/ 2"
    assert get(app, **{name: "mine"})[2] == b"/ 3"
    assert get(app)[2] == b"/ 2"


@pytest.mark.parametrize(
    "inner",
    [
        Counting(status=404),
        Counting(headers=((b"cache-control", b"no-store"),)),
        Counting(headers=((b"set-cookie", b"session=1"),)),
        Counting(size=MEMORY_BYTES),
    ],
    ids=["refusal", "no-store", "session", "larger than its share"],
)
def test_what_is_nobody_elses_or_no_answer_isn_t_kept(inner: Counting) -> None:
    app = inner.kept()
    assert get(app)[2] != get(app)[2]


@pytest.mark.parametrize("path", ["/static/a.js", "/implantation", "/api/jobs/x", "/readyz"])
def test_what_depends_on_more_than_the_data_isn_t_kept(path: str) -> None:
    app = Counting().kept()
    assert get(app, path)[2] != get(app, path)[2]


def test_a_post_is_never_answered_from_memory() -> None:
    app = Counting().kept()
    get(app)
    assert get(app, method="POST")[2] == b"/ 2"


def test_without_a_version_nothing_is_kept() -> None:
    inner = Counting()
    app = inner.kept()
    get(app)
    inner.version = None
    assert get(app)[2] == b"/ 2"


def test_what_was_worked_out_while_the_data_changed_isn_t_kept() -> None:
    inner = Counting()
    app = inner.kept()
    inner.meanwhile = "two"
    assert get(app) == (200, {}, b"/ 1")
    assert get(app)[2] == b"/ 2"
    assert get(app)[2] == b"/ 2"


def test_those_asked_for_the_longest_ago_leave_first() -> None:
    inner = Counting()
    app = inner.kept(memory_bytes=10 * OVERHEAD_BYTES)  # nine answers of some bytes
    for place in range(9):
        get(app, f"/{place}")
    get(app, "/0")
    get(app, "/9")
    count = inner.count
    assert get(app, "/0")[2] == b"/0 1"
    assert inner.count == count
    assert get(app, "/1")[2] == f"/1 {count + 1}".encode()
    for place in range(10_000):
        get(app, "/", query=str(place).encode())
    assert app._taken_bytes <= 10 * OVERHEAD_BYTES
    assert len(app._answers) == 9


def test_requests_that_come_together_are_worked_out_once() -> None:
    inner = Counting()
    app = inner.kept()

    async def together() -> list[Any]:
        return await asyncio.gather(*(asked(app) for _ in range(20)))

    answers = asyncio.run(together())
    assert inner.count == 1
    assert {answer[2] for answer in answers} == {b"/ 1"}


def test_a_failure_lets_those_who_wait_try_for_themselves() -> None:
    class Failing(Counting):
        async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
            if self.count == 0:
                self.count = 1
                await asyncio.sleep(0)
                raise RuntimeError
            await super().__call__(scope, receive, send)

    inner = Failing()
    app = inner.kept()

    async def together() -> list[Any]:
        return await asyncio.gather(*(asked(app) for _ in range(3)), return_exceptions=True)

    answers = asyncio.run(together())
    assert [type(answer) for answer in answers] == [RuntimeError, tuple, tuple]
    assert get(app)[0] == 200
