"""The name of a run: a hash of everything that its figures depend on."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any

from observatory.parameters import METHOD_VERSION


def run_hash(kind: str, content: Mapping[str, Any]) -> str:
    """Return the SHA-256 (64 hexadecimal digits) of the canonical JSON of a run's kind, method and content.

    Parameters
    ----------
    kind
        ``need``, ``access``, ``gap`` or ``siting``.
    content
        Parameters and checksums of inputs: anything that JSON holds. The order of keys doesn't matter.
    """
    document = {"kind": kind, "method": METHOD_VERSION, **content}
    text = json.dumps(document, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)
    return hashlib.sha256(text.encode("utf-8")).hexdigest()
