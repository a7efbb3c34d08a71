"""Notebooks go by pairs: the text and the notebook say the same, and no output is kept."""

import json
from pathlib import Path

import jupytext
import pytest

ROOT = Path(__file__).resolve().parents[2]
TEXTS = sorted((ROOT / "notebooks").glob("*.py"))


def cells(path: Path) -> list[tuple[str, str]]:
    return [(cell.cell_type, cell.source) for cell in jupytext.read(path).cells]


def test_there_are_notebooks():
    assert [path.stem for path in TEXTS] == ["01_lacunes", "05_caux_seine", "06_vire"]
    assert sorted(path.stem for path in (ROOT / "notebooks").glob("*.ipynb")) == [path.stem for path in TEXTS]


@pytest.mark.parametrize("text", TEXTS, ids=lambda path: path.stem)
def test_the_pair_says_the_same(text):
    assert cells(text) == cells(text.with_suffix(".ipynb")), f"lancez « jupytext --sync {text.name} »"


@pytest.mark.parametrize("text", TEXTS, ids=lambda path: path.stem)
def test_no_output_is_kept(text):
    document = json.loads(text.with_suffix(".ipynb").read_text(encoding="utf-8"))
    code = [cell for cell in document["cells"] if cell["cell_type"] == "code"]
    assert code
    assert [cell["outputs"] for cell in code] == [[]] * len(code)
    assert {cell["execution_count"] for cell in code} == {None}


@pytest.mark.parametrize("text", TEXTS, ids=lambda path: path.stem)
def test_a_notebook_holds_no_logic(text):
    code = "\n".join(source for kind, source in cells(text) if kind == "code")
    for word in ("def ", "class ", "while ", "lambda "):
        assert word not in code, "la logique est dans la bibliothèque"
