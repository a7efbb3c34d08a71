"""What a command says reaches who reads it: the answer alone on standard output, in characters that they can see."""

from __future__ import annotations

import builtins
import codecs
import functools
import io
import os
import sys
import unicodedata
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final, TextIO

LEGIBLE: Final = "observatoire"
"""Name of the error handler that writes a character otherwise where an encoding lacks it."""
PLAIN: Final = {"’": "'", "‘": "'", "“": '"', "”": '"', "«": '"', "»": '"', "–": "-", "—": "-", "…": "...", "→": "->",
                "œ": "oe", "Œ": "OE", "æ": "ae", "Æ": "AE", "€": "EUR", "\u00a0": " ", "\u202f": " ", "\u2009": " ",
                "×": "x", "≥": ">=", "≤": "<=", "·": "-"}  # fmt: skip


def plain(error: UnicodeError) -> tuple[str, int]:
    """Write the characters that an encoding lacks by those that look most like them.

    Raises
    ------
    UnicodeError
        If it isn't about writing.
    """
    if not isinstance(error, UnicodeEncodeError):
        raise error
    return "".join(_nearest(one) for one in error.object[error.start : error.end]), error.end


def _nearest(character: str) -> str:
    found = PLAIN.get(character)
    if found is None:
        found = unicodedata.normalize("NFKD", character).encode("ascii", "ignore").decode("ascii")
    return found or "?"


@contextmanager
def only_answers() -> Iterator[None]:
    """Keep standard output for what our code writes, in the block: what libraries print goes to the error stream.

    Compiled libraries write on the descriptor, which is then the error stream's; the others call ``print``, which we
    never do.
    """
    codecs.register_error(LEGIBLE, plain)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors=LEGIBLE)
    if not isinstance(sys.stdout, io.TextIOWrapper):
        yield
        return
    real, printing = sys.stdout, builtins.print
    real.flush()
    kept = os.dup(real.fileno())
    answers = os.fdopen(kept, "w", encoding=real.encoding, errors=LEGIBLE, buffering=1 if real.isatty() else -1)
    os.dup2(sys.stderr.fileno(), real.fileno())

    # Named as what it stands for: numba looks the built-in functions that it knows up by their name.
    @functools.wraps(printing)
    def aside(*values: object, file: TextIO | None = None, **options: Any) -> None:  # noqa: ANN401
        printing(*values, file=sys.stderr if file is None else file, **options)

    sys.stdout, builtins.print = answers, aside  # type: ignore[assignment]
    try:
        yield
    finally:
        builtins.print = printing
        with _quiet():
            answers.flush()
            os.dup2(kept, real.fileno())
        sys.stdout = real


@contextmanager
def _quiet() -> Iterator[None]:
    """Let a reader that left before the end be: the command has told it."""
    try:
        yield
    except BrokenPipeError:
        return
