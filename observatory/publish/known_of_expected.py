"""What is known against what is expected, how old it is, and the warnings that every result carries."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Any, Final

from observatory.declared import catalogue, reference
from observatory.declared.region import home_region
from observatory.declared.services import ServiceDeclaration, offer
from observatory.sources.freshness import Freshness, freshness
from observatory.words import numbers

if TYPE_CHECKING:
    from sqlalchemy import Connection

YEAR_DAYS: Final = 365.25
NEARLY_PERCENT: Final = 99.9
"""What a share that rounds to 100 and is not is said to be."""
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
    """Structures of a service, or things of a layer, known in a territory, against what is expected there."""

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
        known = numbers.count(self.known_count)
        if self.expected_count and self.share is not None:
            percent = numbers.decimal(percent_of(self.share), digits=1)
            return f"{known} sur {numbers.count(self.expected_count)} ({percent}{numbers.NARROW_SPACE}%)"
        return f"{known}, liste complète à sa date" if self.is_complete else f"{known}, nombre attendu non déclaré"


def percent_of(share: float) -> float:
    """Return a share in percent to one decimal, which says 100 of what is whole only."""
    percent = round(100 * share, 1)
    return NEARLY_PERCENT if share < 1 and percent > NEARLY_PERCENT else percent


def completeness(connection: Connection, level: str, code: str | None = None) -> dict[str, dict[str, Completeness]]:
    """Return the completeness of each service in the territories of a level, by code.

    What is expected is declared in ``geodata/services.toml`` for the region, and in ``geodata/expected.toml`` below it
    where somebody published it: elsewhere it is not known.
    """
    from observatory.store import read

    declared = offer().services
    known = read.known_services(connection, level, code)
    codes = [row["code"] for row in read.territories(connection, level)] if code is None else [code]
    return {
        one: {name: _of(name, entry, known.get(one, {}), (level, one)) for name, entry in declared.items()}
        for one in codes
    }


def held(connection: Connection, level: str, code: str | None = None) -> dict[str, dict[str, Completeness]]:
    """Return what the territories of a level hold against what is published: communes, inhabitants, quartiers; by code.

    A layer that nobody published a number of at that level is absent.
    """
    from observatory.store import read

    found: dict[str, dict[str, Completeness]] = {}
    for row in read.known_layers(connection, level, code):
        place = (level, str(row["code"]))
        said = {name: expected_at(name, place) for name in reference.expected() if name in row}
        found[place[1]] = {
            name: Completeness(name, int(row[name]), count, note, is_complete=False)
            for name, (count, note) in said.items()
            if count is not None
        }
    return found


def layer_labels() -> dict[str, str]:
    """Return the French label of each layer of :func:`held`."""
    return {name: entry.label for name, entry in reference.expected().items() if entry.label is not None}


def expected_at(layer: str, place: tuple[str, str]) -> tuple[int | None, str | None]:
    """Return the published number of a layer in a territory and who published it, in French; Nones if nobody did."""
    entry = reference.expected().get(layer, reference.ExpectedLayer())
    if place == ("region", home_region().code) and entry.source_id is not None:
        source = catalogue.source(entry.source_id)
        return source.expected_count, source.expected_note
    declared = entry.at.get(place[0])
    if declared is None or place[1] not in declared.counts:
        return None, None
    return declared.counts[place[1]], f"{declared.source} : {declared.url}"


def everywhere(connection: Connection, level: str) -> list[dict[str, Any]]:
    """Return one row for each territory of a level and layer: ``code, name, layer, label`` and its completeness."""
    from observatory.store import read

    names = layer_labels() | offer().service_labels
    by_service, by_layer = completeness(connection, level), held(connection, level)
    rows = []
    for place in read.territories(connection, level):
        code = str(place["code"])
        for name, one in {**by_layer.get(code, {}), **by_service.get(code, {})}.items():
            told = {"known_count": one.known_count, "expected_count": one.expected_count, "share": one.share}
            rows.append(
                {"level": level, "code": code, "name": place["name"], "layer": name, "label": names[name], **told}
                | {"is_complete": one.is_complete, "expected_note": one.expected_note, "words": one.words}
            )
    return rows


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
    connection: Connection,
    *,
    services: Iterable[str],
    source_ids: Iterable[str],
    catalogue: Sequence[Mapping[str, Any]] = (),
    today: date | None = None,
) -> tuple[str, ...]:
    """Return what a reader must know before using a result that rests on some services and sources, in French.

    One sentence for each service whose list is not complete, then one for the sources that are out of date.
    ``catalogue`` is what :func:`observatory.store.read.sources` returns, if it was asked already.
    """
    from observatory.store import read

    region = completeness(connection, "region", home_region().code)[home_region().code]
    told = [sentence for service in dict.fromkeys(services) if (sentence := _partial(region.get(service)))]
    used = set(source_ids)
    rows = [row for row in catalogue or read.sources(connection) if row["source_id"] in used]
    return (*told, *_outdated(rows, today))


def _of(name: str, declared: ServiceDeclaration, known: Mapping[str, int], place: tuple[str, str]) -> Completeness:
    count, note = expected_at(name, place)
    if place == ("region", home_region().code) and declared.expected_count is not None:
        count, note = declared.expected_count, declared.expected_note
    return Completeness(name, known.get(name, 0), count, note, declared.is_complete)


def _partial(one: Completeness | None) -> str | None:
    if one is None or one.is_complete:
        return None
    declared = offer().services[one.service]
    known = f"{declared.label} : {numbers.count(one.known_count)} structures connues {home_region().names.locative}"
    if one.expected_count:
        known += f" sur {numbers.count(one.expected_count)} attendues ({declared.expected_year})"
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
    dated = row["vintage"] if day is None else f"{how} le {numbers.day(day)}"
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
        return numbers.counted(years, "an", written=numbers.decimal)
    return numbers.counted(age_days, "jour")
