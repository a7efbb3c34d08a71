"""A declaration becomes a model, once per version of its file; what is wrong with it is one French sentence."""

from __future__ import annotations

import os
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Literal

import pytest
from pydantic import Field, ValidationError

import geodata
from observatory.declared.reading import (
    Declaration,
    Flag,
    Number,
    OpenDeclaration,
    Whole,
    declaration,
    document,
    fault,
    shaped,
    validated,
)
from observatory.declared.reference import Secrecy
from observatory.declared.services import Offer
from observatory.errors import InputFileError


def test_a_mark_at_the_head_of_a_declaration_says_nothing(tmp_path: Path) -> None:
    path = tmp_path / "etude.toml"
    path.write_bytes('\ufefftitle = "Étude"\n'.encode())
    assert document(path) == {"title": "Étude"}


class Place(Declaration):
    name: str
    floors: Whole = 1
    height_m: Annotated[Number, Field(gt=0, le=100)] = 3.0
    is_open: Flag = True
    kind: Literal["bureau", "atelier"] = "bureau"
    pair: Annotated[tuple[Number, Number], shaped("doit être une liste de 2 nombres")] | None = None
    widths_m: tuple[Number, ...] = ()


class Town(OpenDeclaration):
    places: Mapping[str, Place]
    about: Place | None = None


GOOD = '[places.a]\nname = "A"\n'


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("", "le tableau « places » manque"),
        ("places = 3", "« places » doit être un tableau"),
        ("[places]\na = 3", "[places] : « a » doit être un tableau"),
        ("[places.a]\nfloors = 2", "« a », dans « town.toml », ne dit pas : name. Complétez-le."),
        ("[places.a]\nnam = 'A'", "« nam » n’est pas une clé connue (clés possibles : name, floors, height_m, is_open"),
        (f"{GOOD}floors = 1.5", "[places.a] : « floors » doit être un nombre entier"),
        (f"{GOOD}floors = true", "« floors » doit être un nombre entier"),
        (f"{GOOD}height_m = '3'", "« height_m » doit être un nombre"),
        (f"{GOOD}height_m = true", "« height_m » doit être un nombre"),
        (f"{GOOD}height_m = inf", "« height_m » doit être un nombre"),
        (f"{GOOD}height_m = 0", "« height_m » doit être supérieur à 0 et au plus 100"),
        (f"{GOOD}is_open = 1", "« is_open » doit être true ou false"),
        (f"{GOOD}kind = 'cave'", "« kind » doit être l’un de bureau, atelier"),
        (f"{GOOD}pair = [1]", "« pair » doit être une liste de 2 nombres"),
        (f"{GOOD}widths_m = [1, 'x']", "chaque élément de « widths_m » doit être un nombre"),
        (f"{GOOD}widths_m = 3", "« widths_m » doit être une liste"),
        ("[places.a]\nname = 3", "« name » doit être un texte, entre guillemets"),
        ("[places", "« town.toml » est absente ou illisible"),
    ],
)
def test_what_is_wrong_is_told_with_its_place(tmp_path: Path, content: str, message: str) -> None:
    (tmp_path / "town.toml").write_text(content, encoding="utf-8")
    with pytest.raises(InputFileError) as refused:
        declaration("town.toml", Town, directory=tmp_path)
    assert message in str(refused.value)


@pytest.mark.parametrize(
    ("file", "kind", "change", "message"),
    [
        (
            "services",
            Offer,
            ("is_complete = false", "is_complete = 'non'"),
            "[services.ess] : « is_complete » doit être",
        ),
        (
            "services",
            Offer,
            ('verdict = "ressourcerie"', "verdict = 'oui'"),
            "« verdict » doit être l’un de",
        ),
        (
            "services",
            Offer,
            ('label = "Ressourceries et réemploi"', ""),
            "« ressourcerie », dans « services.toml »",
        ),
        ("services", Offer, ('colour = "#5e3c99"', "couleur = 'x'"), "« couleur » n’est pas une clé connue"),
        (
            "secrecy",
            Secrecy,
            ("persons = 11", "persons = '11'"),
            "[thresholds] : « persons » doit être un nombre entier",
        ),
    ],
)
def test_what_is_wrong_in_a_delivered_declaration_is_told(
    tmp_path: Path, file: str, kind: type[Declaration], change: tuple[str, str], message: str
) -> None:
    content = (geodata.ROOT / f"{file}.toml").read_text(encoding="utf-8")
    assert change[0] in content
    (tmp_path / f"{file}.toml").write_text(content.replace(*change, 1), encoding="utf-8")
    with pytest.raises(InputFileError) as refused:
        declaration(f"{file}.toml", kind, directory=tmp_path)
    assert message in str(refused.value)


def test_a_declaration_is_built_once_and_again_when_its_file_changes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    read: list[str] = []
    monkeypatch.setattr(tomllib, "loads", lambda text, loads=tomllib.loads: read.append(text) or loads(text))
    path = tmp_path / "town.toml"
    path.write_text(GOOD, encoding="utf-8")
    first = declaration("town.toml", Town, directory=tmp_path)
    assert declaration("town.toml", Town, directory=tmp_path) is first
    assert read == [GOOD]
    path.write_text(GOOD.replace('"A"', '"B"'), encoding="utf-8")
    os.utime(path, ns=(0, 0))  # of the same length, and of another time
    assert declaration("town.toml", Town, directory=tmp_path).places["a"].name == "B"
    assert len(read) == 2


def test_a_reader_gives_its_own_words_and_names() -> None:
    with pytest.raises(ValidationError) as refused:
        validated(Town, {"places": {"a": {"name": "A"}}, "about": {"name": "B", "floors": "deux"}})
    found = fault(
        refused.value, Town, phrases={"whole": "« {key} » est un entier"}, name=lambda loc: ".".join(map(str, loc))
    )
    assert (found.loc, found.family, found.words) == (("about", "floors"), "whole", "« about.floors » est un entier")
