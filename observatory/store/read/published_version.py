"""The mark of everything that published answers depend on: what is loaded, what is shown of it, how it is declared."""

from __future__ import annotations

import datetime
import hashlib
from collections.abc import Iterable
from pathlib import Path
from typing import Final

import sqlalchemy as sa
from sqlalchemy import Connection

import geodata
from observatory.declared.reading import version
from observatory.settings import Settings
from observatory.store import loaded_travel

LOADED: Final = sa.text("""
    SELECT (SELECT count(*) FROM observatory.change), (SELECT max(change_id) FROM observatory.change),
        (SELECT string_agg(run_hash, ',' ORDER BY run_hash) FROM observatory.run WHERE is_default)
""")
"""Each transaction that changes published tables leaves one row: their number tells those that end out of order."""


def published_version(connection: Connection, settings: Settings) -> str:
    """Return a short mark, another one as soon as what is loaded, computed by default or declared has changed.

    Parameters
    ----------
    connection
        The mark is that of what this transaction sees.
    settings
        Whose study file, travel times and directory of declarations are watched.

    Returns
    -------
    str
        Hexadecimal, 16 characters. The day is part of it, since pages tell the age of what they show.
    """
    told = [*connection.execute(LOADED).one(), datetime.datetime.now(datetime.UTC).date()]
    told += [version(path) for path in _declared(settings) if path.is_file()]
    return hashlib.sha256(repr(told).encode()).hexdigest()[:16]


def _declared(settings: Settings) -> Iterable[Path]:
    for directory in dict.fromkeys((geodata.ROOT, geodata.root())):
        yield from sorted(directory.glob("*.toml"))
        yield from sorted(directory.glob("studies/*.toml"))
    if settings.study is not None:
        yield settings.study
    yield loaded_travel.location(settings)
