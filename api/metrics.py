"""Requests counted and timed, told in the Prometheus text format."""

from __future__ import annotations

import threading
from bisect import bisect_left
from collections import defaultdict
from typing import Final

BUCKETS_S: Final = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
"""Upper bounds of the duration histogram, seconds: the defaults of the Prometheus clients."""

Key = tuple[str, str, int]


class Metrics:
    """Counts and durations by method, route and status; safe between threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._buckets: dict[Key, list[int]] = defaultdict(lambda: [0] * (len(BUCKETS_S) + 1))
        self._seconds: dict[Key, float] = defaultdict(float)

    def observe(self, *, method: str, route: str, status: int, duration_s: float) -> None:
        """Count one answered request.

        Parameters
        ----------
        route
            The route's template, not the path: the number of series stays bounded.
        """
        key = (method, route, status)
        with self._lock:
            self._buckets[key][bisect_left(BUCKETS_S, duration_s)] += 1
            self._seconds[key] += duration_s

    def text(self) -> str:
        """Return every series in the Prometheus text exposition format 0.0.4."""
        with self._lock:
            series = {key: list(counts) for key, counts in sorted(self._buckets.items())}
            seconds = dict(self._seconds)
        lines = [
            "# HELP observatory_http_requests_total Demandes reçues.",
            "# TYPE observatory_http_requests_total counter",
            *(f"observatory_http_requests_total{{{_labels(key)}}} {sum(counts)}" for key, counts in series.items()),
            "# HELP observatory_http_request_duration_seconds Durée des réponses, en secondes.",
            "# TYPE observatory_http_request_duration_seconds histogram",
        ]
        for key, counts in series.items():
            lines += _histogram(_labels(key), counts, seconds[key])
        return "\n".join(lines) + "\n"


def _histogram(labels: str, counts: list[int], total_s: float) -> list[str]:
    name = "observatory_http_request_duration_seconds"
    lines, seen = [], 0
    for bound, count in zip((*(str(bound) for bound in BUCKETS_S), "+Inf"), counts, strict=True):
        seen += count
        lines.append(f'{name}_bucket{{{labels},le="{bound}"}} {seen}')
    return [*lines, f"{name}_sum{{{labels}}} {total_s:.6f}", f"{name}_count{{{labels}}} {seen}"]


def _labels(key: Key) -> str:
    method, route, status = key
    return f'method="{method}",route="{route}",status="{status}"'
