"""Damage done to a file on purpose, drawn from a seed: what downloads, spreadsheets and editors do, and worse."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Final

Mutation = Callable[[bytes, random.Random], bytes]


def _truncate(content: bytes, draw: random.Random) -> bytes:
    return content[: draw.randrange(1, len(content))]


def _flip(content: bytes, draw: random.Random) -> bytes:
    damaged = bytearray(content)
    for _ in range(draw.choice([1, 3, 30])):
        damaged[draw.randrange(len(damaged))] ^= 1 << draw.randrange(8)
    return bytes(damaged)


def _text(content: bytes) -> str:
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError:
        return content.decode("cp1252")


def _encode(content: bytes, draw: random.Random) -> bytes:
    return _text(content).encode(draw.choice(["cp1252", "utf-8-sig", "utf-16", "cp850", "mac_roman"]), errors="replace")


def _separate(content: bytes, draw: random.Random) -> bytes:
    lines = _text(content).splitlines()
    mark = ";" if lines[0].count(";") > lines[0].count(",") else ","
    return "\n".join(line.replace(mark, draw.choice("\t|:;,")) for line in lines).encode()


def _cells(content: bytes) -> tuple[str, list[list[str]]]:
    lines = _text(content).splitlines()
    mark = ";" if lines[0].count(";") > lines[0].count(",") else ","
    return mark, [line.split(mark) for line in lines]


def _reorder(content: bytes, draw: random.Random) -> bytes:
    mark, rows = _cells(content)
    order = draw.sample(range(len(rows[0])), len(rows[0]))
    return "\n".join(mark.join(row[at] for at in order if at < len(row)) for row in rows).encode()


def _drop(content: bytes, draw: random.Random) -> bytes:
    mark, rows = _cells(content)
    gone = draw.randrange(len(rows[0]))
    return "\n".join(mark.join(one for at, one in enumerate(row) if at != gone) for row in rows).encode()


def _repeat_header(content: bytes, draw: random.Random) -> bytes:
    lines = content.splitlines(keepends=True)
    for _ in range(draw.randrange(1, 4)):
        lines.insert(draw.randrange(1, len(lines)), lines[0])
    return b"".join(lines)


def _repeat_rows(content: bytes, draw: random.Random) -> bytes:
    lines = content.splitlines(keepends=True)
    return b"".join([*lines, *draw.sample(lines, min(50, len(lines)))])


def _empty(content: bytes, draw: random.Random) -> bytes:
    return draw.choice([b"", b"\n\n\n", b"\xef\xbb\xbf", content.splitlines(keepends=True)[0]])


def _garbage(content: bytes, draw: random.Random) -> bytes:
    head = draw.choice([b"", b"PK\x03\x04", b"%PDF-1.7", b"\x1f\x8b", content[:200]])
    return head + draw.randbytes(5000)


def _huge(content: bytes, draw: random.Random) -> bytes:
    at = draw.randrange(len(content))
    return content[:at] + draw.choice([b"x", b'"', b" ", b"9"]) * 400_000 + content[at:]


def _nul(content: bytes, draw: random.Random) -> bytes:
    at = draw.randrange(len(content))
    return content[:at] + b"\x00" * draw.choice([1, 512]) + content[at:]


def _endings(content: bytes, draw: random.Random) -> bytes:
    lines = content.splitlines()
    return b"".join(line + draw.choice([b"\n", b"\r\n", b"\r"]) for line in lines)


def _quotes(content: bytes, draw: random.Random) -> bytes:
    damaged = bytearray(content)
    for _ in range(draw.choice([1, 2, 5])):
        damaged.insert(draw.randrange(len(damaged)), ord('"'))
    return bytes(damaged)


def _zeros(content: bytes, draw: random.Random) -> bytes:
    mark, rows = _cells(content)
    return "\n".join(mark.join(one.lstrip("0") or one for one in row) for row in rows).encode()


def _web_page(content: bytes, draw: random.Random) -> bytes:
    return b"<!DOCTYPE html><html><body>503 Service Unavailable</body></html>"


def _shuffle_bytes(content: bytes, draw: random.Random) -> bytes:
    start = draw.randrange(len(content))
    block = bytearray(content[start : start + 4096])
    draw.shuffle(block)
    return content[:start] + bytes(block) + content[start + len(block) :]


MUTATIONS: Final[tuple[Mutation, ...]] = (
    _truncate,
    _flip,
    _encode,
    _separate,
    _reorder,
    _drop,
    _repeat_header,
    _repeat_rows,
    _empty,
    _garbage,
    _huge,
    _nul,
    _endings,
    _quotes,
    _zeros,
    _web_page,
    _shuffle_bytes,
)
