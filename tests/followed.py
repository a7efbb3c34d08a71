"""A page whose answer takes time, followed as its reader would until it shows the answer."""

from __future__ import annotations

import time
from typing import Any

from fastapi.testclient import TestClient

LONGEST_S = 240.0
"""A bound against jobs that never end, not a timing."""
STILL_AT_WORK = "Voir où en est le calcul"
"""The link of the page of a job that has no answer yet."""


def shown(client: TestClient, address: str) -> Any:
    """Return the page of an answer, followed until there is one."""
    deadline = time.monotonic() + LONGEST_S
    page = client.get(address)
    while STILL_AT_WORK in page.text:
        assert time.monotonic() < deadline, f"{address}: no answer after {LONGEST_S:g} s"
        time.sleep(0.2)
        page = client.get(str(page.url))
    return page
