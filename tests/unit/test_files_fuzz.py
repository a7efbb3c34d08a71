"""Three hundred damaged copies of a territory's files, in every format: each row has its account, or one sentence."""

from __future__ import annotations

import io
import json
import random
import re
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Final

import geopandas as gpd
import mutations
import openpyxl
import pytest
import shapely

from observatory.errors import ObservatoryError
from observatory.sources.territories import entered_file
from observatory.sources.territories.entered_row import normalise

SEED: Final = 20_261_128
COUNT: Final = 300
ROWS: Final = 12
ENGLISH: Final = re.compile(r"\b(the|error|invalid|not|cannot|could|unexpected|failed|expected|is|of)\b")
Mutation = Callable[[bytes, random.Random], bytes]


def cells() -> list[list[object]]:
    head: list[object] = ["code", "nom", "longitude", "latitude", "commune", "surface m2"]
    return [head, *([f"F{n}", f"Halle n° {n}", -0.889 + n / 1000, 48.838, "Vire", 100 * n] for n in range(ROWS))]


def text(_: Path) -> bytes:
    return "\n".join(";".join(str(one) for one in row) for row in cells()).encode() + b"\n"


def workbook(_: Path) -> bytes:
    book = openpyxl.Workbook()
    for row in cells():
        book.worksheets[0].append(row)
    held = io.BytesIO()
    book.save(held)
    return held.getvalue()


def frame() -> gpd.GeoDataFrame:
    rows = cells()[1:]
    shapes = [shapely.Point(float(str(row[2])), float(str(row[3]))).buffer(0.001) for row in rows]
    return gpd.GeoDataFrame(
        {"code": [row[0] for row in rows], "nom": [row[1] for row in rows]}, geometry=shapes, crs=4326
    )


def geojson(_: Path) -> bytes:
    return str(frame().to_json()).encode()


def package(at: Path) -> bytes:
    frame().to_file(at / "a.gpkg", driver="GPKG")
    return (at / "a.gpkg").read_bytes()


def shapefile(at: Path) -> bytes:
    frame().to_file(at / "a.shp", encoding="utf-8")
    held = io.BytesIO()
    with zipfile.ZipFile(held, "w") as archive:
        for part in (".shp", ".shx", ".dbf", ".prj", ".cpg"):
            archive.write((at / "a").with_suffix(part), f"a{part}")
    return held.getvalue()


def inside(content: bytes, draw: random.Random) -> bytes:
    """Damage one part of an archive."""
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        parts = {name: archive.read(name) for name in archive.namelist()}
    name = draw.choice([one for one, held in parts.items() if len(held) > 1])
    part = parts[name]
    at = draw.randrange(len(part))
    parts[name] = draw.choice(
        [part[:at], part[:at] + draw.randbytes(3) + part[at + 3 :], part[:at] + part[at + 40 :], b""]
    )
    held = io.BytesIO()
    with zipfile.ZipFile(held, "w") as archive:
        for one, said in parts.items():
            archive.writestr(one, said)
    return held.getvalue()


def values(content: bytes, draw: random.Random) -> bytes:
    """Put what nobody expects in the place of a value of a GeoJSON."""
    layer = json.loads(content)
    strange = [None, [], {}, [["a"]], {"a": {"b": 1}}, "\ud800", "\x00", 1e400, -0.0, True, "x" * 5000, "=1+1", [None]]
    for _ in range(draw.randrange(1, 4)):
        one = draw.choice(layer["features"])
        key = draw.choice(["code", "nom", "geometry", "Nom", "line", "shape", "problem", "attributes"])
        if key == "geometry":
            one["geometry"] = draw.choice(
                [
                    None,
                    {},
                    {"type": "Point", "coordinates": []},
                    {"type": "Autre", "coordinates": [1, 2]},
                    "POINT (1 2)",
                ]
            )
        else:
            one["properties"][key] = draw.choice(strange)
    return json.dumps(layer).encode()


BYTES: Final = (mutations._truncate, mutations._flip, mutations._garbage, mutations._nul, mutations._shuffle_bytes)
FORMS: Final[dict[str, tuple[Callable[[Path], bytes], tuple[Mutation, ...]]]] = {
    "a.csv": (text, mutations.MUTATIONS),
    "a.xlsx": (workbook, (*BYTES, inside, inside, inside)),
    "a.geojson": (geojson, (*BYTES, values, values, values)),
    "a.gpkg": (package, BYTES),
    "a.zip": (shapefile, (*BYTES, inside, inside)),
}


@pytest.fixture(scope="module")
def originals(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    at = tmp_path_factory.mktemp("originaux")
    return {name: make(at) for name, (make, _) in FORMS.items()}


@pytest.mark.parametrize("name", FORMS)
def test_each_damaged_copy_has_an_account_of_its_rows_or_a_sentence(
    originals: dict[str, bytes], tmp_path: Path, name: str
) -> None:
    changes = FORMS[name][1]
    read = 0
    for rank in range(COUNT // len(FORMS)):
        path = tmp_path / f"{rank}-{name}"
        path.write_bytes(changes[rank % len(changes)](originals[name], random.Random(SEED + rank)))
        try:
            rows, notes = entered_file.read(path)
            given, refused, more = normalise(rows, {}, today="2026-11-28", services=None)
        except ObservatoryError as error:
            said = [str(error)]
            assert said[0].rstrip()[-1] in ".?!)", (rank, said)
        else:
            read += 1
            assert len(given) + len(refused) == len(rows), rank
            said = [*notes, *more, *(one.reason for one in refused)]
        for sentence in said:
            plain = re.sub("«.*?»", "", sentence)
            assert not ENGLISH.search(plain), (rank, sentence)
            assert "\n" not in plain, (rank, sentence)
    assert read
