"""Write a file whole or not at all."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from observatory.errors import OutputFileError


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Give a temporary path beside ``path``, put in its place when the block ends well and removed when it doesn't.

    Raises
    ------
    OutputFileError
        If the folder doesn't exist, can't be written to, or the disk is full.
    """
    if path.is_dir():
        raise OutputFileError(f"« {path} » est un dossier : donnez aussi un nom de fichier.")
    if not path.parent.is_dir():
        raise OutputFileError(f"Le dossier « {path.parent} » n’existe pas : créez-le, ou choisissez un autre chemin.")
    # The same suffix: writers of geographic formats choose their driver by it.
    temporary = path.with_name(f".{path.stem}.{os.getpid()}{path.suffix}")
    try:
        yield temporary
        temporary.replace(path)
    except OSError as error:
        raise OutputFileError(_sentence(path, error)) from error
    finally:
        temporary.unlink(missing_ok=True)


def _sentence(path: Path, error: OSError) -> str:
    if error.errno == errno.ENOSPC:
        return f"Le disque est plein : libérez de la place, puis relancez l’écriture de « {path} »."
    if error.errno in {errno.EACCES, errno.EPERM, errno.EROFS}:
        return f"« {path} » n’est pas accessible en écriture : changez les droits, ou choisissez un autre chemin."
    return f"« {path} » n’a pas pu être écrit ({error.strerror or error}) : vérifiez le chemin et le disque."
