"""Producers' own files through the database: classes and structures replaced whole, or a sentence and nothing done."""

from __future__ import annotations

import importlib.util
import re
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa

from observatory.commands import ingest as commands
from observatory.errors import InputFileError, UsageError
from observatory.store import ingest, read

RAW = Path(__file__).parents[3] / "shared" / "data" / "raw"
FRR = "dgcl_frr_2025"


def raw(name: str) -> Path:
    path = RAW / name
    if not path.exists():
        pytest.skip(f"« {name} » n’est pas dans {RAW}")
    return path


@pytest.fixture(scope="module")
def normandy(engine: sa.Engine, snapshot_directory: Path) -> Iterator[sa.Engine]:
    """The bundled snapshot, put back as it was once the module is over."""
    yield engine
    from observatory.store.load import load_snapshot

    load_snapshot(engine, snapshot_directory, force=True)


def classes(engine: sa.Engine) -> dict[str, int]:
    query = sa.text("SELECT value_label, count(*) FROM observatory.zoning WHERE zoning = 'frr' GROUP BY 1")
    with engine.connect() as connection:
        return dict(map(tuple, connection.execute(query)))


def digest(engine: sa.Engine, table: str) -> str:
    with engine.connect() as connection:
        return str(
            connection.exec_driver_sql(f"SELECT md5(string_agg(r::text, '' ORDER BY r::text)) FROM {table} r").scalar()
        )


def test_frr_is_loaded_whole_or_refused_with_a_sentence(normandy: sa.Engine, tmp_path: Path) -> None:
    path = raw("dgcl_frr_2025-07.csv")
    content = path.read_bytes()
    before = digest(normandy, "observatory.zoning")

    cut = tmp_path / "coupe.csv"
    cut.write_bytes(content[: len(content) * 2 // 3])
    with pytest.raises(InputFileError, match="tronqué"):
        ingest.ingest_file(normandy, FRR, cut)
    assert digest(normandy, "observatory.zoning") == before

    windows = tmp_path / "windows.csv"
    lines = [line.split(";") for line in content.decode().splitlines()]
    windows.write_bytes("\n".join(f"{one[3]};{one[0]};{one[2]}" for one in lines).encode("cp1252"))
    status, (report,) = ingest.ingest_file(normandy, FRR, windows)
    assert status == "loaded"
    assert (report.rows_read, report.rows_kept, report.rows_rejected) == (34_875, 5823, 1)
    assert report.rows_read == report.rows_kept + report.rows_rejected + report.rows_duplicate + report.rows_outside
    assert digest(normandy, "observatory.zoning") == before  # the same classes, from another spelling of the file
    with normandy.connect() as connection:
        (rejected,) = read.rejected(connection, FRR)
    assert (rejected["file_name"], rejected["reason"]) == (
        "windows.csv",
        "commune absente des territoires de l'observatoire",
    )
    assert rejected["line"] == next(at for at, one in enumerate(lines, start=1) if one[0] == "14581")
    assert ingest.ingest_file(normandy, FRR, windows)[0] == "unchanged"

    changed = tmp_path / "change.csv"
    changed.write_bytes(content.replace("14118;14;Caen;Non classée".encode(), b"14118;14;Caen;FRR+"))
    found = classes(normandy)
    ingest.ingest_file(normandy, FRR, changed)
    assert classes(normandy)["FRR+"] == found["FRR+"] + 1


def test_france_services_take_the_place_of_those_of_the_snapshot(normandy: sa.Engine, tmp_path: Path) -> None:
    source = "anct_france_services_2024"
    path = raw("anct_france_services_2024-08-01.csv")
    resolved = "(SELECT source_id, record_id, structure_id, rule, score, siret FROM observatory.structure_record)"
    tables = (resolved, "observatory.structure_service")
    before = {table: digest(normandy, table) for table in tables}
    _, (report,) = ingest.ingest_file(normandy, source, path)
    assert (report.rows_read, report.rows_kept, report.rows_rejected) == (2845, 404, 0)
    assert {table: digest(normandy, table) for table in tables} == before
    with normandy.connect() as connection:
        quality = connection.exec_driver_sql(
            f"SELECT place_quality, count(*) FROM observatory.structure WHERE source_id = '{source}' GROUP BY 1"
        )
        assert dict(map(tuple, quality)) == {"address": 404}

    shorter = tmp_path / "fs.csv"
    lines = path.read_text(encoding="utf-8").splitlines(keepends=True)
    shorter.write_text("".join(line for line in lines if "Caen Venoix" not in line), encoding="utf-8")
    _, (report,) = ingest.ingest_file(normandy, source, shorter)
    assert report.rows_kept == 403
    with normandy.connect() as connection:
        count = "SELECT count(*) FROM observatory.structure_service WHERE service = 'france_services'"
        assert connection.exec_driver_sql(count).scalar() == 403


def test_short_names_are_those_of_the_catalogue() -> None:
    assert commands._source_ids(["frr", FRR, "france_services"]) == [FRR, FRR, "anct_france_services_2024"]
    with pytest.raises(UsageError, match="vouliez-vous dire frr"):
        commands._source_ids(["ffr"])


def test_a_killed_ingest_leaves_the_former_data_or_the_new(normandy: sa.Engine, tmp_path: Path) -> None:
    location = Path(__file__).parents[2] / "benchmarks" / "ingest_kill.py"
    spec = importlib.util.spec_from_file_location("ingest_kill", location)
    assert spec is not None
    assert spec.loader is not None
    ingest_kill = importlib.util.module_from_spec(spec)
    sys.modules["ingest_kill"] = ingest_kill
    spec.loader.exec_module(ingest_kill)
    files = ingest_kill.two_files(raw("dgcl_frr_2025-07.csv"), tmp_path)
    outcome = ingest_kill.rounds(normandy, files, count=4, seed=7)
    assert outcome.other == 0
    assert outcome.former + outcome.new == 4
    assert outcome.former > 0  # at least one kill fell while it worked


def test_a_file_that_says_much_less_than_what_is_loaded_is_refused_unless_asked(
    normandy: sa.Engine, tmp_path: Path
) -> None:
    source = "anct_france_services_2024"
    path = raw("anct_france_services_2024-08-01.csv")
    lines = path.read_text(encoding="utf-8").splitlines(keepends=True)
    shorter = tmp_path / "fs.csv"
    shorter.write_text("".join(line for line in lines if not re.match(r'"\d+","(14|27|76)"', line)), encoding="utf-8")
    before = digest(normandy, "observatory.structure")
    with pytest.raises(InputFileError, match=r"bien moins.*--accept-fewer"):
        ingest.ingest_file(normandy, source, shorter)
    assert digest(normandy, "observatory.structure") == before
    assert ingest.ingest_file(normandy, source, shorter, accepts_fewer=True)[0] == "loaded"
