"""``observatory worker``: works on the questions that wait, beside those that serve the pages."""

from __future__ import annotations


def worker() -> None:
    """Work in the foreground until Ctrl+C."""
    from observatory.commands.session import messages, opened, operator_settings
    from observatory.runs.job_queue import Worker

    with opened() as engine:
        engine.connect().close()  # a database that is down says so at once
    messages().print("Les calculs en attente sont pris ici (Ctrl+C pour arrêter).", markup=False)
    working = Worker(operator_settings())
    working.start()
    try:
        working.wait()
    except KeyboardInterrupt:
        messages().print("Arrêt après l’étape en cours…", markup=False)
    finally:
        working.stop()
