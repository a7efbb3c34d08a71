"""Questions that wait: news while somebody works on one, what a killed program leaves, what was cancelled."""

from __future__ import annotations

import json
import time
from datetime import timedelta

import sqlalchemy as sa
from followed import LONGEST_S

from observatory.declared.siting_study import SitingStudy
from observatory.runs.job_queue import QUEUE, Worker
from observatory.settings import Settings
from observatory.store import job_rows
from observatory.store.tables import Job


def silence(connection: sa.Connection, job_id: str, seconds: int) -> None:
    ago = sa.func.now() - timedelta(seconds=seconds)
    connection.execute(sa.update(Job).where(Job.job_id == job_id).values(updated_at=ago))


def test_a_question_without_news_for_a_minute_is_lost_and_news_keep_it(toy_connection: sa.Connection) -> None:
    name = job_rows.add(toy_connection, {"poles": 1})
    assert name is not None
    assert job_rows.begin(toy_connection, name) == {"poles": 1}
    silence(toy_connection, name, 50)
    assert job_rows.find(toy_connection, name).status == "doing"
    silence(toy_connection, name, 70)
    lost = job_rows.find(toy_connection, name)
    assert (lost.status, lost.is_over) == ("failed", True)
    assert "posez la question de nouveau" in lost.error
    assert job_rows.beat(toy_connection, name)
    assert job_rows.find(toy_connection, name).status == "doing"


def test_a_question_left_by_a_killed_program_is_taken_back_once(toy_connection: sa.Connection) -> None:
    name = job_rows.add(toy_connection, {"poles": 1})
    assert name is not None
    assert job_rows.take_back(toy_connection, name, is_last=False) == "elsewhere"  # it waits
    job_rows.begin(toy_connection, name)
    silence(toy_connection, name, 20)
    assert job_rows.take_back(toy_connection, name, is_last=False) == "elsewhere"  # somebody works on it
    silence(toy_connection, name, 40)
    assert job_rows.take_back(toy_connection, name, is_last=False) == "again"
    again = job_rows.find(toy_connection, name)
    assert (again.status, again.label) == ("todo", "Repris après une interruption")
    assert job_rows.take_back(toy_connection, name, is_last=False) == "elsewhere"  # another worker was quicker
    job_rows.begin(toy_connection, name)
    silence(toy_connection, name, 40)
    assert job_rows.take_back(toy_connection, name, is_last=True) == "lost"
    lost = job_rows.find(toy_connection, name)
    assert (lost.status, lost.error) == ("failed", job_rows.LOST)
    assert job_rows.take_back(toy_connection, name, is_last=True) == "over"


def test_a_worker_finishes_what_a_killed_one_had_begun(engine: sa.Engine, settings: Settings) -> None:
    question = SitingStudy(
        id="essai", title="Essai", territory="14762", services=("tiers_lieu",), defis={"dechets": 1.0}, poles=1,
        objective="mclp", threshold_min=20.0,
    )  # fmt: skip
    with engine.begin() as connection:
        # As a process killed in the middle leaves them: our row and the queue's, and no worker behind. In one
        # transaction: an observatory that another test serves on this database must not take the question first.
        name = job_rows.add(connection, question.parameters())
        job_rows.begin(connection, name)
        silence(connection, name, 40)
        connection.execute(sa.text("SET LOCAL search_path TO observatory_jobs"))  # for its triggers
        left = sa.text(
            "INSERT INTO procrastinate_jobs (queue_name, task_name, args, status) VALUES (:task, :task, :args, 'doing')"
        )
        connection.execute(left, {"task": QUEUE, "args": json.dumps({"job": name})})
    worker = Worker(settings)
    worker.start()
    queued = sa.text("SELECT count(*) FROM observatory_jobs.procrastinate_jobs WHERE args->>'job' = :job")
    try:
        deadline = time.monotonic() + LONGEST_S
        while time.monotonic() < deadline:
            with engine.begin() as connection:
                state = job_rows.find(connection, name)
                left_count = connection.execute(queued, {"job": name}).scalar_one()
            if state.is_over and not left_count:
                break
            time.sleep(0.2)
    finally:
        worker.stop()
    assert (state.status, state.error, left_count) == ("succeeded", None, 0)


def test_whoever_works_on_a_cancelled_question_hears_of_it(toy_connection: sa.Connection) -> None:
    name = job_rows.add(toy_connection, {"poles": 1})
    assert name is not None
    job_rows.begin(toy_connection, name)
    assert job_rows.cancel(toy_connection, name)
    assert not job_rows.beat(toy_connection, name)
    assert job_rows.find(toy_connection, name).status == "cancelled"
