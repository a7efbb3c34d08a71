"""The one hierarchy of errors that a user may meet; every message is a French sentence that says what to do."""

from __future__ import annotations


class ObservatoryError(Exception):
    """An expected failure. ``str(error)`` is one French sentence, safe to show to anyone.

    ``exit_code`` is what the command line ends with: 2 for a request that can't be understood, 1 for the rest.
    """

    exit_code = 1


class UsageError(ObservatoryError):
    """The request itself is wrong: unknown code, unknown service, bad value."""

    exit_code = 2


class UnknownTerritoryError(UsageError):
    """No territory bears this code."""


class InputFileError(ObservatoryError):
    """A file given by the user or a source can't be read as what it should be."""


class OutputFileError(ObservatoryError):
    """A file that the user asks for can't be written where it should go."""


class DatabaseUnavailableError(ObservatoryError):
    """PostGIS doesn't answer."""


class BusyError(ObservatoryError):
    """Too much is asked at once; asking again later is right."""


class ClusterError(ObservatoryError):
    """The private PostgreSQL cluster can't be created, started or stopped."""


class NotComputedError(ObservatoryError):
    """The figures asked for need data that the database doesn't hold."""


class NoSupplyError(NotComputedError):
    """No structure of the region is known that offers the service: there is no norm to hold anybody's access to."""


class MetricCrsError(ObservatoryError):
    """A function that measures was given coordinates that are not in metres."""
