"""``observatory snapshot build``: make the bundled data from the figures."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer(no_args_is_help=True)


@app.callback()
def _group() -> None:
    """Construit les données livrées avec l'observatoire."""


@app.command(
    "build", help="Construit le snapshot à partir des tables de figures ; l'ancien reste en place en cas d'échec."
)
def build(
    figures: Annotated[Path, typer.Option("--figures", help="Dossier des tables de figures.")],
    out: Annotated[Path | None, typer.Option("--out", help="Dossier d'arrivée (défaut : geodata/snapshot).")] = None,
) -> None:
    """Build the snapshot and tell, source by source, what became of each row."""
    from rich.console import Console

    import geodata
    from observatory.sources import snapshot

    console = Console(stderr=True)
    directory = out or geodata.SNAPSHOT
    with console.status("Lecture des sources") as status:
        built = snapshot.build(figures, step=lambda label: status.update(label))
        status.update("Écriture")
        size = snapshot.write(built, directory)
    console.print(_account(built.batches))
    for note in built.notes:
        console.print(f"· {note}", highlight=False)
    rows = " · ".join(f"{name} {len(table)}" for name, table in built.tables.items())
    console.print(f"Écrit dans {directory} : {size / 1e6:.1f} Mo. {rows}", highlight=False)


def _account(batches: tuple[object, ...]) -> object:
    """Lay the account of each source out as a table."""
    from rich.table import Table

    from observatory.sources.batch import Batch

    table = Table(title="Lignes lues = gardées + rejetées + en double + hors périmètre")
    table.add_column("Source")
    table.add_column("Fichier")
    for label in ("lues", "gardées", "rejetées", "en double", "hors périmètre", "valeurs écartées"):
        table.add_column(label, justify="right")
    for batch in batches:
        assert isinstance(batch, Batch)
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
