"""The only module that uses the network: files fetched once, resumed, verified, and kept in a cache."""

from __future__ import annotations

import email.utils
import json
import ssl
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final, TypeAlias, cast

import httpx

from observatory.declared.region import home_region
from observatory.sources.fetch.cache import CacheEntry, Download, DownloadError, OfflineError, verified
from observatory.sources.fetch.outage import Outage, UnreachableError
from observatory.words.numbers import counted

Progress = Callable[[int, int | None], None]
"""Called with the bytes written so far and the total if the server announced one."""

Json: TypeAlias = dict[str, "Json"] | list["Json"] | str | float | bool | None

RETRIED_STATUSES: Final = frozenset({408, 425, 429, 500, 502, 503, 504})
NO_CONNECTION: Final = (httpx.ConnectError, httpx.ConnectTimeout, httpx.ProxyError)


@dataclass(frozen=True, slots=True)
class Policy:
    """How long, how often and how much: every limit of a transfer.

    Parameters
    ----------
    attempts
        Tries in all, the first included.
    backoff_s
        Pause before the second try; it doubles each time.
    longest_pause_s
        Cap on any pause, a server's ``Retry-After`` included: beyond it the download is given up.
    connection_s
        Longest wait for a connection.
    silence_s
        Longest wait for the next byte.
    duration_s
        Longest time of one try, so that a server that drips can't hold the observatory.
    size_bytes
        Largest file accepted, after decompression.
    redirects
        Redirections followed.
    """

    attempts: int = 5
    backoff_s: float = 1.0
    longest_pause_s: float = 120.0
    connection_s: float = 10.0
    silence_s: float = 30.0
    duration_s: float = 3600.0
    size_bytes: int = 8 * 1024**3
    redirects: int = 5


class _RetryError(Exception):
    """The try failed and another may succeed."""

    def __init__(self, reason: str, *, pause_s: float | None = None) -> None:
        super().__init__(reason)
        self.pause_s = pause_s


class Transport:
    """Fetch files and JSON over HTTP, politely.

    Proxies come from ``HTTP_PROXY``, ``HTTPS_PROXY`` and ``NO_PROXY``, certificate authorities from ``SSL_CERT_FILE``
    and ``SSL_CERT_DIR``.

    Parameters
    ----------
    cache_dir
        Where files are kept, named by the hash of their address.
    policy
        Limits.
    is_offline
        True: only the cache answers.
    sleep, clock
        Replaced in tests.
    """

    def __init__(
        self,
        cache_dir: Path,
        *,
        policy: Policy | None = None,
        is_offline: bool = False,
        sleep: Callable[[float], None] = time.sleep,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._cache_dir = cache_dir
        self._policy = policy or Policy()
        self._is_offline = is_offline
        self._sleep = sleep
        self._clock = clock
        self._last_call_at: dict[str, float] = {}
        self._outage = Outage()

    def fetch(self, url: str, *, checksum: str | None = None, progress: Progress | None = None) -> Download:
        """Return the file behind ``url``, from the cache where the server says that it hasn't changed.

        A transfer cut short is resumed where it stopped if the server still has the same file, and started again
        otherwise. Whatever happens, the file that the cache held before stays until the new one is whole.

        Parameters
        ----------
        url
            ``http`` or ``https`` address.
        checksum
            Expected SHA-256 in hexadecimal.
        progress
            Called as bytes arrive.

        Raises
        ------
        OfflineError
            If the network is forbidden and the cache doesn't hold the file.
        UnreachableError
            If no connection can be opened; once that is known of a site, or of the network, it is said at once.
        DownloadError
            For everything else, in one French sentence.
        """
        entry = CacheEntry(self._cache_dir, url)
        if self._is_offline:
            cached = entry.read()
            if cached is None:
                raise OfflineError(
                    f"Le mode hors ligne est actif et {url} n’est pas dans le cache : "
                    "téléchargez le fichier ailleurs et donnez-le avec --from-file."
                )
            return verified(cached, checksum)
        with _disk_errors(self._cache_dir):
            self._cache_dir.mkdir(parents=True, exist_ok=True)
            self._retrying(url, lambda client, headers: self._transfer(client, headers, entry, checksum, progress))
        found = entry.read()
        if found is None:  # pragma: no cover - the transfer has just written it
            raise DownloadError(f"Le fichier de {url} a disparu du cache : relancez le téléchargement.")
        return found

    def json(
        self,
        url: str,
        *,
        params: Mapping[str, str | int] | None = None,
        per_second: float | None = None,
        token: str | None = None,
    ) -> object:
        """Return the JSON answer of an API, throttled to ``per_second`` calls to the same host.

        A ``token`` goes in the header ``Authorization: Token …``; it doesn't follow a redirection to another host.

        Raises
        ------
        OfflineError
            In offline mode: answers of APIs are not cached.
        DownloadError
            If the API can't be reached or its answer isn't JSON.
        """
        if self._is_offline:
            raise OfflineError(f"Le mode hors ligne est actif : l’API {url} ne peut pas être interrogée.")
        body = bytearray()
        credentials = {} if token is None else {"Authorization": f"Token {token}"}

        def read(client: httpx.Client, headers: dict[str, str]) -> None:
            body.clear()
            headers = {**headers, **credentials}
            self._throttle(httpx.URL(url).host, per_second)
            with client.stream("GET", url, params=params, headers=headers) as response:
                self._raise_for_status(response, url)
                started = self._clock()
                for chunk in response.iter_bytes():
                    body.extend(chunk)
                    self._check_limits(url, len(body), started)

        self._retrying(url, read)
        try:
            return cast("Json", json.loads(body))
        except ValueError as error:
            raise DownloadError(f"La réponse de {url} n’est pas du JSON : l’API a changé ou est en panne.") from error

    def _retrying(self, url: str, attempt: Callable[[httpx.Client, dict[str, str]], None]) -> None:
        host = url.partition("://")[2].partition("/")[0] or url
        self._outage.require(host)
        attempts = self._outage.attempts(self._policy.attempts)
        reason, never_joined = "", True
        with self._client() as client:
            for number in range(1, attempts + 1):
                try:
                    attempt(client, {})
                except _RetryError as failure:
                    reason, asked_s, never_joined = str(failure), failure.pause_s, False
                except httpx.TooManyRedirects as error:
                    raise DownloadError(
                        f"{url} renvoie sans fin d’une adresse à l’autre : vérifiez l’adresse."
                    ) from error
                except (httpx.UnsupportedProtocol, httpx.InvalidURL) as error:
                    raise DownloadError(f"« {url} » n’est pas une adresse http ou https.") from error
                except httpx.HTTPError as error:
                    reason, asked_s = _in_french(error), None
                    never_joined = never_joined and isinstance(error, NO_CONNECTION)
                else:
                    return
                if number < attempts:
                    self._pause(url, number, asked_s, reason)
        if never_joined:
            self._outage.missed(host)
        raise (UnreachableError if never_joined else DownloadError)(
            f"{url} n’a pas pu être lu après {counted(attempts, 'essai', written=str)} ({reason}) : "
            "réessayez plus tard ou donnez le fichier avec --from-file."
        )

    def _pause(self, url: str, number: int, asked_s: float | None, reason: str) -> None:
        pause_s = asked_s if asked_s is not None else self._policy.backoff_s * 2 ** (number - 1)
        if pause_s > self._policy.longest_pause_s:
            raise DownloadError(f"{url} demande d’attendre {pause_s:.0f} s ({reason}) : réessayez après ce délai.")
        self._sleep(pause_s)

    def _client(self) -> httpx.Client:
        return httpx.Client(
            timeout=httpx.Timeout(self._policy.silence_s, connect=self._policy.connection_s),
            event_hooks={"response": [self._outage.heard]},
            follow_redirects=True,
            max_redirects=self._policy.redirects,
            verify=ssl.create_default_context(),
            headers={"User-Agent": home_region().identifier},
        )

    def _transfer(
        self,
        client: httpx.Client,
        headers: dict[str, str],
        entry: CacheEntry,
        checksum: str | None,
        progress: Progress | None,
    ) -> None:
        headers = {**headers, "Accept-Encoding": "identity"}
        cached = entry.read()
        offset, validator = entry.partial()
        if offset and validator:
            headers |= {"Range": f"bytes={offset}-", "If-Range": validator}
        elif cached is not None:
            headers |= _conditions(cached)
        with client.stream("GET", entry.url, headers=headers) as response:
            if response.status_code == httpx.codes.NOT_MODIFIED and cached is not None:
                entry.keep(verified(cached, checksum))
                return
            if response.status_code == httpx.codes.REQUESTED_RANGE_NOT_SATISFIABLE:
                entry.forget_partial()
                raise _RetryError("le fichier a changé pendant le transfert")
            self._raise_for_status(response, entry.url)
            if not _resumes(response, offset):
                offset = 0
            self._write(response, entry, offset, progress)
            entry.promote(response.headers, expected=checksum)

    def _write(self, response: httpx.Response, entry: CacheEntry, offset: int, progress: Progress | None) -> None:
        announced = response.headers.get("Content-Length")
        is_encoded = "Content-Encoding" in response.headers
        total = None if is_encoded or announced is None or not announced.isdigit() else offset + int(announced)
        if total is not None and total > self._policy.size_bytes:
            raise DownloadError(
                f"{entry.url} annonce {_size(total)}, plus que la limite de {_size(self._policy.size_bytes)}."
            )
        # A decoded body can't be resumed by its byte offset, so it leaves no validator behind.
        entry.start_partial(None if is_encoded else _validator(response.headers))
        started = self._clock()
        written = offset
        with entry.part.open("ab" if offset else "wb") as file:
            for chunk in response.iter_bytes():
                file.write(chunk)
                written += len(chunk)
                self._check_limits(entry.url, written, started)
                if progress is not None:
                    progress(written, total)
        if total is not None and written != total:
            raise _RetryError(f"{written} octets reçus sur {total} annoncés")

    def _check_limits(self, url: str, size_bytes: int, started: float) -> None:
        if size_bytes > self._policy.size_bytes:
            raise DownloadError(f"{url} dépasse la limite de {_size(self._policy.size_bytes)} : le fichier est refusé.")
        if self._clock() - started > self._policy.duration_s:
            raise _RetryError(f"transfert trop lent, arrêté après {self._policy.duration_s:.0f} s")

    def _raise_for_status(self, response: httpx.Response, url: str) -> None:
        if response.status_code in RETRIED_STATUSES:
            raise _RetryError(
                f"réponse {response.status_code}", pause_s=_retry_after_s(response.headers.get("Retry-After"))
            )
        if response.status_code == httpx.codes.NOT_FOUND:
            raise DownloadError(f"{url} n’existe plus (réponse 404) : vérifiez l’adresse dans geodata/catalog.toml.")
        if response.status_code in {401, 403}:
            raise DownloadError(f"{url} refuse l’accès (réponse {response.status_code}) : un jeton est-il nécessaire ?")
        if not response.is_success:
            raise DownloadError(f"{url} répond {response.status_code} : le fichier n’a pas été téléchargé.")

    def _throttle(self, host: str, per_second: float | None) -> None:
        if per_second is None:
            return
        wait_s = self._last_call_at.get(host, float("-inf")) + 1.0 / per_second - self._clock()
        if wait_s > 0:
            self._sleep(wait_s)
        self._last_call_at[host] = self._clock()


def _conditions(cached: Download) -> dict[str, str]:
    headers = {}
    if cached.etag:
        headers["If-None-Match"] = cached.etag
    if cached.last_modified:
        headers["If-Modified-Since"] = cached.last_modified
    return headers


def _validator(headers: httpx.Headers) -> str | None:
    etag = headers.get("ETag")
    # If-Range takes strong validators only (RFC 9110, section 13.1.5).
    is_strong = bool(etag) and not str(etag).startswith("W/")
    found: str | None = etag if is_strong else headers.get("Last-Modified")
    return found


def _resumes(response: httpx.Response, offset: int) -> bool:
    return (
        offset > 0
        and response.status_code == httpx.codes.PARTIAL_CONTENT
        and response.headers.get("Content-Range", "").startswith(f"bytes {offset}-")
    )


def _retry_after_s(value: str | None) -> float | None:
    """Seconds to wait, from either form of ``Retry-After`` (RFC 9110, section 10.2.3); None if unreadable."""
    if value is None:
        return None
    if value.strip().isdigit():
        return float(value)
    try:
        date = email.utils.parsedate_to_datetime(value)
    except ValueError:
        return None
    return max(0.0, (date - datetime.now(UTC)).total_seconds())


def _in_french(error: httpx.HTTPError) -> str:
    kinds: list[tuple[type[httpx.HTTPError], str]] = [
        (httpx.ConnectTimeout, "le serveur ne répond pas"),
        (httpx.TimeoutException, "plus rien n’arrive du serveur"),
        (httpx.ConnectError, "la connexion est impossible"),
        (httpx.DecodingError, "le contenu compressé est illisible"),
        (httpx.ProxyError, "le serveur mandataire refuse la connexion"),
    ]
    return next((french for kind, french in kinds if isinstance(error, kind)), "la connexion a été coupée")


def _size(size_bytes: int) -> str:
    for unit in ("octets", "Kio", "Mio"):
        if size_bytes < 1024:  # noqa: PLR2004
            return f"{size_bytes:.0f} {unit}"
        size_bytes //= 1024
    return f"{size_bytes} Gio"


@contextmanager
def _disk_errors(cache_dir: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise DownloadError(
            f"Le cache {cache_dir} ne peut pas être écrit ({error.strerror}) : "
            "libérez de la place ou corrigez les droits."
        ) from error
