"""Questions that wait: news while somebody works on one, what a killed program leaves, what was cancelled."""

from __future__ import annotations

from datetime import timedelta

import sqlalchemy as sa

from observatory.store import jobs
from observatory.store.tables import Job


def silence(connection: sa.Connection, job_id: str, seconds: int) -> None:
    ago = sa.func.now() - timedelta(seconds=seconds)
    connection.execute(sa.update(Job).where(Job.job_id == job_id).values(updated_at=ago))


def test_a_question_without_news_for_a_minute_is_lost_and_news_keep_it(toy_connection: sa.Connection) -> None:
    name = jobs.add(toy_connection, {"poles": 1})
    assert name is not None
    assert jobs.begin(toy_connection, name) == {"poles": 1}
    silence(toy_connection, name, 50)
    assert jobs.find(toy_connection, name).status == "doing"
    silence(toy_connection, name, 70)
    lost = jobs.find(toy_connection, name)
    assert (lost.status, lost.is_over) == ("failed", True)
    assert "posez la question de nouveau" in lost.error
    assert jobs.beat(toy_connection, name)
    assert jobs.find(toy_connection, name).status == "doing"


def test_whoever_works_on_a_cancelled_question_hears_of_it(toy_connection: sa.Connection) -> None:
    name = jobs.add(toy_connection, {"poles": 1})
    assert name is not None
    jobs.begin(toy_connection, name)
    assert jobs.cancel(toy_connection, name)
    assert not jobs.beat(toy_connection, name)
    assert jobs.find(toy_connection, name).status == "cancelled"
