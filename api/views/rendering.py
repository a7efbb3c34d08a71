"""Pages as French readers see them: the Jinja environment, its figures and plurals, the notes of sources."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any, Final

from fastapi import Request
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from starlette.responses import HTMLResponse

from api.views.source_notes import SourceNotes
from observatory.declared.reference import secrecy
from observatory.declared.region import home_region
from observatory.gap.columns import BY_NAME
from observatory.parameters import LONGEST_THRESHOLD_MIN, SHORTEST_THRESHOLD_MIN
from observatory.publish.gap_rows import is_secret
from observatory.words import grammar, labels, numbers

HERE: Final = Path(__file__).resolve().parents[1]
NO_DATA: Final = "pas de donnée"
WHOLE_FROM: Final = 1000
"""Figures from here on are written without decimals."""
NAVIGATION: Final = (
    ("/", "Accueil"),
    ("/carte", "Carte"),
    ("/lacunes", "Lacunes"),
    ("/implantation", "Implantation"),
    ("/objectifs", "Objectifs"),
    ("/territoires", "Territoires"),
    ("/zones-rurales", "Zones rurales"),
    ("/quartiers", "Quartiers prioritaires"),
    ("/donnees", "Données"),
    ("/methode", "Méthode"),
)


_TAGS: Final = re.compile(r"(<(?:script|style|code|textarea)\b.*?</(?:script|style|code|textarea)>|<[^>]*>)", re.DOTALL)
_WIDE: Final = re.compile(r"(?<=\S) (?=[:;?!»%])|(?<=«) ")
_THIN: Final = re.compile(r"(?<=\d) (?=\d{3}(?!\d))")
_APOSTROPHE: Final = re.compile(r"(?<=[^\W\d_])(?:'|&#39;)(?=[^\W_])")


def number(value: float | None) -> str:
    """Return a whole number in French, or the words that say there is none."""
    return numbers.count(value, unknown=NO_DATA)


def decimal(value: float | None, digits: int = 1) -> str:
    """Return a number with a decimal comma, or the words that say there is none."""
    return numbers.with_minus(numbers.decimal(value, digits=digits, unknown=NO_DATA))


def measure(value: float | None, unit: str = "", digits: int = 1) -> str:
    """Return a figure and its unit, or the words that say there is none; whole numbers from 1000 on lose decimals."""
    if value is None:
        return NO_DATA
    shown = number(value) if abs(value) >= WHOLE_FROM or digits == 0 else decimal(value, digits)
    return f"{shown}{numbers.NO_BREAK_SPACE}{unit}" if unit else shown


def counted(count: float | None, singular: str, several: str | None = None) -> str:
    """Return « 1 commune », « 2 communes », or the words that say there is none."""
    return NO_DATA if count is None else numbers.counted(count, singular, several, space=numbers.NO_BREAK_SPACE)


def share(part: float | None, whole: float | None) -> float | None:
    """Return the percentage that ``part`` is of ``whole``; None where either is unknown or there is nobody."""
    return None if part is None or not whole else 100 * part / whole


@cache
def environment() -> Environment:
    """Return the Jinja environment: escaped, strict about what is undefined."""
    templates = Environment(
        loader=FileSystemLoader(HERE / "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    templates.filters |= {
        "nombre": number,
        "decimal": decimal,
        "mesure": measure,
        "pluriel": counted,
        "jour": numbers.day,
        "capitale": grammar.capital,
    }
    templates.globals |= {
        "navigation": NAVIGATION,
        "noms_region": home_region().names,
        "asset": asset,
        "part": share,
        "niveaux": labels.LEVELS,
        "typologies": labels.TYPOLOGIES,
        "sens_typologies": labels.TYPOLOGY_MEANINGS,
        "statuts": labels.STATUSES,
        "lieux": labels.PLACES,
        "populations": labels.POPULATIONS,
        "mots_verdict": labels.verdict,
        "mots_rang": numbers.rank_interval,
        "est_secret": is_secret,
        "colonnes": BY_NAME,
        "petits_comptes": secrecy().thresholds,
        "seuils": (SHORTEST_THRESHOLD_MIN, LONGEST_THRESHOLD_MIN),
    }
    return templates


@cache
def asset(path: str) -> str:
    """Return the address of a static file, with a mark of its content so that a new version is fetched."""
    file = HERE / "static" / path
    mark = hashlib.sha256(file.read_bytes()).hexdigest()[:10] if file.is_file() else "0"
    return f"/static/{path}?v={mark}"


def page(
    request: Request,
    template: str,
    *,
    sources: Mapping[str, Mapping[str, Any]] | None = None,
    status: int = 200,
    headers: Mapping[str, str] | None = None,
    **context: object,
) -> HTMLResponse:
    """Return a whole page.

    Parameters
    ----------
    sources
        The catalogue by identifier, for the notes; None where no figure is shown.
    """
    html = (
        environment()
        .get_template(template)
        .render(chemin=request.url.path, source=SourceNotes(sources or {}), **context)
    )
    return HTMLResponse(spaced(html), status_code=status, headers=headers)


def spaced(html: str) -> str:
    """Return a page with the typography of French: no-break spaces before « ; : ! ? % », in « », in thousands; and ’.

    Producers' names and texts are typed with plain spaces and straight apostrophes; tags, code and scripts are left as
    they are.
    """
    parts = _TAGS.split(html)
    for substituted, pattern in (("\u00a0", _WIDE), ("\u202f", _THIN), ("’", _APOSTROPHE)):
        parts[::2] = [pattern.sub(substituted, text) for text in parts[::2]]
    return "".join(parts)


def error_page(request: Request, *, status: int, title: str, sentence: str, headers: Mapping[str, str]) -> HTMLResponse:
    """Return the page of a failure, with the navigation; it asks nothing of the database."""
    return page(request, "erreur.html", status=status, headers=headers, titre=title, phrase=sentence, code=status)
