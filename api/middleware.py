"""What every answer carries: security headers, an ETag with its 304, its place in the metrics, and no inside."""

from __future__ import annotations

import hashlib
import logging
import re
import secrets
import time
from collections.abc import Awaitable, Callable
from typing import Final
from urllib.parse import urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api import errors
from api.metrics import Metrics

MACHINE_CACHE: Final = "public, max-age=60"
PAGE_CACHE: Final = "no-cache"
"""Kept, and asked again each time: the ETag makes that cheap."""
STATIC_CACHE: Final = "public, max-age=3600"
OK: Final = 200
REQUEST_ID: Final = re.compile(r"[A-Za-z0-9._-]{1,64}")
_log = logging.getLogger(__name__)


def content_security_policy(basemap_url: str | None) -> str:
    """Return the policy: this origin only, and the base map that the operator chose."""
    parts = urlsplit(basemap_url or "")
    basemap = f" {parts.scheme}://{parts.netloc.replace('{s}', '*')}" if parts.netloc else ""
    return "; ".join(
        (
            "default-src 'self'",
            "script-src 'self'",
            "style-src 'self'",
            f"img-src 'self' data: blob:{basemap}",
            f"connect-src 'self'{basemap}",
            "worker-src 'self'",
            "object-src 'none'",
            "base-uri 'self'",
            "form-action 'self'",
            "frame-ancestors 'self'",
        )
    )


def gathered(release: Callable[[Message, bytes], Awaitable[None]]) -> Send:
    """Return where an answer goes that is held back, then released with its whole body."""
    start: Message = {}
    body = bytearray()

    async def hold(message: Message) -> None:
        nonlocal start
        if message["type"] == "http.response.start":
            start = message
            return
        body.extend(message.get("body", b""))
        if not message.get("more_body", False):
            await release(start, bytes(body))

    return hold


async def reply(send: Send, status: int, headers: list[tuple[bytes, bytes]], body: bytes) -> None:
    """Send a whole answer."""
    await send({"type": "http.response.start", "status": status, "headers": list(headers)})
    await send({"type": "http.response.body", "body": body, "more_body": False})


class Headered:
    """Adds the security headers, and a ``Cache-Control`` where the route gave none."""

    def __init__(self, app: ASGIApp, *, policy: str) -> None:
        self.app = app
        self.policy = policy

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on; complete the headers of the answer."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return

        async def complete(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                headers["Content-Security-Policy"] = self.policy
                headers["X-Content-Type-Options"] = "nosniff"
                headers["Referrer-Policy"] = "same-origin"
                headers.setdefault("Cache-Control", _cache_control(scope["path"]))
            await send(message)

        await self.app(scope, receive, complete)


def _cache_control(path: str) -> str:
    if path.startswith("/static/"):
        return STATIC_CACHE
    return MACHINE_CACHE if path.startswith(("/api/", "/tuiles/")) else PAGE_CACHE


class Tagged:
    """Names each whole answer to a GET by a weak ETag, and answers 304 to who already holds it."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, holding the answer back until it is whole."""
        if scope["type"] != "http" or scope["method"] not in {"GET", "HEAD"} or scope["path"].startswith("/static/"):
            await self.app(scope, receive, send)
            return
        known = Headers(scope=scope).get("if-none-match", "")
        await self.app(scope, receive, gathered(lambda start, body: self._release(start, body, known, send)))

    async def _release(self, start: Message, body: bytes, known: str, send: Send) -> None:
        headers = MutableHeaders(scope=start)
        if start["status"] == OK and headers.get("cache-control") != "no-store":
            etag = f'W/"{hashlib.sha256(body).hexdigest()[:24]}"'
            headers["ETag"] = etag
            if etag in known:
                start = {**start, "status": 304}
                del headers["content-length"]
                start["headers"] = headers.raw
                body = b""
        await reply(send, start["status"], start["headers"], body)


class Measured:
    """Counts and times every answer, by the template of its route."""

    def __init__(self, app: ASGIApp, *, metrics: Metrics) -> None:
        self.app = app
        self.metrics = metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on and note how it ended."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        started = time.perf_counter()
        status = 500

        async def note(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        try:
            await self.app(scope, receive, note)
        finally:
            route = getattr(scope.get("route"), "path", "autre")
            self.metrics.observe(
                method=scope["method"], route=route, status=status, duration_s=time.perf_counter() - started
            )


class Guarded:
    """Answers what no route foresaw like any other failure, and logs it under the name of the request.

    The name is that of ``X-Request-ID`` where a proxy gave a plain one; each answer carries it.
    """

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on; an exception becomes a 500 that says nothing of the inside."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        given = Headers(scope=scope).get("x-request-id", "")
        name = given if REQUEST_ID.fullmatch(given) else secrets.token_hex(8)
        is_started = False

        async def named(message: Message) -> None:
            nonlocal is_started
            if message["type"] == "http.response.start":
                is_started = True
                MutableHeaders(scope=message)["X-Request-ID"] = name
            await send(message)

        try:
            await self.app(scope, receive, named)
        except Exception as error:
            _log.exception("request %s failed", name)
            if is_started:
                raise
            await errors.handle(Request(scope), error)(scope, receive, named)


class HeadAsGet:
    """Answers HEAD with the headers that a GET would have."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a HEAD on as a GET, and keep its body back."""
        if scope["type"] != "http" or scope["method"] != "HEAD":
            await self.app(scope, receive, send)
            return

        async def bare(message: Message) -> None:
            await send({**message, "body": b""} if message["type"] == "http.response.body" else message)

        await self.app({**scope, "method": "GET"}, receive, bare)
