"""The files that the network brought, each with what its server said of it; one is replaced only by a whole one."""

from __future__ import annotations

import hashlib
import json
import os
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import httpx

from observatory.errors import ObservatoryError


class DownloadError(ObservatoryError):
    """A file could not be fetched; what was in the cache is intact."""


class OfflineError(DownloadError):
    """The network is needed and the operator forbade it."""


@dataclass(frozen=True, slots=True)
class Download:
    """A file of the cache and what its server said of it."""

    path: Path
    url: str
    checksum: str
    size_bytes: int
    etag: str | None
    last_modified: str | None
    fetched_at: str
    is_unchanged: bool
    """True if the cache already held this very content."""


class CacheEntry:
    """The files of one address: content, what the server said of it, and a transfer under way."""

    def __init__(self, cache_dir: Path, url: str) -> None:
        name = hashlib.sha256(url.encode()).hexdigest()[:24]
        self.url = url
        self.content = cache_dir / name
        self.meta = cache_dir / f"{name}.json"
        self.part = cache_dir / f"{name}.part"
        self.part_meta = cache_dir / f"{name}.part.json"

    def read(self) -> Download | None:
        """Return the file of the cache, or None where it is absent or not what its description says."""
        try:
            meta = json.loads(self.meta.read_text())
            if self.content.stat().st_size != meta["size_bytes"]:
                return None
            return Download(path=self.content, **meta)
        except (OSError, ValueError, KeyError, TypeError):
            return None

    def keep(self, cached: Download) -> None:
        """Record that the server said the file unchanged."""
        self._describe(cached, is_unchanged=True)

    def partial(self) -> tuple[int, str | None]:
        """Return how many bytes a transfer cut short has left, and the validator to resume it with."""
        try:
            meta = json.loads(self.part_meta.read_text())
            return self.part.stat().st_size, meta["validator"]
        except (OSError, ValueError, KeyError, TypeError):
            return 0, None

    def start_partial(self, validator: str | None) -> None:
        """Note the validator of the transfer that begins."""
        _write_atomically(self.part_meta, json.dumps({"url": self.url, "validator": validator}))

    def forget_partial(self) -> None:
        """Drop what a transfer cut short has left."""
        self.part.unlink(missing_ok=True)
        self.part_meta.unlink(missing_ok=True)

    def promote(self, headers: httpx.Headers, *, expected: str | None) -> None:
        """Make the finished transfer the content of the cache, in one rename."""
        checksum = sha256(self.part)
        previous = self.read()
        found = Download(
            path=self.content,
            url=self.url,
            checksum=checksum,
            size_bytes=self.part.stat().st_size,
            etag=headers.get("ETag"),
            last_modified=headers.get("Last-Modified"),
            fetched_at=datetime.now(UTC).isoformat(timespec="seconds"),
            is_unchanged=False,
        )
        try:
            verified(found, expected)
        except DownloadError:
            self.forget_partial()
            raise
        self.part.replace(self.content)
        self._describe(found, is_unchanged=previous is not None and previous.checksum == checksum)
        self.forget_partial()

    def _describe(self, found: Download, *, is_unchanged: bool) -> None:
        names = ("url", "checksum", "size_bytes", "etag", "last_modified", "fetched_at")
        meta = {name: getattr(found, name) for name in names} | {"is_unchanged": is_unchanged}
        _write_atomically(self.meta, json.dumps(meta))


def verified(found: Download, expected: str | None) -> Download:
    """Return ``found`` if its SHA-256 is ``expected`` (or nothing is expected); raise `DownloadError` otherwise."""
    if expected is not None and found.checksum != expected.lower():
        raise DownloadError(
            f"{found.url} n’a pas la somme de contrôle attendue ({found.checksum[:12]}… au lieu de {expected[:12]}…) : "
            "le fichier est abîmé ou a changé ; mettez geodata/catalog.toml à jour si c’est voulu."
        )
    return found


def sha256(path: Path) -> str:
    """Return the SHA-256 of a file, in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _write_atomically(path: Path, text: str) -> None:
    fresh = path.with_name(f"{path.name}.{os.getpid()}.tmp")
    fresh.write_text(text)
    fresh.replace(path)
