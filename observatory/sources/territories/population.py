"""Municipal population of each commune in force, and what it comes from: its IRIS, its EPCI, or an earlier census."""

from __future__ import annotations

from typing import Final

import pandas as pd

from observatory.sources.figures import commune_rp, iris

COUNT: Final = "population_count"
COLUMNS: Final = (COUNT, "population_status", "population_source_id", "population_method", "population_period")
"""Persons (``Int64``), whether they are known and from whom, how they were found, and their year."""
PUBLISHED: Final = "published"
IRIS_SUM: Final = "iris_sum"
EPCI_REMAINDER: Final = "epci_remainder"
COMMUNE_SUM: Final = "commune_sum"
PERIOD: Final = "2022"
EARLIER_PERIOD: Final = commune_rp.CENSUS[COUNT]
EPCI_SOURCE_ID: Final = "insee_epci_2022"


def stated(count: pd.Series, *, source_id: str, method: str, period: str, status: str = "observed") -> pd.DataFrame:
    """Return ``COLUMNS`` for persons of one origin, same index; all but the status are null where it is unknown."""
    known = count.notna()
    said = {
        "population_source_id": source_id,
        "population_method": method,
        "population_period": period,
    }
    columns = {
        name: pd.Series([text if one else None for one in known], index=count.index, dtype=object)
        for name, text in said.items()
    }
    states = known.map({True: status, False: "missing"}).astype(object)
    return pd.DataFrame({COUNT: count.round().astype("Int64"), "population_status": states, **columns})[list(COLUMNS)]


def of_communes(
    codes: pd.Index,
    *,
    iris_frame: pd.DataFrame,
    census: pd.Series,
    epci_count: pd.Series,
    incomplete: set[str],
    members: pd.Series,
    partial: set[str],
) -> pd.DataFrame:
    """Return the population of every commune, in whole persons.

    A commune has what is published of it where it is one IRIS, the sum of its IRIS where it has several, and, where the
    file of IRIS holds a part of it only, what its EPCI's population leaves once its other communes are counted. A
    commune of which none of these is known (the border's, or two incomplete ones in one EPCI) has that of the earlier
    census.

    Parameters
    ----------
    codes
        Communes, those of the border included.
    iris_frame
        ``iris_code, commune_code, population_count``, census of 2022.
    census
        Commune → persons, census of 2021, former communes added to that of today.
    epci_count
        EPCI → persons, census of 2022, published of the whole.
    incomplete
        Communes of which the file of IRIS lacks a part, or all.
    members
        Commune of the region → EPCI.
    partial
        EPCI that reach beyond the region: what they leave can't be worked out.

    Returns
    -------
    pandas.DataFrame
        ``COLUMNS``, index ``codes``.
    """
    grouped = iris_frame.groupby("commune_code")
    total = grouped[COUNT].sum().round()
    is_whole = grouped["iris_code"].agg(lambda one: len(one) == 1 and one.iloc[0].endswith(iris.WHOLE_COMMUNE))
    complete = total[~total.index.isin(incomplete)]
    whole = complete[is_whole.reindex(complete.index)]
    found = [
        stated(whole, source_id=iris.SOURCE_ID, method=PUBLISHED, period=PERIOD),
        stated(complete.drop(whole.index), source_id=iris.SOURCE_ID, method=IRIS_SUM, period=PERIOD),
        stated(
            _remainders(complete, epci_count, incomplete, members[~members.isin(partial)]),
            source_id=EPCI_SOURCE_ID,
            method=EPCI_REMAINDER,
            period=PERIOD,
            status="estimated",
        ),
    ]
    held = pd.concat(found)
    others = census.reindex(codes.difference(held.index))
    earlier = stated(others, source_id=commune_rp.SOURCE_ID, method=PUBLISHED, period=EARLIER_PERIOD)
    return pd.concat([held, earlier]).reindex(codes)


def summed(communes: pd.DataFrame, keys: pd.Series, *, is_published: bool) -> pd.DataFrame:
    """Add populations of communes up by key.

    Parameters
    ----------
    communes
        ``COLUMNS`` by commune.
    keys
        Commune → territory.
    is_published
        Whether what communes lack was found so that these totals are those published: they are then observed, an
        estimate of a commune included.

    Returns
    -------
    pandas.DataFrame
        ``COLUMNS`` by territory; the period is the earliest of its communes', the source the census of that year.
    """
    grouped = communes.groupby(keys.reindex(communes.index))
    period = grouped["population_period"].min()
    result = stated(grouped[COUNT].sum(min_count=1), source_id=iris.SOURCE_ID, method=COMMUNE_SUM, period=PERIOD)
    has_estimate = communes["population_status"].eq("estimated").groupby(keys.reindex(communes.index)).any()
    if not is_published:
        result["population_status"] = result["population_status"].mask(has_estimate, "estimated")
    return result.assign(population_period=period, population_source_id=grouped["population_source_id"].max())


def _remainders(complete: pd.Series, epci_count: pd.Series, incomplete: set[str], members: pd.Series) -> pd.Series:
    """Return what is left for the only incomplete commune of an EPCI."""
    owners = members[members.index.isin(incomplete)]
    owners = owners[~owners.duplicated(keep=False)]
    counted = complete.groupby(members.reindex(complete.index)).sum()
    left: pd.Series = owners.map(epci_count).astype(float) - owners.map(counted).astype(float).fillna(0.0)
    return left[left > 0]
