"""The columns of a gap analysis, declared once: what CSV, JSON, GeoJSON, schema, tables and maps call them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final


@dataclass(frozen=True)
class GapColumn:
    """One column: its key in every machine format, and its French heading."""

    name: str
    type: Any
    """Python type of the values, None included where they may be unknown."""
    label: str
    heading: str = ""
    """Shorter heading for a terminal; empty: the label."""
    unit: str = ""
    meaning: str | None = None
    """What the description of the API says of it, beside its name."""

    @property
    def short(self) -> str:
        """Heading where every letter counts."""
        return self.heading or self.label


GAP_COLUMNS: Final = (
    GapColumn("level", str, "Niveau"),
    GapColumn("code", str, "Code"),
    GapColumn("name", str, "Territoire"),
    GapColumn("population_count", int | None, "Population"),
    GapColumn("need_score", float | None, "Besoin", unit="sur 100"),
    GapColumn("need_volume_count", int | None, "Personnes concernées", "Concernés"),
    GapColumn("access_score", float | None, "Accès", unit="sur 100"),
    GapColumn("nearest_min", float | None, "Trajet au plus proche", "Minutes", unit="minutes"),
    GapColumn("served_count", int | None, "Servis"),
    GapColumn("reachable_full_count", int | None, "À portée, saturé", "Saturé"),
    GapColumn("out_of_reach_count", int | None, "Hors de portée"),
    GapColumn("in_need_out_of_reach_count", int | None, "Concernés hors de portée"),
    GapColumn("priority_score", float | None, "Priorité", unit="sur 100"),
    GapColumn("typology", str, "Typologie"),
    GapColumn("status", str, "Statut"),
    GapColumn("is_partial", bool, "Compté en partie"),
    GapColumn("note", str | None, "Note"),
    GapColumn("rank_low", int | None, "Rang du besoin", meaning="5 % des rangs tirés ; 1 est le plus grand besoin."),
    GapColumn("rank_median", int | None, "Rang médian du besoin"),
    GapColumn("rank_high", int | None, "Rang du besoin, au plus bas"),
    GapColumn(
        "verdict_share",
        float | None,
        "Part des choix en déficit",
        meaning="Part des choix de méthode où le déficit tient, de 0 à 1.",
    ),
    GapColumn("verdict", str | None, "Verdict", meaning="robuste, fragile, absent ou indetermine."),
    GapColumn("score_low", float | None, "Besoin, au plus bas", unit="sur 100"),
    GapColumn("score_high", float | None, "Besoin, au plus haut", unit="sur 100"),
    GapColumn(
        "flips",
        list[str],
        "Choix qui inversent la réponse",
        meaning="Choix de méthode qui, seuls, changent la réponse.",
    ),
    GapColumn(
        "near_threshold_count",
        int | None,
        "Près du seuil",
        meaning="Habitants dont le trajet est si près du seuil que l’erreur de l’estimation décide de la réponse.",
    ),
)
"""In the order of the contract; what a format adds when more is asked for comes after."""
BY_NAME: Final = {column.name: column for column in GAP_COLUMNS}
COLUMNS: Final = tuple(BY_NAME)
COUNTS: Final = tuple(name for name in COLUMNS if name.endswith("_count"))
"""Whole persons, which add up from one level to the next."""
