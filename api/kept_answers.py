"""Answers that depend only on what is loaded: kept, compressed, in a bounded memory under the version of the data."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Final

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.middleware import gathered, reply

OK: Final = 200
NEVER_KEPT: Final = ("/static/", "/healthz", "/readyz", "/metrics", "/implantation", "/api/jobs", "/api/siting")
"""Paths whose answers depend on more than what is loaded: a process, a job."""
PERSONAL: Final = ("authorization", "cookie")
"""Headers of a request that somebody signs: its answer is nobody else's."""
LARGEST_SHARE: Final = 8
"""An answer larger than the memory divided by this isn't kept (convention de l'observatoire)."""
OVERHEAD_BYTES: Final = 1_000
"""What an answer costs beside its body: its key, headers and place (convention de l'observatoire)."""

Key = tuple[str, bytes, str, bool]


@dataclass(frozen=True)
class Answer:
    """A whole answer, ready to leave."""

    version: str
    headers: list[tuple[bytes, bytes]]
    body: bytes
    route: object
    """The route that worked it out, for the measures."""

    @property
    def cost_bytes(self) -> int:
        """What it takes of the memory, about."""
        return len(self.body) + OVERHEAD_BYTES


class Kept:
    """Answers a GET from memory where its answer is known for the present version of the data.

    Parameters
    ----------
    version
        Returns the version of the data that an answer would show now; None where it can't be told: nothing is then
        kept, nor taken.
    memory_bytes
        What all kept answers may take; those asked for the longest ago go first. 0: none is kept.

    Notes
    -----
    Requests that carry a session or a token neither read nor fill the memory. Of requests for one answer that arrive
    together, the first works it out and the others wait for it. The ETag is that of the version, so that a 304
    costs no more than asking for it.
    """

    def __init__(self, app: ASGIApp, *, version: Callable[[], Awaitable[str | None]], memory_bytes: int) -> None:
        self.app = app
        self._version = version
        self._memory_bytes = memory_bytes
        self._answers: OrderedDict[Key, Answer] = OrderedDict()
        self._taken_bytes = 0
        self._under_way: dict[tuple[Key, str], asyncio.Event] = {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer from memory, or pass the request on and keep what comes back."""
        if not self._memory_bytes or not _may_keep(scope) or (version := await self._version()) is None:
            await self.app(scope, receive, send)
            return
        asked = Headers(scope=scope)
        tag = tag_of(version)
        if tag in asked.get("if-none-match", ""):
            await reply(send, 304, [(b"etag", tag.encode())], b"")
            return
        key = (scope["path"], scope["query_string"], asked.get("host", ""), "gzip" in asked.get("accept-encoding", ""))
        answer = self._known(key, version)
        if answer is None and (under_way := self._under_way.get((key, version))) is not None:
            await under_way.wait()
            answer = self._known(key, version)
        if answer is not None:
            scope["route"] = answer.route
            await reply(send, OK, answer.headers, answer.body)
            return
        over = self._under_way.setdefault((key, version), asyncio.Event())
        try:
            await self.app(scope, receive, self._keeping(key, version, scope, send))
        finally:
            over.set()
            self._under_way.pop((key, version), None)

    def _keeping(self, key: Key, version: str, scope: Scope, send: Send) -> Send:
        """Return where an answer goes to be kept, then sent."""

        async def keep(start: Message, body: bytes) -> None:
            # What was worked out while the data changed belongs to neither version.
            if _is_lasting(start) and await self._version() == version:
                MutableHeaders(raw=start["headers"])["ETag"] = tag_of(version)
                self._keep(key, Answer(version, start["headers"], body, scope.get("route")))
            await reply(send, start["status"], start["headers"], body)

        return gathered(keep)

    def _known(self, key: Key, version: str) -> Answer | None:
        answer = self._answers.get(key)
        if answer is None:
            return None
        if answer.version != version:
            self._drop(key)
            return None
        self._answers.move_to_end(key)
        return answer

    def _keep(self, key: Key, answer: Answer) -> None:
        if answer.cost_bytes * LARGEST_SHARE > self._memory_bytes:
            return
        self._drop(key)
        self._answers[key] = answer
        self._taken_bytes += answer.cost_bytes
        while self._taken_bytes > self._memory_bytes:
            self._drop(next(iter(self._answers)))

    def _drop(self, key: Key) -> None:
        answer = self._answers.pop(key, None)
        if answer is not None:
            self._taken_bytes -= answer.cost_bytes


def tag_of(version: str) -> str:
    """Return the ETag of what is served under a version."""
    return f'W/"{version}"'


def _may_keep(scope: Scope) -> bool:
    if scope["type"] != "http" or scope["method"] != "GET" or scope["path"].startswith(NEVER_KEPT):
        return False
    headers = Headers(scope=scope)
    return not any(name in headers for name in PERSONAL)


def _is_lasting(start: Message) -> bool:
    headers = Headers(raw=start["headers"])
    return start["status"] == OK and "no-store" not in headers.get("cache-control", "") and "set-cookie" not in headers
