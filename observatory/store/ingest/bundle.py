"""Several files of one source as one: a directory that links to them, for the time of a load."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from observatory.errors import InputFileError, UsageError

SEVERAL: Final = {"insee_sirene_ess": "Sirene"}
"""Sources that take several files, and what they are called together."""


@contextmanager
def bundled(source_id: str, paths: Sequence[Path]) -> Iterator[Path]:
    """Give the one path that stands for the files of a source.

    Raises
    ------
    UsageError
        If the source takes one file and several were given.
    InputFileError
        If one of several isn't a file.
    """
    if len(paths) == 1:
        yield paths[0]
        return
    if source_id not in SEVERAL:
        raise UsageError(f"« {source_id} » se charge d’un seul fichier : écrivez --from-file une fois.")
    with TemporaryDirectory() as name:
        directory = Path(name) / SEVERAL[source_id]
        directory.mkdir()
        for rank, path in enumerate(paths):
            if not path.is_file():
                raise InputFileError(f"Le fichier {path} n’existe pas : vérifiez son chemin.")
            place = directory / (path.name if not (directory / path.name).exists() else f"{rank}-{path.name}")
            place.symlink_to(path.resolve())
        yield directory
