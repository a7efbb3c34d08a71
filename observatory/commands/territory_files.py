"""``observatory territory-files``: a territory enters its own candidate sites, friches, structures and permanences."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pandas as pd

    from observatory.sources.fetch.geocode import Located

app = typer.Typer(no_args_is_help=True, rich_markup_mode=None)
LAYER_HELP: Final = "Couche : candidats, friches, structures ou permanences."
Layer = Annotated[str, typer.Option(metavar="{candidats|friches|structures|permanences}", help=LAYER_HELP)]
Territory = Annotated[
    str, typer.Option(metavar="SIREN", help="Intercommunalité qui saisit, par son SIREN (par exemple 200068799).")
]


@app.command(
    "import",
    help="Importe une couche d’un territoire (CSV, XLSX, GeoJSON, GeoPackage, Shapefile zippé) : dit ce qui est "
    "ajouté, modifié, refusé et pourquoi. Rien n’est retiré sans --remove-absent. Tout passe, ou rien.",
)
def import_(
    file: Annotated[Path, typer.Argument(metavar="FICHIER", help="Fichier du territoire.")],
    *,
    layer: Layer,
    territory: Territory,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Montre ce qui changerait, sans rien écrire.")] = False,
    crs: Annotated[
        str | None,
        typer.Option(metavar="EPSG:CODE", help="Système de coordonnées, si le fichier ne le dit pas ou le dit mal."),
    ] = None,
    geocode: Annotated[
        bool,
        typer.Option("--geocode", help="Envoie au service de l’IGN les adresses qui n’ont pas de coordonnées."),
    ] = False,
    allow_outside: Annotated[
        bool, typer.Option("--allow-outside", help="Accepte des lieux hors du territoire ; leur distance est gardée.")
    ] = False,
    remove_absent: Annotated[
        bool,
        typer.Option("--remove-absent", help="Retire ce que le fichier ne nomme plus, si aucune ligne n’est refusée."),
    ] = False,
    accept_fewer: Annotated[
        bool,
        typer.Option(
            "--accept-fewer",
            help="Avec --remove-absent, accepte un fichier qui nomme moins de la moitié de ce qui est saisi.",
        ),
    ] = False,
    from_layer: Annotated[
        str | None, typer.Option(metavar="NOM", help="Couche du fichier à lire, s’il en a plusieurs.")
    ] = None,
    map_: Annotated[
        list[str] | None,
        typer.Option(
            "--map",
            metavar="CHAMP=COLONNE",
            help="Colonne qui dit un champ, par exemple « nom=Nom du site ».",
        ),
    ] = None,
) -> None:
    """Import a layer and print what it changes."""
    from observatory.commands.import_changes import print_outcome
    from observatory.commands.session import messages, opened
    from observatory.runs.entered_import import import_layer
    from observatory.sources.territories import entered_file
    from observatory.sources.territories.entered_columns import mapping_of
    from observatory.store import entered_files
    from observatory.store.directory import directory_store
    from observatory.store.ingest.snapshot_load import migrate

    today = datetime.now(UTC).date().isoformat()
    mapping = mapping_of(map_ or ())
    with opened() as engine:
        migrate(engine)
        with engine.begin() as connection:
            directory_store.take_turn(connection)
            entered_files.require_layer(connection, territory, layer)
            frame, notes = entered_file.read(file, crs_name=crs, layer=from_layer, mapping=mapping)
            outcome = import_layer(
                connection,
                frame,
                territory=territory,
                layer=layer,
                located=_located(frame, asks=geocode),
                file_name=file.name,
                today=today,
                allows_outside=allow_outside,
                removes_absent=remove_absent,
                accepts_fewer=accept_fewer,
                is_trial=dry_run,
            )
    print_outcome(
        outcome.changes,
        outcome.refused,
        [*notes, *outcome.notes],
        unchanged_count=outcome.unchanged_count,
        row_count=outcome.row_count,
    )
    console = messages()
    if outcome.absent_count and remove_absent:
        console.print(
            f"Rien n’a été retiré : {outcome.absent_count} saisies sont absentes du fichier, mais des lignes refusées "
            f"({len(outcome.refused)}) peuvent être les leurs. Corrigez ces lignes, puis relancez.",
            markup=False,
        )
    elif outcome.absent_count:
        console.print(
            f"{outcome.absent_count} saisies absentes du fichier restent : --remove-absent les retire.", markup=False
        )
    console.print(_conclusion(layer, is_trial=dry_run, is_changed=bool(outcome.changes)), markup=False)


@app.command("list", help="Liste ce que les territoires ont saisi : couche, nombre, fichier, date, sources.")
def list_() -> None:
    """Print what territories entered."""
    from rich.table import Table

    from observatory.commands.session import messages, transaction
    from observatory.store import read

    with transaction() as connection:
        rows = read.territory_layers(connection)
    if not rows:
        messages().print("Aucun territoire n’a encore rien saisi.", markup=False)
        return
    table = Table(title="Saisies des territoires", title_justify="left")
    for heading in ("Territoire", "Code", "Couche", "Nombre", "Fichier", "Date", "Sources"):
        table.add_column(heading, overflow="fold")
    for row in rows:
        date = f"{row['imported_at']:%Y-%m-%d}" if row["imported_at"] else ""
        table.add_row(
            row["territory_name"] or "inconnu",
            row["territory_code"],
            row["layer"],
            str(row["entry_count"]),
            row["file_name"] or "",
            date,
            " | ".join(row["origins"]),
        )
    from observatory.commands.ingest import _print

    _print(table)


@app.command("remove", help="Retire une couche saisie par un territoire, ou une seule saisie par son code.")
def remove(
    *,
    layer: Layer,
    territory: Territory,
    code: Annotated[
        str | None, typer.Option(metavar="CODE", help="Une seule saisie ; sans lui, toute la couche.")
    ] = None,
) -> None:
    """Take a layer out."""
    from observatory.commands.session import messages, transaction
    from observatory.errors import UsageError
    from observatory.store import entered_files
    from observatory.store.directory import directory_store

    with transaction() as connection:
        directory_store.take_turn(connection)
        entered_files.require_layer(connection, territory, layer)
        count = entered_files.remove(connection, territory, layer, code=code)
    if not count:
        raise UsageError(
            "Il n’y a rien à retirer sous ce territoire, cette couche et ce code : « observatory territory-files "
            "list » dit ce qui est saisi."
        )
    messages().print(f"{count} saisies retirées. {_conclusion(layer, is_trial=False, is_changed=True)}", markup=False)


def _located(frame: pd.DataFrame, *, asks: bool) -> dict[int, Located]:
    """Ask the geocoder about the rows that only have an address, if the user wants it."""
    from observatory.commands.session import operator_settings
    from observatory.sources.fetch.download import Transport
    from observatory.sources.fetch.geocode import geocode
    from observatory.sources.territories.entered_row import to_ask
    from observatory.store.server.datadir import data_directory

    positions, addresses = to_ask(frame)
    if not asks or not positions:
        return {}
    settings = operator_settings()
    transport = Transport(data_directory(settings) / "cache", is_offline=settings.offline)
    found: Sequence[Located] = geocode(addresses, transport)
    return dict(zip(positions, found, strict=True))


def _conclusion(layer: str, *, is_trial: bool, is_changed: bool) -> str:
    if is_trial:
        return "Essai : rien n’a été écrit."
    if not is_changed:
        return "Inchangé : la base dit déjà ce que dit le fichier."
    if layer in {"structures", "permanences"}:
        return "C’est enregistré ; les lacunes sont à recalculer avec : « observatory compute »."
    return "C’est enregistré ; les études d’implantation du territoire peuvent s’en servir."
