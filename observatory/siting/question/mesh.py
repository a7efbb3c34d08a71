"""Communes cut into their communes déléguées, in whole persons that add up to the commune's exactly."""

from __future__ import annotations

import pandas as pd

from observatory.need.volumes import apportion

MESH_NOTE = (
    "Population municipale et personnes concernées de chaque commune, réparties entre ses communes déléguées en "
    "proportion de leur population connue, au plus fort reste : la somme est exactement celle de la commune. La "
    "structure par âge et le chômage y sont supposés ceux de la commune (convention de l’observatoire)."
)


def split_communes(communes: pd.DataFrame, parts: pd.DataFrame, *, counts: list[str]) -> pd.DataFrame:
    """Replace each commune whose parts are all known by its parts.

    Parameters
    ----------
    communes
        Index: code. ``name, x_m, y_m, density`` and the whole-number columns of ``counts``.
    parts
        Index: code. ``name, commune_code, population_count, x_m, y_m``; any missing value leaves the commune whole.
    counts
        Columns to share out, in proportion to the parts' ``population_count``.

    Returns
    -------
    pandas.DataFrame
        ``unit_level, code, commune_code, name, x_m, y_m, density`` and ``counts``; in the order of the communes, their
        parts by code. Each count adds up to the commune's.
    """
    rows: list[dict[str, object]] = []
    known = {str(code): group.sort_index() for code, group in parts.groupby("commune_code")}
    for code, commune in communes.iterrows():
        inside = known.get(str(code))
        if inside is None or not _is_known(inside):
            rows.append(
                {
                    "unit_level": "commune",
                    "code": code,
                    "commune_code": code,
                    **{str(name): value for name, value in commune.items()},
                }
            )
            continue
        key = inside["population_count"].to_numpy(dtype=float)
        shared = {name: apportion(int(commune[name]), key) for name in counts}
        for position, (part_code, part) in enumerate(inside.iterrows()):
            rows.append(
                {
                    "unit_level": "commune_deleguee",
                    "code": part_code,
                    "commune_code": code,
                    "name": part["name"],
                    "x_m": part["x_m"],
                    "y_m": part["y_m"],
                    "density": commune["density"],
                    **{name: int(values[position]) for name, values in shared.items()},
                }
            )
    columns = ["unit_level", "code", "commune_code", "name", "x_m", "y_m", "density", *counts]
    return pd.DataFrame(rows, columns=columns).astype(dict.fromkeys(counts, "int64"))


def _is_known(parts: pd.DataFrame) -> bool:
    return bool(
        len(parts) > 1
        and parts[["population_count", "x_m", "y_m"]].notna().all(axis=None)
        and parts["population_count"].sum() > 0
    )
