"""A siting study as its TOML file declares it, key by key: what is wrong is named in French, with what is expected."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Mapping
from dataclasses import fields
from typing import Any, Final, Literal, TypeVar

from observatory.errors import UsageError
from observatory.siting.question.options import (
    CandidateFilters,
    Closable,
    Costs,
    Joint,
    JointService,
    filters_from,
    pairs_from,
)
from observatory.siting.question.siting_study import NamedCandidate, SitingStudy

EXAMPLE: Final = "geodata/studies/vire.toml"
ALIKE: Final = 0.75
"""An unknown key this like a known one is a slip of the pen; others are the reader's own notes (convention)."""
SECTIONS: Final = {
    "study": ("id", "title", "version", "date", "source", "note"),
    "territory": ("code",),
    "catchment": ("codes",),
    "mesh": ("level",),
    "siting": (
        "services", "poles", "objective", "threshold_min", "threshold_note", "solutions", "candidates", "keep",
        "layers", "required", "incompatible", "forbidden", "capacity_count", "pareto",
    ),
    "defis": (),
    "candidates": (),
    "filters": (),
    "costs": ("note", "site", "by_site", "budget"),
    "closable": (),
    "joint": ("note", "site_cost", "services", "budget", "poles"),
}  # fmt: skip
"""Sections of a study and the keys of those whose keys are known."""
CLOSED: Final = frozenset({"costs", "joint"})
"""Sections that hold nothing else; in the others, a key that looks like no known one is a note."""
T = TypeVar("T")


class Section:
    """One table of the file: each key is read as what it must be, or refused by its full name."""

    def __init__(self, path: str, content: object, known: tuple[str, ...] = (), *, is_closed: bool = False) -> None:
        self._path = path
        if not isinstance(content, Mapping):
            raise _refused(path, f"est une section, écrite sous [{path}]")
        self._content: Mapping[str, Any] = content
        for key in content if known else ():
            near = difflib.get_close_matches(str(key), known, n=1, cutoff=ALIKE)
            if key not in known and (near or is_closed):
                hint = f"vouliez-vous écrire « {near[0]} » ?" if near else f"choisissez parmi {', '.join(known)}."
                raise UsageError(
                    f"L'étude d'implantation est mal formée : « {self.name(str(key))} » n'est pas connu ; {hint}"
                )

    def name(self, key: str) -> str:
        """Return the full name of a key."""
        return f"{self._path}.{key}" if self._path else key

    def has(self, key: str) -> bool:
        """Whether a key is there."""
        return key in self._content

    def keys(self) -> list[str]:
        """Return the keys, in order."""
        return [str(key) for key in self._content]

    def section(self, key: str, known: tuple[str, ...] = (), *, is_closed: bool = False) -> Section:
        """Return a table of this one; an absent one is refused, and an unknown key where it is closed."""
        return Section(self.name(key), self._needed(key), known, is_closed=is_closed)

    def sections(self, key: str, known: tuple[str, ...]) -> list[Section]:
        """Return an array of closed tables, empty where it is absent."""
        found = self._content.get(key, [])
        if not isinstance(found, list):
            raise _refused(self.name(key), f"est une suite de tableaux, chacun sous [[{self.name(key)}]]")
        return [
            Section(f"{self.name(key)}[{rank}]", one, known, is_closed=True) for rank, one in enumerate(found, start=1)
        ]

    def text(self, key: str) -> str:
        """Return a text; a whole number is taken for the code that it writes."""
        value = self._needed(key)
        if isinstance(value, bool) or not isinstance(value, str | int):
            raise _refused(self.name(key), "est un texte entre guillemets")
        return str(value)

    def number(self, key: str) -> float:
        """Return a number."""
        value = self._needed(key)
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise _refused(self.name(key), "est un nombre, sans guillemets")
        return float(value)

    def whole(self, key: str) -> int:
        """Return a whole number."""
        value = self._needed(key)
        if isinstance(value, bool) or not isinstance(value, int):
            raise _refused(self.name(key), "est un nombre entier, sans guillemets")
        return value

    def flag(self, key: str) -> bool:
        """Return a boolean."""
        value = self._needed(key)
        if not isinstance(value, bool):
            raise _refused(self.name(key), "est true ou false, sans guillemets")
        return value

    def names(self, key: str) -> tuple[str, ...]:
        """Return a list of texts, each once."""
        value = self._needed(key)
        if not isinstance(value, list) or not all(isinstance(one, str) and one for one in value):
            raise _refused(self.name(key), 'est une liste de textes entre crochets, comme ["14762", "14174"]')
        return tuple(dict.fromkeys(value))

    def pairs(self, key: str, *, may_repeat: bool = False) -> tuple[tuple[str, str], ...]:
        """Return a list of pairs of codes, different unless they ``may_repeat``."""
        value = self._needed(key)
        is_pairs = isinstance(value, list) and all(
            isinstance(pair, list) and all(isinstance(code, str) for code in pair) for pair in value
        )
        if not is_pairs:
            raise _refused(self.name(key), 'est une liste de paires de codes, par exemple [["14762", "14174"]]')
        return pairs_from(value, may_repeat=may_repeat)

    def given(self, read: Callable[[str], T], key: str, otherwise: T) -> T:
        """Return what a reader of this section makes of a key, or ``otherwise`` where it is absent."""
        return read(key) if key in self._content else otherwise

    def raw(self) -> Mapping[str, Any]:
        """Return the content as it is written."""
        return self._content

    def _needed(self, key: str) -> Any:  # noqa: ANN401  (what TOML holds)
        if key not in self._content:
            raise UsageError(
                f"L'étude d'implantation est incomplète : il y manque « {self.name(key)} » ; comparez-la avec "
                f"{EXAMPLE}."
            )
        return self._content[key]


def _refused(name: str, expected: str) -> UsageError:
    return UsageError(f"L'étude d'implantation est mal formée : « {name} » {expected} ; comparez avec {EXAMPLE}.")


def siting_study(document: Mapping[str, Any]) -> SitingStudy:
    """Return the study that a parsed TOML file declares (see ``geodata/studies/vire.toml``).

    Raises
    ------
    UsageError
        If it doesn't declare what a siting study must, or declares what makes no sense; the key is named.
    """
    whole = Section("", document, tuple(SECTIONS))

    def part(key: str) -> Section:
        return whole.section(key, SECTIONS[key], is_closed=key in CLOSED) if whole.has(key) else Section(key, {})

    about, asked = whole.section("study", SECTIONS["study"]), whole.section("siting", SECTIONS["siting"])
    defis, filters = whole.section("defis"), part("filters")
    notes = (about.given(about.text, "note", ""), about.given(about.text, "source", ""))
    objective: Any = asked.text("objective")
    return SitingStudy(
        id=about.text("id"),
        title=about.text("title"),
        territory=whole.section("territory", SECTIONS["territory"]).text("code"),
        services=asked.names("services"),
        defis={name: defis.number(name) for name in defis.keys()},  # noqa: SIM118  (a section, not a mapping)
        poles=asked.whole("poles"),
        objective=objective,
        threshold_min=asked.number("threshold_min"),
        mesh=mesh_named(part("mesh").given(part("mesh").text, "level", "commune")),
        catchment=part("catchment").given(part("catchment").names, "codes", ()),
        solutions=asked.given(asked.whole, "solutions", 3),
        candidates=asked.names("candidates") if asked.has("candidates") else None,
        named=tuple(_named(one) for one in whole.sections("candidates", _names_of(NamedCandidate))),
        keep=asked.names("keep") if asked.has("keep") else None,
        notes=tuple(text for text in notes if text),
        filters=_filters(filters),
        layers=asked.given(asked.names, "layers", ()),
        required=asked.given(asked.names, "required", ()),
        incompatible=asked.given(asked.pairs, "incompatible", ()),
        forbidden=asked.pairs("forbidden", may_repeat=True) if asked.has("forbidden") else (),
        costs=_costs(part("costs")) if whole.has("costs") else None,
        closable=tuple(_closable(one) for one in whole.sections("closable", _names_of(Closable))),
        capacity_count=asked.number("capacity_count") if asked.has("capacity_count") else None,
        joint=_joint(part("joint")) if whole.has("joint") else None,
        pareto=asked.given(asked.names, "pareto", ()),
    )


def _names_of(kind: type) -> tuple[str, ...]:
    return tuple(one.name for one in fields(kind))


def mesh_named(level: str) -> Literal["commune", "commune_deleguee"]:
    """Return a mesh by its name.

    Raises
    ------
    UsageError
        If there is no such mesh, or none is possible: the data place no IRIS.
    """
    if level == "commune":
        return "commune"
    if level == "commune_deleguee":
        return "commune_deleguee"
    if level == "iris":
        raise UsageError(
            "La maille « iris » n'est pas possible : les données ne portent ni contour ni lieu des IRIS ; choisissez "
            "commune_deleguee."
        )
    raise UsageError(f"La maille « {level} » n'existe pas : choisissez commune ou commune_deleguee.")


def _named(section: Section) -> NamedCandidate:
    return NamedCandidate(**{name: section.text(name) for name in _names_of(NamedCandidate)})


def _filters(section: Section) -> CandidateFilters:
    readers: Mapping[str, Callable[[str], Any]] = {
        "is_qpv": section.flag,
        "is_rural": section.flag,
        "min_population_count": section.whole,
        "station_max_min": section.number,
        "polygon": lambda key: section.section(key).raw(),
    }
    # A word that is not a filter is refused there, with the list of those that are.
    return filters_from({key: readers.get(key, str)(key) for key in section.keys()})  # noqa: SIM118  (a section)


def _costs(section: Section) -> Costs:
    by_site = section.section("by_site") if section.has("by_site") else Section("costs.by_site", {})
    return Costs(
        note=section.text("note"),
        site=section.given(section.number, "site", 1.0),
        by_site={code: by_site.number(code) for code in by_site.keys()},  # noqa: SIM118  (a section, not a mapping)
        budget=section.number("budget") if section.has("budget") else None,
    )


def _closable(section: Section) -> Closable:
    return Closable(
        code=section.text("code"),
        closing_cost=section.given(section.number, "closing_cost", 0.0),
        saving=section.given(section.number, "saving", 0.0),
    )


def _joint(section: Section) -> Joint:
    services = section.section("services")
    each = {name: services.section(name, ("cost", "defis"), is_closed=True) for name in services.keys()}  # noqa: SIM118  (a section)
    return Joint(
        note=section.text("note"),
        site_cost=section.number("site_cost"),
        budget=section.number("budget"),
        poles=section.whole("poles"),
        services={
            name: JointService(one.number("cost"), one.names("defis") if one.has("defis") else None)
            for name, one in each.items()
        },
    )
