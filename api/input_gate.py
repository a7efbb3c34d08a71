"""The one gate of what is sent: how long a body may be, and that its texts and numbers are ones that can be kept."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from http import HTTPStatus
from typing import Any, Final
from urllib.parse import unquote_to_bytes

from starlette.datastructures import Headers
from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api import errors

JSON: Final = "json"
FORM: Final = "application/x-www-form-urlencoded"
TOO_LONG: Final = "La demande dépasse {} ko : envoyez-en moins à la fois."
NOT_TEXT: Final = (
    "La demande contient un caractère nul, ou la moitié d’un caractère, qui n’est d’aucun texte : retirez-le."
)
NOT_JSON: Final = "Le corps de la demande n’est pas du JSON valide : vérifiez-le."
NOT_FINITE: Final = "La demande contient un nombre qui n’en est pas un (NaN, infini ou trop grand) : corrigez-le."
TOO_DEEP: Final = "La demande emboîte trop de listes ou d’objets : simplifiez-la."


class RefusedInputError(ValueError):
    """What is sent can't be taken; the message is the French sentence to answer."""


class Gate:
    """Refuses what no route could take, in one place, before any of them reads it.

    Parameters
    ----------
    body_max_bytes
        Longest body, announced or not.
    """

    def __init__(self, app: ASGIApp, *, body_max_bytes: int) -> None:
        self.app = app
        self._body_max_bytes = body_max_bytes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Check the address and the body, and pass the request on with its body whole."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        status, sentence, body = await self._checked(scope, receive)
        if sentence:
            await errors.answer(Request(scope), status, sentence)(scope, receive, send)
            return
        given = False

        async def replay() -> Message:
            nonlocal given
            if given or body is None:
                return await receive()
            given = True
            return {"type": "http.request", "body": body, "more_body": False}

        await self.app(scope, replay, send)

    async def _checked(self, scope: Scope, receive: Receive) -> tuple[int, str, bytes | None]:
        """Return the status and sentence of a refusal ("" for none), and the body that was read."""
        body = None
        try:
            require_text(scope.get("raw_path", b"").partition(b"?")[0])
            require_text(scope["query_string"])
            if scope["method"] not in {"GET", "HEAD", "OPTIONS"}:
                body = await self._read(scope, receive)
                if body is None:
                    sentence = TOO_LONG.format(self._body_max_bytes // 1000)
                    return HTTPStatus.REQUEST_ENTITY_TOO_LARGE, sentence, None
                kind = Headers(scope=scope).get("content-type", "").partition(";")[0].strip().lower()
                if kind == FORM:
                    require_text(body)
                elif body and (JSON in kind or not kind):
                    require_json(body)
        except RefusedInputError as error:
            return HTTPStatus.UNPROCESSABLE_ENTITY, str(error), body
        return HTTPStatus.OK, "", body

    async def _read(self, scope: Scope, receive: Receive) -> bytes | None:
        """Return the body, None as soon as it is too long."""
        announced = Headers(scope=scope).get("content-length", "0")
        if announced.isdigit() and int(announced) > self._body_max_bytes:
            return None
        body = bytearray()
        while True:
            message = await receive()
            body += message.get("body", b"")
            if len(body) > self._body_max_bytes:
                return None
            if not message.get("more_body", False):
                return bytes(body)


def require_text(encoded: bytes) -> None:
    """Check that a path, a query or a form, percent-encoded, is UTF-8 without a NUL.

    Raises
    ------
    RefusedInputError
        If it isn't.
    """
    plain = unquote_to_bytes(encoded.replace(b"+", b" "))
    try:
        is_text = "\0" not in plain.decode()
    except UnicodeDecodeError:
        is_text = False
    if not is_text:
        raise RefusedInputError(NOT_TEXT)


def require_json(body: bytes) -> None:
    """Check that a body is JSON whose texts can be encoded and whose numbers are finite.

    Raises
    ------
    RefusedInputError
        If it isn't.
    """
    try:
        document = json.loads(body)
    except RecursionError:
        raise RefusedInputError(TOO_DEEP) from None
    except ValueError:
        raise RefusedInputError(NOT_JSON) from None
    for value in _values(document):
        if isinstance(value, float) and not math.isfinite(value):
            raise RefusedInputError(NOT_FINITE)
        if isinstance(value, str) and not _is_text(value):
            raise RefusedInputError(NOT_TEXT)


def _values(document: Any) -> Iterator[Any]:  # noqa: ANN401  (what JSON holds)
    """Yield every key and every value that is neither a list nor an object."""
    waiting = [document]
    while waiting:
        one = waiting.pop()
        if isinstance(one, dict):
            yield from one
            waiting.extend(one.values())
        elif isinstance(one, list):
            waiting.extend(one)
        else:
            yield one


def _is_text(value: str) -> bool:
    try:
        value.encode()
    except UnicodeEncodeError:
        return False
    return "\0" not in value
