"""What a reader may choose: défis, services, levels; their French names; and the choice that pages open on."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Final
from urllib.parse import urlencode

from sqlalchemy import Connection

from observatory.declared.services import offer
from observatory.declared.study_reading import PHASED_SERVICE, Study, read_study
from observatory.errors import UsageError
from observatory.publish import gap_rows as publication
from observatory.store.read import loaded_completeness
from observatory.words.labels import PHASES

DEFAULT_LEVEL: Final = "epci"


@dataclass(frozen=True)
class Choice:
    """One gap analysis as it was asked for, checked."""

    defi: str
    service: str
    level: str
    territory: str | None = None
    threshold_min: float | None = None
    closed_border: bool = False

    def query(self, **changes: object) -> str:
        """Return the query string of this choice, with changes; what is None is left out."""
        fields = {
            "defi": self.defi,
            "service": self.service,
            "level": self.level,
            "territory": self.territory,
            "threshold_min": None if self.threshold_min is None else f"{self.threshold_min:g}",
            "closed_border": "true" if self.closed_border else None,
            **changes,
        }
        return urlencode({name: value for name, value in fields.items() if value is not None})


def choose(
    study: Study,
    *,
    defi: str | None = None,
    service: str | None = None,
    level: str | None = None,
    territory: str | None = None,
    threshold_min: float | None = None,
    closed_border: bool = False,
    with_phases: bool = False,
) -> Choice:
    """Return a checked choice; what a form left empty takes its default.

    Raises
    ------
    UsageError
        If a name is unknown; the sentence lists those that exist.
    """
    first, pairs = offer().shown.defi, offer().pairs
    defi = defi or first
    service = service or pairs.get(defi, pairs[first])
    level = level or DEFAULT_LEVEL
    study.need(defi)
    if study.service(service).phase is not None and not with_phases:
        raise UsageError("Cette page ne distingue pas les phases : choisissez le service « accompagnement ».")
    publication.require_level(level)
    return Choice(defi, service, level, territory or None, threshold_min, closed_border)


def require_service(study: Study, service: str) -> str:
    """Return ``service`` if it is one.

    Raises
    ------
    UsageError
        If it is not; the sentence lists those that exist.
    """
    return study.service(service).service


def study(path: Path | None) -> Study:
    """Return the operator's study, or the observatory's, read once per version of the file."""
    return read_study(path)


def defi_labels(study: Study) -> dict[str, str]:
    """Return the French name of each défi."""
    return {defi: need.label for defi, need in study.needs.items()}


def gap_services(study: Study) -> dict[str, str]:
    """Return the French name of each service that gaps may be asked for, the phases of accompaniment included."""
    labels = {name: entry.label for name, entry in study.services.items()}
    if PHASED_SERVICE in labels:
        labels |= {f"{PHASED_SERVICE}:{phase}": f"Accompagnement – {words}" for phase, words in PHASES.items()}
    return labels


def completeness(study: Study, connection: Connection) -> dict[str, str]:
    """Return, by service, the sentence that says how complete its list of structures is with what is loaded."""
    return {name: entry.completeness for name, entry in study.services.items()} | loaded_completeness(connection)


def minutes(text: str) -> float | None:
    """Return the threshold that a form gave, in minutes; None where it was left empty.

    Raises
    ------
    UsageError
        If it is not a number; its bounds are checked with the request itself.
    """
    if not text.strip():
        return None
    try:
        return float(text.strip().replace(",", "."))
    except ValueError:
        raise UsageError(
            "Le seuil s’écrit en minutes, par exemple 20 : corrigez-le ou laissez le champ vide."
        ) from None
