"""Read the tables of a study file: every value is checked, and what is wrong with one is said in French."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping, Sequence
from types import NoneType
from typing import Any, Final, Literal, TypeVar, get_args, get_origin, get_type_hints

from observatory.errors import InputFileError

Built = TypeVar("Built")
MODEL: Final = "geodata/studies/defis.toml"


def refused(where: str, what: str) -> InputFileError:
    """Return the error to raise: where in the file, what is wrong, and what to compare with."""
    return InputFileError(f"{where} : {what} ; comparez avec {MODEL}.")


def table(entry: Mapping[str, Any], name: str, *, where: str) -> Mapping[str, Any]:
    """Return a table of the file.

    Raises
    ------
    InputFileError
        If it is missing, or is not a table.
    """
    if name not in entry:
        raise refused(where, f"le tableau « {name} » manque")
    if not isinstance(entry[name], Mapping):
        raise refused(where, f"« {name} » doit être un tableau")
    return dict(entry[name])


def optional_table(entry: Mapping[str, Any], name: str, *, where: str) -> Mapping[str, Any]:
    """Return a table of the file, empty where it is not declared."""
    return table(entry, name, where=where) if name in entry else {}


def rows(entry: Mapping[str, Any], name: str, *, where: str) -> list[Mapping[str, Any]]:
    """Return a list of tables of the file; empty where it is not declared."""
    found = entry.get(name, [])
    if not isinstance(found, list) or not all(isinstance(one, Mapping) for one in found):
        raise refused(where, f"« {name} » doit être une liste de tableaux")
    return found


def number(
    entry: Mapping[str, Any],
    name: str,
    *,
    where: str,
    default: float | None = None,
    above: float = -math.inf,
    at_most: float = math.inf,
) -> float:
    """Return a finite number.

    Parameters
    ----------
    default
        Where it is not declared; None: it must be.
    above, at_most
        Between which it must be, the first excluded.
    """
    if name not in entry and default is not None:
        return default
    found = plain_number(_required(entry, name, where), f"« {name} »", where=where)
    if not above < found <= at_most:
        limits = [
            f"supérieur à {above:g}" if above > -math.inf else "",
            f"au plus {at_most:g}" if at_most < math.inf else "",
        ]
        raise refused(where, f"« {name} » doit être {' et '.join(one for one in limits if one)}")
    return found


def plain_number(value: Any, words: str, *, where: str) -> float:  # noqa: ANN401  (whatever the file holds)
    """Return a value of the file as a finite number; ``words`` names it."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise refused(where, f"{words} doit être un nombre")
    return float(value)


def numbers(entry: Mapping[str, Any], name: str, *, where: str, count: int | None = None) -> tuple[float, ...]:
    """Return a list of finite numbers, of ``count`` of them if it is given."""
    found = _required(entry, name, where)
    if not isinstance(found, Sequence) or isinstance(found, str) or (count is not None and len(found) != count):
        raise refused(where, f"« {name} » doit être une liste de {'' if count is None else f'{count} '}nombres")
    return tuple(plain_number(one, f"chaque élément de « {name} »", where=where) for one in found)


def text(entry: Mapping[str, Any], name: str, *, where: str, default: str | None = None) -> str:
    """Return a text; it must be declared where there is no default."""
    if name not in entry and default is not None:
        return default
    found = _required(entry, name, where)
    if not isinstance(found, str):
        raise refused(where, f"« {name} » doit être un texte, entre guillemets")
    return found


def texts(entry: Mapping[str, Any], name: str, *, where: str) -> tuple[str, ...]:
    """Return a list of texts."""
    found = _required(entry, name, where)
    if not isinstance(found, list) or not all(isinstance(one, str) for one in found):
        raise refused(where, f"« {name} » doit être une liste de textes")
    return tuple(found)


def choice(entry: Mapping[str, Any], name: str, allowed: Sequence[Any], *, where: str, default: Any = None) -> Any:  # noqa: ANN401  (narrowed to a Literal by the caller)
    """Return one of the values allowed; it must be declared where there is no default."""
    if name not in entry and default is not None:
        return default
    found = _required(entry, name, where)
    if isinstance(found, bool) or found not in allowed:
        raise refused(where, f"« {name} » doit être l'un de {', '.join(str(one) for one in allowed)}")
    return found


def instance(kind: type[Built], entry: Mapping[str, Any], *, where: str, **given: Any) -> Built:  # noqa: ANN401
    """Build a frozen dataclass of texts, numbers and choices from a table of the file.

    Parameters
    ----------
    given
        Fields that do not come from the table as they are.

    Raises
    ------
    InputFileError
        If the table lacks a field, has one that there is not, or holds a value of another type.
    """
    hints = get_type_hints(kind)
    fields = {field.name: field for field in dataclasses.fields(kind) if field.name not in given}  # type: ignore[arg-type]
    unknown = [name for name in entry if name not in fields]
    if unknown:
        raise refused(where, f"« {unknown[0]} » n'est pas une clé connue (clés possibles : {', '.join(fields)})")
    values = dict(given)
    for name, field in fields.items():
        if name in entry:
            values[name] = _typed(entry, name, hints[name], where=where)
        elif field.default is dataclasses.MISSING and field.default_factory is dataclasses.MISSING:
            raise refused(where, f"« {name} » manque")
    return kind(**values)


def _typed(entry: Mapping[str, Any], name: str, hint: Any, *, where: str) -> Any:  # noqa: ANN401  (a type, and its value)
    kinds = [one for one in get_args(hint) if one is not NoneType] if NoneType in get_args(hint) else [hint]
    (kind,) = kinds
    if get_origin(kind) is Literal:
        return choice(entry, name, get_args(kind), where=where)
    return number(entry, name, where=where) if kind is float else text(entry, name, where=where)


def _required(entry: Mapping[str, Any], name: str, where: str) -> Any:  # noqa: ANN401  (whatever the file holds)
    if name not in entry:
        raise refused(where, f"« {name} » manque")
    return entry[name]
