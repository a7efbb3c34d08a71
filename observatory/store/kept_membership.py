"""The communes that a need's territories were summed from: each membership is kept once, under its digest."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Final

import sqlalchemy as sa
from sqlalchemy import Connection
from sqlalchemy.dialects.postgresql import insert

from observatory.store.tables import Membership

Members = Mapping[str, Mapping[str, str]]
"""Level → commune → territory of that level."""
KEY: Final = "membership"
"""Name of the digest among the parameters of a need."""


def keep_membership(connection: Connection, members: Members) -> str:
    """Keep a membership, once, and return its digest (64 hexadecimal digits)."""
    text = json.dumps(members, sort_keys=True, separators=(",", ":"))
    digest = hashlib.sha256(text.encode("utf-8")).hexdigest()
    statement = insert(Membership).values(digest=digest, members=members)
    connection.execute(statement.on_conflict_do_nothing(index_elements=["digest"]))
    return digest


def kept_membership(connection: Connection, digest: str) -> Members | None:
    """Return the membership of a digest, or None if it isn't kept."""
    found: Members | None = connection.execute(
        sa.select(Membership.members).where(Membership.digest == digest)
    ).scalar_one_or_none()
    return found
