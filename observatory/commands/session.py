"""What every command that reads figures needs: a transaction on the database, and a place to say things."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from pathlib import Path
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from rich.console import Console
    from sqlalchemy import Connection, Engine

    from observatory.settings import Settings


WIDE: Final = 160
"""Columns of what is not for a terminal (convention de l'observatoire)."""
_READ: Final[ContextVar[list[Settings] | None]] = ContextVar("read", default=None)
"""The settings that the command line at work has read; None outside of :func:`one_reading`."""


def messages() -> Console:
    """Return a console on the error stream: whatever is not the result itself goes there."""
    from rich.console import Console

    width = None if sys.stderr.isatty() else WIDE
    return Console(stderr=True, highlight=False, soft_wrap=True, width=width)


@contextmanager
def one_reading() -> Iterator[None]:
    """Read the operator's settings once at most in the block: that of one command line."""
    token = _READ.set([])
    try:
        yield
    finally:
        _READ.reset(token)


def operator_settings() -> Settings:
    """Return the operator's settings: the only place where commands read them from the environment."""
    from observatory.settings import Settings

    read = _READ.get()
    if read is None:
        return Settings()
    if not read:
        read.append(Settings())
    return read[0]


@contextmanager
def opened() -> Iterator[Engine]:
    """Open an engine on the operator's database, starting the private cluster if it is the one, and close it.

    Raises
    ------
    DatabaseUnavailableError
        If the database doesn't answer.
    """
    from observatory.store.engine import create_engine

    engine = create_engine(operator_settings())
    try:
        yield engine
    finally:
        engine.dispose()


def chosen_study(study: Path | None) -> Path | None:
    """Return the study file of the command line, or the operator's (``OBS_STUDY``), or None for the observatory's."""
    return study or operator_settings().study


@contextmanager
def transaction() -> Iterator[Connection]:
    """Open one transaction on the operator's database, starting the private cluster if it is the one.

    Raises
    ------
    DatabaseUnavailableError
        If the database doesn't answer.
    """
    with opened() as engine, engine.begin() as connection:
        yield connection


@contextmanager
def working(sentence: str) -> Iterator[None]:
    """Show that something is under way, on a terminal only, until the block ends."""
    console = messages()
    if not sys.stderr.isatty():
        yield
        return
    with console.status(sentence):
        yield


@contextmanager
def progress() -> Iterator[Callable[[str, int, int], None]]:
    """Give a function to call with what is being done, how much is done and how much there is to do.

    A bar on a terminal; elsewhere, one line for each new thing that is done.
    """
    console = messages()
    if not sys.stderr.isatty():
        told: set[str] = set()

        def tell(label: str, _done: int, _total: int) -> None:
            if label not in told:
                told.add(label)
                console.print(label, markup=False)

        yield tell
        return
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=console, transient=True) as bar:
        task = bar.add_task("", total=None)

        def advance(label: str, done: int, total: int) -> None:
            bar.update(task, description=label, completed=done, total=total)

        yield advance


def write_text(text: str) -> None:
    """Write an answer on standard output: in UTF-8 whatever the locale, but for a terminal of another encoding."""
    if sys.stdout.isatty() and not (sys.stdout.encoding or "").lower().startswith("utf"):
        sys.stdout.write(text)
        return
    sys.stdout.flush()
    sys.stdout.buffer.write(text.encode("utf-8", errors="replace"))
    sys.stdout.buffer.flush()
