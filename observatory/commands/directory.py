"""``observatory directory``: take the accompaniment directory away, edit it, and bring it back."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

from observatory.errors import UsageError

if TYPE_CHECKING:
    from sqlalchemy import Connection

FORMATS: Final = ("csv", "gpkg", "data-inclusion")
TEMPLATES: Final = ("csv", "gpkg")

app = typer.Typer(no_args_is_help=True, rich_markup_mode=None)


@app.command(
    "export",
    help="Écrit l’annuaire de l’accompagnement : table à modifier dans un tableur (csv), GeoPackage à modifier dans un "
    "SIG (gpkg), ou structures et services au schéma data·inclusion v1 (data-inclusion).",
)
def export_(
    *,
    out: Annotated[Path, typer.Option(metavar="FICHIER", help="Fichier à écrire ; il est remplacé s’il existe.")],
    format_: Annotated[
        str, typer.Option("--format", metavar="{csv|gpkg|data-inclusion}", help="Format du fichier.")
    ] = "csv",
) -> None:
    """Write the directory."""
    from observatory.commands.session import messages, transaction
    from observatory.store.directory import directory_store

    if format_ not in FORMATS:
        raise UsageError(f"Le format « {format_} » n’existe pas : choisissez parmi {', '.join(FORMATS)}.")
    with transaction() as connection:
        entries = list(directory_store.entries(connection).values())
        _write(connection, entries, out, format_)
    places = sum(len(one.places) for one in entries)
    messages().print(f"{out} : {len(entries)} structures, {places} lieux et permanences.", markup=False)


@app.command(
    "template",
    help="Écrit un modèle d’annuaire à remplir, avec un exemple par colonne ; retirez l’exemple avant d’importer.",
)
def template(
    *,
    out: Annotated[Path, typer.Option(metavar="FICHIER", help="Fichier à écrire ; il est remplacé s’il existe.")],
    format_: Annotated[str, typer.Option("--format", metavar="{csv|gpkg}", help="Format du fichier.")] = "csv",
) -> None:
    """Write an empty directory with one example."""
    from observatory.commands.session import messages
    from observatory.publish import directory_files as publication
    from observatory.publish.directory_template import EXAMPLE

    if format_ not in TEMPLATES:
        raise UsageError(f"Le format « {format_} » n’existe pas : choisissez parmi {', '.join(TEMPLATES)}.")
    writer = publication.write_csv if format_ == "csv" else publication.write_gpkg
    writer([EXAMPLE], out)
    messages().print(
        f"{out} : un exemple à remplacer par vos structures. Colonnes : docs/guide.md, « Annuaire ».", markup=False
    )


@app.command(
    "import",
    help="Importe un annuaire (CSV, XLSX ou GeoPackage) : dit ce qui est ajouté, modifié champ par champ, refusé et "
    "pourquoi. Rien n’est retiré sans --remove-absent. Tout passe, ou rien.",
)
def import_(
    file: Annotated[Path, typer.Argument(metavar="FICHIER", help="Annuaire, tel que « export » ou « template ».")],
    *,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Montre ce qui changerait, sans rien écrire.")] = False,
    remove_absent: Annotated[
        bool,
        typer.Option("--remove-absent", help="Retire les structures et les lieux que le fichier ne nomme pas."),
    ] = False,
    accept_fewer: Annotated[
        bool,
        typer.Option(
            "--accept-fewer",
            help="Avec --remove-absent, accepte un fichier qui nomme moins de la moitié de l’annuaire.",
        ),
    ] = False,
) -> None:
    """Import a directory and print what it changes."""
    from observatory.commands.import_changes import print_outcome
    from observatory.commands.session import messages, opened
    from observatory.sources.directory import directory_file, directory_gpkg
    from observatory.store.directory import directory_store
    from observatory.store.ingest.snapshot_load import migrate

    read = directory_gpkg.read if directory_gpkg.is_geopackage(file) else directory_file.read
    frame, present = read(file)
    today = datetime.now(UTC).date().isoformat()
    with opened() as engine:
        migrate(engine)
        with engine.begin() as connection:
            directory_store.take_turn(connection)
            outcome = directory_store.import_rows(
                connection,
                frame,
                present,
                file_name=file.name,
                today=today,
                removes_absent=remove_absent,
                accepts_fewer=accept_fewer,
                is_trial=dry_run,
            )
    print_outcome(
        outcome.changes,
        outcome.refused,
        outcome.notes,
        unchanged_count=outcome.unchanged_count,
        row_count=outcome.row_count,
    )
    console = messages()
    if outcome.absent:
        console.print(
            f"{len(outcome.absent)} structures de l’annuaire absentes du fichier restent : --remove-absent les retire.",
            markup=False,
        )
    if dry_run:
        console.print("Essai : rien n’a été écrit.", markup=False)
    elif outcome.changes:
        console.print(
            "L’annuaire est à jour ; les lacunes d’accompagnement sont à recalculer avec ses zones, phases et "
            "permanences : « observatory compute ».",
            markup=False,
        )
    else:
        console.print("Inchangé : l’annuaire dit déjà ce que dit le fichier.", markup=False)


def _write(connection: Connection, entries: list, out: Path, format_: str) -> None:  # type: ignore[type-arg]
    from observatory.publish import directory_files as publication
    from observatory.store.directory import directory_store

    if format_ == "csv":
        publication.write_csv(entries, out)
    elif format_ == "gpkg":
        publication.write_gpkg(entries, out)
    else:
        publication.write_data_inclusion(
            entries,
            out,
            communes=directory_store.commune_names(connection),
            departements=directory_store.departements(connection),
        )
