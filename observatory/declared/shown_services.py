"""What ``geodata/services.toml`` says of how services are shown: colours, the pairs with défis, the maps' layers."""

from __future__ import annotations

from typing import Final

import geodata

OTHER_COLOUR: Final = "#333333"
"""Colour of a service that declares none."""


def service_colours() -> dict[str, str]:
    """Return the colour of each service's points, the same on the page and in the file."""
    services = geodata.declarations("services")["services"]
    return {name: str(entry.get("colour", OTHER_COLOUR)) for name, entry in services.items()}


def service_labels() -> dict[str, str]:
    """Return the French name of each service."""
    return {name: str(entry["label"]) for name, entry in geodata.declarations("services")["services"].items()}


def kind_labels() -> dict[str, str]:
    """Return the French name of each kind of structure."""
    return {name: str(entry["label"]) for name, entry in geodata.declarations("services")["kinds"].items()}


def paired_services() -> dict[str, str]:
    """Return, by défi, the service that it is shown with when none is chosen."""
    return dict(geodata.declarations("services")["pairs"])


def first_defi() -> str:
    """Return the défi that pages open on."""
    return str(geodata.declarations("services")["shown"]["defi"])


def explained_pairs() -> list[tuple[str, str]]:
    """Return the défis and services that a fiche explains in sentences."""
    everywhere = str(geodata.declarations("services")["shown"]["with_every_defi"])
    return [(defi, service) for defi, paired in paired_services().items() for service in (paired, everywhere)]


def mapped_pairs() -> list[tuple[str, str]]:
    """Return the défis and services of the map in a file: each pair, after accompaniment for the first défi."""
    pairs = list(paired_services().items())
    return [(pairs[0][0], str(geodata.declarations("services")["shown"]["with_every_defi"])), *pairs]


def services_on(map_name: str) -> list[str]:
    """Return the services whose structures a map shows: at first on ``page_map``, at all on ``file_map``."""
    return list(geodata.declarations("services")["shown"][f"on_{map_name}"])
