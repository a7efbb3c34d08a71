"""Several files of one source as one: a directory that links to them, for the time of a load."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from observatory.errors import InputFileError, UsageError
from observatory.sources import registry


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
    source = registry.find(source_id)
    if source is None or source.bundle is None:
        raise UsageError(f"« {source_id} » se charge d’un seul fichier : écrivez --from-file une fois.")
    with TemporaryDirectory() as name:
        directory = Path(name) / source.bundle
        directory.mkdir()
        for rank, path in enumerate(paths):
            if not path.is_file():
                raise InputFileError(f"Le fichier {path} n’existe pas : vérifiez son chemin.")
            place = directory / (path.name if not (directory / path.name).exists() else f"{rank}-{path.name}")
            place.symlink_to(path.resolve())
        yield directory
