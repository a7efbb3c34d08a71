"""Communes of chosen EPCI, from geo.api.gouv.fr (``/epcis/{siren}/communes``): the other EPCI keep theirs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import pandas as pd

import geodata
from observatory.errors import InputFileError
from observatory.sources.batch import Batch
from observatory.sources.formats.tables import reader
from observatory.sources.registry import Source
from observatory.sources.territories import epci_membership, geo_api

FILE: Final = "epci_communes.json"
SOURCE_ID: Final = "geo_api_epci"

read: Final = reader(geo_api.COLUMNS, optional=["epci_name"], as_list=True)
"""One answer of the API, or several put together, as text; ``codeEpci`` or ``epci`` must be among the fields."""


def bundled_epci() -> list[str]:
    """Return the codes of the EPCI of the snapshot in use."""
    territories = pd.read_parquet(geodata.snapshot() / "territories.parquet", columns=["level", "code"])
    return sorted(territories.loc[territories["level"].eq("epci"), "code"])


def normalise(
    frame: pd.DataFrame,
    *,
    region_communes: set[str],
    members: Mapping[str, str],
    epci_names: Mapping[str, str],
    departements: set[str],
    file_name: str = FILE,
) -> Batch:
    """Keep the communes of the region; each EPCI of the file must still have all its loaded communes.

    Parameters
    ----------
    region_communes
        Communes of the region.
    members
        Loaded communes of the region → their EPCI.
    epci_names
        Loaded EPCI → their name, which stands where the file doesn't say it.
    departements
        Those of the region.

    Returns
    -------
    Batch
        Frame: ``commune_code, epci_code, epci_name, is_partial``.

    Raises
    ------
    InputFileError
        If a loaded commune of an EPCI isn't in its list any more: where it went isn't said.
    """
    named = frame["epci_name"].combine_first(frame["epci_code"].map(epci_names))
    batch = epci_membership.kept(
        frame.assign(epci_name=named),
        source_id=SOURCE_ID,
        file_name=file_name,
        region_communes=region_communes,
        departements=departements,
    )
    told = dict(zip(batch.frame["commune_code"], batch.frame["epci_code"], strict=True))
    listed = set(told.values())
    gone = sorted(code for code, epci in members.items() if epci in listed and code not in told)
    if gone:
        some = ", ".join(gone[: epci_membership.SHOWN])
        raise InputFileError(
            f"« {file_name} » ne donne plus {len(gone)} communes que ces EPCI ont ({some}) : la liste est tronquée, "
            "ou elles ont changé d’EPCI. Rien n’est changé ; chargez celle de toutes les communes par « observatory "
            "ingest geo_api »."
        )
    return batch


def memberships(frame: pd.DataFrame) -> pd.DataFrame:
    """Return the rows to load, from a normalised frame."""
    return epci_membership.rows(frame, vintage=geo_api.VINTAGE, source_id=SOURCE_ID)


SOURCE: Final = Source(
    source_id=SOURCE_ID,
    fills=("memberships",),
    needs={name: name for name in ("region_communes", "members", "epci_names", "departements")},
    read=read,
    normalise=normalise,
    tables=lambda batch, _: {"memberships": memberships(batch.frame)},
)
