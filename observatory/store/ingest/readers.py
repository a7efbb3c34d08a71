"""How the file of each source becomes tables: the readers that ``observatory ingest SOURCE --from-file`` knows."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import geodata
from observatory.store.ingest import producer_readers
from observatory.store.ingest.context import Known

if TYPE_CHECKING:
    import pandas as pd

    from observatory.sources.batch import Batch

Tables = Mapping[str, "pd.DataFrame"]
"""By table of the snapshot: ``values``, ``zonings``, or ``structures`` with their services and records."""
Reader = Callable[[Path, Known], "tuple[Batch, Tables]"]
"""Reads a file: the account of its rows, and what they become."""


def readers() -> Mapping[str, Reader]:
    """Return the reader of each source; the other sources are loaded through the snapshot only."""
    from observatory.sources.figures import defm, deld, iris, sinoe, ze_unemployment
    from observatory.sources.structures import france_services, recherche_entreprises, sirene_ess
    from observatory.sources.territories.commune_class import DENSITY_GRID, FRR_LIST
    from observatory.store.ingest.register_readers import read_search, read_sirene

    whole = {"communes": "communes", "region_communes": "region_communes", "departements": "all_departements"}
    placed = {"communes": "communes", "departements": "all_departements"}
    return {
        defm.SOURCE_ID: _values(defm, communes="communes", departements="departements"),
        deld.SOURCE_ID: _values(deld, departements="departements"),
        DENSITY_GRID.source_id: _zonings(DENSITY_GRID, **whole),
        france_services.SOURCE_ID: _structures(france_services, **placed),
        FRR_LIST.source_id: _zonings(FRR_LIST, **whole),
        iris.SOURCE_ID: _values(iris, communes="communes"),
        recherche_entreprises.SOURCE_ID: read_search,
        sirene_ess.SOURCE_ID: read_sirene,
        **{
            table.source_id: _values(table, departements="departements")
            for table in (sinoe.DECHETERIES, sinoe.COLLECTED, sinoe.TREATED)
        },
        ze_unemployment.SOURCE_ID: _values(ze_unemployment, zones="zones"),
        **producer_readers.readers(),
    }


def _batch(module: Any, path: Path, known: Known, needs: Mapping[str, str], **others: str) -> Batch:  # noqa: ANN401
    context = {name: getattr(known, attribute) for name, attribute in needs.items()}
    batch: Batch = module.normalise(module.read(path), **context, **others)
    return batch


def _values(module: Any, **needs: str) -> Reader:  # noqa: ANN401  (a module)
    def read(path: Path, known: Known) -> tuple[Batch, Tables]:
        batch = _batch(module, path, known, needs)
        return batch, {"values": module.values(batch.frame)}

    return read


def _zonings(module: Any, **needs: str) -> Reader:  # noqa: ANN401  (a module)
    def read(path: Path, known: Known) -> tuple[Batch, Tables]:
        batch = _batch(module, path, known, needs, file_name=path.name)
        return batch, {"zonings": module.zonings(batch.frame)}

    return read


def _structures(module: Any, **needs: str) -> Reader:  # noqa: ANN401  (a module)
    def read(path: Path, known: Known) -> tuple[Batch, Tables]:
        from observatory.sources.structures import structure_file

        batch = _batch(module, path, known, needs, file_name=path.name)
        declared = geodata.declarations("services")
        return batch, structure_file.tables(batch.frame, gazetteer=known.gazetteer, declarations=declared)

    return read
