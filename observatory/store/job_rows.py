"""Questions that wait for their answer: one row each, whatever process works on it."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final, Literal

import sqlalchemy as sa
from sqlalchemy import Connection

from observatory.store.tables import Job

Status = Literal["todo", "doing", "succeeded", "failed", "cancelled"]
"""The words of the queue (procrastinate)."""
KEPT: Final = timedelta(days=7)
"""How long an answer is kept for whoever asked (convention de l'observatoire)."""
WAITING_MAX: Final = 50
"""Most questions waiting at once (convention de l'observatoire)."""
LEFT: Final = timedelta(seconds=30)
"""A question worked on without news for so long was left: its process was killed (convention de l'observatoire), and
another takes it back; whoever works on one gives news every few seconds."""
SILENT: Final = timedelta(minutes=1)
"""One that nobody took back is lost after so long (convention de l'observatoire)."""
TAKEN_BACK: Final = "Repris après une interruption"
LOST: Final = "Le calcul a été interrompu avec le programme qui le menait : posez la question de nouveau."


@dataclass(frozen=True)
class JobState:
    """What is known of a question that was asked."""

    job_id: str
    status: Status
    question: dict[str, Any]
    label: str
    done: int
    total: int
    result: dict[str, Any] | None
    error: str | None
    error_kind: str | None

    @property
    def is_over(self) -> bool:
        """Whether nothing more will happen."""
        return self.status not in {"todo", "doing"}


def add(connection: Connection, question: dict[str, Any]) -> str | None:
    """Add a question and return its name, None where too many wait already; the oldest answers leave."""
    connection.execute(sa.delete(Job).where(Job.created_at < sa.func.now() - KEPT))
    waiting = sa.select(sa.func.count()).select_from(Job).where(Job.status == "todo")
    if connection.execute(waiting).scalar_one() >= WAITING_MAX:
        return None
    name = str(uuid.uuid4())
    connection.execute(sa.insert(Job).values(job_id=name, status="todo", question=question))
    return name


def find(connection: Connection, job_id: str) -> JobState | None:
    """Return a question's state, None where nobody asked it or it is too old."""
    lost = sa.and_(Job.status == "doing", Job.updated_at < sa.func.now() - SILENT)
    query = sa.select(*Job.__table__.columns, lost.label("is_lost")).where(Job.job_id == job_id)
    row = connection.execute(query).one_or_none()
    if row is None:
        return None
    return JobState(
        job_id=row.job_id,
        status="failed" if row.is_lost else row.status,
        question=row.question,
        label=row.label,
        done=row.done,
        total=row.total,
        result=row.result,
        error=LOST if row.is_lost else row.error,
        error_kind=row.error_kind,
    )


def begin(connection: Connection, job_id: str) -> dict[str, Any] | None:
    """Mark a waiting question as worked on and return it; None where it no longer waits (cancelled, taken)."""
    query = (
        sa.update(Job)
        .where(Job.job_id == job_id, Job.status == "todo")
        .values(status="doing", updated_at=sa.func.now())
        .returning(Job.question)
    )
    return connection.execute(query).scalar_one_or_none()


def advance(connection: Connection, job_id: str, label: str, done: int, total: int) -> bool:
    """Tell how far a question is; False where it was cancelled."""
    query = (
        sa.update(Job)
        .where(Job.job_id == job_id, Job.status == "doing")
        .values(label=label, done=done, total=total, updated_at=sa.func.now())
    )
    return connection.execute(query).rowcount == 1


def beat(connection: Connection, job_id: str) -> bool:
    """Say that somebody works on a question; False where it was cancelled."""
    query = sa.update(Job).where(Job.job_id == job_id, Job.status == "doing").values(updated_at=sa.func.now())
    return connection.execute(query).rowcount == 1


def end(
    connection: Connection,
    job_id: str,
    *,
    result: dict[str, Any] | None = None,
    error: str | None = None,
    error_kind: str | None = None,
) -> None:
    """Keep the answer of a question, or the French sentence that says why there is none; a cancelled one stays so."""
    query = (
        sa.update(Job)
        .where(Job.job_id == job_id, Job.status.in_(("todo", "doing")))
        .values(
            status="failed" if result is None else "succeeded",
            done=Job.total,
            result=result,
            error=error,
            error_kind=error_kind,
            updated_at=sa.func.now(),
        )
    )
    connection.execute(query)


def take_back(connection: Connection, job_id: str, *, is_last: bool) -> Literal["again", "lost", "over", "elsewhere"]:
    """Put a question that a killed process left back among those that wait.

    Parameters
    ----------
    is_last
        It was left once already: it isn't tried again, and says so.

    Returns
    -------
    str
        ``again``: it waits. ``lost``: it is given up. ``over``: it had its answer, was cancelled, or is too old.
        ``elsewhere``: somebody works on it, or took it back just now.
    """
    left = sa.and_(Job.job_id == job_id, Job.status == "doing", Job.updated_at < sa.func.now() - LEFT)
    after = {"status": "failed", "error": LOST} if is_last else {"status": "todo", "label": TAKEN_BACK, "done": 0}
    if connection.execute(sa.update(Job).where(left).values(updated_at=sa.func.now(), **after)).rowcount:
        return "lost" if is_last else "again"
    status = connection.execute(sa.select(Job.status).where(Job.job_id == job_id)).scalar_one_or_none()
    return "elsewhere" if status in {"todo", "doing"} else "over"


def cancel(connection: Connection, job_id: str) -> bool:
    """Cancel a question that has no answer yet; False where it is over or unknown."""
    query = (
        sa.update(Job)
        .where(Job.job_id == job_id, Job.status.in_(("todo", "doing")))
        .values(status="cancelled", updated_at=sa.func.now())
    )
    return connection.execute(query).rowcount == 1
