"""One class by commune (a zoning) from its producer's own file: all communes of the region, or nothing."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import pandas as pd

from observatory.declared.region import home_region
from observatory.errors import InputFileError
from observatory.sources.batch import Batch, Sieve
from observatory.sources.formats import cell_text
from observatory.sources.formats.table_layout import Columns
from observatory.sources.formats.tables import read_table
from observatory.sources.registry import Source, classes
from observatory.sources.territories.zoning import DENSITY, LABELLED, part

SHOWN: Final = 3
"""Examples given in a message."""


@dataclass(frozen=True)
class CommuneClass:
    """The file of a zoning."""

    column: str
    """The zoning's key in ``LABELLED``, which holds its nomenclature, its source and its vintage."""
    file: str
    columns: Columns
    """``commune_code`` and ``label`` → headings."""
    labels: Mapping[str, str]
    """What the file may write for a label of the nomenclature → that label."""
    missing: frozenset[str] = field(default=cell_text.MISSING)
    """What it writes for "no value"."""

    @property
    def source_id(self) -> str:
        """Source of the file."""
        return LABELLED[self.column][2]

    def read(self, path: Path) -> pd.DataFrame:
        """Read the file as text.

        Raises
        ------
        InputFileError
            If it is absent or is not what it should be.
        """
        return read_table(path, self.columns, missing=self.missing)

    def normalise(
        self,
        frame: pd.DataFrame,
        *,
        communes: set[str],
        region_communes: set[str],
        departements: set[str],
        file_name: str | None = None,
    ) -> Batch:
        """Keep the communes of the observatory, each with a class of the nomenclature.

        Parameters
        ----------
        frame
            As read.
        communes
            Communes that the observatory knows, border included.
        region_communes
            Those of the region: each must have its class, or the file is truncated or damaged.
        departements
            Those of the communes known: elsewhere is out of the perimeter.
        file_name
            Where it comes from; None: the file of this source.

        Returns
        -------
        Batch
            Frame: ``commune_code, label, value_code``. A commune that the territories lack is a rejected row.

        Raises
        ------
        InputFileError
            If a commune of the region has no class.
        """
        codes = LABELLED[self.column][1]
        labelled = frame.assign(label=frame["label"].replace(dict(self.labels)))
        sieve = Sieve(labelled, self.source_id, file_name or self.file, shown=("commune_code", "label"))
        cell_text.keep_departements(sieve, departements)
        sieve.reject(~sieve.frame["label"].isin(codes), "classe absente ou hors nomenclature")
        cell_text.reject_unknown_communes(sieve, communes)
        cell_text.reject_contradictions(sieve, ["commune_code"], ["label"])
        absent = sorted(region_communes - set(sieve.frame["commune_code"]))
        if absent:
            raise InputFileError(
                f"« {sieve.file_name} » ne classe pas {len(absent)} des {len(region_communes)} communes "
                f"{home_region().names.genitive} (par exemple {', '.join(absent[:SHOWN])}) : il est tronqué ou abîmé, "
                "téléchargez-le de nouveau. Rien n’est changé."
            )
        return sieve.batch(sieve.frame.assign(value_code=sieve.frame["label"].map(codes)))

    def zonings(self, frame: pd.DataFrame) -> pd.DataFrame:
        """Return the class of each commune, from a normalised frame."""
        zoning, _, source_id, vintage = LABELLED[self.column]
        return part(
            frame["commune_code"], zoning, frame["value_code"], frame["label"], vintage=vintage, source_id=source_id
        )


DENSITY_GRID: Final = CommuneClass(
    column="density_level",
    file="insee_densite_2025.csv",
    columns={"commune_code": ("insee_com", "CODGEO"), "label": ("niveau_densite", "DENS")},
    labels={code: label for label, code in DENSITY.items()},
)
"""INSEE's grid of density, from 1 (densest) to 7: the 2025 file (labels or levels, CSV or XLSX) and the 2024 workbook,
whose header is on the fifth row."""
FRR_LIST: Final = CommuneClass(
    column="frr_status",
    file="dgcl_frr_2025-07.csv",
    columns={
        "commune_code": ("Code_insee", "codgeo", "Code INSEE"),
        "label": ("Classement FRR et FRR+*", "codefrr"),
    },
    labels={"-9999": "Non classée"},
    missing=frozenset(),
)
"""France ruralités revitalisation: the DGCL's list of communes, or the Observatoire des territoires' download, which
writes -9999 for a commune that isn't classified."""

SOURCES: Final = tuple(
    Source(
        source_id=one.source_id,
        fills=("zonings",),
        needs={"communes": "communes", "region_communes": "region_communes", "departements": "all_departements"},
        read=one.read,
        normalise=one.normalise,
        tables=classes(one.zonings),
    )
    for one in (DENSITY_GRID, FRR_LIST)
)
