"""Tonnes of waste by département, year and class (ADEME, SINOE): brought to déchèteries, collected, and treated."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import pandas as pd

from observatory.sources.batch import Batch, Sieve
from observatory.sources.figures.long_form import valued
from observatory.sources.formats import cell_text
from observatory.sources.formats.cell_text import heading
from observatory.sources.formats.tables import read_table
from observatory.sources.registry import Source, figures

KILOGRAM_DECIMALS: Final = 3
PLACE: Final = ["code", "period"]


@dataclass(frozen=True)
class Tonnages:
    """One of SINOE's tables of tonnes."""

    source_id: str
    file: str
    columns: Mapping[str, Sequence[str]]
    """``year, departement_code, class, tonnes`` and what else tells its rows apart → headings."""
    classes: Mapping[str, str]
    """What ``class`` may say, whatever its case and accents → indicator."""
    total: str | None = None
    """Indicator of all classes together; None: the table's classes aren't to be added up."""

    def read(self, path: Path) -> pd.DataFrame:
        """Read the lines of Data Fair, or their CSV export (decimal comma), as text.

        Raises
        ------
        InputFileError
            If it is absent or is not what it should be.
        """
        return read_table(path, self.columns, as_list=True)

    def normalise(self, frame: pd.DataFrame, *, departements: set[str], file_name: str | None = None) -> Batch:
        """Add up the tonnes of some départements by year and class, and by year; a sum that lacks a row is missing.

        Rows that say the same twice are duplicates; rows that contradict each other are put aside.

        Parameters
        ----------
        frame
            As read.
        departements
            Those to keep.
        file_name
            Where it comes from; None: the file of this source.

        Returns
        -------
        Batch
            Frame: ``code, period, indicator, value`` (tonnes). ``value`` is NaN where a row of the sum was put aside.
        """
        sieve = Sieve(frame, self.source_id, file_name or self.file, shown=tuple(self.columns))
        keys = [name for name in self.columns if name != "tonnes"]
        cell_text.reject_repeated_headers(sieve)
        sieve.leave_outside(~sieve.frame["departement_code"].isin(departements))
        sieve.reject(~sieve.frame["year"].fillna("").str.fullmatch(r"\d{4}"), "année illisible")
        known = {heading(name): indicator for name, indicator in self.classes.items()}
        indicator = sieve.frame["class"].fillna("").map(heading).map(known)
        told = sieve.frame.assign(code=sieve.frame["departement_code"], period=sieve.frame["year"], indicator=indicator)
        cell_text.numbers(sieve, ["tonnes"])
        sieve.reject(sieve.frame["tonnes"].isna() | (sieve.frame["tonnes"] < 0), "tonnage absent ou négatif")
        sieve.reject(indicator.loc[sieve.frame.index].isna(), "classe hors nomenclature")
        first = sieve.frame.drop_duplicates([*keys, "tonnes"]).index
        repeated = told.index.isin(sieve.frame.index.difference(first))
        cell_text.reject_contradictions(sieve, keys, ["tonnes"])
        lost = told.loc[~told.index.isin(sieve.frame.index) & ~repeated]
        kept = told.loc[sieve.frame.index].assign(value=sieve.frame["tonnes"])
        parts = _added(kept, [*PLACE, "indicator"], lost)
        if self.total is None:
            return sieve.batch(parts)
        whole = _added(parts, PLACE, lost).assign(indicator=self.total)
        return sieve.batch(pd.concat([parts, whole], ignore_index=True)[[*PLACE, "indicator", "value"]])

    def values(self, frame: pd.DataFrame) -> pd.DataFrame:
        """Return the tonnages in long form, level ``departement``, from a normalised frame."""
        return valued(frame.assign(level="departement"), self.source_id)


TYPES: Final = {
    "02A": "decheterie_dangereux_t",
    "02B": "decheterie_recyclables_t",
    "02C": "decheterie_verts_t",
    "02D": "decheterie_encombrants_t",
    "02E": "decheterie_gravats_t",
    "02F": "decheterie_deee_t",
    "02Z": "decheterie_autres_t",
}
"""SINOE's type of waste (``C_TYP_REG_DECHET``) → indicator."""
DECHETERIES: Final = Tonnages(
    source_id="ademe_sinoe_decheterie",
    file="sinoe_decheterie_tonnage_dept.csv",
    columns={
        "year": ("ANNEE",),
        "departement_code": ("C_DEPT",),
        "class": ("C_TYP_REG_DECHET",),
        "treatment": ("C_TYP_REG_SERVICE",),
        "tonnes": ("TONNAGE_DECH",),
    },
    # A spreadsheet that takes « 02A » for « 2A » loses nothing: no other code ends so.
    classes=TYPES | {code.lstrip("0"): indicator for code, indicator in TYPES.items()},
    total="decheterie_total_t",
)
"""Tonnages brought to déchèteries, by type of waste and treatment."""
COLLECTED: Final = Tonnages(
    source_id="ademe_sinoe_dma",
    file="sinoe-tonnage-dma-par-type-de-dechet.json",
    columns={
        "year": ("ANNEE",),
        "departement_code": ("C_DEPT",),
        "class": ("L_TYP_REG_DECHET",),
        "tonnes": ("TONNAGE_DMA_T", "TONNAGE_T", "TONNAGE_DMA"),
    },
    classes={
        "Ordures ménagères résiduelles": "dma_residuelles_t",
        "Déblais et gravats": "dma_gravats_t",
        "Encombrants": "dma_encombrants_t",
        "Déchets dangereux (y.c. DEEE)": "dma_dangereux_t",
        "Matériaux recyclables": "dma_recyclables_t",
        "Déchets verts et biodéchets": "dma_biodechets_t",
        "Autres": "dma_autres_t",
    },
    total="dma_total_t",
)
"""Household and similar waste collected, by type (« DMA par type de déchet »)."""
TREATED: Final = Tonnages(
    source_id="ademe_sinoe_dma_traitement",
    file="sinoe-destination-des-dma-collectes-par-type-de-traitement.json",
    columns={
        "year": ("ANNEE",),
        "departement_code": ("C_DEPT",),
        "waste": ("L_TYP_REG_DECHET",),
        "class": ("L_TYP_REG_SERVICE",),
        "tonnes": ("TONNAGE_DMA", "TONNAGE_DMA_T", "TONNAGE_T"),
    },
    classes={
        "Valorisation matière": "dma_valorisation_matiere_t",
        "Valorisation organique": "dma_valorisation_organique_t",
        "Incinération avec récupération d'énergie": "dma_incineration_energie_t",
        "Incinération sans récupération d'énergie": "dma_incineration_sans_energie_t",
        "Stockage": "dma_stockage_t",
        "Stockage pour inertes": "dma_stockage_inertes_t",
        "Non précisé": "dma_traitement_non_precise_t",
    },
)
"""Where collected household waste goes, by type and treatment (« destination des DMA »)."""


def _added(frame: pd.DataFrame, by: list[str], lost: pd.DataFrame) -> pd.DataFrame:
    """Add up to the kilogram, so that the total is the sum of its parts as shown; NaN where ``lost`` has a row."""
    added = frame.groupby(by, sort=True)["value"].sum(min_count=1).round(KILOGRAM_DECIMALS).reset_index()
    holes = pd.MultiIndex.from_frame(lost[by])
    return added.assign(value=added["value"].mask(pd.MultiIndex.from_frame(added[by]).isin(holes)))


SOURCES: Final = tuple(
    Source(
        source_id=table.source_id,
        fills=("values",),
        needs={"departements": "departements"},
        read=table.read,
        normalise=table.normalise,
        tables=figures(table.values),
        snapshot_file=table.file if table is DECHETERIES else None,
    )
    for table in (DECHETERIES, COLLECTED, TREATED)
)
