"""Figures published for whole EPCI, départements, zones d'emploi and bassins de vie (INSEE).

They count what lies beyond the région too. What a producer gives of a whole territory can't be found from its parts: a
poverty rate isn't a mean of rates.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Final

import pandas as pd

from observatory.sources.batch import Batch, Sieve
from observatory.sources.figures.long_form import long_values
from observatory.sources.formats import cell_text
from observatory.sources.formats.tables import reader
from observatory.sources.registry import Source, figures

CODE: Final = "code"
NAME: Final = "libelle"
INCOME_SOURCE_ID: Final = "insee_filosofi_2021"
LATEST_SOURCE_ID: Final = "insee_population_2023"
POPULATION: Final = {"P22_POP": ("population_count", "2022")}
LATEST: Final = {"P23_POP": ("population_2023_count", "2023")}
INCOME: Final = {
    "rev_med_21": ("median_eur", "2021"),
    "rev_txpauv_21": ("poverty_pct", "2021"),
    "rev_prestasoc_21": ("social_benefits_pct", "2021"),
}
LIVING: Final = {
    "dm_pop_vtcam_1622": ("population_change_yearly_pct", "2022"),
    "dm_sn_vtcam_1622": ("natural_balance_yearly_pct", "2022"),
    "dmv_75p_pct_22": ("age75p_pct", "2022"),
    "soc_txchom_1564_22": ("unemployment_1564_pct", "2022"),
    "dsp_dipl_infbac_pct_22": ("below_bac_pct", "2022"),
    "men_mono_pct_22": ("single_parent_households_pct", "2022"),
    "log_vac_pct_22": ("vacant_housing_pct", "2022"),
}
ALONE: Final = {"dmv_80p_seul_pct_22": ("age80p_living_alone_pct", "2022")}
WORK: Final = {"eco_txemp_1564_22": ("employment_1564_pct", "2022")}
SIGNED: Final = frozenset({"dm_pop_vtcam_1622", "dm_sn_vtcam_1622"})
"""Yearly rates of change: they may be negative."""
FULL_PCT: Final = 100.0
Columns = dict[str, tuple[str, str]]
"""Column of the file → (indicator, period)."""


def normalise(frame: pd.DataFrame, *, codes: set[str], source_id: str, file_name: str) -> Batch:
    """Keep the territories of the observatory; rows of means (``00FR``) and of elsewhere stay out.

    Parameters
    ----------
    frame
        As read: ``code, libelle`` and one column per figure.
    codes
        Those of the level.
    source_id
        Source of the file.
    file_name
        Its name.

    Returns
    -------
    Batch
        Frame: the file's columns, figures as floats; a share beyond 0–100 % or a negative count is put aside.
    """
    sieve = Sieve(frame, source_id, file_name, shown=(CODE, NAME))
    sieve.leave_outside(~sieve.frame[CODE].isin(codes))
    said = [name for name in frame.columns if name in _ALL]
    cell_text.numbers(sieve, said)
    cell_text.reject_contradictions(sieve, [CODE], said)
    for column in said:
        value = sieve.frame[column]
        is_rate = _ALL[column][0].endswith("_pct")
        least = -FULL_PCT if column in SIGNED else 0.0
        is_beyond = (value < least) | (value > (FULL_PCT if is_rate else float("inf")))
        sieve.reject_cells(column, is_beyond, "valeur hors de l’étendue possible")
    return sieve.batch()


def values(frame: pd.DataFrame, *, level: str, source_id: str) -> pd.DataFrame:
    """Return the figures in long form; each has the source of its producer's own file."""
    parts = []
    for columns, owner in (
        (POPULATION | LIVING | ALONE | WORK, source_id),
        (INCOME, INCOME_SOURCE_ID),
        (LATEST, LATEST_SOURCE_ID),
    ):
        said = {name: told for name, told in columns.items() if name in frame}
        if said:
            parts.append(long_values(frame, level=level, code=CODE, columns=said, source_id=owner))
    return pd.concat(parts, ignore_index=True)


def populations(path: Path, *, codes: set[str]) -> pd.Series:
    """Return the population of 2022 of each of some territories, from a file of theirs: persons, by code."""
    columns = (CODE, NAME, *POPULATION)
    frame = normalise(reader(columns)(path), codes=codes, source_id=path.stem, file_name=path.name).frame
    count: pd.Series = frame.set_index(CODE)["P22_POP"]
    return count


def _source(source_id: str, level: str, codes: str, file: str, columns: Columns) -> Source:
    """Declare the file of one level."""

    def normalised(frame: pd.DataFrame, *, codes: set[str], file_name: str = file) -> Batch:
        return normalise(frame, codes=codes, source_id=source_id, file_name=file_name)

    laid: Callable[[pd.DataFrame], pd.DataFrame] = lambda frame: values(frame, level=level, source_id=source_id)  # noqa: E731
    return Source(
        source_id=source_id,
        fills=("values",),
        needs={"codes": codes},
        read=reader((CODE, NAME, *columns)),
        normalise=normalised,
        tables=figures(laid),
        snapshot_file=file,
    )


_ALL: Final[Columns] = POPULATION | LATEST | INCOME | LIVING | ALONE | WORK
SOURCES: Final = (
    _source(
        "insee_epci_2022", "epci", "epci", "epci_indicators_normandie.csv", POPULATION | LATEST | INCOME | LIVING | WORK
    ),
    _source("insee_departements_2022", "departement", "departements", "dep_indicators_normandie.csv", _ALL),
    _source("insee_zones_emploi_2022", "zone_emploi", "zones", "ze_indicators_normandie.csv", _ALL),
    _source(
        "insee_bassins_vie_2022",
        "bassin_vie",
        "bassins",
        "bv2022_eco_indicators_normandie.csv",
        POPULATION | LATEST | WORK,
    ),
)
