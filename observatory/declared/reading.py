"""Read a TOML declaration into a model, once per version of the file, and say in French what is wrong with it."""

from __future__ import annotations

import dataclasses
import re
import tomllib
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Annotated, Any, Final, TypeVar, cast, get_args, get_origin, get_type_hints

from pydantic import (
    AllowInfNan,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Strict,
    TypeAdapter,
    ValidationError,
    WrapValidator,
)
from pydantic_core import ErrorDetails, PydanticCustomError

import geodata
from observatory.errors import InputFileError

Loc = tuple[int | str, ...]
"""Keys, and ranks in lists from 0, that lead to a value of a file."""
Version = tuple[Path, int, int]
Model = TypeVar("Model")

Number = Annotated[float, Strict(), AllowInfNan(allow_inf_nan=False)]
"""A finite number, written without quotes."""
Whole = Annotated[int, Strict()]
Flag = Annotated[bool, Strict()]

SHAPE: Final = "shape"
WORDS: Final = "words"
"""Types of the errors whose words are the declaration's own (:func:`shaped`, :func:`told`)."""
FAMILIES: Final = {
    "unknown": ("extra_forbidden", "unexpected_keyword_argument"),
    "table": ("dict_type", "mapping_type", "model_type", "model_attributes_type", "dataclass_type"),
    "list": ("list_type", "tuple_type"),
    "number": ("float_type", "float_parsing", "finite_number"),
    "whole": ("int_type", "int_parsing", "int_from_float"),
    "bound": ("greater_than", "greater_than_equal", "less_than", "less_than_equal"),
}
"""Types of errors that pydantic tells apart and a reader doesn't."""
LIMITS: Final = {"gt": "supérieur à {:g}", "ge": "d’au moins {:g}", "lt": "inférieur à {:g}", "le": "au plus {:g}"}


class Declaration(BaseModel):
    """A table of a declaration, frozen; a key that it doesn't know is refused."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class OpenDeclaration(BaseModel):
    """A table of a declaration, frozen, that may hold other keys: notes, or what another reader takes."""

    model_config = ConfigDict(frozen=True, extra="ignore")


@dataclasses.dataclass(frozen=True)
class Fault:
    """What is wrong first in a declaration."""

    loc: Loc
    family: str
    """What kind of error it is: a key of :data:`PHRASES`, or the type that pydantic names."""
    words: str
    """French: what is wrong, the key named."""
    known: tuple[str, ...] = ()
    """Keys of the table that holds it."""
    absent: tuple[str, ...] = ()
    """Keys that the table lacks, if that is what is wrong."""


def shaped(expected: str) -> WrapValidator:
    """Return the validator of a value of which anything wrong is told by one French phrase: ``doit être …``."""

    def checked(value: object, handler: Callable[[object], object]) -> object:
        try:
            return handler(value)
        except ValidationError:
            raise PydanticCustomError(SHAPE, "{expected}", {"expected": expected}) from None

    return WrapValidator(checked)


def named_by(key: str) -> BeforeValidator:
    """Return the validator of a mapping of tables that gives each its own name, under ``key``."""

    def named(tables: Any) -> Any:  # noqa: ANN401  (what TOML holds)
        if not isinstance(tables, Mapping):
            return tables
        return {name: {key: name, **one} if isinstance(one, Mapping) else one for name, one in tables.items()}

    return BeforeValidator(named)


def told(words: str) -> PydanticCustomError:
    """Return the error to raise from a validator: a French phrase that says what is wrong, the key named in it."""
    return PydanticCustomError(WORDS, "{expected}", {"expected": words})


Names = Annotated[tuple[str, ...], shaped("doit être une liste de textes")]


def version(path: Path) -> Version:
    """Return what tells one version of a file from another: its path, the time of its last change, its size."""
    told = path.stat()
    return path, told.st_mtime_ns, told.st_size


def document(path: Path) -> Mapping[str, Any]:
    """Return a TOML file as it is written, parsed again only when it has changed.

    Raises
    ------
    OSError, UnicodeDecodeError, tomllib.TOMLDecodeError
        If it can't be opened, isn't UTF-8 or isn't TOML.
    """
    return _parsed(*version(path))


def toml_place(error: tomllib.TOMLDecodeError) -> str:
    """Return where a file is no TOML, in French: « ligne 11, colonne 7 », or « fin du fichier »."""
    place = re.search(r"line (\d+), column (\d+)", str(error))
    return f"ligne {place[1]}, colonne {place[2]}" if place else "fin du fichier"


def declaration(file: str, kind: type[Model], *, directory: Path | None = None) -> Model:
    """Return a declaration of ``geodata`` (``catalog.toml``) as its model, built again only when the file has changed.

    Raises
    ------
    InputFileError
        If it is absent, isn't TOML or doesn't declare what it must; the file, the place and the key are named.
    """
    path = geodata.path(file, directory)
    try:
        return cast("Model", _declared(*version(path), cast("Any", kind)))
    except ValidationError as error:
        found = fault(error, kind)
        if found.absent and found.loc[:-1]:
            raise InputFileError(
                f"« {found.loc[-2]} », dans « {path.name} », ne dit pas : {', '.join(found.absent)}. Complétez-le."
            ) from None
        place = ".".join(str(one) for one in found.loc[:-1])
        told = f"[{place}] : {found.words}" if place else found.words
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        told = str(error)
    raise InputFileError(
        f"La déclaration « {path.name} » est absente ou illisible ({told}) : corrigez-la ou réinstallez l’observatoire."
    )


def validated(kind: type[Model], content: object) -> Model:
    """Return what a parsed document declares.

    Raises
    ------
    pydantic.ValidationError
        If it doesn't declare what it must (see :func:`fault`).
    """
    return cast("Model", _adapter(cast("Any", kind)).validate_python(content))


def fault(
    error: ValidationError,
    kind: Any,  # noqa: ANN401  (a model, or what holds models)
    *,
    phrases: Mapping[str, str] | None = None,
    name: Callable[[Loc], str] | None = None,
) -> Fault:
    """Return the first thing wrong in a declaration, in French.

    Parameters
    ----------
    kind
        What was to be built.
    phrases
        Sentences that replace :data:`PHRASES`, by the same keys.
    name
        Returns the words of a key from its place; None: the key alone.
    """
    errors = error.errors()
    found = _first(errors)
    loc, family = tuple(found["loc"]), _family(found["type"])
    if family == "table" and isinstance(loc[-1], int):
        loc, family = loc[:-1], "list"
    known = tuple(_fields(_kind_at(kind, loc[:-1])))
    absent = tuple(str(one["loc"][-1]) for one in errors if one["type"] == "missing" and one["loc"][:-1] == loc[:-1])
    said = {**PHRASES, **(phrases or {})}
    is_table = family == "missing" and _is_table(_kind_at(kind, loc))
    words = said.get("missing_table" if is_table else family, said["other"]).format_map(
        {
            **{name: _plain(value) for name, value in (found.get("ctx") or {}).items()},
            "key": (name or _last_key)(loc),
            "known": ", ".join(known),
            "bounds": _bounds(kind, loc) if family == "bound" else "",
            "items": "tableaux" if family == "list" and _is_table(_kind_at(kind, (*loc, 0))) else "nombres",
        }
    )
    is_element = family in {"number", "whole"} and isinstance(loc[-1], int)
    return Fault(
        loc,
        family,
        f"chaque élément de {words}" if is_element else words,
        known,
        absent if family == "missing" else (),
    )


PHRASES: Final[Mapping[str, str]] = {
    "missing": "« {key} » manque",
    "missing_table": "le tableau « {key} » manque",
    "unknown": "« {key} » n’est pas une clé connue (clés possibles : {known})",
    "table": "« {key} » doit être un tableau",
    "list": "« {key} » doit être une liste de {items}",
    "number": "« {key} » doit être un nombre",
    "whole": "« {key} » doit être un nombre entier",
    "bool_type": "« {key} » doit être true ou false",
    "string_type": "« {key} » doit être un texte, entre guillemets",
    "literal_error": "« {key} » doit être l’un de {expected}",
    "bound": "« {key} » doit être {bounds}",
    SHAPE: "« {key} » {expected}",
    WORDS: "{expected}",
    "other": "« {key} » n’est pas ce qui est attendu",
}
"""What may be wrong with a key, by family of errors."""


@lru_cache(maxsize=64)
def _parsed(path: Path, modified_ns: int, size: int) -> Mapping[str, Any]:  # noqa: ARG001  (the version of the file)
    return tomllib.loads(path.read_bytes().decode("utf-8-sig"))  # Windows editors begin a text with a mark


@lru_cache(maxsize=64)
def _declared(path: Path, modified_ns: int, size: int, kind: Any) -> object:  # noqa: ANN401
    return _adapter(kind).validate_python(_parsed(path, modified_ns, size))


@lru_cache(maxsize=64)
def _adapter(kind: Any) -> TypeAdapter[Any]:  # noqa: ANN401
    return TypeAdapter(kind)


def _first(errors: Sequence[ErrorDetails]) -> ErrorDetails:
    """Return the first error; an unknown key of the same table goes before a missing one, which it may well be."""
    first = errors[0]
    unknown = [one for one in errors if _family(one["type"]) == "unknown" and one["loc"][:-1] == first["loc"][:-1]]
    return unknown[0] if unknown and first["type"] == "missing" else first


def _family(kind: str) -> str:
    return next((family for family, kinds in FAMILIES.items() if kind in kinds), kind)


def _last_key(loc: Loc) -> str:
    return next((part for part in reversed(loc) if isinstance(part, str)), "")


def _plain(value: object) -> str:
    """Return a value of an error's context as a French sentence writes it."""
    if isinstance(value, float):
        return f"{value:g}"
    return re.sub(r"'([^']*)'", r"\1", str(value)).replace(" or ", ", ")


def _bounds(kind: Any, loc: Loc) -> str:  # noqa: ANN401
    """Return between what a number must be, from what its field declares."""
    limits = [(one, limit) for one in _constraints(kind, loc) for limit in LIMITS if hasattr(one, limit)]
    return " et ".join(LIMITS[limit].format(getattr(one, limit)) for one, limit in limits)


def _constraints(kind: Any, loc: Loc) -> Iterator[Any]:  # noqa: ANN401
    """Yield what a field's annotation carries beside its type."""
    parent, key = _kind_at(kind, loc[:-1]), loc[-1] if loc else ""
    if isinstance(parent, type) and str(key) in _fields(parent):
        waiting = [get_type_hints(parent, include_extras=True)[str(key)]]
        while waiting:
            hint = waiting.pop()
            for extra in getattr(hint, "__metadata__", ()):
                yield from getattr(extra, "metadata", None) or [extra]
            waiting += [one for one in get_args(hint) if get_origin(hint) is not None and not isinstance(one, str)]


def _kind_at(kind: Any, loc: Loc) -> Any:  # noqa: ANN401
    """Return the type that a model has at a place: a class, a mapping or a list of them; None where there is none."""
    for part in loc:
        kind = _bare(kind)
        if isinstance(kind, type) and get_origin(kind) is None:
            kind = get_type_hints(kind).get(str(part)) if str(part) in _fields(kind) else None
        else:
            kind = next(iter(get_args(kind)[1 if isinstance(part, str) else 0 :]), None)
    return _bare(kind)


def _bare(kind: Any) -> Any:  # noqa: ANN401
    """Return a type without what is optional about it."""
    while hasattr(kind, "__metadata__"):
        kind = kind.__origin__
    named = [one for one in get_args(kind) if one is not type(None)]
    return _bare(named[0]) if type(None) in get_args(kind) else kind


def _is_table(kind: Any) -> bool:  # noqa: ANN401
    return bool(_fields(kind)) or (isinstance(get_origin(kind), type) and issubclass(get_origin(kind), Mapping))


def _fields(kind: Any) -> Sequence[str]:  # noqa: ANN401
    if isinstance(kind, type) and get_origin(kind) is None:
        if issubclass(kind, BaseModel):
            return list(kind.model_fields)
        if dataclasses.is_dataclass(kind):
            return [one.name for one in dataclasses.fields(kind)]
    return ()
