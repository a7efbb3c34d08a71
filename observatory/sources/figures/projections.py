"""Projected population by age, territory and year, in the observatory's own form (``code;annee;age;personnes``)."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

import pandas as pd

from observatory.sources.batch import Batch, Sieve
from observatory.sources.figures.long_form import valued
from observatory.sources.formats import cell_text
from observatory.sources.formats.cell_text import heading
from observatory.sources.formats.tables import read_table
from observatory.sources.registry import Source

FILE: Final = "projections.csv"
SOURCE_ID: Final = "insee_projections"
HEADINGS: Final = {
    "code": ("code", "codgeo"),
    "annee": ("annee",),
    "age": ("age",),
    "personnes": ("personnes",),
    "niveau": ("niveau",),
}
"""As the sentence about a missing column names them."""
COLUMNS: Final = ("code", "year", "age", "persons_count", "level")
INDICATORS: Final = {age: f"age{age}p_projected_count" for age in ("60", "65", "75", "80")}
"""Lower age of an open band → indicator: the bands of the need for ageing well."""
OPEN_BAND: Final = re.compile(r"(60|65|75|80) ?(?:\+|p|(?:ans )?(?:et|ou) (?:plus|\+))")
YEAR: Final = r"20\d{2}"
LEVELS: Final = {"commune": cell_text.COMMUNE, "epci": r"2\d{8}", "departement": r"\d{2}|2[AB]|97\d"}
"""Level → form of its codes: no two are alike, but for régions, whose codes are also those of départements."""
LEVEL_NAMES: Final = {"commune": "commune", "epci": "epci", "intercommunalite": "epci", "departement": "departement"}
REGIONS: Final = frozenset(map(str, (11, 24, 27, 28, 32, 44, 52, 53, 75, 76, 84, 93, 94)))
"""Codes of the régions (code officiel géographique): 27, 28 and 76 are also those of départements."""


def read(path: Path) -> pd.DataFrame:
    """Read the file as text; ``niveau`` may be absent.

    Raises
    ------
    InputFileError
        If it is absent or is not what it should be.
    """
    table = read_table(path, HEADINGS, optional=["niveau"])
    return table.rename(columns=dict(zip(HEADINGS, COLUMNS, strict=True)))


def normalise(
    frame: pd.DataFrame,
    *,
    communes: set[str],
    epci: set[str],
    departements: set[str],
    smallest_count: int,
    file_name: str = FILE,
) -> Batch:
    """Keep the open bands that the observatory uses, for the territories that it knows.

    Parameters
    ----------
    frame
        As read.
    communes, epci, departements
        Codes of the territories.
    smallest_count
        Fewer persons than this, but some, are put aside: too few to be shown, and for a growth to mean anything.

    Returns
    -------
    Batch
        Frame: ``level, code, year, indicator, persons_count`` (persons, NaN where put aside).
    """
    sieve = Sieve(frame, SOURCE_ID, file_name, shown=COLUMNS)
    cell_text.reject_repeated_headers(sieve)
    sieve.frame = sieve.frame.assign(level=_levels(sieve.frame))
    sieve.reject(sieve.frame["level"].isna(), "code qui n’est ni d’une commune, ni d’un EPCI, ni d’un département")
    sieve.reject(
        sieve.frame["level"].eq("ambiguous"),
        "code de département ou de région : ajoutez une colonne « niveau » (departement, epci ou commune)",
    )
    level, code = sieve.frame["level"], sieve.frame["code"]
    near = {one[:2] for one in communes}
    elsewhere = level.eq("commune") & ~code.str[:2].isin(near)
    elsewhere |= level.eq("epci") & ~code.isin(epci)
    elsewhere |= level.eq("departement") & ~code.isin(departements)
    sieve.leave_outside(elsewhere)
    unknown = sieve.frame["level"].eq("commune") & ~sieve.frame["code"].isin(communes)
    sieve.reject(unknown, cell_text.UNKNOWN_COMMUNE)
    sieve.reject(~sieve.frame["year"].fillna("").str.fullmatch(YEAR), "année illisible")
    indicator = pd.Series([_indicator(one) for one in sieve.frame["age"]], index=sieve.frame.index, dtype=object)
    sieve.frame = sieve.frame.assign(indicator=indicator)
    sieve.reject(sieve.frame["indicator"].isna(), "tranche d’âge hors de celles qui servent (60+, 65+, 75+, 80+)")
    cell_text.numbers(sieve, ["persons_count"])
    sieve.reject(sieve.frame["persons_count"].lt(0), "nombre de personnes négatif")
    cell_text.reject_contradictions(sieve, ["level", "code", "year", "indicator"], ["persons_count"])
    persons = sieve.frame["persons_count"]
    sieve.reject_cells(
        "persons_count", persons.gt(0) & persons.lt(smallest_count), f"moins de {smallest_count} personnes"
    )
    return sieve.batch(sieve.frame[["level", "code", "year", "indicator", "persons_count"]].reset_index(drop=True))


def values(frame: pd.DataFrame, held: pd.DataFrame) -> pd.DataFrame:
    """Return the projections in long form; levels of an earlier file that this one leaves out become missing.

    Parameters
    ----------
    frame
        Normalised.
    held
        Figures of this source that are loaded, in the columns of ``values``.

    Notes
    -----
    A file replaces the one before as a whole: two sets of projections are never read together.
    """
    told = frame.assign(period=frame["year"], value=frame["persons_count"])
    long = valued(told, SOURCE_ID, known="estimated")
    gone = held[~held["level"].isin(set(long["level"]))].assign(value=float("nan"), status="missing")
    return pd.concat([long, gone], ignore_index=True) if len(gone) else long.reset_index(drop=True)


def _levels(frame: pd.DataFrame) -> pd.Series:
    """Return the level of each row: as the file names it, else by the form of the code; None where neither tells."""
    code = frame["code"].fillna("")
    named = frame["level"].map(lambda text: LEVEL_NAMES.get(heading(text or "")), na_action=None)
    two = set(code[code.str.fullmatch(LEVELS["departement"])])
    found = pd.Series(None, index=frame.index, dtype=object)
    for level, form in LEVELS.items():
        fits = code.str.fullmatch(form)
        found[fits & (named.eq(level) | frame["level"].isna())] = level
        if level == "departement" and two <= REGIONS:
            found[fits & frame["level"].isna()] = "ambiguous"
    return found


def _indicator(text: str | None) -> str | None:
    found = OPEN_BAND.fullmatch(heading(text or ""))
    return INDICATORS[found[1]] if found else None


SOURCE: Final = Source(
    source_id=SOURCE_ID,
    fills=("values",),
    needs={
        "communes": "communes",
        "epci": "epci",
        "departements": "departements",
        "smallest_count": "smallest_count",
    },
    read=read,
    normalise=normalise,
    tables=lambda batch, context: {
        "values": values(
            batch.frame, pd.concat([context.figures(SOURCE_ID, level) for level in LEVELS], ignore_index=True)
        )
    },
)
