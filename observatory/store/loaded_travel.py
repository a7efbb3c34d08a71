"""The travel times that the operator loaded, kept in the data directory: a road network, or a matrix of minutes."""

from __future__ import annotations

import hashlib
import json
import zipfile
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, Final, Literal

import numpy as np
import numpy.typing as npt

from observatory.access.network import RoadNetwork
from observatory.declared.travel import Network, travel
from observatory.errors import InputFileError
from observatory.settings import Settings
from observatory.store.server.datadir import data_directory

NAME: Final = "trajets.npz"
NETWORK_ARRAYS: Final = (
    "node_xy_m",
    "indptr",
    "target",
    "minutes",
    "edge_from",
    "edge_to",
    "edge_forward_min",
    "edge_backward_min",
    "edge_length_m",
    "edge_may_attach",
)


@dataclass(frozen=True)
class LoadedTravel:
    """What is loaded, without its content: enough to name a run and to tell a reader."""

    path: Path
    kind: Literal["network", "matrix"]
    label: str
    """Name of the file that was loaded."""
    digest: str
    """SHA-256 of the content."""
    mode: str
    figures: dict[str, float]
    """Counts that tell how good it is."""


@dataclass(frozen=True, eq=False)
class MatrixTimes:
    """Minutes between points in Lambert-93, one row per known pair."""

    xy_m: npt.NDArray[np.float64]
    origin_idx: npt.NDArray[np.int64]
    destination_idx: npt.NDArray[np.int64]
    minutes: npt.NDArray[np.float64]


def location(settings: Settings) -> Path:
    """Return where an operator's loaded travel times are, or would be."""
    return data_directory(settings) / NAME


def loaded_travel(path: Path) -> LoadedTravel | None:
    """Return what is loaded at a :func:`location`, None where nothing is.

    Raises
    ------
    InputFileError
        If the file is damaged.
    """
    try:
        with np.load(path) as content:
            meta = json.loads(str(content["meta"]))
    except FileNotFoundError:
        return None
    except (OSError, ValueError, KeyError, zipfile.BadZipFile) as error:
        raise InputFileError(
            "Les temps de trajet chargés sont illisibles : rechargez-les, ou retirez-les avec "
            "« observatory access unload »."
        ) from error
    return LoadedTravel(path=path, **meta)


def store_network(network: RoadNetwork, *, label: str, path: Path) -> LoadedTravel:
    """Keep a road network built in Lambert-93, in place of what was loaded before."""
    import shapely

    _, coordinates, offsets = shapely.to_ragged_array(network.edge_line, include_z=False)
    arrays = {name: getattr(network, name) for name in NETWORK_ARRAYS}
    arrays |= {"line_xy_m": coordinates, "line_start": offsets[0]}
    extra = {
        "mode": network.profile.mode,
        "figures": {
            "nodes": float(network.n_nodes),
            "island_nodes": float(network.island_node_count),
            "island_length_share": network.island_length_share,
        },
    }
    return _store(arrays, {"kind": "network", "label": label, **extra}, path)


def store_matrix(times: MatrixTimes, *, label: str, path: Path) -> LoadedTravel:
    """Keep a matrix of minutes, in place of what was loaded before."""
    arrays = {name: getattr(times, name) for name in MatrixTimes.__dataclass_fields__}
    figures = {"points": float(len(times.xy_m)), "pairs": float(times.minutes.size)}
    meta = {"kind": "matrix", "label": label, "mode": "car", "figures": figures}
    return _store(arrays, meta, path)


def remove(path: Path) -> bool:
    """Forget what was loaded; tell whether there was anything."""
    was_there = path.exists()
    path.unlink(missing_ok=True)
    return was_there


def network_of(loaded: LoadedTravel) -> RoadNetwork:
    """Return a loaded road network, read once by process."""
    return _network(loaded.path, loaded.digest, loaded.mode, travel().network.model_dump_json())


def matrix_of(loaded: LoadedTravel) -> MatrixTimes:
    """Return a loaded matrix, read once by process."""
    return _matrix(loaded.path, loaded.digest)


@lru_cache(maxsize=1)
def _network(path: Path, digest: str, mode: str, declaration: str) -> RoadNetwork:  # noqa: ARG001  (part of the key)
    import shapely

    with np.load(path) as content:
        arrays = {name: content[name] for name in NETWORK_ARRAYS}
        meta = json.loads(str(content["meta"]))
        lines = shapely.from_ragged_array(
            shapely.GeometryType.LINESTRING, content["line_xy_m"], (content["line_start"],)
        )
    return RoadNetwork(
        **arrays,
        edge_line=np.asarray(lines, dtype=np.object_),
        profile=Network.model_validate_json(declaration).profile(mode),
        island_node_count=int(meta["figures"]["island_nodes"]),
        island_length_share=float(meta["figures"]["island_length_share"]),
    )


@lru_cache(maxsize=1)
def _matrix(path: Path, digest: str) -> MatrixTimes:  # noqa: ARG001  (part of the key)
    with np.load(path) as content:
        return MatrixTimes(**{name: content[name] for name in MatrixTimes.__dataclass_fields__})


def _store(arrays: dict[str, Any], meta: dict[str, Any], path: Path) -> LoadedTravel:
    from observatory.whole_file import replacing

    digest = hashlib.sha256()
    for name in sorted(arrays):
        digest.update(name.encode())
        digest.update(np.ascontiguousarray(arrays[name]).data)
    meta["digest"] = digest.hexdigest()
    path.parent.mkdir(parents=True, exist_ok=True)
    with replacing(path) as place, place.open("wb") as file:
        np.savez(file, meta=np.array(json.dumps(meta)), **arrays)
    return LoadedTravel(path=path, **meta)
