"""Equipments by commune (INSEE, BPE 2024): a commune that the file lacks has none."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import pandas as pd

from observatory.declared.reference import equipments
from observatory.errors import InputFileError
from observatory.sources.batch import Batch, Sieve
from observatory.sources.figures.long_form import long_values
from observatory.sources.formats import cell_text
from observatory.sources.formats.tables import read_exact, read_table
from observatory.sources.registry import Source, figures

FILE: Final = "bpe2024_communes.csv"
SOURCE_ID: Final = "insee_bpe_2024"
PERIOD: Final = "2024"
EQUIPMENTS: Final = (
    "ecole_primaire",
    "boulangerie",
    "superette",
    "poste",
    "medecin_generaliste",
    "infirmier",
    "creche",
    "sport_terrain",
    "sport_piscine",
    "pharmacie",
    "college",
    "sport_salle",
    "grande_surface",
    "gare",
    "structure_sante",
    "lycee",
)
LONG: Final = {
    "code": ("GEO",),
    "kind": ("GEO_OBJECT",),
    "facility": ("FACILITY_TYPE",),
    "count": ("OBS_VALUE",),
    "period": ("TIME_PERIOD",),
}
"""INSEE's own file: one row per territory and type of equipment."""
COMMUNE: Final = "COM"


def read(path: Path) -> pd.DataFrame:
    """Read the file as text.

    Raises
    ------
    InputFileError
        If it is absent or is not what it should be.
    """
    try:
        return read_exact(path, ("commune_code", *EQUIPMENTS))
    except InputFileError:
        # Not the table of figures: INSEE's own file, or neither, which it then says.
        return read_table(path, LONG, optional=["period"])


def normalise(frame: pd.DataFrame, *, communes: set[str], file_name: str = FILE) -> Batch:
    """Count the equipments of every commune, zero where the file lacks it.

    INSEE's own file gives the types whose code ``geodata/equipments.toml`` declares.

    Returns
    -------
    Batch
        Frame: one row for each of ``communes``, and ``period`` if it is INSEE's own file.
    """
    if "facility" in frame:
        return _from_long(frame, communes, file_name)
    sieve = Sieve(frame, SOURCE_ID, file_name, shown=("commune_code",))
    sieve.drop_duplicates(["commune_code"])
    cell_text.numbers(sieve, list(EQUIPMENTS))
    cell_text.reject_unknown_communes(sieve, communes)
    counts = sieve.frame.set_index("commune_code")[list(EQUIPMENTS)]
    absent = pd.DataFrame(0.0, index=sorted(communes - set(counts.index)), columns=list(EQUIPMENTS))
    return sieve.batch(pd.concat([counts, absent]).sort_index().rename_axis("commune_code").reset_index())


def _from_long(frame: pd.DataFrame, communes: set[str], file_name: str) -> Batch:
    declared = equipments()
    sieve = Sieve(frame, SOURCE_ID, file_name, shown=tuple(LONG))
    cell_text.reject_repeated_headers(sieve)
    sieve.leave_outside(sieve.frame["kind"].ne(COMMUNE) | ~sieve.frame["facility"].isin(declared))
    cell_text.reject_codes(sieve, "code")
    sieve.leave_outside(~sieve.frame["code"].str[:2].isin({code[:2] for code in communes}))
    cell_text.reject_unknown_communes(sieve, communes, column="code")
    cell_text.numbers(sieve, ["count"])
    sieve.reject(sieve.frame["count"].isna() | (sieve.frame["count"] < 0), "nombre absent ou négatif")
    cell_text.reject_contradictions(sieve, ["code", "facility", "period"], ["count"])
    periods = sorted(set(sieve.frame["period"].dropna()))
    if len(periods) > 1:
        raise InputFileError(
            f"Le fichier de la BPE mêle plusieurs années ({', '.join(periods)}) : donnez celui d’une seule année."
        )
    named = sieve.frame.assign(name=sieve.frame["facility"].map(declared))
    counts = named.pivot_table(index="code", columns="name", values="count", aggfunc="sum", fill_value=0.0)
    whole = counts.reindex(index=sorted(communes), columns=sorted(set(declared.values())), fill_value=0.0)
    period = periods[0] if periods else PERIOD
    return sieve.batch(whole.rename_axis("commune_code").rename_axis(None, axis=1).reset_index().assign(period=period))


def values(frame: pd.DataFrame) -> pd.DataFrame:
    """Return the counts in long form, level ``commune``."""
    period = str(frame["period"].iloc[0]) if "period" in frame else PERIOD
    columns = {name: (f"bpe_{name}_count", period) for name in EQUIPMENTS if name in frame}
    return long_values(frame, level="commune", code="commune_code", columns=columns, source_id=SOURCE_ID)


SOURCE: Final = Source(
    source_id=SOURCE_ID,
    fills=("values",),
    needs={"communes": "communes"},
    read=read,
    normalise=normalise,
    tables=figures(values, gives_some=lambda _: True),
    snapshot_file=FILE,
)
