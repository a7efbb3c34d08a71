"""What is known against what is expected, how old it is, and the warnings that every result carries."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Any, Final

import geodata
from observatory.publish import labels
from observatory.sources.freshness import Freshness, freshness

if TYPE_CHECKING:
    from sqlalchemy import Connection

REGION: Final = ("region", "28")
YEAR_DAYS: Final = 365.25
OLD_YEARS: Final = 5
"""A source whose rhythm is not known is told old from this age on (convention de l'observatoire)."""


SINCE_WHAT: Final = {
    "publication": "la publication",
    "period": "la fin de la période",
    "fetch": "le téléchargement",
    "load": "le chargement d’un fichier dont la date n’est pas connue",
}


@dataclass(frozen=True)
class Completeness:
    """Structures of a service known in a territory, against what is expected there."""

    service: str
    known_count: int
    expected_count: int | None
    """None: no published number of those that there should be is declared."""
    expected_note: str | None
    is_complete: bool
    """The source is said to be exhaustive at its date."""

    @property
    def share(self) -> float | None:
        """Known over expected; None where nothing is expected."""
        return None if not self.expected_count else self.known_count / self.expected_count

    @property
    def words(self) -> str:
        """French: « 373 sur 10 827 (3,4 %) », « 120, nombre attendu non déclaré », « 404, liste complète… »."""
        known = labels.count(self.known_count)
        if self.expected_count and self.share is not None:
            percent = labels.decimal(100 * self.share, digits=1)
            return f"{known} sur {labels.count(self.expected_count)} ({percent}{labels.NARROW_SPACE}%)"
        return f"{known}, liste complète à sa date" if self.is_complete else f"{known}, nombre attendu non déclaré"


def completeness(connection: Connection, level: str, code: str | None = None) -> dict[str, dict[str, Completeness]]:
    """Return the completeness of each service in the territories of a level, by code.

    What is expected is declared in ``geodata/services.toml`` for the whole region only: elsewhere it is not known.
    """
    from observatory.store import read

    declared = geodata.declarations("services")["services"]
    known = read.known_services(connection, level, code)
    codes = [row["code"] for row in read.territories(connection, level)] if code is None else [code]
    return {
        one: {name: _of(name, entry, known.get(one, {}), (level, one)) for name, entry in declared.items()}
        for one in codes
    }


def with_freshness(row: Mapping[str, Any], *, today: date | None = None) -> dict[str, Any]:
    """Return a row of the catalogue with its ISO ``loaded_date, fetched_date``, ``age_days, freshness, age_note``.

    The words are French; the two dates take the place of the moments.
    """
    found = _freshness(row, today)
    days = {name: None if row[name] is None else row[name].date().isoformat() for name in ("loaded_at", "fetched_at")}
    dates = {"loaded_date": days["loaded_at"], "fetched_date": days["fetched_at"]}
    told = {name: value for name, value in row.items() if name not in days}
    return {**told, **dates, "age_days": found.age_days, "freshness": found.state, "age_note": age_note(found)}


def age_note(found: Freshness) -> str:
    """Return an age in French, and since what: « 3,9 ans depuis la fin de la période »."""
    if found.age_days is None:
        return "âge inconnu"
    least = "au moins " if found.since == "load" else ""
    return f"{least}{_age(found.age_days)} depuis {SINCE_WHAT[found.since]}"


def warnings(
    connection: Connection, *, services: Iterable[str], source_ids: Iterable[str], today: date | None = None
) -> tuple[str, ...]:
    """Return what a reader must know before using a result that rests on some services and sources, in French.

    One sentence for each service whose list is not complete, then one for the sources that are out of date.
    """
    from observatory.store import read

    region = completeness(connection, *REGION)[REGION[1]]
    told = [sentence for service in dict.fromkeys(services) if (sentence := _partial(region.get(service)))]
    used = set(source_ids)
    rows = [row for row in read.sources(connection) if row["source_id"] in used]
    return (*told, *_outdated(rows, today))


def _of(name: str, declared: Mapping[str, Any], known: Mapping[str, int], place: tuple[str, str]) -> Completeness:
    is_region = place == REGION
    return Completeness(
        service=name,
        known_count=known.get(name, 0),
        expected_count=declared.get("expected_count") if is_region else None,
        expected_note=declared.get("expected_note") if is_region else None,
        is_complete=bool(declared["is_complete"]),
    )


def _partial(one: Completeness | None) -> str | None:
    if one is None or one.is_complete:
        return None
    label = geodata.declarations("services")["services"][one.service]["label"]
    known = f"{label} : {labels.count(one.known_count)} structures connues en Normandie"
    if one.expected_count:
        year = geodata.declarations("services")["services"][one.service]["expected_year"]
        known += f" sur {labels.count(one.expected_count)} attendues ({year})"
    else:
        known += ", nombre attendu non déclaré"
    return f"{known} : l’accès affiché est celui des structures connues."


def _outdated(rows: Sequence[Mapping[str, Any]], today: date | None) -> list[str]:
    old = []
    for row in rows:
        found = _freshness(row, today)
        if found.age_days is None:
            continue
        is_old = found.state == "rythme inconnu" and found.age_days >= OLD_YEARS * YEAR_DAYS
        if found.state == "périmé" or is_old:
            old.append((found.age_days, f"{row['title']} ({_dated(row, found)})"))
    if not old:
        return []
    names = " ; ".join(name for _, name in sorted(old, reverse=True))
    return [f"Données périmées ou de plus de {OLD_YEARS} ans : {names}."]


def _dated(row: Mapping[str, Any], found: Freshness) -> str:
    """Return what dates a source that is out of date: its vintage, or the day of its fetch or load, and its rhythm."""
    day = {"fetch": row["fetched_at"] or row["loaded_at"], "load": row["loaded_at"]}.get(found.since)
    how = "téléchargées" if found.since == "fetch" else "chargées"
    dated = row["vintage"] if day is None else f"{how} le {day:%d/%m/%Y}"
    return f"{dated}, rythme {row['rhythm']}" if found.state == "périmé" else str(dated)


def _freshness(row: Mapping[str, Any], today: date | None) -> Freshness:
    return freshness(
        vintage=row["vintage"],
        published_date=row["published_date"],
        rhythm=row["rhythm"],
        today=today or datetime.now(tz=UTC).date(),
        fetched=_day(row["fetched_at"]),
        loaded=_day(row["loaded_at"]),
    )


def _day(moment: datetime | None) -> date | None:
    return None if moment is None else moment.date()


def _age(age_days: int) -> str:
    years = age_days / YEAR_DAYS
    if years >= 1:
        return f"{labels.decimal(years)} ans" if years >= 2 else f"{labels.decimal(years)} an"  # noqa: PLR2004
    return f"{age_days} jours" if age_days > 1 else f"{age_days} jour"
