"""A toy territory, small enough to work every figure by hand, written as a snapshot of the same shape as the real one.

::

    10 km squares, EPSG:2154      y = 6 880 000 ┌────────┬────────┬────────┐
                                                │ 14901  │ 14902  │ 61901  │ 61902 is south of 61901, 72901 (border)
                                  y = 6 870 000 ├────────┼────────┼────────┤ south of 61902, outside the region
                                                                  │ 61902  │
                                  y = 6 860 000                   └────────┘
                               x = 430 000   440 000  450 000  460 000

Populations: 14901 1 000, 14902 500, 61901 300, 61902 200; the region 2 000; 72901 (border) 400.
EPCI 200000001 = 14901 + 14902 (1 500); EPCI 200000002 = 61901 + 61902 (500), and reaches beyond the region.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import geopandas as gpd
import pandas as pd
import shapely

CATALOG = """
[sources.toy_map]
title = "Carte de démonstration"
producer = "Tests"
licence = "aucune"
url = "https://example.org/carte"
vintage = "2024"
published_date = 2024-01-15
coverage = "Quatre communes, deux EPCI."
expected_count = 4
expected_note = "communes de la région"
counted = "commune"

[sources.toy_census]
title = "Recensement de démonstration"
producer = "Tests"
licence = "aucune"
url = "https://example.org/recensement"
vintage = "2021"
coverage = "Toutes les communes."

[sources.toy_directory]
title = "Annuaire de démonstration"
producer = "Tests"
licence = "aucune"
url = "https://example.org/annuaire"
vintage = "2023"
coverage = "Cinq structures sur six attendues."
expected_count = 6

[sources.toy_other_directory]
title = "Autre annuaire"
producer = "Tests"
licence = "aucune"
url = "https://example.org/autre"
vintage = "2022"
coverage = "Une structure."
"""

FIELDS = """
[fields.active_15_64_count]
label = "Actifs de 15 à 64 ans"
unit = "personnes"
description = "Population active."
source = "toy_census"

[fields.unemployed_15_64_share]
label = "Part des chômeurs"
unit = "%"
denominator = "active_15_64_count"
description = "Chômeurs sur actifs."
source = "toy_census"
"""

SQUARES = {"14901": (430_000, 6_870_000), "14902": (440_000, 6_870_000), "61901": (450_000, 6_870_000),
           "61902": (450_000, 6_860_000)}  # fmt: skip
NAMES = {"14901": "Alphaville", "14902": "Bêta-sur-Œuvre", "61901": "Gamma", "61902": "Gamma-le-Vieux",
         "72901": "Oméga"}  # fmt: skip
POPULATIONS = {"14901": 1000, "14902": 500, "61901": 300, "61902": 200, "72901": 400}
EPCI = {"14901": "200000001", "14902": "200000001", "61901": "200000002", "61902": "200000002"}
SIDE_M = 10_000


def square(code: str) -> shapely.Polygon:
    x, y = SQUARES[code]
    return shapely.box(x, y, x + SIDE_M, y + SIDE_M)


def town_hall(code: str) -> tuple[float, float]:
    """The middle of the square; 72901 lies south of 61902."""
    x, y = SQUARES.get(code, (450_000, 6_850_000))
    return x + SIDE_M / 2, y + SIDE_M / 2


def frames() -> dict[str, pd.DataFrame]:
    """Every file of the snapshot, by name without extension."""
    return {
        "territories": _territories(),
        "territory_links": _links(),
        "values": _values(),
        "zonings": _zonings(),
        "structures": _structures(),
        "structure_services": pd.DataFrame(
            [
                ("s1", "ressourcerie", "jugée sur pièces"),
                ("s1", "insertion", "SIAE"),
                ("s2", "ressourcerie", "jugée sur pièces"),
                ("s3", "tiers_lieu", "annuaire"),
                ("s4", "tiers_lieu", "annuaire"),
                ("a1", "accompagnement", "annuaire"),
            ],
            columns=["structure_id", "service", "reason"],
        ),
        "structure_records": pd.DataFrame(
            [
                ("toy_directory", "1", "s1", "unique", "RECYCLERIE D'ALPHA", "ACI", "12345678900011"),
                ("toy_other_directory", "x", "s1", "same_siret", "Recyclerie Alpha", "ACI", "12345678900011"),
                ("toy_directory", "2", "s2", "unique", "Recyclerie d'Oméga", "ACI", None),
                ("toy_directory", "3", "s3", "unique", "Le Hangar", "TIERS_LIEU", None),
                ("toy_directory", "4", "s4", "unique", "Projet de Gamma", "TIERS_LIEU", None),
                ("toy_directory", "5", "a1", "unique", "Pôle d'appui", "INCUBATEUR", None),
            ],
            columns=["source_id", "record_id", "structure_id", "rule", "name", "kind", "siret"],
        ),
        "accompaniment": pd.DataFrame(
            [("a1", "incubateur", ["emergence", "creation"], ["DLA"], "epci", "200000001", None, None, None)],
            columns=[
                "structure_id",
                "role",
                "phases",
                "devices",
                "zone_level",
                "zone_code",
                "note",
                "origin",
                "stated_date",
            ],
        ),
        "rejected": pd.DataFrame(
            [
                ("toy_directory", "annuaire.csv", 7, "sans nom", ";;;", "row"),
                ("toy_census", "recensement.csv", 3, "taux illisible", "n.d.", "cell"),
            ],
            columns=["source_id", "file_name", "line", "reason", "content", "scope"],
        ),
        "runs": pd.DataFrame(
            # Read 9 = kept 5 + rejected 1 + repeated 1 + elsewhere 2; nothing is told of the other directory.
            [
                ("toy_directory", "annuaire.csv", "aa" * 32, 9, 5, 1, 1, 2, 0),
                ("toy_census", "rp.csv", "bb" * 32, 7, 6, 0, 0, 1, 1),
            ],
            columns=[
                "source_id",
                "file_name",
                "checksum",
                "rows_read",
                "rows_kept",
                "rows_rejected",
                "rows_duplicate",
                "rows_outside",
                "cells_rejected",
            ],
        ),
    }


def write(directory: Path, **replaced: pd.DataFrame) -> Path:
    """Write the snapshot under ``directory`` and return where its Parquet files are; ``replaced`` frames win."""
    snapshot = directory / "snapshot"
    snapshot.mkdir(parents=True, exist_ok=True)
    (directory / "catalog.toml").write_text(CATALOG, encoding="utf-8")
    (directory / "fields.toml").write_text(FIELDS, encoding="utf-8")
    for name, frame in (frames() | replaced).items():
        frame.to_parquet(snapshot / f"{name}.parquet", index=False)
    return snapshot


def _territory(level: str, code: str, name: str, population: int | None, **others: Any) -> dict[str, Any]:
    return {
        "level": level,
        "code": code,
        "name": name,
        "vintage": "2024",
        "population_count": population,
        "population_status": "missing" if population is None else "observed",
        "population_source_id": None if population is None else "toy_census",
        "population_method": None if population is None else "published",
        "population_period": None if population is None else "2022",
        "source_id": "toy_map",
        "is_border": False,
        "is_partial": False,
        "commune_count": None,
        "point_x_m": None,
        "point_y_m": None,
        "geometry": None,
    } | others


def _territories() -> gpd.GeoDataFrame:
    rows = []
    for code, name in NAMES.items():
        x, y = town_hall(code)
        rows.append(
            _territory(
                "commune",
                code,
                name,
                POPULATIONS[code],
                is_border=code == "72901",
                point_x_m=x,
                point_y_m=y,
                geometry=square(code) if code in SQUARES else None,
            )
        )
    groups = [
        ("epci", "200000001", "CC d'Alpha et Bêta", ["14901", "14902"], {}),
        ("epci", "200000002", "CA Gamma Agglo", ["61901", "61902"], {"is_partial": True}),
        ("departement", "14", "Calvados", ["14901", "14902"], {}),
        ("departement", "61", "Orne", ["61901", "61902"], {}),
        ("region", "28", "Normandie", list(SQUARES), {}),
        ("zone_emploi", "2899", "Alphaville", ["14901", "14902"], {}),
    ]
    for level, code, name, communes, others in groups:
        geometry = shapely.union_all([square(one) for one in communes])
        point = geometry.point_on_surface()
        population = sum(POPULATIONS[one] for one in communes)
        placed = {"geometry": geometry, "point_x_m": point.x, "point_y_m": point.y, "commune_count": len(communes)}
        rows.append(_territory(level, code, name, population, **placed, **others))
    x, y = town_hall("14902")
    rows.append(
        _territory(
            "commune_deleguee",
            "14903",
            "Gamma",
            120,
            point_x_m=x,
            point_y_m=y,
            geometry=shapely.box(x, y, x + 1e3, y + 1e3),
        )
    )
    x, y = town_hall("14901")
    rows.append(
        _territory(
            "qpv",
            "QN01499X",
            "Les Squares",
            None,
            point_x_m=x,
            point_y_m=y,
            geometry=shapely.box(x, y, x + 500, y + 500),
        )
    )
    rows.append(_territory("iris", "149010101", "Alphaville centre", None))
    frame = gpd.GeoDataFrame(rows, geometry="geometry", crs=2154)
    return frame.astype({"population_count": "Int64", "commune_count": "Int64"})


def _links() -> pd.DataFrame:
    rows = []
    for code, epci in EPCI.items():
        rows += [("commune", code, "epci", epci), ("commune", code, "departement", code[:2])]
    rows += [
        ("commune", "14901", "zone_emploi", "2899"),
        ("commune", "14902", "zone_emploi", "2899"),
        ("commune", "72901", "zone_emploi", "2899"),
        ("departement", "14", "region", "28"),
        ("departement", "61", "region", "28"),
        ("epci", "200000001", "region", "28"),
        ("epci", "200000002", "region", "28"),
        ("commune_deleguee", "14903", "commune", "14902"),
        ("qpv", "QN01499X", "commune", "14901"),
        ("iris", "149010101", "commune", "14901"),
    ]
    frame = pd.DataFrame(rows, columns=["child_level", "child_code", "parent_level", "parent_code"])
    return frame.assign(vintage="2024", source_id="toy_map")


def _values() -> pd.DataFrame:
    active = {"14901": 400.0, "14902": 200.0, "61901": 100.0, "61902": 80.0}
    share = {"14901": 10.0, "14902": 5.0, "61901": 20.0, "61902": None}
    rows = [("commune", code, "active_15_64_count", "2021", value) for code, value in active.items()]
    rows += [("commune", code, "unemployed_15_64_share", "2021", value) for code, value in share.items()]
    rows += [("commune", code, "unemployed_15_64_share", "2016", 9.0) for code in share]
    rows += [("iris", "149010101", "active_15_64_count", "2021", 400.0)]
    frame = pd.DataFrame(rows, columns=["level", "code", "indicator", "period", "value"])
    status = frame["value"].isna().map({True: "missing", False: "observed"})
    return frame.assign(status=status, source_id="toy_census")


def _zonings() -> pd.DataFrame:
    densities = {"14901": "2", "14902": "5", "61901": "6", "61902": "7", "72901": "6"}
    rows = [("commune", code, "densite", value, f"Niveau {value}") for code, value in densities.items()]
    rows += [("commune", "61902", "frr", "FRR", "Classée en FRR")]
    frame = pd.DataFrame(rows, columns=["level", "code", "zoning", "value_code", "value_label"])
    return frame.assign(vintage="2024", source_id="toy_map")


def _structures() -> pd.DataFrame:
    names = ["structure_id", "name", "kind", "siret", "commune_code", "departement_code", "place_quality", "is_active"]
    frame = pd.DataFrame(
        [
            ("s1", "Recyclerie d'Alpha", "ACI", "12345678900011", "14901", "14", "address", True),
            ("s2", "Recyclerie d'Oméga", "ACI", None, "72901", "72", "town_hall", True),
            ("s3", "Le Hangar", "TIERS_LIEU", None, None, None, "unknown", True),
            ("s4", "Projet de Gamma", "TIERS_LIEU", None, "61901", "61", "town_hall", False),
            ("a1", "Pôle d'appui", "INCUBATEUR", None, "14901", "14", "town_hall", True),
        ],
        columns=names,
    )
    points = [town_hall(code) if isinstance(code, str) else (None, None) for code in frame["commune_code"]]
    x, y = zip(*points, strict=True)
    empty = dict.fromkeys(["naf", "address", "post_code", "city", "place_note", "label"])
    return frame.assign(
        state=frame["is_active"].map({True: "open", False: "announced"}),
        confidence="sure",
        point_x_m=x,
        point_y_m=y,
        capacity_count=None,
        period="2023",
        source_id="toy_directory",
        **empty,
    )
