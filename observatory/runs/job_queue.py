"""The queue of questions that take time (procrastinate): asking, working on them, giving up on one."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import threading
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

import sqlalchemy as sa

from observatory.declared.siting_study import SitingStudy, study_of
from observatory.errors import BusyError, DatabaseUnavailableError, ObservatoryError
from observatory.runs.siting.siting_run import siting_run
from observatory.settings import Settings
from observatory.siting.solvers.interruption import GivenUpError, watched
from observatory.store import job_rows
from observatory.store.engine import CONNECT_TIMEOUT_S, create_engine
from observatory.store.server.cluster import cluster_for
from observatory.store.server.dump import libpq_url

if TYPE_CHECKING:
    import procrastinate
    import psycopg
    from procrastinate.jobs import Job

SCHEMA: Final = "observatory_jobs"
"""Where the queue's own tables are (made by the migrations)."""
QUEUE: Final = "siting"
CONCURRENCY: Final = 2
"""Questions that one process works on at once (convention de l'observatoire)."""
RETRY_S: Final = 5.0
"""Pause before a worker without database tries again, in seconds (convention de l'observatoire)."""
BEAT_S: Final = 5.0
"""A question under way says that somebody works on it, and hears whether it was cancelled, each time, in seconds
(convention de l'observatoire)."""
POLL_S: Final = 2.0
"""Longest wait for a question that no notification announced, in seconds (convention de l'observatoire)."""
RESCUE_S: Final = 10.0
"""A worker looks for questions that a killed process left each time, in seconds (convention de l'observatoire)."""
_log = logging.getLogger(__name__)


def ask(engine: sa.Engine, settings: Settings, question: SitingStudy) -> str:
    """Put a question in the queue and return its name.

    Raises
    ------
    BusyError
        If too many questions wait already.
    DatabaseUnavailableError
        If the database doesn't answer.
    """
    import procrastinate

    with engine.begin() as connection:
        name = job_rows.add(connection, question.parameters())
    if name is None:
        raise BusyError("Trop de calculs attendent déjà : réessayez dans quelques minutes.")
    connector = procrastinate.SyncPsycopgConnector(**_pool(settings), configure=_configure)
    try:
        with procrastinate.App(connector=connector).open() as app:
            app.configure_task(QUEUE, queue=QUEUE).defer(job=name)
    except procrastinate.exceptions.ConnectorException as error:
        raise DatabaseUnavailableError(
            "La base de données ne répond pas : réessayez dans quelques secondes."
        ) from error
    return name


def give_up(engine: sa.Engine, job_id: str) -> bool:
    """Cancel a question; whoever works on it stops at its next step or beat. False where it is over or unknown."""
    with engine.begin() as connection:
        return job_rows.cancel(connection, job_id)


def answer_one(engine: sa.Engine, settings: Settings, job_id: str, stopping: threading.Event) -> None:
    """Work one question out and keep its answer, or the sentence that says why there is none."""
    with engine.begin() as connection:
        asked = job_rows.begin(connection, job_id)
    if asked is None:
        return

    def advance(label: str, done: int, total: int) -> None:
        with engine.begin() as told:
            if stopping.is_set() or not job_rows.advance(told, job_id, label, done, total):
                raise GivenUpError

    given_up = threading.Event()

    def is_given_up() -> bool:
        return stopping.is_set() or given_up.is_set()

    result: dict[str, Any] | None = None
    error = kind = None
    try:
        with _beating(engine, job_id, given_up), watched(is_given_up), engine.begin() as connection:
            run = siting_run(connection, study_of(asked), study_path=settings.study, progress=advance)
        result = {
            "run_hash": run.run_hash,
            "document": run.document,
            "parameters": run.parameters,
            "source_ids": run.source_ids,
        }
    except GivenUpError:
        error = "Le service s’est arrêté pendant le calcul : posez la question de nouveau."
    except ObservatoryError as failure:
        error, kind = str(failure), type(failure).__name__
    except Exception:
        _log.exception("job %s failed", job_id)
        error = "Le calcul a rencontré une erreur inattendue : réessayez, puis prévenez l’exploitant."
    with engine.begin() as connection:
        job_rows.end(connection, job_id, result=result, error=error, error_kind=kind)


@contextlib.contextmanager
def _beating(engine: sa.Engine, job_id: str, given_up: threading.Event) -> Iterator[None]:
    """Say at intervals, from a thread beside, that the question is being worked on; learn that it was cancelled."""
    over = threading.Event()

    def beat() -> None:
        while not over.wait(BEAT_S):
            with contextlib.suppress(sa.exc.SQLAlchemyError, ObservatoryError), engine.begin() as told:
                if not job_rows.beat(told, job_id):
                    given_up.set()

    beats = threading.Thread(target=beat, name="observatory-job-beat", daemon=True)
    beats.start()
    try:
        yield
    finally:
        over.set()
        beats.join()


class Worker:
    """Works on the questions of the queue in a thread of its own, from the first :meth:`start` to :meth:`stop`."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._lock = threading.Lock()
        self._stopping = threading.Event()
        self._thread: threading.Thread | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Start the thread, once."""
        with self._lock:
            if self._thread is None and not self._stopping.is_set():
                self._thread = threading.Thread(target=self.run, name="observatory-worker", daemon=True)
                self._thread.start()

    def stop(self) -> None:
        """Stop taking questions; those under way end at their next step."""
        self._stopping.set()
        loop, task = self._loop, self._task
        if loop is not None and task is not None:
            with contextlib.suppress(RuntimeError):  # the loop has just closed by itself
                loop.call_soon_threadsafe(task.cancel)
        if self._thread is not None:
            self._thread.join()

    def wait(self) -> None:
        """Wait until the thread ends by itself, or Ctrl+C."""
        while self._thread is not None and self._thread.is_alive():
            self._thread.join(timeout=1.0)

    def run(self) -> None:
        """Work in the thread of the caller until stopped."""
        engine = create_engine(self._settings, name="observatory-worker")
        try:
            with contextlib.suppress(asyncio.CancelledError):
                asyncio.run(self._work(engine))
        finally:
            engine.dispose()

    async def _work(self, engine: sa.Engine) -> None:
        import procrastinate
        import psycopg

        self._loop, self._task = asyncio.get_running_loop(), asyncio.current_task()
        while not self._stopping.is_set():
            try:
                await self._serve(engine)
            except (procrastinate.exceptions.ConnectorException, psycopg.Error, OSError, ObservatoryError) as error:
                _log.warning("worker without database: %s", type(error).__name__)
                await asyncio.sleep(RETRY_S)

    async def _serve(self, engine: sa.Engine) -> None:
        import procrastinate

        connector = procrastinate.PsycopgConnector(**_pool(self._settings), configure=_configure_async)
        queue = procrastinate.App(connector=connector)

        @queue.task(name=QUEUE, queue=QUEUE)
        def work(job: str) -> None:
            answer_one(engine, self._settings, job, self._stopping)

        async with queue.open_async():
            rescue = asyncio.create_task(_rescue(queue, engine))
            try:
                await _worker(queue)
            finally:
                rescue.cancel()


async def _rescue(queue: procrastinate.App, engine: sa.Engine) -> None:
    """Give the questions that a killed process left a second try, and no third."""
    import procrastinate
    import psycopg

    while True:
        try:
            for left in await queue.job_manager.get_stalled_jobs(
                queue=QUEUE, seconds_since_heartbeat=job_rows.LEFT.total_seconds()
            ):
                await _take_back(queue, engine, left)
        except (procrastinate.exceptions.ConnectorException, psycopg.Error, ObservatoryError, sa.exc.SQLAlchemyError):
            _log.warning("questions left by a killed process could not be looked for")
        await asyncio.sleep(RESCUE_S)


async def _take_back(queue: procrastinate.App, engine: sa.Engine, left: Job) -> None:
    from procrastinate.jobs import Status

    def taken() -> str:
        with engine.begin() as connection:
            return job_rows.take_back(connection, str(left.task_kwargs["job"]), is_last=left.attempts > 0)

    found = await asyncio.to_thread(taken)
    if found == "again":
        await queue.job_manager.retry_job(left, retry_at=datetime.now(UTC))
    elif found != "elsewhere":
        await queue.job_manager.finish_job(left, status=Status.FAILED, delete_job=True)


async def _worker(queue: procrastinate.App) -> None:
    await queue.run_worker_async(
        queues=[QUEUE],
        concurrency=CONCURRENCY,
        install_signal_handlers=False,
        fetch_job_polling_interval=POLL_S,
        delete_jobs="always",
    )


def _pool(settings: Settings) -> dict[str, Any]:
    url = settings.database_url
    # As the operator or the cluster writes it: SQLAlchemy would write "+" for a space, which libpq takes for a plus.
    address = libpq_url(cluster_for(settings).url if url is None else url.get_secret_value())
    kwargs = {"connect_timeout": CONNECT_TIMEOUT_S, "application_name": "observatory-queue"}
    return {"conninfo": address, "kwargs": kwargs, "min_size": 1, "max_size": 4, "timeout": CONNECT_TIMEOUT_S}


def _configure(connection: psycopg.Connection[Any]) -> None:
    connection.execute(f"SET search_path TO {SCHEMA}")
    connection.commit()


async def _configure_async(connection: psycopg.AsyncConnection[Any]) -> None:
    await connection.execute(f"SET search_path TO {SCHEMA}")
    await connection.commit()
