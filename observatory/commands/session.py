"""What every command that reads figures needs: a transaction on the database, and a place to say things."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.console import Console
    from sqlalchemy import Connection


def messages() -> Console:
    """Return a console on the error stream: whatever is not the result itself goes there."""
    from rich.console import Console

    return Console(stderr=True, highlight=False, soft_wrap=True)


@contextmanager
def transaction() -> Iterator[Connection]:
    """Open one transaction on the operator's database, starting the private cluster if it is the one.

    Raises
    ------
    DatabaseUnavailableError
        If the database doesn't answer.
    """
    from observatory.settings import Settings
    from observatory.store.engine import create_engine

    engine = create_engine(Settings())
    try:
        with engine.begin() as connection:
            yield connection
    finally:
        engine.dispose()


@contextmanager
def working(sentence: str) -> Iterator[None]:
    """Show that something is under way, on a terminal only, until the block ends."""
    console = messages()
    if not sys.stderr.isatty():
        yield
        return
    with console.status(sentence):
        yield


def write_text(text: str) -> None:
    """Write a machine format on standard output, in UTF-8 whatever the locale, and nothing else."""
    sys.stdout.flush()
    sys.stdout.buffer.write(text.encode("utf-8"))
    sys.stdout.buffer.flush()
