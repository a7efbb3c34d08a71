"""The one way to reach PostGIS: an engine that starts the private cluster on demand and fails in plain French."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Final

import psycopg
import sqlalchemy as sa
from psycopg import errors as pg
from sqlalchemy import event
from sqlalchemy.engine.interfaces import DBAPIConnection

from observatory.errors import DatabaseUnavailableError, NotComputedError, ObservatoryError, UsageError
from observatory.settings import Settings

CONNECT_TIMEOUT_S: Final = 3
"""How long a connection may take to open (observatory's convention): a page must not hang on a dead server."""
RESTART_PAUSE_S: Final = 5.0
"""Least time between two attempts to start the private cluster (observatory's convention)."""
POOL_SIZE: Final = 8
POOL_OVERFLOW: Final = 32
"""Together, the 40 threads that FastAPI runs synchronous routes on."""

_DRIVER: Final = "postgresql+psycopg"
_SETTINGS: Final = "observatory_settings"
"""Execution option that holds the settings an engine was created with."""
_AWAY: Final = (
    pg.AdminShutdown,
    pg.CrashShutdown,
    pg.CannotConnectNow,
    pg.TooManyConnections,
    pg.ConnectionException,
    pg.ConnectionFailure,
    pg.ConnectionDoesNotExist,
)
_log = logging.getLogger(__name__)


def create_engine(settings: Settings, *, statement_timeout_ms: int = 0, name: str = "observatory") -> sa.Engine:
    """Return an engine over ``OBS_DATABASE_URL``, or over the private cluster, which is started when it is down.

    Nothing is contacted here: a database that is down shows at the first connection, as
    ``DatabaseUnavailableError``, and the engine works again by itself once the database is back.

    Parameters
    ----------
    settings
        Where the database is; connections carry them (:func:`settings_of`).
    statement_timeout_ms
        Longest time for one statement, in milliseconds; 0 for none.
    name
        ``application_name`` of the connections, shown to whoever waits for them.

    Raises
    ------
    UsageError
        If ``OBS_DATABASE_URL`` is no PostgreSQL address.
    """
    if settings.database_url is not None:
        url = _checked_url(settings.database_url.get_secret_value())
        engine = _engine(lambda: url, start=None, statement_timeout_ms=statement_timeout_ms, name=name)
    else:
        from observatory.store.server.cluster import cluster_for

        cluster = cluster_for(settings)
        # The address is asked at each connection: the cluster may settle elsewhere when it is created.
        engine = _engine(
            lambda: _checked_url(cluster.url), start=cluster.up, statement_timeout_ms=statement_timeout_ms, name=name
        )
    engine.update_execution_options(**{_SETTINGS: settings})
    return engine


def settings_of(connection: sa.Connection) -> Settings:
    """Return the settings of the engine that a connection comes from: nobody below asks the environment again.

    Raises
    ------
    ObservatoryError
        If the engine isn't one of :func:`create_engine`.
    """
    settings = connection.get_execution_options().get(_SETTINGS)
    if not isinstance(settings, Settings):
        raise ObservatoryError("Cette connexion ne dit pas ses réglages : ouvrez-la par « create_engine ».")
    return settings


def _checked_url(text: str) -> sa.URL:
    try:
        url = sa.make_url(text)
    except sa.exc.ArgumentError:
        url = None
    if url is None or url.drivername.partition("+")[0] not in {"postgresql", "postgres"}:
        raise UsageError(
            "OBS_DATABASE_URL n’est pas une adresse PostgreSQL : écrivez « postgresql://utilisateur@hôte/base »."
        )
    return url.set(drivername=_DRIVER)


def _engine(
    address: Callable[[], sa.URL], *, start: Callable[[], object] | None, statement_timeout_ms: int, name: str
) -> sa.Engine:
    engine = sa.create_engine(
        address(),
        pool_pre_ping=True,
        pool_size=POOL_SIZE,
        max_overflow=POOL_OVERFLOW,
        pool_timeout=CONNECT_TIMEOUT_S,
    )
    options = {"connect_timeout": CONNECT_TIMEOUT_S, "application_name": name}
    starter = None if start is None else _Starter(start)

    @event.listens_for(engine, "do_connect")
    def connect(dialect: sa.Dialect, *_ignored: object) -> DBAPIConnection:
        def once() -> DBAPIConnection:
            arguments, keywords = dialect.create_connect_args(address())
            return dialect.connect(*arguments, **keywords, **options)

        return _connect(once, starter)

    @event.listens_for(engine, "connect")
    def configure(connection: psycopg.Connection[Any], _record: object) -> None:
        # By SET rather than start-up options, which poolers such as pgbouncer refuse. JIT costs more than it
        # saves on queries that last some milliseconds.
        connection.execute("SET jit = off")
        connection.execute(f"SET statement_timeout = {int(statement_timeout_ms)}")
        connection.commit()

    event.listen(engine, "handle_error", _translate)
    return engine


def _connect(connect: Callable[[], DBAPIConnection], starter: _Starter | None) -> DBAPIConnection:
    try:
        return connect()
    except psycopg.OperationalError as error:
        if starter is None:
            raise DatabaseUnavailableError(_unreachable(error)) from error
    starter.start()
    try:
        return connect()
    except psycopg.OperationalError as error:
        raise DatabaseUnavailableError(
            "La base privée ne répond pas encore : réessayez dans quelques secondes (« observatory db status »)."
        ) from error


def _unreachable(error: psycopg.OperationalError) -> str:
    text = str(error)
    if "password" in text or "authentication" in text or "role" in text:
        return "La base refuse cet utilisateur : vérifiez l’utilisateur et le mot de passe d’OBS_DATABASE_URL."
    if "does not exist" in text:
        return "La base nommée par OBS_DATABASE_URL n’existe pas : créez-la (« createdb ») puis réessayez."
    return "La base de données ne répond pas : vérifiez que le serveur d’OBS_DATABASE_URL est démarré, puis réessayez."


class _Starter:
    """Starts the private cluster once at a time, and not again within a few seconds of a failure."""

    def __init__(self, start: Callable[[], object]) -> None:
        self._start = start
        self._lock = threading.Lock()
        self._started_at: float | None = None
        self._failed_at: float | None = None
        self._failure: ObservatoryError | None = None

    def start(self) -> None:
        """Start the cluster, or wait a little for the thread that is starting it.

        Raises
        ------
        ObservatoryError
            If it can't be started, or if another thread is still at it.
        """
        asked_at = time.monotonic()
        if not self._lock.acquire(timeout=CONNECT_TIMEOUT_S):
            raise DatabaseUnavailableError("La base privée redémarre : réessayez dans quelques secondes.")
        try:
            if self._started_at is not None and self._started_at > asked_at:
                return
            is_too_soon = self._failed_at is not None and time.monotonic() - self._failed_at < RESTART_PAUSE_S
            if is_too_soon and self._failure is not None:
                raise type(self._failure)(str(self._failure)) from self._failure
            _log.info("private cluster is down: starting it")
            try:
                self._start()
            except ObservatoryError as error:
                self._failed_at, self._failure = time.monotonic(), error
                raise
            self._failed_at = self._failure = None
            self._started_at = time.monotonic()
        finally:
            self._lock.release()


_SENTENCES: Final[tuple[tuple[tuple[type[psycopg.Error], ...], type[ObservatoryError], str], ...]] = (
    (
        (pg.QueryCanceled,),
        DatabaseUnavailableError,
        "La base a mis trop de temps à répondre : restreignez la demande ou réessayez dans un instant.",
    ),
    (
        (pg.UndefinedTable, pg.InvalidSchemaName),
        NotComputedError,
        "La base est vide : chargez l’instantané avec « observatory ingest ».",
    ),
    (
        (pg.UndefinedColumn,),
        NotComputedError,
        "La base est d’une version antérieure : mettez-la à jour avec « observatory ingest ».",
    ),
    (
        (pg.DiskFull,),
        DatabaseUnavailableError,
        "Le disque de la base est plein : libérez de la place, puis réessayez.",
    ),
)


@contextmanager
def plain_errors() -> Iterator[None]:
    """Turn the failures of the raw psycopg connection (COPY) into the same French errors as the engine's.

    Raises
    ------
    DatabaseUnavailableError
        If the server stopped, is too slow or has no room left.
    NotComputedError
        If the schema isn't there.
    """
    try:
        yield
    except psycopg.Error as error:
        failure = _failure(error, is_disconnect=error.sqlstate is None and isinstance(error, psycopg.OperationalError))
        if failure is None:
            raise
        raise failure from error


def _translate(context: sa.engine.ExceptionContext) -> BaseException | None:
    """Return the French error for a failure that isn't the caller's, or None to leave the exception as it is."""
    if context.is_pre_ping:
        return None
    return _failure(context.original_exception, is_disconnect=context.is_disconnect)


def _failure(error: BaseException, *, is_disconnect: bool) -> ObservatoryError | None:
    for kinds, failure, sentence in _SENTENCES:
        if isinstance(error, kinds):
            return failure(sentence)
    if is_disconnect or isinstance(error, _AWAY):
        return DatabaseUnavailableError("La base de données s’est interrompue : réessayez dans quelques secondes.")
    return None


def raw_connection(connection: sa.Connection) -> psycopg.Connection[Any]:
    """Return the psycopg connection under ``connection``, for COPY; errors go through ``plain_errors``."""
    raw = connection.connection.driver_connection
    if not isinstance(raw, psycopg.Connection):
        raise ObservatoryError("La connexion n’est pas une connexion psycopg : ouvrez-la par « create_engine ».")
    return raw
