"""``observatory export``: take a layer away in an open format."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Final

import typer

LAYERS_HELP: Final = (
    "Couche : region, departement, epci, commune, commune_deleguee, qpv, bassin_vie, zone_emploi, structures, "
    "services, zonings, values, sources, ou gaps-défi-service-niveau (par exemple gaps-vieillissement-tiers_lieu-epci)."
)


def export(
    *,
    layer: Annotated[str, typer.Option(metavar="NOM", help=LAYERS_HELP)],
    format_: Annotated[
        str, typer.Option("--format", metavar="{geojson|csv|csv-fr|gpkg|parquet}", help="Format du fichier.")
    ],
    out: Annotated[Path, typer.Option(metavar="FICHIER", help="Fichier à écrire ; il est remplacé s’il existe.")],
) -> None:
    """Write a layer to a file."""
    from observatory.commands.session import chosen_study, messages, transaction, working
    from observatory.errors import UsageError
    from observatory.publish.csv_text import FORMS
    from observatory.publish.export_file import WRITERS, write_layer
    from observatory.publish.export_layers import read_layer

    if format_ not in WRITERS:
        raise UsageError(f"Le format « {format_} » n’existe pas : choisissez parmi {', '.join(WRITERS)}.")
    with working("Lecture de la couche…"), transaction() as connection:
        content = read_layer(connection, layer, study_path=chosen_study(None))
    with working("Écriture…"):
        written = write_layer(content, out, file_format=format_)
    console = messages()
    for path in written:
        form = f" ({FORMS[format_].label})" if format_ in FORMS else ""
        console.print(f"{path} : {len(content.frame)} lignes, {len(content.sources)} sources{form}.", markup=False)
