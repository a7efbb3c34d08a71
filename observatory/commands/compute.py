"""``observatory compute``: work out every défi × service at the study's thresholds."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def compute(
    *,
    study: Annotated[
        Path | None, typer.Option(metavar="FICHIER", help="Étude (TOML) ; sans cette option : celle de l’observatoire.")
    ] = None,
) -> None:
    """Compute and store every result, telling which ones were already there."""
    from observatory import pipeline
    from observatory.commands.session import chosen_study, messages, opened, progress

    with opened() as engine, progress() as advance:
        report = pipeline.compute(engine, study_path=chosen_study(study), progress=advance)
    messages().print(str(report), markup=False)
