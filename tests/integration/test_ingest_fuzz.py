"""Two hundred damaged copies of producers' files: each ends in a load or in one sentence, and nothing is lost."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import mutations
import pandas as pd
import pytest
import sqlalchemy as sa

import geodata
from observatory.errors import InputFileError, ObservatoryError
from observatory.sources.batch import Batch
from observatory.sources.figures import dares
from observatory.sources.figures.sinoe import DECHETERIES
from observatory.sources.structures import france_services, longue_vie
from observatory.sources.territories import banatic
from observatory.sources.territories.commune_class import DENSITY_GRID, FRR_LIST
from observatory.store.ingest import file_ingest

RAW = Path(__file__).parents[3] / "shared" / "data" / "raw"
NORMANDY: Final = ("14", "27", "50", "61", "76")
SEED: Final = 20_251_122
COUNT: Final = 200
SOURCES: Final = {
    **{one.source_id: one for one in (FRR_LIST, DENSITY_GRID, DECHETERIES)},
    **{module.SOURCE_ID: module for module in (banatic, france_services, dares, longue_vie)},
}
FILES: Final = {
    **{one.source_id: one.file for one in (FRR_LIST, DENSITY_GRID)},
    **{module.SOURCE_ID: module.FILE for module in (banatic, france_services, dares, longue_vie)},
    DECHETERIES.source_id: "ademe_sinoe_decheterie_dept.csv",
}


@dataclass(frozen=True)
class Case:
    """A source, the part of its file about Normandy, and what the whole of that part says."""

    source: Any
    content: bytes
    normalise: Callable[[Path], Batch]
    truth: Batch


def part(path: Path, is_kept: Callable[[bytes], bool]) -> bytes:
    """The header and the lines about Normandy, bytes unchanged: two hundred whole files would take minutes."""
    header, *lines = path.read_bytes().splitlines(keepends=True)
    return header + b"".join(line for line in lines if is_kept(line))


@pytest.fixture(scope="module")
def cases(tmp_path_factory: pytest.TempPathFactory) -> list[Case]:
    if not (geodata.SNAPSHOT / "territories.parquet").exists():
        pytest.skip("l’instantané n’est pas construit : lancez « observatory snapshot build »")
    if not RAW.is_dir():
        pytest.skip(f"les fichiers des producteurs ne sont pas dans {RAW}")
    frame = pd.read_parquet(geodata.SNAPSHOT / "territories.parquet", columns=["level", "code", "is_border"])
    frame = frame[frame["level"].eq("commune")]
    communes, region = set(frame["code"]), set(frame.loc[~frame["is_border"], "code"])
    known = {"communes": communes, "departements": {code[:2] for code in communes}}
    needs: dict[str, dict[str, set[str]]] = {
        FRR_LIST.source_id: {**known, "region_communes": region},
        DENSITY_GRID.source_id: {**known, "region_communes": region},
        banatic.SOURCE_ID: known,
        france_services.SOURCE_ID: known,
        DECHETERIES.source_id: {"departements": set(NORMANDY)},
        dares.SOURCE_ID: {"communes": {f"91{rank:03d}" for rank in range(1000)}, "departements": {"91"}},
        longue_vie.SOURCE_ID: {"departements": {"56"}},
    }
    starts = tuple(f"{code}".encode() for code in NORMANDY)
    kept: dict[str, Callable[[bytes], bool]] = {
        banatic.SOURCE_ID: lambda line: line.startswith(starts),
        france_services.SOURCE_ID: lambda line: any(b',"%b","' % code in line[:12] for code in starts),
        DECHETERIES.source_id: lambda line: b'"Normandie"' in line,
        dares.SOURCE_ID: lambda _: True,
        longue_vie.SOURCE_ID: lambda _: True,
    }
    directory = tmp_path_factory.mktemp("parts")
    made = []
    for source_id, source in SOURCES.items():
        content = part(RAW / FILES[source_id], kept.get(source_id, lambda line: line.startswith(starts)))
        path = directory / FILES[source_id]
        path.write_bytes(content)

        def normalise(path: Path, source: Any = source, source_id: str = source_id) -> Batch:
            batch: Batch = source.normalise(source.read(path), **needs[source_id])
            return batch

        made.append(Case(source, content, normalise, normalise(path)))
    return made


def sentence(error: ObservatoryError) -> str:
    text = str(error)
    assert text.rstrip()[-1] in ".?", text
    assert "Traceback" not in text
    assert "\n" not in text
    return text


def test_each_damaged_copy_ends_in_a_load_or_a_sentence(cases: list[Case], tmp_path: Path) -> None:
    path = tmp_path / "copie.csv"
    loads = refusals = 0
    for rank in range(COUNT):
        draw = random.Random(SEED + rank)
        case, mutate = cases[rank % len(cases)], mutations.MUTATIONS[rank % len(mutations.MUTATIONS)]
        path.write_bytes(mutate(case.content, draw))
        try:
            batch = case.normalise(path)
        except ObservatoryError as error:
            sentence(error)
            refusals += 1
            continue
        loads += 1
        told = batch.kept_count + batch.rejected_count + batch.duplicate_count + batch.outside_count
        assert batch.read_count == told
        if case.source in (FRR_LIST, DENSITY_GRID):
            # A class by commune is either as the whole file says it, or refused: never half, never another.
            got = batch.frame.set_index("commune_code")["value_code"].to_dict()
            assert got == case.truth.frame.set_index("commune_code")["value_code"].to_dict(), (rank, mutate.__name__)
    assert loads + refusals == COUNT
    assert loads >= COUNT // 10  # the harmless ones do load
    assert refusals >= COUNT // 4


def test_the_database_keeps_what_it_had_through_damaged_files(
    cases: list[Case], engine: sa.Engine, tmp_path: Path
) -> None:
    def digest() -> str:
        query = "SELECT md5(string_agg(r::text, '' ORDER BY r::text)) FROM observatory.zoning r"
        with engine.connect() as connection:
            return str(connection.exec_driver_sql(query).scalar())

    before = digest()
    case = next(one for one in cases if one.source is FRR_LIST)
    path = tmp_path / "frr.csv"
    harmful = (mutations._truncate, mutations._nul, mutations._garbage, mutations._empty, mutations._web_page)
    for rank, mutate in enumerate(harmful):
        path.write_bytes(mutate(case.content, random.Random(SEED + rank)))
        with pytest.raises(InputFileError) as caught:
            file_ingest.ingest_file(engine, FRR_LIST.source_id, path)
        sentence(caught.value)
        assert digest() == before
