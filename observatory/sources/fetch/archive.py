"""The one file that an archive is fetched for: found by its name, unpacked under a size limit."""

from __future__ import annotations

import zipfile
from fnmatch import fnmatch
from pathlib import Path
from typing import IO, Final

from observatory.errors import InputFileError

MAX_BYTES: Final = 4 * 1024**3
"""Larger content than this is not unpacked (convention de l'observatoire)."""
CHUNK_BYTES: Final = 1024**2
WORKBOOK: Final = "[Content_Types].xml"
"""What every XLSX holds, and no archive of data does (ECMA-376, part 2)."""
SHOWN: Final = 5


def is_archive(path: Path) -> bool:
    """Tell whether ``path`` is a ZIP archive of files, not a workbook, which is a ZIP too."""
    try:
        if not zipfile.is_zipfile(path):
            return False
        with zipfile.ZipFile(path) as archive:
            return WORKBOOK not in archive.namelist()
    except (OSError, zipfile.BadZipFile):
        return False


def unpack(path: Path, pattern: str, directory: Path) -> Path:
    """Write the entry of a ZIP archive that ``pattern`` names into ``directory`` and return where.

    Parameters
    ----------
    path
        Archive.
    pattern
        Name of the entry in the archive, any case; ``*`` stands for anything.
    directory
        Exists.

    Raises
    ------
    InputFileError
        If it isn't a readable archive, or doesn't hold exactly one such entry, or if the entry is too large.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            files = [one for one in archive.infolist() if not one.is_dir()]
            found = [one for one in files if fnmatch(one.filename.lower(), pattern.lower())]
            if len(found) != 1:
                held = ", ".join(one.filename for one in files[:SHOWN])
                how_many = "ne contient pas" if not found else f"contient {len(found)} fois"
                raise InputFileError(
                    f"L’archive « {path.name} » {how_many} « {pattern} » (elle a : {held or 'rien'}) : extrayez le bon "
                    "fichier et donnez-le avec --from-file."
                )
            # Only the last part of the name is used: an entry can't choose where it is written.
            target = directory / Path(found[0].filename).name
            with archive.open(found[0]) as content, target.open("wb") as file:
                _copy(content, file, path)
    except (OSError, zipfile.BadZipFile, NotImplementedError, RuntimeError, EOFError) as error:
        raise InputFileError(
            f"« {path.name} » n’est pas une archive ZIP lisible : téléchargez-la de nouveau."
        ) from error
    return target


def _copy(content: IO[bytes], file: IO[bytes], path: Path) -> None:
    written = 0
    while chunk := content.read(CHUNK_BYTES):
        written += len(chunk)
        if written > MAX_BYTES:
            raise InputFileError(
                f"Le contenu de « {path.name} » dépasse {MAX_BYTES // 1024**3} Gio : est-ce la bonne archive ?"
            )
        file.write(chunk)
