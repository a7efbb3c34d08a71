"""The tables of structures: once each, with the records they come from, their services and what they accompany."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pandas as pd

from observatory.declared.services import Judgement, Offer, offer
from observatory.sources import registry
from observatory.sources.batch import LINE, Batch
from observatory.sources.context import Context
from observatory.sources.directory import accompaniment, accompaniment_pages
from observatory.sources.structures import (
    establishments,
    page_facts,
    places,
    resolve,
    reuse,
    service_rules,
    standing,
)
from observatory.sources.table_declarations import ACCOMPANIMENT, STRUCTURE_MEMBERS, STRUCTURE_RECORDS, STRUCTURES
from observatory.sources.territories import hierarchy


def tables(
    figures: Path, found: hierarchy.Places, context: Context, post_codes: pd.DataFrame
) -> tuple[list[Batch], dict[str, pd.DataFrame]]:
    """Read the structures, place them, resolve duplicates, and name their services.

    Parameters
    ----------
    figures
        Directory of the figures.
    found
        Communes.
    context
        What the sources of curated lists ask of the territories.
    post_codes
        ``commune_id, post_code``.

    Returns
    -------
    tuple
        The batch of each source, and the tables ``structures``, ``structure_services``, ``structure_records``,
        ``structure_members``, ``structure_statements`` and ``accompaniment`` of the snapshot, sorted by key.

    Raises
    ------
    InputFileError
        If a file is absent or is not what it should be.
    """
    declared = offer()
    judged = {one.siret: one for one in declared.ressourceries}
    batches = establishments.normalise(establishments.read(figures / establishments.FILE))
    candidates = reuse.normalise(reuse.read(figures / reuse.FILE), judged=set(judged))
    curated = [
        source.normalised(figures / str(source.snapshot_file), context).batch
        for source in registry.of_snapshot("structures")
    ]
    ecosystem = accompaniment.normalise(accompaniment.read(figures / accompaniment.FILE))
    pages = accompaniment_pages.normalise(
        accompaniment_pages.read(figures / accompaniment_pages.FILE), communes=context.communes
    )
    frames = [*(one.frame for one in (*batches, *curated, pages)), accompaniment.records(ecosystem.frame)]
    records = pd.concat(frames, ignore_index=True).sort_values(["source_id", "record_id"], ignore_index=True)
    known = places.Gazetteer(found.communes, found.delegated, post_codes)
    located = _moved(places.locate(records, known), judged, found)
    resolved = resolve.resolve(located, declared=[one.records for one in declared.same])
    bodies = pd.concat(
        [ecosystem.frame.assign(source_id=accompaniment.SOURCE_ID), pages.frame.drop(columns=LINE)], ignore_index=True
    )
    network = _network(bodies, resolved)
    return [*batches, *curated, candidates, ecosystem, pages], {
        "structures": _structure_table(resolved),
        "structure_services": service_rules.offered(resolved, network, declared),
        "structure_records": _record_table(resolved),
        "structure_members": _member_table(resolved, bodies, declared),
        "structure_statements": page_facts.statements(resolved),
        "accompaniment": _accompaniment_table(network),
    }


def _network(bodies: pd.DataFrame, resolved: pd.DataFrame) -> pd.DataFrame:
    """Return each body of the ecosystem once: what the record that leads its structure says, else the newest."""
    of_record = resolved.set_index(["source_id", "record_id"])[["structure_id", "is_lead"]]
    told = bodies.join(of_record, on=["source_id", "record_id"])
    told = told.sort_values(["structure_id", "is_lead", "source_id"], ascending=[True, False, False])
    return told.drop_duplicates("structure_id").reset_index(drop=True)


def _moved(located: pd.DataFrame, judged: Mapping[str, Judgement], found: hierarchy.Places) -> pd.DataFrame:
    """Place at a town hall the judged structures whose public sales point is known to be in another commune."""
    moved = located.copy()
    for siret, one in judged.items():
        if one.place_commune_code is None:
            continue
        rows = moved["siret"].eq(siret)
        commune = found.communes.loc[one.place_commune_code]
        moved.loc[rows, "commune_code"] = one.place_commune_code
        moved.loc[rows, "departement_code"] = commune["departement_code"]
        moved.loc[rows, "point_x_m"] = round(float(commune["point"].x), 1)
        moved.loc[rows, "point_y_m"] = round(float(commune["point"].y), 1)
        moved.loc[rows, "place_quality"] = "town_hall"
        moved.loc[rows, "place_note"] = one.place_note
    return moved


def _structure_table(resolved: pd.DataFrame) -> pd.DataFrame:
    lead = resolved[resolved["is_lead"]].sort_values("structure_id", ignore_index=True)
    siret = resolved[resolved["siret"].notna()].groupby("structure_id")["siret"].first()
    lead = lead.assign(siret=lead["siret"].where(lead["siret"].notna(), lead["structure_id"].map(siret)))
    known = standing.agreed(resolved).loc[lead["structure_id"]]
    lead = lead.assign(**{name: known[name].to_numpy() for name in ("state", "confidence", "is_active")})
    return lead[list(STRUCTURES.columns)]


def _record_table(resolved: pd.DataFrame) -> pd.DataFrame:
    return resolved[list(STRUCTURE_RECORDS.columns)].sort_values(["source_id", "record_id"], ignore_index=True)


def _member_table(resolved: pd.DataFrame, bodies: pd.DataFrame, declared: Offer) -> pd.DataFrame:
    """Each record of a merged structure as its source gives it, with its own services: what undoes the merge."""
    merged = resolved[resolved.duplicated("structure_id", keep=False)]
    own = merged.assign(structure_id=merged["source_id"] + ":" + merged["record_id"])
    network = bodies.assign(structure_id=bodies["source_id"] + ":" + bodies["record_id"])
    network = network[network["structure_id"].isin(own["structure_id"])]
    offer = service_rules.offered(own, network, declared).groupby("structure_id")
    listed = {name: offer[column].agg(list) for name, column in (("services", "service"), ("reasons", "reason"))}
    for name, values in listed.items():
        own[name] = [values.get(structure_id, []) for structure_id in own["structure_id"]]
    return own[list(STRUCTURE_MEMBERS.columns)].sort_values(["source_id", "record_id"], ignore_index=True)


def _accompaniment_table(network: pd.DataFrame) -> pd.DataFrame:
    table = network.rename(columns={"place_note": "note"})
    return table[list(ACCOMPANIMENT.columns)].sort_values("structure_id", ignore_index=True)
