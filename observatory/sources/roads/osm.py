"""OpenStreetMap extract (PBF, ODbL): the ways that one mode may take, with the place of their nodes."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from observatory.access.network import Ways
from observatory.access.profile import Passage, Profile, passage
from observatory.errors import InputFileError


def read(path: Path, profile: Profile) -> Ways:
    """Read the ways of an extract that ``profile`` may take.

    Parameters
    ----------
    path
        ``.osm.pbf`` (or any format libosmium reads) with the nodes of its ways.
    profile
        Mode, speeds and rules.

    Returns
    -------
    Ways
        Ways in the order of the file; nodes absent from the extract cut the way where they are missing, and
        ``missing_nodes`` counts them.

    Raises
    ------
    InputFileError
        If the file is missing, is not an OSM file, or has no way for this mode.
    """
    import osmium

    if not path.is_file():
        raise InputFileError(f"L’extrait OpenStreetMap {path.name} est introuvable : vérifiez le chemin.")
    collected = _Collector()
    try:
        processor = osmium.FileProcessor(str(path), osmium.osm.NODE | osmium.osm.WAY).with_locations()
        processor.with_filter(osmium.filter.EntityFilter(osmium.osm.WAY))
        for way in processor.with_filter(osmium.filter.KeyFilter("highway", "route")):
            if not isinstance(way, osmium.osm.Way):
                continue
            how = passage(dict(way.tags), profile)
            if how is not None:
                nodes = [
                    (node.ref, node.location.lon, node.location.lat) if node.location.valid() else None
                    for node in way.nodes
                ]
                collected.add(nodes, how)
    except RuntimeError as error:
        raise InputFileError(f"{path.name} n’est pas un extrait OpenStreetMap lisible ({error}).") from error
    if not collected.passages:
        raise InputFileError(f"{path.name} ne contient aucune voie pour le mode « {profile.mode} ».")
    return collected.ways()


class _Collector:
    """Gathers ways into flat lists."""

    def __init__(self) -> None:
        self.refs: list[int] = []
        self.places: list[tuple[float, float]] = []
        self.sizes: list[int] = []
        self.passages: list[Passage] = []
        self.missing_nodes = 0

    def add(self, nodes: list[tuple[int, float, float] | None], how: Passage) -> None:
        """Add a way, in as many pieces as its missing nodes leave."""
        piece: list[tuple[int, float, float]] = []
        for node in [*nodes, None]:
            if node is not None:
                piece.append(node)
                continue
            if len(piece) > 1:
                self.refs.extend(ref for ref, _, _ in piece)
                self.places.extend((lon, lat) for _, lon, lat in piece)
                self.sizes.append(len(piece))
                self.passages.append(how)
            piece = []
        self.missing_nodes += sum(node is None for node in nodes)

    def ways(self) -> Ways:
        """Return what was gathered, as arrays."""
        return Ways(
            node_id=np.asarray(self.refs, dtype=np.int64),
            lon_lat=np.asarray(self.places, dtype=np.float64).reshape(-1, 2),
            start=np.concatenate(([0], np.cumsum(self.sizes))).astype(np.int64),
            passages=tuple(self.passages),
            missing_nodes=self.missing_nodes,
        )
