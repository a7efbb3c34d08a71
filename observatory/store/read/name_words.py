"""How names of places are compared: without accents nor hyphens, abbreviations written out, one slip forgiven."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from typing import Final

ABBREVIATIONS: Final = {
    "st": ("saint", "sainte"),
    "ste": ("sainte",),
    "sts": ("saints",),
    "stes": ("saintes",),
    "mt": ("mont",),
    "mts": ("monts",),
    "nd": ("notre",),
    "gd": ("grand",),
    "gde": ("grande",),
    "pt": ("petit", "pont"),
    "pte": ("petite", "porte"),
    "vx": ("vieux",),
    "bg": ("bourg",),
    "fbg": ("faubourg",),
    "lez": ("les",),
    "cc": ("communaute",),
    "ca": ("communaute",),
    "cu": ("communaute",),
}
"""Folded abbreviation → the words that it stands for."""
SHORT_LINKS: Final = (
    (re.compile(r"\bs\s*/\s*s\s*/|\bss\s*/", re.IGNORECASE), "sous "),
    (re.compile(r"\bs\s*/", re.IGNORECASE), "sur "),
    (re.compile(r"\bn\.?\s*-?\s*d\.?(?=\W)", re.IGNORECASE), "nd "),
)
"""``s/`` for « sur », ``ss/`` for « sous », ``N.-D.`` for « Notre-Dame »."""
NUMBER: Final = re.compile(r"\d{5}")
SLIP_LETTERS: Final = 4
"""A word with fewer letters has to be written right (convention de l'observatoire): one slip makes it another word."""
ARTICLES: Final = frozenset({"l", "le", "la", "les"})


def fold(text: str) -> str:
    """Return ``text`` in lower case, without accents, its words parted by one space.

    Examples
    --------
    >>> fold("Saint-Germain-l’Herm, L'Œuvre")
    'saint germain l herm l oeuvre'
    """
    text = text.replace("œ", "oe").replace("Œ", "Oe").replace("æ", "ae").replace("Æ", "Ae")
    plain = unicodedata.normalize("NFKD", text)
    letters = "".join(letter for letter in plain if not unicodedata.combining(letter))
    return re.sub(r"[^a-z0-9]+", " ", letters.lower()).strip()


def asked_words(text: str) -> list[str]:
    """Return the folded words of what is looked for, its short links (``s/``) written out.

    Examples
    --------
    >>> asked_words("Condé s/ Noireau"), asked_words("N.-D. de Gravenchon")
    (['conde', 'sur', 'noireau'], ['nd', 'de', 'gravenchon'])
    """
    for pattern, whole in SHORT_LINKS:
        text = pattern.sub(whole, text)
    return fold(text).split()


def spelt(word: str) -> tuple[str, ...]:
    """Return the whole words that ``word`` may stand for, itself first."""
    return (word, *ABBREVIATIONS.get(word, ()))


def pattern(word: str) -> str:
    """Return the regular expression of a word of a name that begins as ``word``, or that it abbreviates.

    Examples
    --------
    >>> pattern("vire"), pattern("ste")
    (' (vire)', ' (ste|sainte )')
    """
    return f" ({'|'.join([word, *(f'{one} ' for one in ABBREVIATIONS.get(word, ()))])})"


def is_near(words: Sequence[str], name: str) -> bool:
    """Tell whether folded ``words`` name ``name`` but for one slip, or for where its words are parted.

    A slip is a letter too many, too few, wrong, or two letters in each other's place.

    Examples
    --------
    >>> is_near(["lilebonne"], "Lillebonne"), is_near(["laigle"], "L’Aigle"), is_near(["vira"], "Bolbec")
    (True, True, False)
    """
    held = fold(name).split()
    whole, said = "".join(words), "".join(held)
    bare = "".join(held[1:]) if held and held[0] in ARTICLES else said
    if len(whole) >= SLIP_LETTERS and any(_slips(whole, one) <= 1 for one in (said, bare)):
        return True
    slips = 0
    for word in words:
        found = min((_word_slips(one, other) for one in spelt(word) for other in held), default=2)
        slips += found
        if slips > 1:
            return False
    return True


def _word_slips(word: str, other: str) -> int:
    if other.startswith(word):
        return 0
    return _slips(word, other) if len(word) >= SLIP_LETTERS else 2


def _slips(one: str, other: str) -> int:
    """Return how many slips part two words; 2 stands for two or more."""
    from rapidfuzz.distance import OSA

    return int(OSA.distance(one, other, score_cutoff=1))
