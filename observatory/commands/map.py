"""``observatory map``: the regional map in one file that opens with no network."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Final

import typer

from observatory.declared.region import home_region

LEVELS: Final = ("epci", "commune", "departement")
TITLE: Final = "Observatoire de l’ESS {in_region}"
NOTICE: Final = (
    "Les structures montrées sont celles des sources chargées : chaque couche dit si sa liste est complète. "
    "Servis + à portée, saturé + hors de portée = population. « Servi » compare à la moyenne régionale de l’offre "
    "par habitant, un site comptant pour une unité ; les contours sont simplifiés pour l’affichage, les chiffres non."
)


def draw(
    *,
    out: Annotated[Path, typer.Option(metavar="FICHIER.html", help="Fichier à écrire ; il est remplacé s’il existe.")],
    level: Annotated[
        str, typer.Option(metavar="{epci|commune|departement}", help="Maille des aplats de couleur.")
    ] = "epci",
    gap: Annotated[
        list[str] | None,
        typer.Option(
            metavar="DÉFI:SERVICE", help="Lacune à montrer, par exemple dechets:ressourcerie ; peut être répétée."
        ),
    ] = None,
) -> None:
    """Draw the regional map and write it to one HTML file."""
    from observatory.commands.session import chosen_study, messages, transaction, working
    from observatory.errors import UsageError
    from observatory.publish.offline_map import draw as draw_layers
    from observatory.publish.offline_map import save
    from observatory.publish.regional_layers import regional_layers
    from observatory.words import numbers

    if level not in LEVELS:
        raise UsageError(
            f"Le niveau « {level} » n’est pas proposé sur la carte : choisissez parmi {', '.join(LEVELS)}."
        )
    pairs = [_pair(text) for text in gap] if gap else None
    with working("Lecture des couches…"), transaction() as connection:
        layers, sources = regional_layers(connection, level=level, pairs=pairs, study_path=chosen_study(None))
    with working("Dessin de la carte…"):
        save(
            draw_layers(
                layers, title=TITLE.format(in_region=home_region().names.locative), notice=NOTICE, sources=sources
            ),
            out,
        )
    size_mb = out.stat().st_size / 1e6
    messages().print(f"{out} : {len(layers)} couches, {numbers.decimal(size_mb)} Mo.", markup=False)


def _pair(text: str) -> tuple[str, str]:
    from observatory.errors import UsageError

    defi, colon, service = text.partition(":")
    if not colon or not defi or not service:
        raise UsageError(f"« {text} » n’est pas de la forme défi:service, par exemple dechets:ressourcerie.")
    return defi, service
