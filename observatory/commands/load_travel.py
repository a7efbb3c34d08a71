"""``observatory access load-network``, ``load-matrix``, ``loaded``, ``unload``: the travel times that analyses use."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from observatory.errors import InputFileError, UsageError
from observatory.words.numbers import decimal

if TYPE_CHECKING:
    from observatory.store.loaded_travel import LoadedTravel

RECOMPUTE = "Relancez « observatory compute » : les analyses s’en serviront."


def load_network(
    file: Annotated[Path, typer.Argument(metavar="FICHIER", help="Extrait OpenStreetMap (.osm.pbf) de la région.")],
    mode: Annotated[Literal["car", "foot", "bicycle"], typer.Option(help="Voiture, marche ou vélo.")] = "car",
) -> None:
    """Build the road network of an extract and keep it for every analysis."""
    from observatory.access.network import build
    from observatory.commands.session import operator_settings, working
    from observatory.commands.travel_frame import in_france, transformer
    from observatory.declared.travel import travel
    from observatory.sources.roads import osm
    from observatory.store import loaded_travel

    profile = travel().network.profile(mode)
    with working("Lecture de l’extrait…"):
        ways = osm.read(file, profile)
        if not in_france(ways.lon_lat):
            raise UsageError("Cet extrait n’est pas en France métropolitaine : l’observatoire mesure en Lambert-93.")
        network = build(ways, profile=profile, to_metres=transformer(ways.lon_lat))
        loaded = loaded_travel.store_network(network, label=file.name, path=loaded_travel.location(operator_settings()))
    _say(f"{_described(loaded)} {RECOMPUTE}")


def load_matrix(
    file: Annotated[Path, typer.Argument(metavar="FICHIER", help="Durées (CSV ou Parquet), une paire par ligne.")],
    points: Annotated[Path, typer.Option(help="Points de la matrice : id, lon et lat, ou x_m et y_m (Lambert-93).")],
    unit: Annotated[
        Literal["min", "s"] | None, typer.Option(help="Unité des durées, si leur nom ne la dit pas.")
    ] = None,
) -> None:
    """Check a matrix of minutes and keep it for every analysis."""
    import numpy as np

    from observatory.access.implied_speed import require_likely
    from observatory.access.travel import from_matrix
    from observatory.commands.session import operator_settings
    from observatory.commands.travel_frame import in_france, transformer
    from observatory.sources.roads import travel_matrix
    from observatory.store import loaded_travel

    real, places = travel_matrix.read_matrix(file, unit=unit), travel_matrix.read_points(points)
    if places.is_geographic and not in_france(places.xy):
        raise UsageError("Ces points ne sont pas en France métropolitaine : l’observatoire mesure en Lambert-93.")
    origin, destination, is_known, distance_m = travel_matrix.normalise(real, places)
    usable = is_known & ~np.isnan(real.duration_min)
    if not usable.any():
        raise InputFileError(f"Aucune durée de {file.name} n’a ses deux points dans {points.name} : comparez leurs id.")
    doubt = require_likely(distance_m[usable], real.duration_min[usable], is_unit_said=unit is not None)
    if doubt:
        _say(f"Attention : {doubt}")
    size = len(places.id)
    cost = from_matrix(
        *(origin[usable], destination[usable], real.duration_min[usable]),
        n_origins=size,
        n_destinations=size,
        note=file.name,
    )
    xy_m = transformer(places.xy)(places.xy) if places.is_geographic else places.xy
    times = loaded_travel.MatrixTimes(xy_m, cost.origin_idx, cost.destination_idx, cost.duration_min)
    loaded = loaded_travel.store_matrix(times, label=file.name, path=loaded_travel.location(operator_settings()))
    left_out = int((~usable).sum())
    if left_out:
        _say(f"{left_out} durées laissées de côté : point inconnu ou durée manquante.")
    _say(f"{_described(loaded)} {RECOMPUTE}")


def loaded() -> None:
    """Say which travel times analyses use."""
    from observatory.access.travel import note_of
    from observatory.commands.session import operator_settings
    from observatory.commands.travel_frame import declared_constants
    from observatory.store import loaded_travel

    found = loaded_travel.loaded_travel(loaded_travel.location(operator_settings()))
    typer.echo(note_of(declared_constants()) if found is None else _described(found))


def unload() -> None:
    """Forget the loaded network or matrix: analyses go back to the fallback."""
    from observatory.commands.session import operator_settings
    from observatory.store import loaded_travel

    was_there = loaded_travel.remove(loaded_travel.location(operator_settings()))
    _say(f"Temps de trajet de repli. {RECOMPUTE}" if was_there else "Rien n’était chargé.")


def _described(found: LoadedTravel) -> str:
    from observatory.access.routing import MODES_IN_WORDS

    figures = found.figures
    if found.kind == "matrix":
        return f"Matrice {found.label} : {figures['pairs']:.0f} durées entre {figures['points']:.0f} points."
    mode = MODES_IN_WORDS[found.mode]
    share = decimal(100 * figures["island_length_share"])
    return (
        f"Réseau routier {found.label}, {mode} : {figures['nodes']:.0f} carrefours, dont {figures['island_nodes']:.0f} "
        f"isolés ({share} % de la longueur des voies)."
    )


def _say(sentence: str) -> None:
    from observatory.commands.session import messages

    messages().print(sentence, markup=False)
