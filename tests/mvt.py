"""Just enough of the Mapbox Vector Tile format to read back what a tile holds (version 2.1 of the specification)."""

from __future__ import annotations

import struct
from typing import Any


def _varint(data: bytes, position: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        byte = data[position]
        position += 1
        value |= (byte & 0x7F) << shift
        if not byte & 0x80:
            return value, position
        shift += 7


def _fields(data: bytes) -> list[tuple[int, Any]]:
    fields, position = [], 0
    while position < len(data):
        key, position = _varint(data, position)
        kind = key & 7
        if kind == 0:
            value, position = _varint(data, position)
        elif kind == 1:
            value, position = data[position : position + 8], position + 8
        elif kind == 5:
            value, position = data[position : position + 4], position + 4
        else:
            length, position = _varint(data, position)
            value, position = data[position : position + length], position + length
        fields.append((key >> 3, value))
    return fields


def _packed(data: bytes) -> list[int]:
    values, position = [], 0
    while position < len(data):
        value, position = _varint(data, position)
        values.append(value)
    return values


def _value(data: bytes) -> Any:
    ((kind, value),) = _fields(data)
    if kind == 1:
        return value.decode()
    if kind == 2:
        return struct.unpack("<f", value)[0]
    if kind == 3:
        return struct.unpack("<d", value)[0]
    if kind == 6:
        return (value >> 1) ^ -(value & 1)
    return bool(value) if kind == 7 else value


def layers(tile: bytes) -> dict[str, dict[str, Any]]:
    """Layers by name: ``extent`` and ``features``, each the properties with ``_kind`` (1 point, 3 polygon)."""
    found = {}
    for _, layer in _fields(tile):
        fields = _fields(layer)
        keys = [value.decode() for number, value in fields if number == 3]
        values = [_value(value) for number, value in fields if number == 4]
        features = []
        for number, feature in fields:
            if number != 2:
                continue
            inside = dict(_fields(feature))
            tags = _packed(inside.get(2, b""))
            features.append(
                {keys[k]: values[v] for k, v in zip(tags[::2], tags[1::2], strict=True)} | {"_kind": inside[3]}
            )
        name = next(value.decode() for number, value in fields if number == 1)
        found[name] = {"extent": dict(fields).get(5, 4096), "features": features}
    return found
