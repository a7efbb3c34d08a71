"""Producers' own files through the database: classes and structures replaced whole, or a sentence and nothing done."""

from __future__ import annotations

import hashlib
import importlib.util
import json
import os
import re
import subprocess
import sys
import threading
import time
import zipfile
from collections import Counter
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
import sqlalchemy as sa

from observatory.commands import ingest as commands
from observatory.commands import ingest_source
from observatory.declared import catalogue
from observatory.declared.siting_study import SitingStudy
from observatory.errors import InputFileError, UsageError
from observatory.runs.siting.siting_run import siting_run
from observatory.sources.fetch.cache import DownloadError, OfflineError
from observatory.sources.structures import establishments, likeness, places
from observatory.sources.territories import geo_api_epci
from observatory.store import read
from observatory.store.ingest import file_ingest

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
    from observatory.store.ingest.snapshot_load import load_snapshot

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
        file_ingest.ingest_file(normandy, FRR, cut)
    assert digest(normandy, "observatory.zoning") == before

    windows = tmp_path / "windows.csv"
    lines = [line.split(";") for line in content.decode().splitlines()]
    windows.write_bytes("\n".join(f"{one[3]};{one[0]};{one[2]}" for one in lines).encode("cp1252"))
    status, (report,) = file_ingest.ingest_file(normandy, FRR, windows)
    assert status == "loaded"
    assert (report.rows_read, report.rows_kept, report.rows_rejected) == (34_875, 5824, 0)
    assert report.rows_read == report.rows_kept + report.rows_rejected + report.rows_duplicate + report.rows_outside
    assert digest(normandy, "observatory.zoning") == before  # the same classes, from another spelling of the file
    assert file_ingest.ingest_file(normandy, FRR, windows)[0] == "unchanged"

    changed = tmp_path / "change.csv"
    changed.write_bytes(content.replace("14118;14;Caen;Non classée".encode(), b"14118;14;Caen;FRR+"))
    found = classes(normandy)
    file_ingest.ingest_file(normandy, FRR, changed)
    assert classes(normandy)["FRR+"] == found["FRR+"] + 1


def test_france_services_take_the_place_of_those_of_the_snapshot(normandy: sa.Engine, tmp_path: Path) -> None:
    source = "anct_france_services_2024"
    path = raw("anct_france_services_2024-08-01.csv")
    resolved = "(SELECT source_id, record_id, structure_id, rule, score, siret FROM observatory.structure_record)"
    tables = (resolved, "observatory.structure_service")
    before = {table: digest(normandy, table) for table in tables}
    _, (report,) = file_ingest.ingest_file(normandy, source, path)
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
    _, (report,) = file_ingest.ingest_file(normandy, source, shorter)
    assert report.rows_kept == 403
    with normandy.connect() as connection:
        count = "SELECT count(*) FROM observatory.structure_service WHERE service = 'france_services'"
        assert connection.exec_driver_sql(count).scalar() == 403


def test_reading_two_rows_again_resolves_their_communes_only(
    normandy: sa.Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "emplois.json"
    said = {"kind": "ACI", "siret": None, "latitude": None, "longitude": None, "date_maj": "2026-01-01"}
    rows = [
        {**said, "id": "1", "nom": "Un", "adresse": "1 rue Neuve", "code_postal": "14600", "commune": "Honfleur"},
        {**said, "id": "2", "nom": "Deux", "adresse": "2 rue Haute", "code_postal": "61300", "commune": "L'Aigle"},
    ]
    path.write_text(json.dumps(rows), encoding="utf-8")
    file_ingest.ingest_file(normandy, "emplois_inclusion", path)
    calls: Counter[str] = Counter()

    def counted(text: str, *others: str) -> str:
        calls["slug"] += 1
        return establishments.slug(text, *others)

    for module in (likeness, places):
        monkeypatch.setattr(module, "slug", counted)
    path.write_text(json.dumps([rows[0], {**rows[1], "nom": "Trois"}]), encoding="utf-8")
    assert file_ingest.ingest_file(normandy, "emplois_inclusion", path)[0] == "loaded"
    assert 0 < calls["slug"] < 2_000  # 12 129 for every structure and commune


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
        file_ingest.ingest_file(normandy, source, shorter)
    assert digest(normandy, "observatory.structure") == before
    assert file_ingest.ingest_file(normandy, source, shorter, accepts_fewer=True)[0] == "loaded"


def test_a_file_that_lost_its_last_years_or_all_its_figures_is_refused(normandy: sa.Engine, tmp_path: Path) -> None:
    path = raw("ademe_sinoe_decheterie_dept.csv")
    lines = path.read_text(encoding="utf-8-sig").splitlines(keepends=True)
    shorter = tmp_path / "sinoe.csv"
    shorter.write_text("".join(line for line in lines if not line.startswith("2017")), encoding="utf-8")
    before = digest(normandy, "observatory.indicator_value")
    with pytest.raises(InputFileError, match=r"160 chiffres au lieu de 200"):
        file_ingest.ingest_file(normandy, "ademe_sinoe_decheterie", shorter)
    empty = tmp_path / "deld.csv"
    empty.write_text("codgeo;year0;value0;year1;value1\n14;2013;nc;2017;nc\n", encoding="utf-8")
    with pytest.raises(InputFileError, match=r"0 chiffres au lieu de"):
        file_ingest.ingest_file(normandy, "cget_deld_2017", empty)
    with normandy.connect() as connection:
        cut = connection.exec_driver_sql(
            "SELECT string_agg(code || ';' || 100 + row, E'\\n') FROM (SELECT code, row_number() OVER (ORDER BY code) "
            "AS row FROM observatory.territory WHERE level = 'epci') AS one"
        ).scalar()
    pairs = tmp_path / "sinoe_epci.csv"
    pairs.write_text(f"siren;c_acteur\n{cut}\n", encoding="utf-8")
    assert file_ingest.ingest_file(normandy, "sinoe_epci", pairs)[0] == "loaded"
    with normandy.connect() as connection:
        (held,) = [row["row_count"] for row in read.sources(connection) if row["source_id"] == "sinoe_epci"]
    assert held == 71
    pairs.write_text("\n".join(pairs.read_text(encoding="utf-8").splitlines()[:30]), encoding="utf-8")
    with pytest.raises(InputFileError, match=r"29 classes au lieu de 71"):
        file_ingest.ingest_file(normandy, "sinoe_epci", pairs)
    assert digest(normandy, "observatory.indicator_value") == before


class Site:
    """A producer's site: answers by path, and what was asked of it."""

    def __init__(self) -> None:
        self.answers: dict[str, bytes] = {}
        self.asked: list[tuple[str, dict[str, str]]] = []
        self.url = ""


@pytest.fixture
def site() -> Iterator[Site]:
    made = Site()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            made.asked.append((self.path, dict(self.headers)))
            body = made.answers.get(self.path)
            if body is None:
                self.send_error(404)
                return
            etag = f'"{hashlib.sha256(body).hexdigest()}"'
            is_same = self.headers.get("If-None-Match") == etag
            self.send_response(304 if is_same else 200)
            self.send_header("ETag", etag)
            self.send_header("Content-Length", "0" if is_same else str(len(body)))
            self.end_headers()
            if not is_same:
                self.wfile.write(body)

        def log_message(self, *_args: object) -> None:
            pass

    httpd = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=httpd.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    made.url = f"http://127.0.0.1:{httpd.server_port}"
    yield made
    httpd.shutdown()
    thread.join()
    httpd.server_close()


@pytest.fixture
def operator(site: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Site:
    """The operator's settings: a data directory, and the producers' sites behind a mirror."""
    monkeypatch.setenv("OBS_DATA_DIR", str(tmp_path / "donnees"))
    monkeypatch.setenv("OBS_MIRROR_URL", site.url)
    return site


def at_mirror(source_id: str) -> str:
    live = catalogue.source(source_id).live
    assert live is not None
    return "/" + live.url.split("://", 1)[1]


def pages_of(source_id: str, rows: list[list[dict[str, object]]], **first: object) -> dict[str, bytes]:
    """Data Fair's pages: each names the next at the producer's own address."""
    live = catalogue.source(source_id).live
    assert live is not None
    found = {}
    for rank, page in enumerate(rows):
        following = {"next": f"{live.url}&after={rank + 1}"} if rank + 1 < len(rows) else {}
        answer = {"total": sum(map(len, rows)), "results": page, **following, **(first if rank == 0 else {})}
        path = at_mirror(source_id) + (f"&after={rank}" if rank else "")
        found[path] = json.dumps(answer).encode()
    return found


def told(capsys: pytest.CaptureFixture[str]) -> str:
    return " ".join(capsys.readouterr().err.split())


def silent(_label: str, _done: int, _total: int) -> None:
    pass


def test_a_source_is_fetched_loaded_and_not_fetched_again_when_unchanged(
    normandy: sa.Engine, operator: Site, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    content = raw("dgcl_frr_2025-07.csv").read_bytes()
    operator.answers[at_mirror(FRR)] = content.replace("14118;14;Caen;Non classée".encode(), b"14118;14;Caen;FRR socle")
    before = classes(normandy)
    plan = ingest_source.Plan(wanted=(FRR,))

    assert ingest_source.check(normandy, plan, silent)
    assert "réseau) : diffère de ce qui est chargé : 0 ajouts, 0 retraits, 1 changements." in told(capsys)
    assert classes(normandy) == before  # a check loads nothing

    assert ingest_source.load(normandy, plan, silent)
    assert "est chargé" in told(capsys)
    assert classes(normandy)["FRR socle"] == before["FRR socle"] + 1
    assert ingest_source.load(normandy, plan, silent)
    assert "Inchangé" in told(capsys)
    assert operator.asked[-1][1].get("If-None-Match")  # the server only said that nothing changed

    monkeypatch.setenv("OBS_OFFLINE", "true")
    count = len(operator.asked)
    assert ingest_source.load(normandy, plan, silent)  # what was fetched before answers
    assert "hors ligne : fichier téléchargé le" in told(capsys)
    with pytest.raises(OfflineError, match=r"hors ligne.*--from-file"):
        ingest_source.load(normandy, ingest_source.Plan(wanted=("anct_qpv_2024",)), silent)
    assert len(operator.asked) == count
    taken_back = ingest_source.Plan(wanted=(FRR,), from_snapshot=True)
    assert ingest_source.load(normandy, taken_back, silent)
    with normandy.connect() as connection:
        query = "SELECT value_label FROM observatory.zoning WHERE (zoning, code) = ('frr', '14118')"
        assert connection.exec_driver_sql(query).scalar() == "Non classée"


def test_pages_are_read_to_the_last_and_a_loop_or_a_foreign_page_is_refused(
    normandy: sa.Engine, operator: Site, capsys: pytest.CaptureFixture[str]
) -> None:
    source = "ademe_sinoe_annuaire"
    line = {"ANNEE": 2023, "AD1_SITE": "ZA", "CP_SITE": "14000", "L_VILLE_SITE": "Caen", "C_COMM": "14118"}
    rows: list[list[dict[str, object]]] = [
        [
            {**line, "C_SERVICE": f"{page}{rank}", "N_SERVICE": f"D {page}{rank}", "_geopoint": "49.18,-0.36"}
            for rank in "ab"
        ]
        for page in range(3)
    ]
    operator.answers = pages_of(source, rows)
    plan = ingest_source.Plan(wanted=(source,))
    assert ingest_source.load(normandy, plan, silent)
    with normandy.connect() as connection:
        query = f"SELECT count(*), min(place_quality) FROM observatory.structure WHERE source_id = '{source}'"
        assert tuple(connection.exec_driver_sql(query).one()) == (6, "address")
        origin = connection.exec_driver_sql(
            f"SELECT message FROM observatory.ingest_run WHERE source_id = '{source}'"
        ).scalar()
    live = catalogue.source(source).live
    assert live is not None
    assert origin == live.url
    before = digest(normandy, "observatory.structure")

    for answers, words in (
        (pages_of(source, rows, next=live.url), "tournent en rond"),
        (pages_of(source, rows, next="https://ailleurs.example/lines"), "renvoie à un autre site"),
        (pages_of(source, rows, total=7), "annonce 7 lignes et en a donné 6"),
        ({at_mirror(source): b'{"erreur": 1}'}, "n’est pas une liste de lignes"),
        ({}, "n’existe plus"),
    ):
        operator.answers = answers
        with pytest.raises(DownloadError, match=words):
            ingest_source.load(normandy, plan, silent)
    assert digest(normandy, "observatory.structure") == before
    assert told(capsys)


def test_an_archive_is_fetched_for_its_entry(normandy: sa.Engine, operator: Site, tmp_path: Path) -> None:
    source = "insee_bpe_2024"
    with normandy.connect() as connection:
        held = connection.exec_driver_sql(
            "SELECT code, value FROM observatory.indicator_value WHERE indicator = 'bpe_boulangerie_count'"
        ).all()
    lines = ["GEO;GEO_OBJECT;FACILITY_TYPE;TIME_PERIOD;OBS_VALUE"]
    lines += [f"{code};COM;B207;2024;{value + (code == '14118'):.0f}" for code, value in held]
    path = tmp_path / "bpe.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as made:
        made.writestr("DS_BPE_2024_data.csv", "\n".join(lines))
        made.writestr("DS_BPE_2024_metadata.csv", "COD_VAR\n")
    operator.answers[at_mirror(source)] = path.read_bytes()
    before = digest(normandy, "observatory.indicator_value")
    count = "SELECT count(*) FROM observatory.indicator_value WHERE indicator = 'bpe_gare_count'"
    with normandy.connect() as connection:
        stations = connection.exec_driver_sql(count).scalar()
    assert ingest_source.load(normandy, ingest_source.Plan(wanted=(source,)), silent)
    with normandy.connect() as connection:
        caen = connection.exec_driver_sql(
            "SELECT value FROM observatory.indicator_value WHERE (indicator, code) = ('bpe_boulangerie_count', '14118')"
        ).scalar()
        assert connection.exec_driver_sql(count).scalar() == stations  # what the archive has no certain code for stays
    assert caen == dict(map(tuple, held))["14118"] + 1
    assert digest(normandy, "observatory.indicator_value") != before


def test_the_epci_of_a_commune_follows_the_file_and_nothing_else_moves(normandy: sa.Engine, tmp_path: Path) -> None:
    with normandy.connect() as connection:
        links = connection.exec_driver_sql(
            "SELECT child_code, parent_code, name FROM observatory.territory_link JOIN observatory.territory AS epci "
            "ON (epci.level, epci.code) = ('epci', parent_code) WHERE (child_level, parent_level) = ('commune', 'epci')"
        ).all()
    commune, (former, new) = "14118", ("200065597", "246100663")  # Caen, from its own EPCI to that of Alençon
    name = {code: name for _, code, name in links}
    rows = [{"code": one, "nom": "x", "epci": {"code": epci, "nom": name[epci]}} for one, epci, _ in links]
    moved = [row if row["code"] != commune else {**row, "epci": {"code": new, "nom": name[new]}} for row in rows]
    path = tmp_path / "communes.json"

    def epci(code: str) -> tuple[int, int, float]:
        query = (
            "SELECT population_count, commune_count, ST_Area(geom) FROM observatory.territory "
            f"WHERE (level, code) = ('epci', '{code}')"
        )
        with normandy.connect() as connection:
            return tuple(connection.exec_driver_sql(query).one())

    with normandy.connect() as connection:
        people, area = connection.exec_driver_sql(
            "SELECT population_count, ST_Area(geom) FROM observatory.territory "
            f"WHERE (level, code) = ('commune', '{commune}')"
        ).one()
    before, gained = epci(former), epci(new)
    other = digest(normandy, "(SELECT level, code, name, geom FROM observatory.territory WHERE level <> 'epci')")
    path.write_text(json.dumps(moved), encoding="utf-8")
    file_ingest.ingest_file(normandy, "geo_api_communes", path)
    assert epci(former)[:2] == (before[0] - people, before[1] - 1)
    assert epci(former)[2] == pytest.approx(before[2] - area, abs=1)
    assert epci(new)[:2] == (gained[0] + people, gained[1] + 1)
    with normandy.connect() as connection:
        assert (
            connection.exec_driver_sql(
                f"SELECT count(*) FROM observatory.territory_commune WHERE (level, code) = ('epci', '{new}')"
            ).scalar()
            == gained[1] + 1
        )
    assert (
        digest(normandy, "(SELECT level, code, name, geom FROM observatory.territory WHERE level <> 'epci')") == other
    )
    path.write_text(json.dumps(rows), encoding="utf-8")
    file_ingest.ingest_file(normandy, "geo_api_communes", path)
    assert epci(former)[:2] == before[:2]
    assert epci(new)[:2] == gained[:2]


def test_each_epci_is_asked_for_its_communes(
    normandy: sa.Engine, operator: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    wanted = geo_api_epci.bundled_epci()
    assert len(wanted) == 71
    monkeypatch.setattr(geo_api_epci, "bundled_epci", lambda: wanted[:5])
    with normandy.connect() as connection:
        links = connection.exec_driver_sql(
            "SELECT parent_code, json_agg(json_build_object('code', child_code, 'nom', 'x', 'codeEpci', parent_code)) "
            "FROM observatory.territory_link WHERE (child_level, parent_level) = ('commune', 'epci') GROUP BY 1"
        ).all()
    at = at_mirror("geo_api_epci")
    lists = {epci: rows for epci, rows in links if epci in wanted[:5]}
    operator.answers = {at.replace("{siren}", epci): json.dumps(rows).encode() for epci, rows in lists.items()}
    before = digest(normandy, "observatory.territory_link")
    assert ingest_source.load(normandy, ingest_source.Plan(wanted=("geo_api_epci",)), silent)
    assert len(operator.asked) == len(lists) == 5
    assert digest(normandy, "observatory.territory_link") == before
    with normandy.connect() as connection:
        query = "SELECT rows_kept FROM observatory.ingest_run WHERE source_id = 'geo_api_epci'"
        assert connection.exec_driver_sql(query).scalar() == sum(map(len, lists.values()))


def test_household_waste_reaches_the_series_of_a_departement(normandy: sa.Engine, tmp_path: Path) -> None:
    from api.views import charts
    from observatory.runs.territory_series import territory_series

    lines = ["ANNEE;C_DEPT;L_TYP_REG_DECHET;TONNAGE_DMA_T"]
    lines += [
        f"{year};14;{name};{tonnes}"
        for year in (2017, 2019)
        for name, tonnes in (("Encombrants", "10,5"), ("Autres", year))
    ]
    path = tmp_path / "dma.csv"
    path.write_text("\n".join(lines), encoding="utf-8")
    assert file_ingest.ingest_file(normandy, "ademe_sinoe_dma", path)[0] == "loaded"
    assert file_ingest.ingest_file(normandy, "ademe_sinoe_dma", path)[0] == "unchanged"
    with normandy.connect() as connection:
        calvados = {one.indicator: one for one in territory_series(connection, "departement", "14")}
        caen = territory_series(connection, "commune", "14118")
    assert [(one.period, one.value) for one in calvados["dma_total_t"].points] == [("2017", 2027.5), ("2019", 2029.5)]
    assert calvados["dma_total_t"].source_ids == ("ademe_sinoe_dma",)
    drawn = {one.series.indicator for one in charts.charts(caen)}
    assert "dma_total_t" in drawn  # said to be the département's
    assert "dma_autres_t" not in drawn


def test_quartiers_of_2015_are_classes_and_a_file_about_elsewhere_says_so(normandy: sa.Engine, tmp_path: Path) -> None:
    feature = {
        "type": "Feature",
        "properties": {"CODE_QP": "QP014001", "NOM_QP": "La Guérinière", "COMMUNE_QP": "14118"},
        "geometry": {
            "type": "Polygon",
            "coordinates": [[[-0.35, 49.16], [-0.34, 49.16], [-0.34, 49.17], [-0.35, 49.16]]],
        },
    }
    path = tmp_path / "qpv.geojson"
    path.write_text(json.dumps({"type": "FeatureCollection", "features": [feature]}), encoding="utf-8")
    with pytest.raises(InputFileError, match="qpv_2015 --from-file"):
        file_ingest.ingest_file(normandy, "anct_qpv_2024", path)
    quarters = digest(normandy, "(SELECT * FROM observatory.territory WHERE level = 'qpv')")
    assert file_ingest.ingest_file(normandy, "anct_qpv_2015", path)[0] == "loaded"
    assert file_ingest.ingest_file(normandy, "anct_qpv_2015", path)[0] == "unchanged"
    assert digest(normandy, "(SELECT * FROM observatory.territory WHERE level = 'qpv')") == quarters
    with normandy.connect() as connection:
        caen = read.territory(connection, "commune", "14118")["zonings"]
        of_2024 = read.zonings(connection, "qpv", "qpv_2015")
    (held,) = [one["value_label"] for one in caen if one["zoning"] == "qpv_2015"]
    assert held == "La Guérinière (QP014001)"
    assert len(of_2024) == 63
    assert of_2024["value_code"].isin(["aucun", "QP014001"]).all()
    with pytest.raises(InputFileError, match="ne parle pas de la Normandie"):
        file_ingest.ingest_file(normandy, "dares_communes", raw("dares_communes_sample.csv"))


def test_two_processes_at_once_the_second_says_who_is_running_and_waits(normandy: sa.Engine, tmp_path: Path) -> None:
    """A lock on what a load reads first stops one process while it holds the turn."""
    path = tmp_path / "frr.csv"
    path.write_bytes(raw("dgcl_frr_2025-07.csv").read_bytes() + b"\r\n")
    url = normandy.url.render_as_string(hide_password=False)
    program = [sys.executable, "-c", "from observatory.cli import main; main()"]
    command = [*program, "ingest", FRR, "--from-file", str(path)]

    def start(waits_for: str) -> subprocess.Popen[str]:
        environment = {**os.environ, "OBS_DATABASE_URL": url}
        process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True, env=environment)
        waiting = sa.text("SELECT count(*) FROM pg_locks WHERE NOT granted AND locktype = :kind")
        while process.poll() is None:
            with normandy.connect() as connection:
                if connection.execute(waiting, {"kind": waits_for}).scalar_one():
                    return process
            time.sleep(0.05)
        pytest.fail(process.communicate()[1])

    with normandy.connect() as holder:
        holder.execute(sa.text("LOCK TABLE observatory.territory IN ACCESS EXCLUSIVE MODE"))
        with start("relation") as first, start("advisory") as second:
            holder.rollback()
            told = [process.communicate()[1] for process in (first, second)]
    assert (first.returncode, second.returncode) == (0, 0), told
    assert f"« {path.name} » est chargé" in told[0]
    assert "En attente" not in told[0]
    assert re.search(rf"En attente de « observatory ingest \(.+, processus {first.pid}\) », commencé à ", told[1])
    assert f"Inchangé : « {path.name} » est déjà chargé à l’identique." in told[1]


def test_projections_are_loaded_and_siting_tries_them(normandy: sa.Engine, tmp_path: Path) -> None:
    question = SitingStudy(
        id="essai",
        title="Essai",
        territory="200068799",
        services=("ressourcerie",),
        defis={"vieillissement": 1.0},
        poles=1,
        objective="mclp",
        threshold_min=20.0,
    )
    path = tmp_path / "omphale.csv"
    # Vire is in the Calvados: from 80 in 2022 to 100 in 2030, a quarter more; nothing is said of 2040.
    path.write_text(
        "code;annee;age;personnes\n14;2022;75+;80000\n14;2030;75+;100000\n50;2022;75+;60000\n", encoding="utf-8"
    )
    with normandy.connect() as connection:
        without = siting_run(connection, question)
        connection.rollback()
    assert "non chargées" in without.parameters["projections_note"]
    status, (report,) = file_ingest.ingest_file(normandy, "insee_projections", path)
    assert (status, report.rows_kept) == ("loaded", 3)
    assert file_ingest.ingest_file(normandy, "insee_projections", path)[0] == "unchanged"
    with normandy.connect() as connection:
        found = siting_run(connection, question)
        connection.rollback()
    assert found.run_hash != without.run_hash
    note = found.parameters["projections_note"]
    assert "de 2022 à 2030 : +25,0 % de personnes concernées" in note
    assert "en 2040 : non essayé" in note
    assert "Regret à garder la proposition : 2030 0,0 %" in note
    (case,) = [one for one in found.document["robustness"]["cases"] if one["kind"] == "projection"]
    assert case["label"] == "Personnes concernées projetées en 2030"
    # All of the territory is in one département: everyone counts for 1.25.
    assert case["objective"] == pytest.approx(1.25 * found.document["solutions"][0]["objective"])
    assert "insee_projections" in found.source_ids
    assert found.document["solutions"] == without.document["solutions"]
