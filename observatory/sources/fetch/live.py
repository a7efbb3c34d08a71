"""Fetches the file of a source where the catalogue says that it answers: a file, an archive's entry, or JSON pages."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final
from urllib.parse import unquote, urljoin, urlsplit

from observatory.declared.catalogue import LiveDeclaration, SourceDeclaration
from observatory.sources.fetch.archive import unpack
from observatory.sources.fetch.cache import DownloadError, OfflineError
from observatory.sources.fetch.download import Transport

PAGES_MOST: Final = 20_000
"""A list in more pages than this is not one (convention de l'observatoire)."""
SECONDS: Final = 60
RECORDS: Final = ("results", "observations", "data", "items")
"""Keys under which the APIs give their rows: Data Fair and Django, Melodi, and usual others."""
TOTALS: Final = ("total", "count")
"""Keys under which Data Fair and Django announce how many rows there are in all."""

Tell = Callable[[str, int, int], None]
"""Called with a French label, what is done, and what there is to do (0 if unknown)."""


@dataclass(frozen=True, slots=True)
class LiveFile:
    """A source's file, fetched."""

    path: Path
    """Bears the producer's own name for the file."""
    url: str
    fetched_at: str
    is_cached: bool
    """True if the network was not asked: offline, the last file fetched answers."""


class Live:
    """Fetches sources into ``directory``.

    Parameters
    ----------
    transport
        Its cache keeps what the servers said, so that an unchanged file isn't sent again.
    directory
        Where the files are put, one directory per source.
    mirror_url
        Internal mirror of the producers' sites, if the operator has one.
    tokens
        Environment variable → token.
    is_offline
        True: only what was fetched before answers.
    """

    def __init__(
        self,
        transport: Transport,
        directory: Path,
        *,
        mirror_url: str | None = None,
        tokens: Mapping[str, str] | None = None,
        is_offline: bool = False,
    ) -> None:
        self._transport = transport
        self._directory = directory
        self._mirror_url = mirror_url
        self._tokens = tokens or {}
        self._is_offline = is_offline

    def fetch(self, source: SourceDeclaration, tell: Tell) -> LiveFile:
        """Return the file of a source that has a live address.

        Raises
        ------
        OfflineError
            If the network is forbidden and the file was never fetched.
        DownloadError
            If the producer doesn't answer, or answers something else.
        InputFileError
            If the archive doesn't hold the file.
        """
        if source.live is None:
            raise ValueError(f"{source.source_id} has no live address")
        try:
            if source.live.kind == "pages":
                return self._pages(source.source_id, source.live, tell)
            if source.live.kind == "search":
                return self._search(source.source_id, source.live, tell)
            if source.live.kind == "each_epci":
                return self._each_epci(source.source_id, source.live, tell)
            return self._file(source.source_id, source.live, tell)
        except OfflineError as error:
            raise OfflineError(
                f"Le mode hors ligne est actif et « {source.source_id} » n’a jamais été téléchargée : donnez son "
                f"fichier avec --from-file, ou relancez avec le réseau ({source.live.url})."
            ) from error

    def _file(self, source_id: str, live: LiveDeclaration, tell: Tell) -> LiveFile:
        label = f"Téléchargement de {source_id}"
        tell(label, 0, 0)
        found = self._transport.fetch(
            self._address(live.url), progress=lambda done, total: tell(label, done, total or 0)
        )
        directory = self._place(source_id)
        if live.kind == "zip":
            path = unpack(found.path, live.entry or "*", directory)
        else:
            path = directory / _name(live.url, source_id)
            path.unlink(missing_ok=True)
            try:
                os.link(found.path, path)
            except OSError:
                path.write_bytes(found.path.read_bytes())
        return LiveFile(path, live.url, found.fetched_at, self._is_offline)

    def _pages(self, source_id: str, live: LiveDeclaration, tell: Tell) -> LiveFile:
        path = self._place(source_id) / f"{source_id}.json"
        if self._is_offline:
            return _fetched_before(path, live.url)
        records: list[Any] = []
        for page, total in self._each_page(live):
            records += page
            tell(f"Téléchargement de {source_id}", len(records), total or 0)
        if not records:
            raise DownloadError(f"{live.url} ne donne aucune ligne : vérifiez l’adresse dans geodata/catalog.toml.")
        return _written(path, live.url, records)

    def _search(self, source_id: str, live: LiveDeclaration, tell: Tell) -> LiveFile:
        """Ask the API Recherche d'entreprises for the communes of the bundled snapshot, from where it was last cut."""
        from observatory.sources.fetch.answer_log import KeptAnswers
        from observatory.sources.structures import recherche_entreprises

        path = self._place(source_id) / f"{source_id}.json"
        if self._is_offline:
            return _fetched_before(path, live.url)
        url = self._address(live.url)
        communes = recherche_entreprises.bundled_communes()
        right = recherche_entreprises.is_documented
        kept = KeptAnswers(self._transport, path.with_suffix(".answers"), is_right=right)
        try:
            units = recherche_entreprises.fetch(kept, communes=communes, tell=tell, url=url)
        except recherche_entreprises.ChangedError:
            kept.forget()
            raise
        found = _written(path, live.url, units)
        kept.forget()
        return found

    def _each_epci(self, source_id: str, live: LiveDeclaration, tell: Tell) -> LiveFile:
        """Ask for the list of each EPCI of the bundled snapshot."""
        from observatory.sources.territories import geo_api_epci

        path = self._place(source_id) / f"{source_id}.json"
        if self._is_offline:
            return _fetched_before(path, live.url)
        records: list[Any] = []
        wanted = geo_api_epci.bundled_epci()
        for rank, code in enumerate(wanted):
            tell(f"Téléchargement de {source_id}", rank, len(wanted))
            url = live.url.replace("{siren}", code)
            rows, _, _ = _page(self._transport.json(self._address(url), per_second=_per_second(live)), url)
            records += rows
        return _written(path, live.url, records)

    def _each_page(self, live: LiveDeclaration) -> Iterator[tuple[list[Any], int | None]]:
        """Give the rows of each page and the announced total; all pages are of one site, and none is asked twice."""
        address: str | None = live.url
        seen: set[str] = set()
        received, announced = 0, None
        while address is not None:
            if address in seen or len(seen) >= PAGES_MOST:
                raise DownloadError(
                    f"Les pages de {live.url} tournent en rond : rien n’est chargé, réessayez plus tard."
                )
            seen.add(address)
            answer = self._transport.json(
                self._address(address),
                per_second=_per_second(live),
                token=self._token(live),
            )
            rows, total, following = _page(answer, live.url)
            announced = total if announced is None else announced
            received += len(rows)
            yield rows, announced
            # An empty page that names a following one would be asked without end.
            address = urljoin(address, following) if following and rows else None
            if address is not None and urlsplit(address).hostname not in self._hosts(live.url):
                raise DownloadError(f"{live.url} renvoie à un autre site ({urlsplit(address).hostname}) : refusé.")
        if announced is not None and received != announced:
            raise DownloadError(
                f"{live.url} annonce {announced} lignes et en a donné {received} : la liste a changé pendant la "
                "lecture, relancez."
            )

    def _hosts(self, url: str) -> set[str | None]:
        return {urlsplit(url).hostname} | ({urlsplit(self._mirror_url).hostname} if self._mirror_url else set())

    def _address(self, url: str) -> str:
        """Return where to ask: at the producer's, or at the operator's mirror."""
        parts = urlsplit(url)
        if not self._mirror_url or urlsplit(self._mirror_url).netloc == parts.netloc:
            return url
        return f"{self._mirror_url.rstrip('/')}/{url.split('://', 1)[1]}"

    def _token(self, live: LiveDeclaration) -> str | None:
        if live.token is None:
            return None
        found = self._tokens.get(live.token)
        if not found:
            raise DownloadError(
                f"{live.url} demande un jeton : obtenez-le auprès du producteur et donnez-le dans {live.token}, ou "
                "donnez le fichier avec --from-file."
            )
        return found

    def _place(self, source_id: str) -> Path:
        directory = self._directory / source_id
        try:
            directory.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise DownloadError(f"Le dossier {directory} ne peut pas être écrit : corrigez ses droits.") from error
        return directory


def _per_second(live: LiveDeclaration) -> float | None:
    return None if live.per_minute is None else live.per_minute / SECONDS


def _fetched_before(path: Path, url: str) -> LiveFile:
    if not path.exists():
        raise OfflineError(url)
    when = datetime.fromtimestamp(path.stat().st_mtime, tz=UTC)
    return LiveFile(path, url, when.isoformat(timespec="seconds"), is_cached=True)


def _written(path: Path, url: str, records: list[Any]) -> LiveFile:
    """Put records aside, then in the place of the former file."""
    aside = path.with_suffix(".part")
    aside.write_text(json.dumps({"results": records}, ensure_ascii=False, sort_keys=True), encoding="utf-8")
    aside.replace(path)
    return LiveFile(path, url, datetime.now(UTC).isoformat(timespec="seconds"), is_cached=False)


def _page(answer: object, url: str) -> tuple[list[Any], int | None, str | None]:
    """Return the rows of a page, the announced total, and the address of the next one."""
    if isinstance(answer, list):
        return answer, None, None
    if isinstance(answer, dict):
        rows = next((answer[key] for key in RECORDS if isinstance(answer.get(key), list)), None)
        if rows is not None:
            paging = answer.get("paging")
            if isinstance(paging, dict):  # Melodi: the count is the page's, so that nothing is announced
                is_last = bool(paging.get("isLast"))
                return rows, None, None if is_last else paging.get("next")
            total = next((answer[key] for key in TOTALS if isinstance(answer.get(key), int)), None)
            return rows, total, answer.get("next")
    raise DownloadError(f"La réponse de {url} n’est pas une liste de lignes : l’API a changé ou est en panne.")


def _name(url: str, source_id: str) -> str:
    """Return the producer's name for a file, or the source's where the address has none."""
    last = unquote(urlsplit(url).path).rstrip("/").rsplit("/", 1)[-1]
    is_plain = "." in last and all(one.isalnum() or one in "-_.() " for one in last) and not last.startswith(".")
    return last if is_plain and not last.endswith(".php") else source_id
