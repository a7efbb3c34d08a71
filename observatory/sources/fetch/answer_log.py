"""Answers of an API kept on disk as they come, so that a long series of calls resumes where it was cut."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final, Protocol

LONGEST_S: Final = 24 * 3600
"""Answers older than this are asked again (convention de l'observatoire)."""


class Api(Protocol):
    """What asks an API: :class:`observatory.sources.fetch.download.Transport`, or what stands before it."""

    def json(
        self, url: str, *, params: Mapping[str, str | int] | None = None, per_second: float | None = None
    ) -> object:
        """Return a JSON answer."""


class KeptAnswers:
    """Stand before an API and answer in its place what it answered within the day.

    Parameters
    ----------
    api
        Who is asked what isn't kept.
    path
        File of the answers, one a line after the call; a line cut by a kill is asked again.
    is_right
        Whether an answer is worth keeping.
    """

    def __init__(self, api: Api, path: Path, *, is_right: Callable[[object], bool]) -> None:
        self._api = api
        self._path = path
        self._is_right = is_right
        self._places = self._read()

    def json(
        self, url: str, *, params: Mapping[str, str | int] | None = None, per_second: float | None = None
    ) -> object:
        """Return the kept answer to a call, or ask, and keep the answer if it is right."""
        call = json.dumps([url, params and dict(params)], sort_keys=True)
        if call in self._places:
            with self._path.open("rb") as file:
                file.seek(self._places[call])
                return json.loads(file.readline())[1]
        answer = self._api.json(url, params=params, per_second=per_second)
        if self._is_right(answer):
            with self._path.open("ab") as file:
                self._places[call] = file.tell()
                file.write(json.dumps([call, answer]).encode() + b"\n")
        return answer

    def forget(self) -> None:
        """Forget every answer."""
        self._path.unlink(missing_ok=True)
        self._places = {}

    def _read(self) -> dict[str, int]:
        """Return where each call is in the file, which is cut after its last whole line."""
        if not self._path.exists():
            return {}
        if time.time() - self._path.stat().st_mtime > LONGEST_S:
            self._path.unlink()
            return {}
        places: dict[str, int] = {}
        end = 0
        with self._path.open("r+b") as file:
            for line in file:
                if not line.endswith(b"\n"):
                    break
                places[json.loads(line)[0]] = end
                end += len(line)
            file.truncate(end)
        return places
