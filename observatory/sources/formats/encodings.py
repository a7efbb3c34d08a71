"""Turns the bytes of a text file into text: UTF-8 with or without BOM, or Windows-1252; anything else is refused."""

from __future__ import annotations

import codecs
import re
from pathlib import Path
from typing import Final

from observatory.errors import InputFileError

MAX_BYTES: Final = 512 * 1024**2
"""Larger text files than this are not read at once (convention de l'observatoire)."""
OTHER_FORMATS: Final = {
    b"PK\x03\x04": "un classeur ou une archive ZIP",
    b"%PDF": "un PDF",
    b"PAR1": "un fichier Parquet",
    b"\x1f\x8b": "une archive gzip",
    b"\xd0\xcf\x11\xe0": "un ancien classeur Excel",
    codecs.BOM_UTF16_LE: "un texte en UTF-16",
    codecs.BOM_UTF16_BE: "un texte en UTF-16",
}
CONTROLS: Final = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\x80-\x9f]")
LOST: Final = "\ufffd"
TWICE: Final = re.compile("Ã[\u0080-\u00bf\u0152\u0153\u0160\u0161\u0178\u017d\u017e\u2020-\u2022\u2030\u2039\u203a]")
"""« Ã© » for « é »: UTF-8 read as Windows-1252 and written again."""
EXPECTED: Final = frozenset(
    "àâäæçéèêëîïíñóôöœùûüúÿáãåìòõøßÀÂÄÆÇÉÈÊËÎÏÍÑÓÔÖŒÙÛÜÚŸÁÃÅÌÒÕØ€«»“”‘’–—…·•°ºª²³½¼¾§©®±×µ¨´¸™¿¡\u00a0\u00ad"
)
"""What French data in Windows-1252 may hold beyond ASCII: another character says that it is another encoding."""


def read_text(path: Path) -> tuple[str, str]:
    """Return the text of a file, without its BOM, and the encoding it was in (``utf-8`` or ``cp1252``).

    Raises
    ------
    InputFileError
        If the file is absent, empty, too large, binary, in another encoding, or mixes encodings.
    """
    return decode(_bytes(path), path.name)


def decode(content: bytes, name: str) -> tuple[str, str]:
    """Return the text that ``content`` holds and its encoding; ``name`` is for the messages.

    A file that isn't UTF-8 is Windows-1252 only if none of its accents is UTF-8 and all of them are those of French.
    """
    if not content.strip():
        raise InputFileError(f"Le fichier « {name} » est vide : téléchargez-le de nouveau.")
    for mark, what in OTHER_FORMATS.items():
        if content.startswith(mark):
            raise InputFileError(f"« {name} » est {what}, pas un fichier texte : donnez le CSV du producteur.")
    head = content[:500].lstrip(codecs.BOM_UTF8).lstrip().lower()
    if head.startswith((b"<!doctype", b"<html")):
        raise InputFileError(f"« {name} » est une page web, pas un fichier de données : téléchargez-le de nouveau.")
    try:
        text, encoding = content.decode("utf-8-sig"), "utf-8"
    except UnicodeDecodeError:
        text, encoding = _windows(content, name), "cp1252"
    _refuse_damage(text, name)
    return text, encoding


def _bytes(path: Path) -> bytes:
    try:
        if path.stat().st_size > MAX_BYTES:
            raise InputFileError(f"« {path.name} » dépasse {MAX_BYTES // 1024**2} Mio : est-ce bien le bon fichier ?")
        return path.read_bytes()
    except FileNotFoundError as error:
        raise InputFileError(f"Le fichier « {path} » est introuvable : indiquez le bon dossier.") from error
    except IsADirectoryError as error:
        raise InputFileError(f"« {path} » est un dossier : indiquez un fichier.") from error
    except OSError as error:
        raise InputFileError(f"« {path} » est illisible : vérifiez ses droits.") from error


def _windows(content: bytes, name: str) -> str:
    escaped = content.decode("utf-8-sig", errors="surrogateescape")
    wrong = re.search("[\udc80-\udcff]", escaped)
    line = escaped.count("\n", 0, wrong.start()) + 1 if wrong else 1
    is_mixed = content.startswith(codecs.BOM_UTF8) or re.search("[\u0080-\ud7ff\ue000-\U0010ffff]", escaped)
    if is_mixed:
        raise InputFileError(
            f"Le fichier « {name} » est en UTF-8, mais la ligne {line} ne l’est pas : il est abîmé ou mélange deux "
            "encodages, téléchargez-le de nouveau."
        )
    try:
        text = content.decode("cp1252")
    except UnicodeDecodeError:
        text = LOST
    strange = {character for character in text if ord(character) > 0x7F} - EXPECTED  # noqa: PLR2004 - ASCII ends there
    if strange:
        raise InputFileError(
            f"Le fichier « {name} » n’est ni en UTF-8 ni en Windows-1252 (ligne {line}) : enregistrez-le en UTF-8."
        )
    return text


def _refuse_damage(text: str, name: str) -> None:
    for found, what in (
        (CONTROLS.search(text), "contient des octets qui ne sont pas du texte"),
        (re.search(LOST, text), "a perdu des lettres accentuées"),
        (TWICE.search(text), "a été encodé deux fois (« Ã© » pour « é »)"),
    ):
        if found:
            line = text.count("\n", 0, found.start()) + 1
            raise InputFileError(f"Le fichier « {name} » {what} à la ligne {line} : téléchargez-le de nouveau.")
