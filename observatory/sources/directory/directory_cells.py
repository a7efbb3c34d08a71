"""Cells of the directory's table: lists, codes, points, dates; what can't be read says why, in French."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Set
from dataclasses import dataclass
from typing import Any, Final

import pandas as pd

from observatory.sources.directory.directory_entry import KINDS, Entry
from observatory.sources.formats import cell_text, coordinates, dates
from observatory.sources.structures.establishments import slug
from observatory.words import place_notes
from observatory.words.labels import PHASES

SEPARATOR: Final = " | "
STATES: Final = {"actif": True, "projet": False}
QUALITIES: Final = {name: code for code, name in {**place_notes.QUALITIES, "unknown": "inconnue"}.items()}
KIND_NAMES: Final = {code: name for name, code in KINDS.items()}
SCIENTIFIC: Final = re.compile(r"(\d)[.,](\d+)[eE]\+?(\d{1,2})")


@dataclass(frozen=True)
class Known:
    """What a file's codes may stand for.

    ``levels`` gives the levels of a code, the one meant first ahead; ``identify`` the identifier of the structure that
    a (name, SIRET) already stands for; ``successor`` the present code of a former commune.
    """

    levels: Mapping[str, tuple[str, ...]]
    identify: Callable[[str, str | None], str | None]
    entries: Mapping[str, Entry]
    removed: Set[str]
    """Structures taken out of the directory, which may come back."""
    successor: Mapping[str, str]
    town_halls: Mapping[str, tuple[float, float]]
    """Commune → lon, lat."""


class CellError(Exception):
    """A cell makes its row unusable; the text is the reason."""


def point(row: Mapping[str, str | None], commune: str | None, known: Known) -> tuple[float | None, float | None, str]:
    """Return lon, lat and how well they are known: the point of the row, else the town hall of its commune."""
    said = choice(row["precision"], QUALITIES, "précision")
    texts = (row["longitude"], row["latitude"])
    if any(texts) and not (said == "town_hall" and commune):
        numbers = [cell_text.number(one) for one in texts]
        if any(one is None for one in numbers):
            raise CellError("longitude ou latitude illisible")
        lon, lat = (pd.Series([one], dtype=float) for one in numbers)
        found = coordinates.repaired(lon, lat).iloc[0]
        if pd.isna(found["lon"]):
            raise CellError(str(found["note"]))
        return round(float(found["lon"]), 6), round(float(found["lat"]), 6), said or "address"
    if commune is None or said == "unknown":
        return None, None, "unknown"
    lon_lat = known.town_halls.get(commune)
    return (*lon_lat, "town_hall") if lon_lat else (None, None, "unknown")


def commune_code(code: str | None, known: Known) -> str | None:
    """Return the present code of a commune, its lost zero put back."""
    if code is None:
        return None
    whole = code.zfill(5) if code.isdigit() and len(code) == 4 else code.upper()  # noqa: PLR2004 - a zero was lost
    present = known.successor.get(whole, whole)
    if "commune" not in known.levels.get(present, ()):
        raise CellError(f"commune « {code} » inconnue de la région et de ses abords")
    return present


def zones(text: str | None, known: Known) -> tuple[tuple[str, str], ...]:
    """Return the (level, code) of each territory of a list; a bare code is taken at the level meant first."""
    found = []
    for one in listed(text):
        level, _, code = one.rpartition(":")
        wanted, code = slug(level).replace("-", "_"), code.strip().upper()
        levels = known.levels.get(known.successor.get(code, code), ())
        if wanted and wanted not in levels:
            raise CellError(f"zone « {one} » inconnue : écrivez niveau:code, par exemple epci:200068799")
        if not levels:
            raise CellError(f"zone « {one} » inconnue : écrivez le code d’un territoire de l’observatoire")
        found.append((wanted or levels[0], known.successor.get(code, code)))
    return tuple(dict.fromkeys(found))


def phases(text: str | None) -> tuple[str, ...]:
    """Return the phases of a list, in their own order, whatever its accents."""
    found = {slug(one) for one in listed(text)}
    unknown = found - set(PHASES)
    if unknown:
        raise CellError(f"phase « {min(unknown)} » inconnue : écrivez {', '.join(PHASES)}")
    return tuple(one for one in PHASES if one in found)


def choice(text: str | None, choices: Mapping[str, Any], what: str, *, default: Any = None) -> Any:  # noqa: ANN401
    """Return what a word stands for, by its name or its code, whatever its accents and case."""
    if text is None:
        return default
    for name, value in choices.items():
        if slug(text).replace("-", "_") in {slug(name).replace("-", "_"), slug(str(value)).replace("-", "_")}:
            return value
    raise CellError(f"{what} « {text} » inconnu : écrivez {', '.join(choices)}")


def siret(text: str | None, known: str | None = None) -> str | None:
    """Return a SIRET whose key holds; ``known`` if ``text`` is what a spreadsheet left of it (``8,09510E+13``)."""
    if text is not None and (short := SCIENTIFIC.fullmatch(text)):
        if known is not None and f"{float(known):.{len(short[2])}e}" == f"{short[1]}.{short[2]}e+{int(short[3]):02}":
            return known
        raise CellError(
            f"SIRET « {text} » : un tableur en a perdu les derniers chiffres ; mettez la colonne en texte et "
            "retapez-le, ou laissez la case vide"
        )
    found = cell_text.siret(text)
    if text is not None and (found is None or not cell_text.has_valid_key(found)):
        raise CellError(f"SIRET « {text} » invalide : corrigez-le, ou laissez-le vide")
    return found


def website(text: str | None) -> str | None:
    """Return an address of the web."""
    if text is not None and not re.fullmatch(r"https?://[^\s@]+\.[^\s@]+", text):
        raise CellError(f"site web « {text} » illisible : écrivez une adresse qui commence par https://")
    return text


def date_told(text: str | None, today: str, *, known: str = "", is_month_first: bool = False) -> str:
    """Return a date, its month or its year, in ISO form; empty if there is none.

    ``known`` is what the directory says already: the first day that a spreadsheet gave to that month is that month.
    """
    if text is None:
        return ""
    try:
        found = dates.iso(text, is_month_first=is_month_first)
    except dates.UnclearDateError as doubt:
        raise CellError(str(doubt)) from doubt
    if dates.is_less_told(found, known):
        return known
    if found > today:
        raise CellError(f"date « {text} » dans le futur")
    return found


def require_no_error(row: Mapping[str, str | None], headings: Mapping[str, str]) -> None:
    """Refuse a row in which a spreadsheet shows an error (``#N/A``): what was there is not known.

    Raises
    ------
    CellError
        If it does.
    """
    for name, text in row.items():
        if text is not None and cell_text.is_spreadsheet_error(text):
            raise CellError(
                f"la case « {headings.get(name, name)} » montre une erreur de tableur ({text}) : corrigez-la ou "
                "videz-la"
            )


def listed(text: str | None) -> list[str]:
    """Return the items of a list between bars."""
    return [part.strip() for part in (text or "").split("|") if part.strip()]
