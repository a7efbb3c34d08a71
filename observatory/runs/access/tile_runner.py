"""Run the tiles of a floating catchment: here, or on the workers of a Dask cluster, with the same result."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final, TypeVar

import numpy as np

from observatory.access.partition import (
    TILE_POINTS,
    Reached,
    Territory,
    Tile,
    Work,
    asked_of,
    demand_work,
    ratios,
    reached_by,
    site_work,
    tiles,
)
from observatory.access.travel import TravelConstants
from observatory.access.weights import Steps
from observatory.errors import ObservatoryError, UsageError

if TYPE_CHECKING:
    from distributed import Client

Result = TypeVar("Result")
Runner = Callable[[Callable[[Work], Any], Sequence[Work]], list[Any]]
"""Applies a function to each piece of work and returns the results in the same order."""

CONNECT_S: Final = 20
"""How long a scheduler is waited for, in seconds (convention de l'observatoire)."""
LOST_WORKERS_MAX: Final = 10
"""Workers that may die on a tile before the tile is thought to kill them (convention de l'observatoire)."""


class WorkersError(ObservatoryError):
    """The Dask cluster doesn't answer, or lost its workers."""


def here(function: Callable[[Work], Result], work: Sequence[Work]) -> list[Result]:
    """Run each piece of work in this process, one after the other."""
    return [function(piece) for piece in work]


def on(client: Client) -> Runner:
    """Return a runner that hands the work out to the workers of a Dask cluster.

    A tile whose worker dies is given to another one: nothing of it is kept on the workers.
    """

    def run(function: Callable[[Work], Any], work: Sequence[Work]) -> list[Any]:
        from distributed import KilledWorker

        # One submission for each tile, so that none of them makes a graph too large for the scheduler's taste.
        futures = [client.submit(function, piece, pure=False, retries=LOST_WORKERS_MAX) for piece in work]
        try:
            return [future.result() for future in futures]
        except KilledWorker as error:
            raise WorkersError(
                "Les ouvriers du cluster Dask s’arrêtent à répétition : donnez-leur plus de mémoire, puis relancez."
            ) from error

    return run


@contextmanager
def dask_client(scheduler: str | None, *, workers: int | None = None) -> Iterator[Client]:
    """Open a client of a scheduler that runs already (``tcp://host:8786``), or of a cluster of this machine's cores.

    Raises
    ------
    UsageError
        If the address is malformed, or Dask isn't installed.
    WorkersError
        If nothing answers there.
    """
    try:
        import dask
        from distributed import Client, LocalCluster
    except ImportError as error:
        raise UsageError(
            "Dask n’est pas installé : lancez « pip install '.[cluster]' » dans le dossier de l’observatoire, ou "
            "retirez « --engine dask » pour calculer sur cette machine."
        ) from error

    settings = {"distributed.scheduler.allowed-failures": LOST_WORKERS_MAX}
    with dask.config.set(settings):
        if scheduler is None:
            quiet = logging.CRITICAL
            with (
                LocalCluster(  # type: ignore[no-untyped-call]
                    n_workers=workers, threads_per_worker=1, processes=True, dashboard_address=None, silence_logs=quiet
                ) as cluster,
                Client(cluster) as client,  # type: ignore[no-untyped-call]
            ):
                yield client
            return
        try:
            client = Client(scheduler, timeout=CONNECT_S)  # type: ignore[no-untyped-call]
        except ValueError as error:
            raise UsageError(
                f"« {scheduler} » n’est pas l’adresse d’un ordonnanceur Dask : tcp://hôte:8786."
            ) from error
        except (OSError, TimeoutError) as error:
            raise WorkersError(
                f"Aucun ordonnanceur Dask ne répond à « {scheduler} » : démarrez-le avec « dask scheduler », "
                "puis des ouvriers avec « dask worker »."
            ) from error
        with client:
            if not client.scheduler_info()["workers"]:
                raise WorkersError(
                    f"L’ordonnanceur Dask « {scheduler} » n’a aucun ouvrier : démarrez-en avec "
                    f"« dask worker {scheduler} »."
                )
            yield client


def catchment(
    territory: Territory,
    *,
    constants: TravelConstants,
    steps: Steps,
    run: Runner = here,
    radius_m: float | None = None,
    tile_points: int = TILE_POINTS,
) -> Reached:
    """Return what each demand point of a territory reaches, by tiles with halos.

    Equal to :func:`observatory.access.e2sfca` on all pairs at once, but for the order in which numbers are added.

    Parameters
    ----------
    territory
        Demand and supply.
    constants
        Constants of the fallback travel cost; its longest straight line is the width of the halos.
    steps
        ``[(upper_min, weight), …]``.
    run
        :func:`here`, or :func:`on` a Dask client.
    radius_m
        Width of the halos where drives are already known: a straight line that none of them is longer than.
    tile_points
        Points of a tile at most.
    """
    how: dict[str, Any] = {"constants": constants, "steps": steps}
    radius_m = constants.radius_m(float(steps[-1][0])) if radius_m is None else radius_m
    sites = list(tiles(territory.supply_places, territory.demand_places, radius_m=radius_m, tile_points=tile_points))
    asked = _gathered(
        territory.supply.size, sites, run(asked_of, [site_work(territory, tile, **how) for tile in sites])
    )
    ratio = ratios(territory.supply, asked)
    places = list(tiles(territory.demand_places, territory.supply_places, radius_m=radius_m, tile_points=tile_points))
    found = run(reached_by, [demand_work(territory, tile, ratio, **how) for tile in places])
    size = territory.demand.size
    return Reached(*(_gathered(size, places, [getattr(one, name) for one in found]) for name in Reached.__slots__))


def _gathered(size: int, cut: Sequence[Tile], parts: Sequence[np.ndarray]) -> np.ndarray:
    whole = np.zeros(size)
    for tile, part in zip(cut, parts, strict=True):
        whole[tile.inner] = part
    return whole
