"""``observatory access`` by itself: the E2SFCA of a service, or of any points, here or on a Dask cluster."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final, Literal

import typer

from observatory.errors import UsageError
from observatory.parameters import LONGEST_THRESHOLD_MIN, SHORTEST_THRESHOLD_MIN
from observatory.words.numbers import counted, decimal

if TYPE_CHECKING:
    import pandas as pd


THRESHOLD_MIN: Final = 20.0
"""Threshold of files of points, in minutes (DREES: bounds of the APL)."""
ADDRESS_HELP: Final = "Adresse de l’ordonnanceur Dask (tcp://hôte:8786) ; sans elle, les cœurs de cette machine."


def catchment(  # noqa: PLR0917  (Typer's callback)
    context: typer.Context,
    service: Annotated[
        str | None, typer.Option(metavar="SERVICE", help="Service dont on mesure l’accès, dans la base.")
    ] = None,
    demand: Annotated[
        Path | None, typer.Option(help="À la place d’un service : points de demande (id, lon, lat, population_count).")
    ] = None,
    supply: Annotated[Path | None, typer.Option(help="Avec --demand : sites (id, lon, lat, supply).")] = None,
    threshold_min: Annotated[
        float | None,
        typer.Option(
            metavar="MINUTES",
            min=SHORTEST_THRESHOLD_MIN,
            max=LONGEST_THRESHOLD_MIN,
            help="Durée maximale ; sinon celle de l’étude.",
        ),
    ] = None,
    engine: Annotated[
        Literal["local", "dask"], typer.Option(help="Où calculer : ce processus, ou un cluster Dask.")
    ] = "local",
    scheduler: Annotated[str | None, typer.Option(metavar="ADRESSE", help=ADDRESS_HELP)] = None,
    output_format: Annotated[
        Literal["csv", "csv-fr", "json", "parquet"], typer.Option("--format", help="Sortie.")
    ] = "csv",
    out: Annotated[
        Path | None, typer.Option(metavar="FICHIER", help="Fichier à écrire ; sans lui, la sortie standard.")
    ] = None,
) -> None:
    """Work out and write the access of every demand point."""
    if context.invoked_subcommand is not None:
        return
    if (service is None) == (demand is None) or (demand is None) != (supply is None):
        raise UsageError("Donnez --service NOM, ou bien --demand FICHIER avec --supply FICHIER.")
    if scheduler is not None and engine != "dask":
        raise UsageError("L’option --scheduler ne va qu’avec --engine dask.")
    if output_format == "parquet" and out is None:
        raise UsageError("Le Parquet ne s’écrit pas à l’écran : ajoutez --out FICHIER.")
    start = time.perf_counter()
    frame, notes = (
        _of_service(service, threshold_min, engine, scheduler)
        if service is not None
        else _of_files(demand or Path(), supply or Path(), threshold_min or THRESHOLD_MIN, engine, scheduler)
    )
    _write(frame, notes, output_format, out)
    seconds = decimal(time.perf_counter() - start)
    where = "sur un cluster Dask" if engine == "dask" else "sur cette machine"
    worked_out = counted(len(frame), "point de demande, calculé", "points de demande, calculés", written=str)
    _say(f"{worked_out} {where} en {seconds} s. {notes['travel']}")
    if "inequality" in notes:
        shared = notes["inequality"]
        gini, palma = (decimal(shared[name], digits=2) for name in ("gini", "palma"))
        _say(
            f"Partage de l’accès entre habitants : indice de Gini {gini} ; les 10 % les plus riches sur les 40 % les "
            f"plus pauvres (revenu médian des communes, où il est connu) {palma}."
        )


def _of_service(
    service: str, threshold_min: float | None, engine: str, scheduler: str | None
) -> tuple[pd.DataFrame, dict[str, Any]]:
    from observatory.commands.session import chosen_study, transaction
    from observatory.runs.access.catchment_table import service_catchment

    with transaction() as connection, _runner(engine, scheduler) as run:
        return service_catchment(
            connection, service, threshold_min=threshold_min, study_path=chosen_study(None), run=run
        )


def _of_files(
    demand: Path, supply: Path, threshold_min: float, engine: str, scheduler: str | None
) -> tuple[pd.DataFrame, dict[str, Any]]:
    from observatory.access import apl_steps
    from observatory.access.pairs import check_quantity
    from observatory.access.partition import Territory
    from observatory.access.travel import Places, note_of
    from observatory.commands.travel_frame import declared_constants, transformer
    from observatory.runs.access.catchment_table import as_frame
    from observatory.runs.access.tile_runner import catchment as work_out
    from observatory.sources.roads import travel_matrix

    (points, persons), (sites, units) = travel_matrix.read_demand(demand), travel_matrix.read_supply(supply)
    if points.is_geographic != sites.is_geographic:
        raise UsageError("Donnez les deux fichiers en degrés (lon, lat), ou les deux en mètres (x_m, y_m).")
    to_metres = transformer(points.xy) if points.is_geographic else (lambda xy: xy)
    territory = Territory(
        Places.at(to_metres(points.xy), points.density.astype(int)),
        check_quantity(persons, "Demande"),
        Places.at(to_metres(sites.xy), sites.density.astype(int)),
        check_quantity(units, "Offre"),
    )
    constants, steps = declared_constants(), apl_steps(threshold_min)
    with _runner(engine, scheduler) as run:
        reached = work_out(territory, constants=constants, steps=steps, run=run)
    notes = {"threshold_min": threshold_min, "steps": steps, "travel": note_of(constants)}
    return as_frame(reached, {"id": points.id.to_numpy()}), notes


def _runner(engine: str, scheduler: str | None) -> Any:  # noqa: ANN401  (a context manager of a runner)
    from contextlib import contextmanager, nullcontext

    from observatory.runs.access import tile_runner as engines

    if engine == "local":
        return nullcontext(engines.here)

    @contextmanager
    def opened() -> Any:  # noqa: ANN401
        with engines.dask_client(scheduler) as client:
            count = len(client.scheduler_info()["workers"])
            _say(f"Cluster Dask de {counted(count, 'ouvrier', written=str)}.")
            yield engines.on(client)

    return opened()


def _write(frame: pd.DataFrame, notes: dict[str, Any], output_format: str, out: Path | None) -> None:
    from observatory.commands.session import write_text
    from observatory.publish.csv_text import FORMS, table
    from observatory.whole_file import replacing

    if output_format == "parquet" and out is not None:
        with replacing(out) as path:
            frame.to_parquet(path, index=False)
        return
    if output_format in FORMS:
        text = table(list(frame.columns), frame.itertuples(index=False, name=None), FORMS[output_format])
    else:
        items = frame.astype(object).where(frame.notna(), None).to_dict("records")
        document = {"items": items, "total": len(items), "parameters": notes}
        text = json.dumps(document, ensure_ascii=False, allow_nan=False) + "\n"
    if out is None:
        write_text(text)
        return
    with replacing(out) as path:
        path.write_text(text, encoding="utf-8", newline="")


def _say(sentence: str) -> None:
    from observatory.commands.session import messages

    messages().print(sentence, markup=False)
