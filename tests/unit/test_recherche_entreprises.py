"""The search API, asked of a local server that pages, caps and answers as the documentation says."""

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

import pytest

from observatory.errors import InputFileError
from observatory.sources import recherche_entreprises as search
from observatory.sources.cache import DownloadError, OfflineError
from observatory.sources.download import Transport

CAP = 30
"""The server's own cap, in the place of the real one."""


def unit(number, commune, section="Q"):
    place = {"siret": f"{number:09d}00011", "commune": commune, "etat_administratif": "A"}
    return {"siren": f"{number:09d}", "section": section, "matching_etablissements": [place]}


# 14001: 34 units, so that the commune is split too, by section; 14002: 12; the département of 27 holds 28.
UNITS = (
    [unit(i, "14001", "Q" if i % 2 else "R") for i in range(34)]
    + [unit(100 + i, "14002") for i in range(12)]
    + [unit(200 + i, "27001") for i in range(28)]
)


@pytest.fixture
def server():
    """The API over ``UNITS``; ``asked`` holds the parameters of each call, ``lost`` what the server forgets to give."""
    asked, lost = [], set()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            asked.append({key: values[0] for key, values in parse_qs(urlsplit(self.path).query).items()})
            where = asked[-1]
            found = [
                one
                for one in UNITS
                if one["matching_etablissements"][0]["commune"].startswith(
                    where.get("code_commune") or where["departement"]
                )
                and where.get("section_activite_principale", one["section"]) == one["section"]
            ]
            start = (int(where["page"]) - 1) * int(where["per_page"])
            shown = [one for one in found[:CAP][start : start + int(where["per_page"])] if one["siren"] not in lost]
            body = json.dumps({"results": shown, "total_results": min(len(found), CAP)}).encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_):
            pass

    httpd = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=httpd.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{httpd.server_port}/search", asked, lost
    httpd.shutdown()
    httpd.server_close()


@pytest.fixture
def pauses(monkeypatch):
    monkeypatch.setattr(search, "CAP", CAP)
    return []


def ask(server, pauses, tmp_path, **options):
    api = Transport(tmp_path, sleep=pauses.append, clock=lambda: 0.0, **options)
    communes = {"14": ["14001", "14002"], "27": ["27001"]}
    return search.fetch(api, communes=communes, tell=lambda *_: None, url=server[0])


def test_nothing_is_cut_whatever_the_cap(server, pauses, tmp_path):
    found = ask(server, pauses, tmp_path)
    assert [one["siren"] for one in found] == sorted(one["siren"] for one in UNITS)
    assert all(len(one["matching_etablissements"]) == 1 for one in found)
    assert all(call["est_ess"] == "true" and int(call["per_page"]) <= 25 for call in server[1])
    # Départements 14 (capped) and 27 (two pages), communes 14001 (capped) and 14002, the sections of 14001.
    assert len(server[1]) == 1 + 2 + 1 + 1 + len(search.SECTIONS)


def test_calls_wait_for_one_another_seven_to_the_second(server, pauses, tmp_path):
    ask(server, pauses, tmp_path)
    # The clock stands still: each call but the first waits the seventh of a second that the API asks for.
    assert len(pauses) == len(server[1]) - 1
    assert all(pause == pytest.approx(1 / 7) for pause in pauses)


def test_a_list_that_misses_what_it_announces_is_refused(server, pauses, tmp_path):
    server[2].add("000000205")
    with pytest.raises(DownloadError, match="annonce 28 unités légales pour le département 27 et en donne 27"):
        ask(server, pauses, tmp_path)


def test_what_cannot_be_split_further_is_refused(server, pauses, tmp_path, monkeypatch):
    monkeypatch.setattr(search, "CAP", 12)
    with pytest.raises(DownloadError, match="chargez plutôt les fichiers stock"):
        ask(server, pauses, tmp_path)


def test_offline_says_so(server, pauses, tmp_path):
    with pytest.raises(OfflineError, match="hors ligne"):
        ask(server, pauses, tmp_path, is_offline=True)
    assert not server[1]


def test_a_unit_with_more_places_than_an_answer_holds_is_asked_again_by_commune(server, pauses, tmp_path, monkeypatch):
    monkeypatch.setattr(search, "MATCHES", 1)
    found = ask(server, pauses, tmp_path)
    assert len(found) == len(UNITS)
    assert [call["code_commune"] for call in server[1] if "q" in call] == ["27001"] * 28


@pytest.mark.parametrize(
    "content",
    [
        "[" * 100_000,
        '{"results": [null]}',
        '{"results": [{"siren": "1", "matching_etablissements": ["x"]}]}',
        '{"results": [{"siren": "1", "matching_etablissements": {"a": 1}}]}',
        '{"results": [{"siren": "1", "siege": "x"}]}',
        '{"results": [{"siren": "1", "complements": [1]}]}',
        '{"results": [{"siren": "1", "siege": {"liste_enseignes": 3}}]}',
        '{"results": [], "total_results": 12}',
    ],
)
def test_what_is_not_an_answer_of_the_api_ends_in_a_sentence(tmp_path, content):
    path = tmp_path / "reponse.json"
    path.write_text(content, encoding="utf-8")
    with pytest.raises(InputFileError, match=r"JSON|réponse de l'API|unités légales"):
        search.read(path)
