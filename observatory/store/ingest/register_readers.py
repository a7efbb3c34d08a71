"""How the files of the registers of establishments become tables: structures of the ESS, and closures."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import geodata
from observatory.errors import InputFileError
from observatory.store.ingest import closures
from observatory.store.ingest.context import Known

if TYPE_CHECKING:
    import pandas as pd

    from observatory.sources.batch import Batch


def read_sirene(path: Path, known: Known) -> tuple[Batch, dict[str, pd.DataFrame]]:
    """Read the stock files of Sirene: a directory that holds them, told apart by their columns.

    Raises
    ------
    InputFileError
        If one is lacking, or isn't what INSEE publishes.
    """
    from observatory.sources.structures import sirene_ess, sirene_stock

    extract = sirene_stock.recognise(_files(path))
    stock = sirene_stock.read(
        extract,
        departements=known.all_departements,
        families=geodata.declarations("services")["ess_families"],
        known=closures.known_sirets(known.connection),
    )
    found = sirene_ess.normalise(
        stock,
        file_name=extract.establishments.name,
        communes=known.communes,
        successor=known.successor,
        departements=known.all_departements,
        own=closures.known_sirets(known.connection, source_id=sirene_ess.SOURCE_ID),
    )
    return found.batch, _tables(found, known)


def read_search(path: Path, known: Known) -> tuple[Batch, dict[str, pd.DataFrame]]:
    """Read answers of the API Recherche d'entreprises, as they were saved.

    Raises
    ------
    InputFileError
        If the file isn't what the API answers.
    """
    from observatory.sources.structures import recherche_entreprises

    found = recherche_entreprises.normalise(
        recherche_entreprises.read(path),
        file_name=path.name,
        communes=known.communes,
        successor=known.successor,
        departements=known.all_departements,
        own=closures.known_sirets(known.connection, source_id=recherche_entreprises.SOURCE_ID),
        known=closures.known_sirets(known.connection),
    )
    return found.batch, _tables(found, known)


def _tables(found: Any, known: Known) -> dict[str, pd.DataFrame]:  # noqa: ANN401  (sirene_ess.Read, not imported here)
    from observatory.sources.batch import LINE
    from observatory.sources.structures import sirene_ess, structure_file

    located = sirene_ess.locate(found.batch.frame.drop(columns=LINE), known.gazetteer)
    declared = geodata.declarations("services")
    tables = structure_file.assembled(located, declarations=declared, reasons=found.reasons)
    return {**tables, closures.TABLE: found.closures}


def _files(path: Path) -> list[Path]:
    if not path.is_dir():
        return [path]
    try:
        found = sorted(one for one in path.iterdir() if one.is_file())
    except OSError as error:
        raise InputFileError(f"Le dossier {path} est illisible : vérifiez ses droits.") from error
    if not found:
        raise InputFileError(f"Le dossier {path} est vide : mettez-y les fichiers de Sirene.")
    return found
