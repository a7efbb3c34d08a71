"""A siting study as its TOML file declares it: what is wrong is named in French, with what is expected."""

from __future__ import annotations

import difflib
import json
import tomllib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from pydantic import TypeAdapter, ValidationError

import geodata
from observatory.declared.reading import Fault, Loc, document, fault, toml_place
from observatory.declared.region import home_region
from observatory.declared.siting_options import (
    CLOSING_WORDS,
    COSTS_WORDS,
    JOINT_POLES_WORDS,
    JOINT_WORDS,
)
from observatory.declared.siting_study import SitingStudy
from observatory.errors import InputFileError, UsageError
from observatory.parameters import LONGEST_THRESHOLD_MIN

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
    "costs": (),
    "closable": (),
    "joint": (),
}  # fmt: skip
"""Sections of a study and the keys of those that may hold notes beside them."""
NEEDED: Final = ("study", "siting", "territory", "defis")
PLACES: Final = {
    "id": "study.id",
    "title": "study.title",
    "territory": "territory.code",
    "catchment": "catchment.codes",
    "mesh": "mesh.level",
    "named": "candidates",
}
"""Fields of a study → their place in the file, where it is neither a section of that name nor in ``[siting]``."""
PHRASES: Final = {
    "string_type": "est un texte entre guillemets",
    "number": "est un nombre, sans guillemets",
    "whole": "est un nombre entier, sans guillemets",
    "bool_type": "est true ou false, sans guillemets",
    "table": "est une section, écrite sous [{key}]",
    "list": "est une suite de tableaux, chacun sous [[{key}]]",
}
NAMES: Final = 'est une liste de textes entre crochets, comme ["14762", "14174"]'
PAIRS: Final = 'est une liste de paires de codes, par exemple [["14762", "14174"]]'
LISTS: Final = {
    **dict.fromkeys(("services", "catchment", "candidates", "keep", "layers", "required", "pareto"), NAMES),
    **dict.fromkeys(("incompatible", "forbidden"), PAIRS),
}
"""Fields that are lists, of which anything wrong is told by what they must be."""
BOUNDS: Final = {
    "filters.min_population_count": "La population minimale d’une commune candidate doit être un nombre positif.",
    "filters.station_max_min": (
        f"Le temps jusqu’à une gare doit être compris entre 0 et {LONGEST_THRESHOLD_MIN:g} minutes."
    ),
    "costs": COSTS_WORDS,
    "closable": CLOSING_WORDS,
    "joint.poles": JOINT_POLES_WORDS,
    "joint": JOINT_WORDS,
}
"""What is said of a number out of its bounds, by the start of its place."""
TABLES: Final = ("named", "costs", "closable", "joint")
TEXTS: Final = frozenset({"id", "name", "unit", "unit_level", "note", "source", "code"})
"""Keys of those tables that hold a text, where a whole number is taken for the code that it writes."""
_STUDY: Final = TypeAdapter(SitingStudy)


def read_siting_study(name: str | Path) -> SitingStudy:
    """Read a siting study: ``vire``, ``caux-seine``, or the path of a TOML file.

    Raises
    ------
    InputFileError
        If the file is missing or isn't TOML.
    UsageError
        If it doesn't declare what a siting study must.
    """
    path = geodata.path(f"studies/{name}.toml") if str(name) in home_region().studies else Path(name)
    try:
        written = dict(document(path))
    except FileNotFoundError as error:
        raise InputFileError(
            f"L’étude « {path.name} » n’existe pas : donnez {', '.join(home_region().studies)} ou le chemin d’un "
            "fichier TOML."
        ) from error
    except (OSError, UnicodeDecodeError) as error:
        raise InputFileError(
            f"L’étude « {path.name} » n’est pas un fichier de texte lisible : donnez le chemin d’un fichier TOML."
        ) from error
    except tomllib.TOMLDecodeError as error:
        place = toml_place(error).replace("fin du", "à la fin du")
        raise InputFileError(f"L’étude « {path.name} » n’est pas du TOML valable, {place} : corrigez-la.") from error
    filters = written.get("filters", {})
    if isinstance(filters, dict) and "polygon_file" in filters:
        rest = {key: value for key, value in filters.items() if key != "polygon_file"}
        written["filters"] = {**rest, "polygon": _polygon(path.parent / str(filters["polygon_file"]))}
    return siting_study(written)


def siting_study(written: Mapping[str, Any]) -> SitingStudy:
    """Return the study that a parsed TOML file declares (see ``geodata/studies/vire.toml``).

    Raises
    ------
    UsageError
        If it doesn't declare what a siting study must, or declares what makes no sense; the key is named.
    """
    question = json.dumps(_question(written), default=str)
    try:
        # As JSON, which has the types of TOML: strictly, a list is no tuple in Python.
        return _STUDY.validate_json(question, strict=True)
    except ValidationError as error:
        raise _refusal(fault(error, SitingStudy)) from None


def _question(written: Mapping[str, Any]) -> dict[str, Any]:
    """Return the sections of a file as the fields of a study; unknown keys are dropped, or refused for a slip."""
    _refuse_slips("", written, tuple(SECTIONS))
    for section, keys in SECTIONS.items():
        if section in NEEDED and section not in written:
            raise _incomplete(section)
        if keys and not isinstance(written.get(section, {}), Mapping):
            raise _malformed(section, PHRASES["table"].format(key=section))
        if keys:
            _refuse_slips(section, written.get(section, {}), keys)
    about, asked = written["study"], written["siting"]
    found = {
        **{key: asked[key] for key in SECTIONS["siting"] if key in asked and key != "threshold_note"},
        **{key: written[key] for key in ("defis", "filters", "costs", "closable", "joint") if key in written},
        **({"named": written["candidates"]} if "candidates" in written else {}),
        "notes": [_note(about, key) for key in ("note", "source") if about.get(key, "") != ""],
    }
    for field, place in PLACES.items():
        section, _, key = place.partition(".")
        if key and key in written.get(section, {}):
            found[field] = written[section][key]
    texts: dict[str, object] = {
        name: _as_text(found[name]) for name in ("id", "title", "territory", "mesh", "objective") if name in found
    }
    return {**found, **texts, **{name: _with_texts(found[name]) for name in TABLES if name in found}}


def _with_texts(tables: object) -> object:
    if isinstance(tables, list):
        return [_with_texts(one) for one in tables]
    if not isinstance(tables, Mapping):
        return tables
    return {key: _as_text(value) if key in TEXTS else value for key, value in tables.items()}


def _as_text(value: object) -> object:
    """Take a whole number for the code that it writes."""
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else value


def _note(about: Mapping[str, Any], key: str) -> object:
    found = _as_text(about[key])
    if not isinstance(found, str):
        raise _malformed(f"study.{key}", PHRASES["string_type"])
    return found


def _refuse_slips(path: str, section: Mapping[str, Any], known: tuple[str, ...]) -> None:
    for key in section:
        near = difflib.get_close_matches(str(key), known, n=1, cutoff=ALIKE)
        if key not in known and near:
            raise _unknown(f"{path}.{key}" if path else str(key), known)


def _refusal(found: Fault) -> UsageError:
    """Return the refusal of a study, in the words of its file."""
    field, key, family = str(found.loc[0]), _key(found.loc), found.family
    if family == "missing":
        return _incomplete(key)
    if family == "unknown":
        return _unknown(key, found.known)
    if family == "bound":
        place = ".".join(str(part) for part in found.loc)
        return UsageError(next(words for start, words in BOUNDS.items() if place.startswith(start)))
    if field in LISTS:
        return _malformed(_key(found.loc[:1]), LISTS[field])
    if field == "joint" and "defis" in found.loc:
        return _malformed(_key(found.loc[: found.loc.index("defis") + 1]), NAMES)
    return _malformed(key, PHRASES[family].format(key=key))


def _key(loc: Loc) -> str:
    """Return the full name of a key of the file: ``candidates[1].unit``."""
    field, *rest = loc
    place = PLACES.get(str(field), str(field) if field in SECTIONS and field != "candidates" else f"siting.{field}")
    return place + "".join(f"[{part + 1}]" if isinstance(part, int) else f".{part}" for part in rest)


def _malformed(key: str, expected: str) -> UsageError:
    return UsageError(f"L’étude d’implantation est mal formée : « {key} » {expected} ; comparez avec {EXAMPLE}.")


def _incomplete(key: str) -> UsageError:
    return UsageError(f"L’étude d’implantation est incomplète : il y manque « {key} » ; comparez-la avec {EXAMPLE}.")


def _unknown(key: str, known: Sequence[str]) -> UsageError:
    if key.startswith("filters."):
        name = key.removeprefix("filters.")
        return UsageError(f"Le filtre « {name} » n’existe pas : choisissez parmi {', '.join(sorted(known))}.")
    near = difflib.get_close_matches(key.rpartition(".")[2], known, n=1, cutoff=ALIKE)
    hint = f"vouliez-vous écrire « {near[0]} » ?" if near else f"choisissez parmi {', '.join(known)}."
    return UsageError(f"L’étude d’implantation est mal formée : « {key} » n’est pas connu ; {hint}")


def _polygon(path: Path) -> Any:  # noqa: ANN401  (a GeoJSON geometry)
    """Read the outline that a study names: a geometry, a feature, or a collection of one feature."""
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        if content["type"] == "FeatureCollection":
            (content,) = content["features"]
        return content["geometry"] if content["type"] == "Feature" else content
    except FileNotFoundError as error:
        raise InputFileError(f"Le contour « {path.name} » n’existe pas : placez-le près du fichier d’étude.") from error
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise InputFileError(
            f"Le contour « {path.name} » n’est pas un GeoJSON d’un seul polygone : exportez-le de nouveau."
        ) from error
