"""Requests counted and timed, told in the Prometheus text format."""

from __future__ import annotations

from typing import Final

import prometheus_client as prometheus

BUCKETS_S: Final = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
"""Upper bounds of the duration histogram, seconds: the Prometheus convention."""
LABELS: Final = ("method", "route", "status")


class Metrics:
    """Counts and durations by method, route and status, in a registry of their own; safe between threads."""

    def __init__(self) -> None:
        # The moment when each series was made isn't among the measures that operators were promised.
        prometheus.disable_created_metrics()  # type: ignore[no-untyped-call]
        self._registry = prometheus.CollectorRegistry()
        self._requests = prometheus.Counter(
            "observatory_http_requests", "Demandes reçues.", LABELS, registry=self._registry
        )
        self._durations = prometheus.Histogram(
            "observatory_http_request_duration_seconds",
            "Durée des réponses, en secondes.",
            LABELS,
            buckets=BUCKETS_S,
            registry=self._registry,
        )

    def observe(self, *, method: str, route: str, status: int, duration_s: float) -> None:
        """Count one answered request.

        Parameters
        ----------
        route
            The route's template, not the path: the number of series stays bounded.
        """
        self._requests.labels(method, route, status).inc()
        self._durations.labels(method, route, status).observe(duration_s)

    def text(self) -> str:
        """Return every series in the Prometheus text exposition format 0.0.4."""
        return prometheus.generate_latest(self._registry).decode()
