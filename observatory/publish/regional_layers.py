"""The layers of the regional map: need, gap, rural zones, priority districts, structures."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import geopandas as gpd
import pandas as pd
import shapely
import sqlalchemy as sa
from sqlalchemy import Connection

from observatory.declared.services import offer
from observatory.gap.columns import BY_NAME, COUNTS
from observatory.publish import gap_rows
from observatory.publish.colours import CLASS_BOUNDS, NO_DATA_COLOUR, TYPOLOGY_COLOURS, class_of, classes
from observatory.publish.export_layers import territory_shapes
from observatory.publish.gap_report import GapReport
from observatory.publish.offline_map import LegendEntry, MapLayer
from observatory.publish.structure_layers import cite, structure_layer
from observatory.store import read, tables
from observatory.words import labels, numbers

UNKNOWN: Final = LegendEntry("inconnu", NO_DATA_COLOUR)
HIDDEN_WORD: Final = "secret"
"""What a popup says of a count that secrecy covers."""
RURAL_DENSITY_CODES: Final = ("5", "6", "7")
"""Rural levels of INSEE's seven-level density grid: bourgs ruraux, habitat dispersé, habitat très dispersé."""
SIMPLIFY_M: Final = {"commune": 200.0, "epci": 150.0, "departement": 150.0, "region": 150.0, "qpv": 0.0}
"""Tolerance of the shapes on the offline map (convention de l'observatoire): a pixel at zoom 9."""

UNITS_IN_SHORT: Final = {"minutes": "min"}
COUNT_FIELDS: Final = {name: BY_NAME[name].label for name in COUNTS}
SCORE_FIELDS: Final = {
    name: f"{BY_NAME[name].label} ({UNITS_IN_SHORT.get(BY_NAME[name].unit, BY_NAME[name].unit)})"
    for name in ("need_score", "access_score", "nearest_min", "priority_score")
}


def gap_layer(report: GapReport, shapes: gpd.GeoDataFrame, *, name: str, level: str, is_shown: bool) -> MapLayer:
    """Return the choropleth of a gap analysis, coloured by typology, all its figures in the popup.

    Parameters
    ----------
    report
        Rows of one level.
    shapes
        Territories of that level, indexed by code, metric CRS.
    """
    frame = _figures(report, shapes)
    frame["classe"] = frame["typology"]
    legend = {
        key: LegendEntry(f"{labels.TYPOLOGIES[key]} : {labels.TYPOLOGY_MEANINGS[key]}", colour)
        for key, colour in TYPOLOGY_COLOURS.items()
    }
    return MapLayer(
        name=name,
        frame=frame,
        legend=legend,
        source=_citation(report),
        fields={**SCORE_FIELDS, **COUNT_FIELDS, "statut": BY_NAME["status"].label, "note": BY_NAME["note"].label},
        is_background=True,
        is_shown=is_shown,
        simplify_m=SIMPLIFY_M[level],
    )


def need_layer(report: GapReport, shapes: gpd.GeoDataFrame, *, name: str, level: str) -> MapLayer:
    """Return the choropleth of the need of a défi, from any gap analysis of that défi."""
    frame = _figures(report, shapes)
    frame["classe"] = frame["need_score"].map(_need_class)
    legend = {
        f"c{one['low']:.0f}": LegendEntry(f"{one['low']:.0f} à {one['high']:.0f}", one["colour"])
        for one in classes("need_score")
    }
    return MapLayer(
        name=name,
        frame=frame,
        legend={**legend, "inconnu": UNKNOWN},
        source=_citation(report),
        fields={
            "need_score": SCORE_FIELDS["need_score"],
            "need_volume_count": COUNT_FIELDS["need_volume_count"],
            "population_count": COUNT_FIELDS["population_count"],
            "statut": BY_NAME["status"].label,
            "note": BY_NAME["note"].label,
        },
        is_background=True,
        simplify_m=SIMPLIFY_M[level],
    )


def regional_layers(
    connection: Connection,
    *,
    level: str,
    pairs: Sequence[tuple[str, str]] | None = None,
    study_path: Path | None = None,
) -> tuple[list[MapLayer], list[str]]:
    """Read every layer of the regional map.

    Parameters
    ----------
    level
        Level of the choropleths.
    pairs
        Défi and service of each gap layer, the first shown at opening; None: those of ``geodata/services.toml``.
    study_path
        Study file; None: the observatory's.

    Returns
    -------
    tuple
        The layers, and one French line per source.
    """
    shapes = territory_shapes(connection, level)
    defis, services = _defi_names(study_path), offer().service_labels
    reports = {
        (defi, service): gap_rows.gap_report(connection, defi=defi, service=service, level=level, study_path=study_path)
        for defi, service in pairs or offer().mapped_pairs
    }
    layers = [
        gap_layer(
            report,
            shapes,
            name=f"Lacune : {services[service]} / {defis[defi]}",
            level=level,
            is_shown=number == 0,
        )
        for number, ((defi, service), report) in enumerate(reports.items())
    ]
    first_of_defi = {defi: report for (defi, _), report in reversed(reports.items())}
    layers += [
        need_layer(report, shapes, name=f"Besoin : {defis[defi]}", level=level)
        for defi, report in first_of_defi.items()
    ]
    catalogue = {str(source["source_id"]): source for source in read.sources(connection)}
    layers += [*rural_layers(connection, catalogue), district_layer(connection, catalogue)]
    layers += [
        structure_layer(connection, service, catalogue, name=services[service]) for service in offer().shown.on_file_map
    ]
    return layers, [_source_line(source) for source in catalogue.values()]


def rural_layers(connection: Connection, catalogue: Mapping[str, Mapping[str, Any]]) -> list[MapLayer]:
    """Return the rural zones: communes in FRR, and communes of the rural levels of the density grid."""
    table = tables.Zoning
    query = sa.select(table.code, table.zoning, table.value_code, table.value_label, table.vintage, table.source_id)
    frame = pd.read_sql(query.where(table.level == "commune"), connection)
    communes = territory_shapes(connection, "commune")
    density = frame[(frame["zoning"] == "densite") & frame["value_code"].isin(RURAL_DENSITY_CODES)]
    frr = frame[(frame["zoning"] == "frr") & ~frame["value_label"].str.startswith("Non ")]
    return [
        _zone_layer(frr, communes, catalogue, name="Zones France ruralités revitalisation", colour="#7a5c00"),
        _zone_layer(density, communes, catalogue, name="Communes rurales (grille de densité)", colour="#4d7c0f"),
    ]


def district_layer(connection: Connection, catalogue: Mapping[str, Mapping[str, Any]]) -> MapLayer:
    """Return the priority districts (QPV) of Normandy."""
    frame = territory_shapes(connection, "qpv")
    frame["titre"] = frame["name"]
    frame["classe"] = "qpv"
    return MapLayer(
        name=f"Quartiers prioritaires (QPV, {len(frame)})",
        frame=frame,
        legend={"qpv": LegendEntry("Quartier prioritaire", "#111111", 0.9, "#111111", 1.5)},
        source=cite(frame["source_id"], catalogue),
        fields={"code": "Code", "population_count": "Population"},
        is_shown=True,
    )


def _zone_layer(
    zoning: pd.DataFrame,
    communes: gpd.GeoDataFrame,
    catalogue: Mapping[str, Mapping[str, Any]],
    *,
    name: str,
    colour: str,
) -> MapLayer:
    """Return the communes of a zoning joined into one shape per class, which is all that the popup tells."""
    joined = zoning.merge(communes[["code", "geometry"]], on="code", how="inner", validate="one_to_one")
    # Simplified before they are joined, so that the shapes lie on the same lines as the communes'.
    shapes = shapely.coverage_simplify(joined["geometry"].to_numpy(), SIMPLIFY_M["commune"])
    by_class = joined.assign(geometry=shapes).groupby("value_label", sort=True)
    frame = gpd.GeoDataFrame(
        {
            "titre": list(by_class.groups),
            "classe": "zone",
            "commune_count": by_class.size().to_numpy(),
            "millesime": by_class["vintage"].first().to_numpy(),
        },
        geometry=[shapely.coverage_union_all(group["geometry"].to_numpy()) for _, group in by_class],
        crs=communes.crs,
    )
    return MapLayer(
        name=f"{name} : {numbers.count(len(joined))} communes",
        frame=frame,
        legend={"zone": LegendEntry(name, colour, 0.3, colour, 0.4)},
        source=cite(zoning["source_id"], catalogue),
        fields={"commune_count": "Communes", "millesime": "Millésime"},
    )


def _figures(report: GapReport, shapes: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    """Lay the figures of a report on the shapes of its territories, in the order of the shapes."""
    order = {code: position for position, code in enumerate(shapes.index)}
    rows = sorted(report.rows, key=lambda row: order[row["code"]])
    columns: dict[str, list[Any]] = {name: [row[name] for row in rows] for name in (*SCORE_FIELDS, *COUNT_FIELDS)}
    columns["titre"] = [str(row["name"]) for row in rows]
    columns["typology"] = [row["typology"] for row in rows]
    columns["statut"] = [labels.STATUSES[row["status"]] for row in rows]
    columns["note"] = [str(row["note"] or "") for row in rows]
    geometry = shapes.geometry.reindex([row["code"] for row in rows])
    types = {**dict.fromkeys(COUNT_FIELDS, "Int64"), **dict.fromkeys(SCORE_FIELDS, "float64")}
    frame = pd.DataFrame(columns).astype(types)
    for name in (gap_rows.CONCERNED, gap_rows.CONCERNED_FAR):
        hidden = pd.Series([gap_rows.is_secret(row, name) for row in rows], index=frame.index, dtype=bool)
        frame[name] = frame[name].astype(object).mask(hidden, HIDDEN_WORD)
    return gpd.GeoDataFrame(frame, geometry=geometry.to_numpy(), crs=shapes.crs)


def _need_class(score: float) -> str:
    if pd.isna(score):
        return "inconnu"
    return f"c{CLASS_BOUNDS[class_of(score) or 0]:.0f}"


def _defi_names(study_path: Path | None) -> dict[str, str]:
    from observatory.declared.study_reading import read_study

    return {defi: need.label for defi, need in read_study(study_path).needs.items()}


def _citation(report: GapReport) -> str:
    titles = " ; ".join(f"{source['title']} ({source['vintage']})" for source in report.sources)
    return f"{titles}. Calcul {report.run_hash[:12]}."


def _source_line(source: Mapping[str, Any]) -> str:
    return f"{source['title']} : {source['producer']}, {source['vintage']}, {source['licence']}. {source['coverage']}"
