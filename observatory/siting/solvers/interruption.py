"""Whether whoever asked a question gave it up: looked at before every search, and inside HiGHS while it runs."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Final

_Asked = Callable[[], bool]


def _never() -> bool:
    return False


_given_up: Final[ContextVar[_Asked]] = ContextVar("siting_given_up", default=_never)


class GivenUpError(Exception):
    """The question was given up while a search was under way."""


@contextmanager
def watched(is_given_up: _Asked) -> Iterator[None]:
    """Within the block, searches of this thread end with :class:`GivenUpError` once ``is_given_up()`` is true.

    ``is_given_up`` is called often, so it must cost nothing.
    """
    token = _given_up.set(is_given_up)
    try:
        yield
    finally:
        _given_up.reset(token)


def watcher() -> _Asked | None:
    """Return what to call to know whether the question was given up; None where nobody watches."""
    found = _given_up.get()
    return None if found is _never else found


def check() -> None:
    """Raise :class:`GivenUpError` if the question was given up."""
    if _given_up.get()():
        raise GivenUpError
