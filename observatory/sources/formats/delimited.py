"""Records of a text whose cells are separated by a character, whatever the habits of who wrote it."""

from __future__ import annotations

import csv
import io
from typing import Final

from observatory.errors import InputFileError

DELIMITERS: Final = (";", ",", "\t", "|")
MAX_CELL_CHARACTERS: Final = 100_000
"""No cell of these sources is that long: it is a quotation mark that was never closed."""


def records(text: str, delimiter: str, name: str, *, limit: int | None = None) -> list[tuple[int, list[str]]]:
    """Return the records that aren't blank, each with the line where it ends.

    Parameters
    ----------
    text
        Of the whole file.
    delimiter
        Between cells.
    name
        Of the file, for the messages.
    limit
        Only that many records, as far as they can be read.

    Raises
    ------
    InputFileError
        If a quotation mark is never closed, or a cell is out of proportion; never with a limit.
    """
    csv.field_size_limit(MAX_CELL_CHARACTERS)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    found: list[tuple[int, list[str]]] = []
    try:
        for cells in reader:
            if any(text.strip() for text in cells):
                found.append((reader.line_num, cells))
            if limit is not None and len(found) >= limit:
                break
    except csv.Error as error:
        if limit is not None:
            return found
        raise InputFileError(
            f"Le fichier « {name} » est tronqué ou mal formé à la ligne {reader.line_num} (guillemet jamais fermé, ou "
            "cellule démesurée) : téléchargez-le de nouveau."
        ) from error
    return found
