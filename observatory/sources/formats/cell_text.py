"""What cells of producers' files say: numbers as the French write them, codes that lost their zero, lists of codes."""

from __future__ import annotations

import re
import unicodedata
from typing import Final

import pandas as pd
from stdnum import luhn
from stdnum.fr import siren
from stdnum.fr import siret as siret_keys

from observatory.sources.batch import REPEATED_HEADER, Sieve

MISSING: Final = frozenset({"", "-9999", "-999", "n.d.", "nd", "n/d", "na", "n.a.", "nan", "null", "[nd]", "#n/a"})
"""What producers write for "no value", in lower case."""

SPREADSHEET_ERROR: Final = re.compile(
    r"#(N/A|N/D|REF|VALEUR|VALUE|NOM|NAME|DIV/0|NOMBRE|NUM|NULL|NUL|CHAMP|FIELD|SPILL|PROPAGATION|CALC)[!?]?|Err:\d{3}",
    re.IGNORECASE,
)
"""What Excel and LibreOffice show where a formula fails, in French and in English."""
SPACES: Final = re.compile("[ \u00a0\u202f\u2009'’]")
"""Thousands separators: space, no-break space, narrow no-break space, thin space, apostrophe."""
BETWEEN_DIGITS: Final = re.compile("[ .\u00a0\u202f\u2009-]")
"""What people write between the digits of an identifier."""
GROUPED: Final = re.compile(r"[+-]?\d{1,3}(?: \d{3})+(?:[.,]\d+)?")
PLAIN: Final = re.compile(r"[+-]?\d+(?:\.\d*)?(?:[eE][+-]?\d{1,2})?|[+-]?\.\d+")
SIREN_DIGITS: Final = 9
SIRET_DIGITS: Final = 14
SIRET: Final = r"(?!0{9})\d{14}"
"""What the register gives: fourteen digits, and not the zeros of nobody."""
COMMUNE: Final = r"(?:\d{5}|2[AB]\d{3})"
KEY_NAMES: Final = {
    "age": "âge",
    "category": "catégorie",
    "class": "classe",
    "codgeo": "département",
    "commune_code": "commune",
    "departement_code": "département",
    "epci_code": "EPCI",
    "facility": "type d’équipement",
    "indicator": "indicateur",
    "iris_code": "IRIS",
    "kind": "type de données",
    "level": "niveau",
    "period": "période",
    "quarter": "trimestre",
    "sex": "sexe",
    "treatment": "traitement",
    "waste": "type de déchet",
    "year": "année",
    "ze2020": "zone d’emploi",
}
"""What a reader calls the columns that make a row of a table unique."""
UNKNOWN_COMMUNE: Final = "commune absente des territoires de l’observatoire"
REPEATED_REASON: Final = "en-tête répété au milieu du fichier"


def heading(text: str) -> str:
    """Return a heading without case, accents or typographic variants, to compare it."""
    if text.isascii():
        return " ".join(text.lower().split())
    plain = unicodedata.normalize("NFKD", text.replace("’", "'"))
    return " ".join("".join(one for one in plain if not unicodedata.combining(one)).lower().split())


def cell(text: str | None, missing: frozenset[str] = MISSING) -> str | None:
    """Return the text of a cell, stripped, or ``None`` if it says that there is no value."""
    stripped = (text or "").strip()
    return None if not stripped or stripped.lower() in missing else stripped


def unquoted(text: str | None) -> str | None:
    """Return a text without the apostrophe that our exports put before what a spreadsheet would take for a formula."""
    is_ours = text is not None and text.startswith("'") and text[1:].lstrip(" ")[:1] in {"=", "+", "-", "@"}
    return text[1:] if text is not None and is_ours else text


def is_spreadsheet_error(text: str) -> bool:
    """Tell whether a cell holds the error of a formula (``#N/A``, ``#REF!``) in the place of its value."""
    return SPREADSHEET_ERROR.fullmatch(text.strip()) is not None


def number(text: str | None) -> float | None:
    """Return the number that ``text`` writes, or ``None`` if it isn't one.

    A comma is a decimal mark, never a separator of thousands; spaces group digits by three or not at all.

    Examples
    --------
    >>> number("1 234,5"), number("12 34"), number("-0.5"), number("1,234")
    (1234.5, None, -0.5, 1.234)
    """
    if text is None:
        return None
    plain = SPACES.sub(" ", text.strip())
    if " " in plain and not GROUPED.fullmatch(plain):
        return None
    plain = plain.replace(" ", "")
    if plain.count(",") == 1 and "." not in plain:
        plain = plain.replace(",", ".")
    return float(plain) if PLAIN.fullmatch(plain) else None


def numbers(sieve: Sieve, columns: list[str]) -> None:
    """Turn text columns of a sieve into floats; what is neither a number nor empty is put aside, cell by cell."""
    for column in columns:
        text = sieve.frame[column]
        value = pd.Series([number(one) if isinstance(one, str) else None for one in text], text.index, "float64")
        unreadable = text.notna() & value.isna()
        sieve.reject_cells(column, unreadable, "valeur illisible")
        sieve.frame = sieve.frame.assign(**{column: value})


def reject_repeated_headers(sieve: Sieve) -> None:
    """Put aside the lines that repeat the header (files pasted one after the other), if the reader told them."""
    if REPEATED_HEADER in sieve.frame:
        sieve.reject(sieve.frame[REPEATED_HEADER], REPEATED_REASON)


def restored(codes: pd.Series, *, digits: int = 5) -> pd.Series:
    """Give codes the leading zero that a spreadsheet took, only when that is certain.

    It is certain when the file has codes one digit short and none that begins with a zero: the zero was then lost
    everywhere. Otherwise a short code may be anything, and stays as it is.

    Parameters
    ----------
    codes
        As read; ``None`` where there is none.
    digits
        Length of a whole code.
    """
    text = codes.fillna("").astype(str).str.strip()
    short = text.str.fullmatch(rf"[1-9]\d{{{digits - 2}}}")
    if not short.any() or text.str.fullmatch(rf"0\d{{{digits - 1}}}").any():
        return codes
    return codes.where(~short, "0" + text)


def reject_codes(sieve: Sieve, column: str) -> None:
    """Restore commune codes, then put aside the rows whose code isn't one."""
    sieve.frame = sieve.frame.assign(**{column: restored(sieve.frame[column])})
    sieve.reject(~sieve.frame[column].fillna("").str.fullmatch(COMMUNE), "code de commune illisible")


def keep_departements(sieve: Sieve, departements: set[str], *, column: str = "commune_code") -> None:
    """Keep the communes of some départements: headers repeated and unreadable codes put aside, elsewhere left out."""
    reject_repeated_headers(sieve)
    reject_codes(sieve, column)
    sieve.leave_outside(~sieve.frame[column].str[:2].isin(departements))


def reject_unknown_communes(sieve: Sieve, communes: set[str], *, column: str = "commune_code") -> None:
    """Put aside the rows about a commune that the territories lack."""
    sieve.reject(~sieve.frame[column].isin(communes), UNKNOWN_COMMUNE)


def reject_contradictions(sieve: Sieve, keys: list[str], values: list[str]) -> None:
    """Drop the rows that say the same twice; put aside, all of them, those that contradict each other."""
    sieve.drop_duplicates([*keys, *values])
    twice = sieve.frame.duplicated(keys, keep=False)
    told = ", ".join(KEY_NAMES.get(key, key) for key in keys)
    sieve.reject(twice, f"deux lignes se contredisent pour les mêmes : {told}")


def code_list(text: str | None) -> list[str]:
    """Return the codes of a cell that may hold several, separated by commas, semicolons or spaces."""
    return [one for one in re.split(r"[,;/\s]+", text or "") if one]


def has_valid_key(digits: str | None) -> bool:
    """Tell whether a SIREN or SIRET ends with its right key: Luhn's, or La Poste's own, whose digits add up to 5 × n.

    python-stdnum knows La Poste's rule, and refuses Luhn's key to its establishments; some of them have it. Zeros have
    Luhn's key, and are nobody.
    """
    if digits is None or not digits[:SIREN_DIGITS].strip("0"):
        return False
    if len(digits) == SIREN_DIGITS:
        return bool(siren.is_valid(digits))
    return len(digits) == SIRET_DIGITS and bool(luhn.is_valid(digits) or siret_keys.is_valid(digits))


def siret(text: str | None) -> str | None:
    """Return a SIRET without spaces nor points, its lost zeros put back; ``None`` where its key doesn't hold."""
    digits = BETWEEN_DIGITS.sub("", text or "")
    # A SIREN begins with at most three zeros.
    whole = digits.zfill(SIRET_DIGITS) if SIRET_DIGITS - 3 <= len(digits) < SIRET_DIGITS else digits
    return whole if len(whole) == SIRET_DIGITS and has_valid_key(whole) else None


def sirets(sieve: Sieve, column: str = "siret") -> None:
    """Write SIRET as they are said; those that are none are put aside, cell by cell, with why."""
    text = sieve.frame[column]
    found = pd.Series([siret(one) if isinstance(one, str) else None for one in text], text.index, dtype=object)
    digits = text.fillna("").astype(str).str.replace(BETWEEN_DIGITS, "", regex=True)
    is_lost = text.notna() & found.isna()
    is_unit = is_lost & digits.str.fullmatch(rf"\d{{{SIREN_DIGITS}}}")
    is_filler = is_lost & ~is_unit & digits.str.fullmatch(r"(\d)\1*")
    sieve.reject_cells(column, is_unit, "SIREN à la place d’un SIRET")
    sieve.reject_cells(column, is_filler, "chiffre répété, qui n’est celui de personne")
    is_whole = is_lost & ~is_filler & digits.str.fullmatch(rf"\d{{{SIRET_DIGITS}}}")
    sieve.reject_cells(column, is_whole, "SIRET dont la clé est fausse")
    sieve.reject_cells(column, is_lost & ~is_unit & ~is_filler & ~is_whole, "SIRET illisible")
    sieve.frame = sieve.frame.assign(**{column: found})
