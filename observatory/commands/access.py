"""``observatory access``: fit the travel times, work them out on a road network, draw what is reached."""

from __future__ import annotations

import json
import math
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

import geodata
from observatory.commands import load_travel
from observatory.commands.calibration_table import PERCENT, as_json, as_table
from observatory.commands.catchment import catchment
from observatory.commands.real_trips import CARRIED, published_factor, real_trips
from observatory.commands.session import write_text
from observatory.commands.travel_frame import declared_constants, transformer
from observatory.errors import UsageError
from observatory.words.numbers import decimal

if TYPE_CHECKING:
    from collections.abc import Mapping

    import numpy as np

    from observatory.access.network import RoadNetwork
    from observatory.commands.travel_frame import Transform

app = typer.Typer(invoke_without_command=True, rich_markup_mode=None)
app.callback(invoke_without_command=True)(catchment)
app.command("load-network", help="Charge un réseau routier OpenStreetMap : les analyses s’en servent.")(
    load_travel.load_network
)
app.command("load-matrix", help="Charge une matrice de durées : les analyses s’en servent.")(load_travel.load_matrix)
app.command("loaded", help="Dit quels temps de trajet servent aux analyses.")(load_travel.loaded)
app.command("unload", help="Revient aux temps de trajet de repli.")(load_travel.unload)

Mode = Literal["car", "foot", "bicycle"]
Network = Annotated[Path, typer.Option(help="Extrait OpenStreetMap (.osm.pbf).")]
ModeOption = Annotated[Mode, typer.Option(help="Mode de déplacement : voiture, marche ou vélo.")]


@app.command("calibrate", help="Cale les temps de trajet de repli sur une matrice réelle, et dit l’erreur qui reste.")
def calibrate(
    *,
    matrix: Annotated[
        Path | None,
        typer.Option(
            help="Durées réelles, en CSV ou Parquet, une paire ou une origine par ligne (défaut : celles de Gironde)."
        ),
    ] = None,
    points: Annotated[
        Path | None, typer.Option(help="Points : id, lon et lat (ou x_m et y_m), densité de 1 à 7 si connue.")
    ] = None,
    unit: Annotated[
        Literal["min", "s"] | None, typer.Option(help="Unité des durées, si leur nom ne la dit pas.")
    ] = None,
    folds: Annotated[
        int, typer.Option(help="Parts entre lesquelles tirer les origines, chacune jugée par le calage des autres.")
    ] = 2,
    seed: Annotated[int, typer.Option(help="Graine du tirage de ces parts.")] = 0,
    output_format: Annotated[Literal["table", "json"], typer.Option("--format", help="Sortie.")] = "table",
) -> None:
    """Fit the declared constants to a matrix and print held-out errors before and after."""
    from observatory.access.calibrate import calibrate as fit
    from observatory.access.implied_speed import require_likely

    if (matrix is None) != (points is None):
        raise UsageError("Donnez ensemble --matrix et --points, ou ni l’une ni l’autre.")
    declared = declared_constants()
    if matrix is None or points is None:
        matrix, points = (geodata.path(name) for name in CARRIED)
    sample, left_out = real_trips(matrix, points, unit=unit, declared=declared)
    doubt = require_likely(sample.distance_m, sample.duration_min, is_unit_said=unit is not None)
    if doubt:
        _say(f"Attention : {doubt}")
    result = fit(sample, declared=declared, folds=folds, seed=seed)
    factor = published_factor(declared)
    if output_format == "json":
        write_text(json.dumps(as_json(result, left_out, factor), ensure_ascii=False, indent=2) + "\n")
    else:
        sys.stdout.write(as_table(result, left_out, factor))


@app.command("matrix", help="Calcule les temps de trajet entre des points par un réseau routier OpenStreetMap.")
def matrix(
    *,
    network: Network,
    origins: Annotated[Path, typer.Option(help="Points de départ : id, lon, lat.")],
    destinations: Annotated[Path, typer.Option(help="Points d’arrivée : id, lon, lat.")],
    out: Annotated[Path, typer.Option(help="Fichier à écrire, .csv ou .parquet.")],
    mode: ModeOption = "car",
    max_min: Annotated[float, typer.Option(help="Durée maximale, en minutes.")] = 45.0,
) -> None:
    """Write the travel times between points, and say what could not be reached."""
    import pandas as pd

    from observatory.access.routing import travel_times
    from observatory.sources.roads import travel_matrix

    starts, ends = travel_matrix.read_points(origins), travel_matrix.read_points(destinations)
    if not (starts.is_geographic and ends.is_geographic):
        raise UsageError("Donnez les points en degrés, dans des colonnes « lon » et « lat ».")
    if out.suffix.lower() not in {".csv", ".parquet"}:
        raise UsageError("Le fichier à écrire doit se terminer par .csv ou .parquet.")
    roads, to_metres = _roads(network, mode, starts.xy)
    cost = travel_times(roads, to_metres(starts.xy), to_metres(ends.xy), max_min=max_min)
    frame = pd.DataFrame(
        {
            "origin": starts.id[cost.origin_idx],
            "destination": ends.id[cost.destination_idx],
            "minutes": cost.duration_min,
        }
    )
    if out.suffix.lower() == ".csv":
        frame.to_csv(out, index=False, float_format="%.3f")
    else:
        frame.to_parquet(out, index=False)
    _say(f"{cost.note} {len(frame)} trajets d’au plus {decimal(max_min, digits=0)} minutes écrits dans {out.name}.")
    _say(_network_sentence(cost.figures))


@app.command("isochrones", help="Dessine ce que l’on atteint d’un point en un temps donné (GeoJSON).")
def isochrones(
    *,
    network: Network,
    at: Annotated[str, typer.Option(help="Point de départ : longitude,latitude.")],
    minutes: Annotated[str, typer.Option(help="Durées, séparées par des virgules.")] = "10,20,30",
    mode: ModeOption = "car",
) -> None:
    """Print the areas reached, as a GeoJSON FeatureCollection in degrees, the longest time first."""
    import numpy as np

    from observatory.publish.isochrones import feature_collection

    place = np.array([_numbers(at, "le point de départ", 2)])
    times = _numbers(minutes, "les durées")
    roads, to_metres = _roads(network, mode, place)
    reached = feature_collection(
        roads, to_metres(place)[0].tolist(), minutes=times, to_degrees=transformer(place, is_inverse=True)
    )
    write_text(json.dumps(reached, ensure_ascii=False) + "\n")


def _roads(path: Path, mode: Mode, lon_lat: np.ndarray) -> tuple[RoadNetwork, Transform]:
    from observatory.access.network import build
    from observatory.declared.travel import travel
    from observatory.sources.roads import osm

    profile = travel().network.profile(mode)
    to_metres = transformer(lon_lat)
    return build(osm.read(path, profile), profile=profile, to_metres=to_metres), to_metres


def _network_sentence(figures: Mapping[str, float]) -> str:
    share = decimal(PERCENT * figures["island_length_share"])
    return (
        f"{figures['unattached_origins']:.0f} départs et {figures['unattached_destinations']:.0f} arrivées trop loin "
        f"de toute voie ; {figures['island_nodes']:.0f} carrefours isolés, {share} % de la longueur des voies, "
        "où aucun point n’est rattaché."
    )


def _numbers(text: str, what: str, count: int | None = None) -> list[float]:
    try:
        values = [float(part) for part in text.split(",")]
    except ValueError as error:
        raise UsageError(f"« {text} » : donnez {what} en nombres séparés par des virgules.") from error
    if not all(map(math.isfinite, values)):
        raise UsageError(f"« {text} » : donnez {what} en nombres finis.")
    if count is not None and len(values) != count:
        raise UsageError(f"« {text} » : donnez {what} par {count} nombres séparés par une virgule.")
    return values


def _say(sentence: str) -> None:
    from observatory.commands.session import messages

    messages().print(sentence)
