"""One class by commune (a zoning) from its producer's own file: all communes of the region, or nothing."""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd

from observatory.errors import InputFileError
from observatory.sources.batch import Batch, Sieve
from observatory.sources.formats import cell_text
from observatory.sources.territories.zoning import LABELLED, part

SHOWN = 3
"""Examples given in a message."""


def classified(
    sieve: Sieve, *, codes: Mapping[str, str], communes: set[str], region_communes: set[str], departements: set[str]
) -> Batch:
    """Keep the communes of the observatory, each with a class of the nomenclature.

    Parameters
    ----------
    sieve
        Rows with ``commune_code`` and ``label``.
    codes
        Label → code of the nomenclature.
    communes
        Communes that the observatory knows, border included.
    region_communes
        Those of the region: each must have its class, or the file is truncated or damaged.
    departements
        Those of the communes known: elsewhere is out of the perimeter.

    Returns
    -------
    Batch
        Frame: ``commune_code, label, value_code``. A commune that the territories lack is a rejected row.

    Raises
    ------
    InputFileError
        If a commune of the region has no class.
    """
    cell_text.reject_repeated_headers(sieve)
    cell_text.reject_codes(sieve, "commune_code")
    sieve.leave_outside(~sieve.frame["commune_code"].str[:2].isin(departements))
    sieve.reject(~sieve.frame["label"].isin(codes), "classe absente ou hors nomenclature")
    sieve.reject(~sieve.frame["commune_code"].isin(communes), "commune absente des territoires de l'observatoire")
    cell_text.reject_contradictions(sieve, ["commune_code"], ["label"])
    absent = sorted(region_communes - set(sieve.frame["commune_code"]))
    if absent:
        raise InputFileError(
            f"« {sieve.file_name} » ne classe pas {len(absent)} des {len(region_communes)} communes de Normandie (par "
            f"exemple {', '.join(absent[:SHOWN])}) : il est tronqué ou abîmé, téléchargez-le de nouveau. Rien n'est "
            "changé."
        )
    return sieve.batch(sieve.frame.assign(value_code=sieve.frame["label"].map(codes)))


def zoning_rows(frame: pd.DataFrame, column: str) -> pd.DataFrame:
    """Return the rows of ``zonings`` for a classified frame; ``column`` is the zoning's key in ``LABELLED``."""
    zoning, _, source_id, vintage = LABELLED[column]
    return part(
        frame["commune_code"], zoning, frame["value_code"], frame["label"], vintage=vintage, source_id=source_id
    )
