"""What several analyses of one process share, kept in memory under the name of what it was worked out from."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from threading import Lock
from typing import Any, Final, TypeVar

Result = TypeVar("Result")
MOST: Final = 48
"""Results kept: those of three défis at four levels, twice over, with room to spare (convention de l'observatoire)."""
_RESULTS: Final[OrderedDict[tuple[str, ...], Any]] = OrderedDict()
_LOCK: Final = Lock()


def kept(key: tuple[str, ...], work_out: Callable[[], Result]) -> Result:
    """Return what was worked out under ``key``, or work it out; the least recently asked for makes room.

    Parameters
    ----------
    key
        What it is, and the hash of all that it depends on.
    work_out
        Called outside the lock: two threads may both work it out, with the same result. Nobody changes the result.
    """
    with _LOCK:
        if key in _RESULTS:
            _RESULTS.move_to_end(key)
            found: Result = _RESULTS[key]
            return found
    found = work_out()
    with _LOCK:
        _RESULTS[key] = found
        while len(_RESULTS) > MOST:
            _RESULTS.popitem(last=False)
    return found
