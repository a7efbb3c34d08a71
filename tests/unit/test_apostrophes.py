"""French is written with one apostrophe, ’: in the strings of the code, the pages, the scripts, the declarations."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
STRAIGHT = re.compile(
    r"(?<![\w'’\\])(?:[ldjmtnsc]|(?:jus|lors|puis|pres|quel)?qu|aujourd|entr)'(?=[^\W_]|[«“<{])", re.IGNORECASE
)
"""An elided word before a straight apostrophe; English contractions and possessives are not that."""
SPELLED_BY_PRODUCERS = (
    "Tranche d'âge",
    "Nombre de demandeurs d'emploi",
    "Incinération avec récupération d'énergie",
    "Incinération sans récupération d'énergie",
    "Code de la zone d'emploi 2020",
    "Libellé de la zone d'emploi 2020",
    "Centre local d'équipements et de services",
    "Centre intermédiaire d'équipements et de services",
    "Centre structurant d'équipements et de services",
    "Centre majeur d'équipements et de services",
    "zones d'intervention",
    "Pont-l'Évêque",
    "Prée-d'Anjou",
    "Val-d'Étangson",
)
"""Headings and classes of files that are not ours, and names of communes in comments."""


def straight(text: str) -> list[str]:
    for spelled in SPELLED_BY_PRODUCERS:
        text = text.replace(spelled, "")
    return [text[max(0, found.start() - 30) : found.end() + 30] for found in STRAIGHT.finditer(text)]


def strings(source: str) -> Iterator[tuple[int, str]]:
    """Yield the line and the text of each string of a module but its docstrings; a value in an f-string is an x."""
    tree = ast.parse(source)
    docstrings = {
        id(statement.value)
        for node in ast.walk(tree)
        if isinstance(body := getattr(node, "body", None), list)
        for statement in body
        if isinstance(statement, ast.Expr)
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.JoinedStr):
            yield (
                node.lineno,
                "".join(str(part.value) if isinstance(part, ast.Constant) else "x" for part in node.values),
            )
        elif isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in docstrings:
            yield node.lineno, node.value


def modules() -> list[Path]:
    found = [path for room in ("api", "geodata", "observatory") for path in (ROOT / room).rglob("*.py")]
    assert len(found) > 300
    return found


def test_strings_of_the_code() -> None:
    wrong = [
        f"{path.relative_to(ROOT)}:{line}: {one}"
        for path in modules()
        for line, text in strings(path.read_text(encoding="utf-8"))
        for one in straight(text)
    ]
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize(
    "pattern", ["api/templates/*.html", "api/static/js/*.js", "observatory/publish/page/*", "geodata/**/*.toml"]
)
def test_pages_scripts_and_declarations(pattern: str) -> None:
    paths = sorted(ROOT.glob(pattern))
    assert paths
    wrong = [f"{path.relative_to(ROOT)}: {one}" for path in paths for one in straight(path.read_text(encoding="utf-8"))]
    assert not wrong, "\n".join(wrong)


def test_what_counts_as_a_straight_apostrophe() -> None:
    assert len(straight("Lorsqu'un lieu n'est pas situé, l'adresse")) == len(("lorsqu'un", "n'est", "l'adresse"))
    assert not straight("doesn't, a site's, kind = 'gap', ['code'], l’adresse, Tranche d'âge")
    assert list(strings('"""L\'un."""\nx = f"d\'{y}" + "l\'a"')) == [(2, "d'x"), (2, "l'a"), (2, "d'")]
