"""Every question asked of the database, as functions of a ``Connection``; the caller owns the transaction."""

from __future__ import annotations

from observatory.store.read.directory_rows import directory_places, directory_structures, directory_zones
from observatory.store.read.entered_layers import site_candidates, territory_layers
from observatory.store.read.figures import latest_values, values, zonings
from observatory.store.read.frames import demand_frame, membership_frame, supply_frame
from observatory.store.read.known_counts import known_layers, known_services
from observatory.store.read.loaded_lists import loaded_completeness
from observatory.store.read.merges import decisions, merged
from observatory.store.read.name_words import fold
from observatory.store.read.search import require_territory, territories, territory_count, territory_level
from observatory.store.read.source_rows import age_days, rejected, rejected_count, sources
from observatory.store.read.stored_gaps import gap_row_count, gap_rows, need_components, run
from observatory.store.read.structure_rows import structure_count, structures
from observatory.store.read.territory_rows import children, descendants, geometries, territory
from observatory.store.read.time_series import series_frame

__all__ = [
    "age_days",
    "children",
    "decisions",
    "demand_frame",
    "descendants",
    "directory_places",
    "directory_structures",
    "directory_zones",
    "fold",
    "gap_row_count",
    "gap_rows",
    "geometries",
    "known_layers",
    "known_services",
    "latest_values",
    "loaded_completeness",
    "membership_frame",
    "merged",
    "need_components",
    "rejected",
    "rejected_count",
    "require_territory",
    "run",
    "series_frame",
    "site_candidates",
    "sources",
    "structure_count",
    "structures",
    "supply_frame",
    "territories",
    "territory",
    "territory_count",
    "territory_layers",
    "territory_level",
    "values",
    "zonings",
]
