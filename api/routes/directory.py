"""The accompaniment directory as files: the table that people edit, and its template."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from fastapi import APIRouter
from starlette.responses import Response

from api.dependencies import ConnectionDep
from observatory.publish import directory_files as publication
from observatory.publish.directory_template import EXAMPLE
from observatory.sources.directory.directory_entry import Entry
from observatory.store.directory import directory_store

router = APIRouter(include_in_schema=False)
CSV: Final = "text/csv; charset=utf-8"


@router.get("/donnees/annuaire.csv")
def directory_file(connection: ConnectionDep) -> Response:
    """Send the directory as it stands, ready to be edited in a spreadsheet."""
    return _sent(list(directory_store.entries(connection).values()), "annuaire.csv")


@router.get("/donnees/annuaire-modele.csv")
def template() -> Response:
    """Send the template of the directory, with its example."""
    return _sent([EXAMPLE], "annuaire-modele.csv")


def _sent(entries: list[Entry], name: str) -> Response:
    with TemporaryDirectory() as folder:
        path = Path(folder) / name
        publication.write_csv(entries, path)
        content = path.read_bytes()
    return Response(content, media_type=CSV, headers={"Content-Disposition": f'attachment; filename="{name}"'})
