"""The transport against a local server that misbehaves in every way seen on public data portals."""

import gzip
import hashlib
import itertools
import socket
import threading
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from observatory.sources.fetch.cache import DownloadError, OfflineError
from observatory.sources.fetch.download import Policy, Transport
from observatory.sources.fetch.outage import UnreachableError

CONTENT = bytes(range(256)) * 4096
CHECKSUM = hashlib.sha256(CONTENT).hexdigest()


class Script:
    """What the server does at each request, in turn; the last step is repeated."""

    def __init__(self):
        self.steps: list[Callable] = []
        self.requests: list[dict[str, str]] = []
        self.times: list[float] = []

    def next(self, handler):
        self.requests.append(dict(handler.headers))
        self.times.append(time.monotonic())
        self.steps[min(len(self.requests), len(self.steps)) - 1](handler)


@pytest.fixture
def server() -> Iterator[tuple[str, Script]]:
    script = Script()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self):
            script.next(self)

        def log_message(self, *args):
            pass

    httpd = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=httpd.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    yield f"http://127.0.0.1:{httpd.server_port}/fichier.csv", script
    httpd.shutdown()
    thread.join()
    httpd.server_close()


@pytest.fixture
def pauses() -> list[float]:
    return []


@pytest.fixture
def transport(tmp_path, pauses) -> Transport:
    policy = Policy(
        attempts=4, backoff_s=0.5, longest_pause_s=60, silence_s=0.5, duration_s=2, size_bytes=2 * len(CONTENT)
    )
    return Transport(tmp_path / "cache", policy=policy, sleep=pauses.append)


def answer(status=200, body=b"", **headers):
    def step(handler):
        handler.send_response(status)
        for name, value in headers.items():
            handler.send_header(name.replace("_", "-"), value)
        if "Content_Length" not in headers:
            handler.send_header("Content-Length", str(len(body)))
        handler.end_headers()
        handler.wfile.write(body)

    return step


def cut_after(size, **headers):
    def step(handler):
        answer(200, CONTENT[:size], Content_Length=str(len(CONTENT)), **headers)(handler)
        handler.close_connection = True

    return step


def rest(etag='"v1"'):
    """Serve what a Range request asks for, as a well-behaved server does."""

    def step(handler):
        start = int(handler.headers["Range"].removeprefix("bytes=").rstrip("-"))
        assert handler.headers["If-Range"] == etag
        body = CONTENT[start:]
        answer(206, body, ETag=etag, Content_Range=f"bytes {start}-{len(CONTENT) - 1}/{len(CONTENT)}")(handler)

    return step


def test_a_whole_file_is_kept_with_what_the_server_said(server, transport):
    url, script = server
    script.steps = [answer(200, CONTENT, ETag='"v1"', Last_Modified="Mon, 05 Jan 2026 00:00:00 GMT")]
    seen = []
    found = transport.fetch(url, checksum=CHECKSUM, progress=lambda done, total: seen.append((done, total)))
    assert found.path.read_bytes() == CONTENT
    assert (found.checksum, found.etag, found.is_unchanged) == (CHECKSUM, '"v1"', False)
    assert seen[-1] == (len(CONTENT), len(CONTENT))
    assert [done for done, _ in seen] == sorted(done for done, _ in seen)


def test_a_file_said_unchanged_is_not_sent_again(server, transport):
    url, script = server
    script.steps = [answer(200, CONTENT, ETag='"v1"', Last_Modified="Mon, 05 Jan 2026 00:00:00 GMT"), answer(304)]
    transport.fetch(url)
    again = transport.fetch(url)
    assert again.is_unchanged
    assert again.path.read_bytes() == CONTENT
    assert script.requests[1]["If-None-Match"] == '"v1"'
    assert script.requests[1]["If-Modified-Since"] == "Mon, 05 Jan 2026 00:00:00 GMT"


def test_a_changed_file_replaces_the_old_one(server, transport):
    url, script = server
    script.steps = [answer(200, b"ancien", ETag='"v1"'), answer(200, b"nouveau", ETag='"v2"')]
    transport.fetch(url)
    found = transport.fetch(url)
    assert (found.path.read_bytes(), found.is_unchanged, found.etag) == (b"nouveau", False, '"v2"')


def test_errors_500_are_retried_with_growing_pauses(server, transport, pauses):
    url, script = server
    script.steps = [answer(500), answer(503), answer(502), answer(200, CONTENT)]
    assert transport.fetch(url).checksum == CHECKSUM
    assert pauses == [0.5, 1.0, 2.0]


def test_after_the_last_try_the_old_file_is_still_there(server, transport):
    url, script = server
    script.steps = [answer(200, CONTENT), answer(500)]
    first = transport.fetch(url)
    with pytest.raises(DownloadError, match=r"après 4 essais \(réponse 500\)"):
        transport.fetch(url)
    assert len(script.requests) == 5
    assert first.path.read_bytes() == CONTENT


def test_retry_after_in_seconds_and_as_a_date_is_obeyed(server, transport, pauses):
    url, script = server
    date = format_datetime(datetime.now(UTC) + timedelta(seconds=20), usegmt=True)
    script.steps = [answer(429, Retry_After="7"), answer(429, Retry_After=date), answer(200, CONTENT)]
    transport.fetch(url)
    assert pauses[0] == 7
    assert 17 <= pauses[1] <= 20


def test_a_pause_beyond_the_limit_is_refused_at_once(server, transport, pauses):
    url, script = server
    script.steps = [answer(429, Retry_After="86400")]
    with pytest.raises(DownloadError, match="demande d’attendre 86400 s"):
        transport.fetch(url)
    assert pauses == []


def test_a_cut_transfer_is_resumed_where_it_stopped(server, transport):
    url, script = server
    script.steps = [cut_after(300_000, ETag='"v1"'), rest()]
    found = transport.fetch(url, checksum=CHECKSUM)
    assert found.path.read_bytes() == CONTENT
    start = int(script.requests[1]["Range"].removeprefix("bytes=").rstrip("-"))
    assert 0 < start <= 300_000


def test_a_cut_transfer_is_resumed_by_a_later_call(server, transport, tmp_path):
    url, script = server
    script.steps = [cut_after(200_000, ETag='"v1"')] + [answer(500)] * 3 + [rest()]
    with pytest.raises(DownloadError):
        transport.fetch(url)
    assert transport.fetch(url, checksum=CHECKSUM).path.read_bytes() == CONTENT
    assert "Range" in script.requests[4]
    assert not list((tmp_path / "cache").glob("*.part*"))


def test_a_file_changed_between_two_tries_starts_again(server, transport):
    url, script = server
    newer = CONTENT[::-1]
    script.steps = [cut_after(300_000, ETag='"v1"'), answer(200, newer, ETag='"v2"')]
    assert transport.fetch(url).path.read_bytes() == newer


def test_a_range_beyond_the_new_file_starts_again(server, transport):
    url, script = server
    script.steps = [cut_after(300_000, ETag='"v1"'), answer(416), answer(200, b"court", ETag='"v2"')]
    assert transport.fetch(url).path.read_bytes() == b"court"


def test_a_server_without_validator_is_not_trusted_to_resume(server, transport):
    url, script = server
    script.steps = [cut_after(300_000), answer(200, CONTENT)]
    assert transport.fetch(url).checksum == CHECKSUM
    assert "Range" not in script.requests[1]


def test_a_server_that_drips_is_stopped(server, tmp_path):
    url, script = server

    def drip(handler):
        handler.send_response(200)
        handler.send_header("Content-Length", "1000000")
        handler.end_headers()
        for _ in range(100):
            try:
                handler.wfile.write(b"x")
                handler.wfile.flush()
            except OSError:
                return
            time.sleep(0.02)
        handler.close_connection = True

    script.steps = [drip]
    transport = Transport(tmp_path, policy=Policy(attempts=1, duration_s=0.3, silence_s=5), sleep=lambda _: None)
    with pytest.raises(DownloadError, match="trop lent"):
        transport.fetch(url)


def test_a_server_that_falls_silent_is_given_up(server, tmp_path):
    url, script = server
    script.steps = [lambda handler: time.sleep(0.6)]
    transport = Transport(tmp_path, policy=Policy(attempts=1, silence_s=0.2), sleep=lambda _: None)
    with pytest.raises(DownloadError, match="plus rien n’arrive"):
        transport.fetch(url)


def test_a_wrong_checksum_is_refused_and_the_old_file_kept(server, transport):
    url, script = server
    script.steps = [answer(200, CONTENT), answer(200, b"<html>erreur</html>")]
    first = transport.fetch(url, checksum=CHECKSUM)
    with pytest.raises(DownloadError, match="somme de contrôle"):
        transport.fetch(url, checksum=CHECKSUM)
    assert first.path.read_bytes() == CONTENT


def test_a_redirect_loop_ends_in_a_sentence(server, transport):
    url, script = server
    script.steps = [answer(302, Location=url)]
    with pytest.raises(DownloadError, match="sans fin"):
        transport.fetch(url)


def test_a_redirect_is_followed(server, transport):
    url, script = server
    script.steps = [answer(302, Location=url + "?v=2"), answer(200, CONTENT)]
    assert transport.fetch(url).checksum == CHECKSUM


def test_a_gzip_bomb_stops_at_the_size_limit(server, transport, tmp_path):
    url, script = server
    bomb = gzip.compress(bytes(200 * 1024 * 1024), compresslevel=9)
    script.steps = [answer(200, bomb, Content_Encoding="gzip")]
    with pytest.raises(DownloadError, match="dépasse la limite"):
        transport.fetch(url)
    assert sum(path.stat().st_size for path in (tmp_path / "cache").glob("*")) < 100 * 1024 * 1024


def test_an_announced_size_beyond_the_limit_is_not_even_begun(server, transport):
    url, script = server
    script.steps = [cut_after(10, X_Test="1"), answer(200, b"", Content_Length=str(10**12))]
    with pytest.raises(DownloadError, match="annonce 931 Gio"):
        transport.fetch(url)


def test_a_compressed_answer_is_stored_decompressed(server, transport):
    url, script = server
    script.steps = [answer(200, gzip.compress(CONTENT), Content_Encoding="gzip", ETag='"v1"')]
    assert transport.fetch(url).path.read_bytes() == CONTENT


@pytest.mark.parametrize(("status", "words"), [(404, "n’existe plus"), (403, "refuse l’accès"), (410, "répond 410")])
def test_final_answers_are_not_retried(server, transport, status, words):
    url, script = server
    script.steps = [answer(status)]
    with pytest.raises(DownloadError, match=words):
        transport.fetch(url)
    assert len(script.requests) == 1


def test_offline_serves_the_cache_and_nothing_else(server, transport, tmp_path):
    url, script = server
    script.steps = [answer(200, CONTENT)]
    transport.fetch(url)
    offline = Transport(tmp_path / "cache", is_offline=True)
    assert offline.fetch(url, checksum=CHECKSUM).path.read_bytes() == CONTENT
    with pytest.raises(OfflineError, match="--from-file"):
        offline.fetch(url + "?autre")
    with pytest.raises(OfflineError, match="hors ligne"):
        offline.json(url)
    assert len(script.requests) == 1


def test_a_cache_that_cannot_be_written_says_so(server, tmp_path):
    url, script = server
    script.steps = [answer(200, CONTENT)]
    (tmp_path / "cache").write_text("un fichier à la place du dossier")
    with pytest.raises(DownloadError, match=r"Le cache .* ne peut pas être écrit"):
        Transport(tmp_path / "cache").fetch(url)


def test_an_address_that_is_not_http_is_refused(transport):
    with pytest.raises(DownloadError, match="n’est pas une adresse"):
        transport.fetch("ftp://exemple.fr/fichier")


def test_json_pages_keep_to_seven_a_second(server, tmp_path):
    url, script = server
    script.steps = [answer(200, b'{"total": 3}')]
    ticks = itertools.count()
    now = [0.0]
    pauses: list[float] = []

    def sleep(seconds):
        pauses.append(seconds)
        now[0] += seconds

    transport = Transport(tmp_path, sleep=sleep, clock=lambda: now[0] + next(ticks) * 1e-6)
    for page in range(8):
        assert transport.json(url, params={"page": page}, per_second=7) == {"total": 3}
    assert sum(pauses) == pytest.approx(1.0, abs=1e-3)


def test_json_that_is_not_json_is_said(server, transport):
    url, script = server
    script.steps = [answer(200, b"<html>maintenance</html>")]
    with pytest.raises(DownloadError, match="n’est pas du JSON"):
        transport.json(url)


def test_a_network_that_is_absent_is_found_out_once(tmp_path, pauses):
    with socket.socket() as held, socket.socket() as other, socket.socket() as third:
        ports = []
        for one in (held, other, third):
            one.bind(("127.0.0.1", 0))  # bound and not listening: connections are refused
            ports.append(one.getsockname()[1])
        transport = Transport(tmp_path / "cache", sleep=pauses.append)
        with pytest.raises(UnreachableError, match=r"après 5 essais \(la connexion est impossible\)"):
            transport.fetch(f"http://127.0.0.1:{ports[0]}/a.csv")
        assert len(pauses) == 4
        with pytest.raises(UnreachableError, match="tout à l’heure"):
            transport.json(f"http://127.0.0.1:{ports[0]}/b.json")
        with pytest.raises(UnreachableError, match="après 1 essai "):
            transport.json(f"http://127.0.0.1:{ports[1]}/b.json")
        with pytest.raises(UnreachableError, match=r"réseau est absent.*n’est pas essayé ; vérifiez"):
            transport.fetch(f"http://127.0.0.1:{ports[2]}/c.csv")
        assert len(pauses) == 4


def test_one_site_that_is_down_does_not_stop_the_others(server, tmp_path, pauses):
    url, script = server
    script.steps = [answer(body=CONTENT)]
    with socket.socket() as held, socket.socket() as other:
        for one in (held, other):
            one.bind(("127.0.0.1", 0))
        transport = Transport(tmp_path / "cache", sleep=pauses.append)
        down = [f"http://127.0.0.1:{one.getsockname()[1]}/a.csv" for one in (held, other)]
        with pytest.raises(UnreachableError):
            transport.fetch(down[0])
        assert transport.fetch(url).checksum == CHECKSUM  # a site answered: the network is there
        with pytest.raises(UnreachableError, match="après 5 essais"):
            transport.fetch(down[1])
        assert transport.fetch(url).is_unchanged
