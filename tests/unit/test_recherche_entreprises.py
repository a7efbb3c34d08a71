"""The search API, asked of a local server that pages, caps and answers as the documentation says, or misbehaves."""

import json
import os
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

import pytest

from observatory.declared.catalogue import LiveDeclaration
from observatory.errors import InputFileError
from observatory.sources.fetch.answer_log import LONGEST_S, KeptAnswers
from observatory.sources.fetch.cache import DownloadError, OfflineError
from observatory.sources.fetch.download import Policy, Transport
from observatory.sources.fetch.live import Live
from observatory.sources.structures import recherche_entreprises as search

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
# Départements 14 (capped) and 27 (two pages), communes 14001 (capped) and 14002, the sections of 14001.
CALLS = 1 + 2 + 1 + 1 + len(search.SECTIONS)


@pytest.fixture
def server():
    """The API over ``UNITS``; ``asked`` holds the parameters of each call, ``lost`` what the server forgets to give.

    ``faults``: number of a call → what it gets in the place of an answer, a status with headers, or a cut connection.
    """
    asked, lost, faults = [], set(), {}

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            asked.append({key: values[0] for key, values in parse_qs(urlsplit(self.path).query).items()})
            where = asked[-1]
            status, headers = faults.get(len(asked), (200, {}))
            if status is None:
                self.send_response(200)
                self.send_header("Content-Length", "1000")
                self.end_headers()
                self.wfile.write(b'{"results": [')
                return
            if status != 200:
                self.send_response(status)
                for name, value in {"Content-Length": "0", **headers}.items():
                    self.send_header(name, value)
                self.end_headers()
                return
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
    yield f"http://127.0.0.1:{httpd.server_port}/search", asked, lost, faults
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
    assert len(server[1]) == CALLS


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
    with pytest.raises(InputFileError, match=r"JSON|réponse de l’API|unités légales"):
        search.read(path)


def test_a_server_that_misbehaves_is_waited_for_and_gives_all_in_the_end(server, pauses, tmp_path):
    server[3].update({2: (429, {"Retry-After": "3"}), 4: (500, {}), 5: (503, {}), 7: (None, {})})
    found = ask(server, pauses, tmp_path)
    assert [one["siren"] for one in found] == sorted(one["siren"] for one in UNITS)
    assert len(server[1]) == CALLS + 4
    # What the server asks for; one and two seconds after two faults in a row; one; and the seventh of each call.
    longer = [pause for pause in pauses if pause > 0.5]
    assert longer == [3, 1, 2, 1]
    assert len(pauses) - len(longer) == len(server[1]) - 1


@pytest.mark.parametrize("fault", [(503, {}), (None, {}), (429, {"Retry-After": "86400"})])
def test_a_search_that_was_cut_resumes_where_it_stopped(server, pauses, tmp_path, fault):
    server[3][10] = fault
    path = tmp_path / "kept"

    def again():
        transport = Transport(tmp_path, policy=Policy(attempts=1), sleep=pauses.append, clock=lambda: 0.0)
        kept = KeptAnswers(transport, path, is_right=search.is_documented)
        communes = {"14": ["14001", "14002"], "27": ["27001"]}
        return search.fetch(kept, communes=communes, tell=lambda *_: None, url=server[0])

    with pytest.raises(DownloadError):
        again()
    # A kill in the middle of a line: that answer is asked again.
    path.write_bytes(path.read_bytes()[:-5])
    found = again()
    assert [one["siren"] for one in found] == sorted(one["siren"] for one in UNITS)
    assert len(server[1]) == CALLS + 2
    assert [one["siren"] for one in again()] == [one["siren"] for one in found]
    assert len(server[1]) == CALLS + 2
    old = path.stat().st_mtime - LONGEST_S - 1
    os.utime(path, (old, old))
    again()
    assert len(server[1]) == 2 * CALLS + 2


def test_what_was_kept_goes_once_the_source_is_whole_or_doesnt_hold_together(server, pauses, tmp_path, monkeypatch):
    monkeypatch.setattr(search, "bundled_communes", lambda: {"27": ["27001"]})
    source = LiveDeclaration(kind="search", url=server[0])
    transport = Transport(tmp_path, policy=Policy(attempts=1), sleep=pauses.append, clock=lambda: 0.0)
    live = Live(transport, tmp_path)

    def fetch():
        return live._search("recherche_entreprises", source, lambda *_: None)

    server[3][2] = (500, {})
    with pytest.raises(DownloadError):
        fetch()
    kept = tmp_path / "recherche_entreprises" / "recherche_entreprises.answers"
    assert kept.stat().st_size > 0
    units = json.loads(fetch().path.read_text(encoding="utf-8"))["results"]
    assert (len(units), len(server[1])) == (28, 3)
    assert not kept.exists()
    server[2].add("000000205")
    with pytest.raises(search.ChangedError):
        fetch()
    assert not kept.exists()
