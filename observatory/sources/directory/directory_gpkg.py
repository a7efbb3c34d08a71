"""The accompaniment directory as a GeoPackage: layers ``structures``, ``lieux`` and ``zones`` put back in one table."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

import pandas as pd

from observatory import crs
from observatory.errors import InputFileError
from observatory.sources.batch import LINE, MALFORMED, RAW
from observatory.sources.directory.directory_cells import SEPARATOR
from observatory.sources.directory.directory_file import COLUMNS, OF_PLACE
from observatory.sources.formats import layers

LAYERS: Final = ("structures", "lieux", "zones")
MAGIC: Final = b"SQLite format 3\x00"
OF_ZONE: Final = ("zones", "source_zones", "date_zones")
ORPHAN: Final = "sa structure n’est pas dans la couche « structures » : ajoutez-l’y"


def is_geopackage(path: Path) -> bool:
    """Tell a GeoPackage by its content."""
    try:
        with path.open("rb") as file:
            return file.read(len(MAGIC)) == MAGIC
    except OSError:
        return False


def read(path: Path) -> tuple[pd.DataFrame, set[str]]:
    """Return rows and columns as :func:`directory_file.read` does; a line is a feature's rank.

    Raises
    ------
    InputFileError
        If a layer is absent or can't be read.
    """
    structures, places, zones = (_layer(path, name) for name in LAYERS)
    if "nom" not in structures or "identifiant" not in structures:
        raise InputFileError(
            f"La couche « structures » de « {path.name} » n’a pas les colonnes identifiant et nom : repartez de "
            "« observatory directory template »."
        )
    zoned = _zoned(zones)
    rows: list[dict[Any, Any]] = []
    taken: set[str] = set()
    for body in structures.to_dict("records"):
        keys = _keys(body)
        taken |= keys
        whole = body | next((zoned[key] for key in keys if key in zoned), dict.fromkeys(OF_ZONE))
        own = [row for row in places.to_dict("records") if keys & _keys(row)]
        rows += [
            whole | {name: row.get(name) for name in OF_PLACE} | {LINE: row.get(LINE, body[LINE])}
            for row in own or [{}]
        ]
    # Taken for structures, they would say that nothing else is known of theirs.
    orphans = [row for layer in (places, zones) for row in layer.to_dict("records") if not taken & _keys(row)]
    rows += [
        dict.fromkeys(COLUMNS) | {"nom": row.get("nom"), LINE: row[LINE], MALFORMED: ORPHAN, RAW: None}
        for row in orphans
    ]
    frame = pd.DataFrame(rows)
    for name in COLUMNS:
        if name not in frame:
            frame[name] = None
    present = {name for name in COLUMNS if name in structures or name in places} | set(OF_ZONE)
    present |= {"longitude", "latitude"}
    texts = frame[[*COLUMNS]].astype(object).map(_text)
    others = [name for name in (LINE, MALFORMED, RAW) if name in frame]
    return texts.join(frame[others]), present


def _layer(path: Path, name: str) -> pd.DataFrame:
    if name not in layers.names(path):
        raise InputFileError(
            f"« {path.name} » n’a pas de couche « {name} » lisible : repartez de « observatory directory template »."
        )
    frame = layers.read_layer(path, name)
    frame = pd.DataFrame(frame.assign(**{LINE: range(1, len(frame) + 1)}))
    if "geometry" not in frame:
        return frame
    import geopandas as gpd

    shapes = gpd.GeoSeries(frame["geometry"])
    shapes = (shapes if shapes.crs else shapes.set_crs(crs.EXCHANGE)).to_crs(crs.EXCHANGE).representative_point()
    frame = frame.drop(columns="geometry")
    if name != "lieux":
        return frame
    return frame.assign(longitude=shapes.x.round(6), latitude=shapes.y.round(6))


def _zoned(zones: pd.DataFrame) -> dict[str, dict[str, str | None]]:
    found: dict[str, dict[str, str | None]] = {}
    for row in zones.to_dict("records"):
        level, code = _text(row.get("niveau")), _text(row.get("code"))
        one = f"{level}:{code}" if level else code
        told = {"source_zones": _text(row.get("source")), "date_zones": _text(row.get("date"))}
        for key in _keys(row):
            held = found.setdefault(key, {"zones": None, **told})
            held["zones"] = SEPARATOR.join(filter(None, (held["zones"], one)))
    return found


def _keys(row: dict[Any, Any]) -> set[str]:
    """Return what ties the layers: the identifier, or the name while a structure has none yet."""
    return {text for text in (_text(row.get("identifiant")), _text(row.get("nom"))) if text}


def _text(value: object) -> str | None:
    if value is None or value != value:  # noqa: PLR0124 - NaN is not itself
        return None
    text = f"{value:.6f}" if isinstance(value, float) and not value.is_integer() else str(value)
    text = text.removesuffix(".0") if isinstance(value, float) else text
    return text.strip() or None
