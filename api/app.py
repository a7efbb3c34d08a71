"""The application: pages, API and tiles over one engine, opened and closed with it."""

from __future__ import annotations

import hashlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final

import sqlalchemy as sa
from fastapi import Depends, FastAPI
from starlette.concurrency import run_in_threadpool
from starlette.middleware.gzip import GZipMiddleware
from starlette.staticfiles import StaticFiles

from api import errors
from api.input_gate import Gate
from api.kept_answers import Kept
from api.known_parameters import refuse_unknown
from api.metrics import Metrics
from api.middleware import Guarded, HeadAsGet, Headered, Measured, Tagged, content_security_policy
from api.routes import (
    directory,
    documentation,
    gap_page,
    gaps,
    health,
    isochrones,
    map_page,
    objectives,
    pages,
    siting,
    siting_page,
    sources,
    structures,
    territories,
    territory_page,
    tiles,
)
from observatory.declared.reading import version
from observatory.declared.region import use_region
from observatory.errors import ObservatoryError
from observatory.libraries import library
from observatory.runs.job_queue import Worker
from observatory.settings import Settings
from observatory.store.engine import create_engine
from observatory.store.read.published_version import published_version

STATEMENT_TIMEOUT_MS: Final = 20_000
"""Longest time for one SQL statement of a page (convention de l'observatoire)."""
GZIP_FROM_BYTES: Final = 1_000
MEGABYTE: Final = 1_000_000
BODY_MAX_BYTES: Final = 1 * MEGABYTE
"""Longest body of a request (convention de l'observatoire)."""
STATIC: Final = Path(__file__).resolve().parent / "static"
DESCRIPTION: Final = (
    "Territoires, lacunes d’accès, structures et sources de l’observatoire. Toutes les listes sont bornées et "
    "paginées ; toute erreur est un document application/problem+json en français."
)


def create_app(settings: Settings) -> FastAPI:
    """Return the application; nothing is opened before it starts.

    Parameters
    ----------
    settings
        Operator's settings: nothing else of the environment decides what is served.
    """
    use_region(settings.geodata_dir)

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        app.state.engine = create_engine(settings, statement_timeout_ms=STATEMENT_TIMEOUT_MS, name="observatory-api")
        # Its thread starts with the first question: most pages ask none.
        app.state.worker = Worker(settings)
        yield
        app.state.worker.stop()
        app.state.engine.dispose()

    app = FastAPI(
        title="Observatoire territorial de l’ESS",
        description=DESCRIPTION,
        version="1",
        docs_url=None,  # FastAPI's own page loads its scripts from a third party
        redoc_url=None,
        lifespan=lifespan,
    )
    app.state.settings = settings
    app.state.code_mark = _code_mark()
    app.state.metrics = Metrics()
    errors.install(app)
    modules = (
        health,
        territories,
        gaps,
        structures,
        isochrones,
        sources,
        tiles,
        directory,
        documentation,
        map_page,
        siting,
        siting_page,
        objectives,
        gap_page,
        territory_page,
        pages,
    )
    for module in modules:
        app.include_router(module.router, dependencies=[Depends(refuse_unknown)])
    maplibre = library("maplibre-gl")
    if maplibre.is_dir():  # where `npm ci` has not run, the map says so itself; the pages don't need it
        app.mount("/static/maplibre-gl", StaticFiles(directory=maplibre), name="maplibre-gl")
    app.mount("/static", StaticFiles(directory=STATIC), name="static")
    # The last added is the outermost.
    app.add_middleware(Tagged)
    app.add_middleware(GZipMiddleware, minimum_size=GZIP_FROM_BYTES)
    app.add_middleware(Kept, version=lambda: run_in_threadpool(_version, app), memory_bytes=settings.kept_mb * MEGABYTE)
    app.add_middleware(Gate, body_max_bytes=BODY_MAX_BYTES)
    app.add_middleware(Guarded)
    app.add_middleware(Headered, policy=content_security_policy(settings.basemap_url))
    app.add_middleware(Measured, metrics=app.state.metrics)
    app.add_middleware(HeadAsGet)
    return app


def _version(app: FastAPI) -> str | None:
    """Return the version of what is served now: of the data, and of this code; None where it can't be told."""
    try:
        with app.state.engine.connect() as connection:
            return f"{app.state.code_mark}-{published_version(connection, app.state.settings)}"
    except (ObservatoryError, sa.exc.SQLAlchemyError, OSError):
        return None


def _code_mark() -> str:
    """Return a mark of the files of this code, which a new version of it changes."""
    root = Path(__file__).resolve().parent
    files = (path for top in (root, root.parent / "observatory") for path in top.rglob("*") if path.is_file())
    told = sorted(version(path) for path in files if path.parent.name != "__pycache__")
    return hashlib.sha256(repr(told).encode()).hexdigest()[:8]
