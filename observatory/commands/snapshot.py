"""``observatory snapshot build``: make the bundled data from the figures."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from rich.table import Table

    from observatory.sources.batch import Batch

app = typer.Typer(no_args_is_help=True)


@app.callback()
def _group() -> None:
    """Construit les données livrées avec l'observatoire."""


@app.command(
    "build", help="Construit le snapshot à partir des tables de figures ; l’ancien reste en place en cas d’échec."
)
def build(
    figures: Annotated[Path, typer.Option("--figures", help="Dossier des tables de figures.")],
    out: Annotated[Path | None, typer.Option("--out", help="Dossier d’arrivée (défaut : geodata/snapshot).")] = None,
) -> None:
    """Build the snapshot and tell, source by source, what became of each row."""
    from rich.console import Console

    import geodata
    from observatory.sources import snapshot_build

    console = Console(stderr=True)
    directory = out or geodata.snapshot()
    with console.status("Lecture des sources") as status:
        built = snapshot_build.build(figures, step=status.update)
        status.update("Écriture")
        size = snapshot_build.write(built, directory)
    console.print(_account(built.batches))
    for note in built.notes:
        console.print(f"· {note}", highlight=False)
    rows = " · ".join(f"{name} {len(table)}" for name, table in built.tables.items())
    console.print(f"Écrit dans {directory} : {size / 1e6:.1f} Mo. {rows}", highlight=False)


def _account(batches: tuple[Batch, ...]) -> Table:
    """Lay the account of each source out as a table."""
    from rich.table import Table

    table = Table(title="Lignes lues = gardées + rejetées + en double + hors périmètre")
    table.add_column("Source")
    table.add_column("Fichier")
    for label in ("lues", "gardées", "rejetées", "en double", "hors périmètre", "valeurs écartées"):
        table.add_column(label, justify="right")
    for batch in batches:
        counts = (
            batch.read_count,
            batch.kept_count,
            batch.rejected_count,
            batch.duplicate_count,
            batch.outside_count,
            batch.rejected_cell_count,
        )
        table.add_row(batch.source_id, batch.file_name, *(str(count) for count in counts))
    return table


@app.command("dictionary", help="Écrit le dictionnaire des données à partir des déclarations.")
def dictionary(
    out: Annotated[Path, typer.Option("--out", help="Fichier d’arrivée.")] = Path("docs/data-dictionary.md"),
) -> None:
    """Write the generated data dictionary."""
    from observatory.errors import InputFileError
    from observatory.publish.data_dictionary import render

    if not out.parent.is_dir():
        raise InputFileError(
            f"Le dossier « {out.parent} » n’existe pas : créez-le, ou indiquez un autre fichier avec --out."
        )
    out.write_text(render(), encoding="utf-8")
