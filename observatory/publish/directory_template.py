"""The example that the directory's template holds: an invented structure, which says that it is one."""

from __future__ import annotations

from typing import Final

from observatory.sources.directory.directory_entry import Entry, Place
from observatory.sources.directory.directory_file import EXAMPLE as EXAMPLE_NAME

EXAMPLE: Final = Entry(
    structure_id="",
    name=EXAMPLE_NAME,
    kind="ACCOMPAGNEMENT_ACCOMPAGNATEUR",
    role="ce que fait la structure, en une phrase",
    phases=("emergence", "creation"),
    devices=("Ici je monte ma boîte", "DLA départemental"),
    website="https://exemple.fr",
    note="ce qu’il faut savoir de plus, ou rien",
    origin="adresse de la page ou nom du document qui le dit",
    date="2026-01-31",
    zones=(("epci", "200068799"), ("departement", "14")),
    zones_origin="vide : la même source",
    zones_date="2026-01-31",
    places=(
        Place(
            rank=0,
            kind="permanence",
            name="mairie",
            address="numéro et rue",
            commune_code="14762",
            lon=-0.889,
            lat=48.838,
            days="1er mardi du mois, matin",
            phases=("emergence",),
            quality="address",
            note="sur rendez-vous",
            origin="vide : la même source",
            date="2026-01-31",
        ),
    ),
)
"""Vire Normandie stands for the place; every other cell says what to write in it."""
