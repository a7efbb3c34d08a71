"""The layers of structures of the regional map: what is open, announced, closed, each with its source."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from sqlalchemy import Connection

from observatory.declared.services import offer
from observatory.publish.export_layers import structure_points
from observatory.publish.offline_map import LegendEntry, MapLayer
from observatory.store import read
from observatory.words import numbers


def structure_layer(
    connection: Connection, service: str, catalogue: Mapping[str, Mapping[str, Any]], *, name: str
) -> MapLayer:
    """Return the structures of a service that have a place, each with its kind, place quality and source."""
    declared = offer()
    kinds = declared.kind_labels
    frame = structure_points(connection, service)
    placed = frame[frame.geometry.notna()].copy()
    placed["titre"] = placed["name"]
    is_closed = placed["is_closed"] | placed["state"].eq("closed")
    is_doubtful = placed["confidence"].eq("doubtful") & placed["is_active"]
    classes = ["ferme", "a_verifier", service]
    placed["classe"] = np.select([is_closed, is_doubtful, placed["is_active"]], classes, "projet")
    placed["etat"] = [
        _closed_since(None if pd.isna(since) else since, cite([by], catalogue)) if is_closed else ""
        for is_closed, since, by in zip(placed["is_closed"], placed["closed_date"], placed["closed_by"], strict=True)
    ]
    placed["genre"] = placed["kind"].map(lambda kind: kinds.get(kind, kind))
    for column in ("address", "city", "period", "place_note"):
        placed[column] = placed[column].fillna("")
    placed["source"] = [cite([source_id], catalogue) for source_id in placed["source_id"]]
    missing = len(frame) - len(placed)
    unplaced = f", {missing} sans lieu connu" if missing else ""
    said = read.loaded_completeness(connection).get(service, declared.services[service].completeness)
    return MapLayer(
        name=f"{name} ({numbers.count(len(placed))}{unplaced})",
        frame=placed,
        legend=_legend(service, said, set(placed["classe"])),
        source="",
        fields={
            "etat": "État",
            "genre": "Type",
            "address": "Adresse",
            "city": "Commune",
            "period": "Millésime",
            "place_note": "Lieu",
        },
        is_shown=service != "ess",
    )


def cite(source_ids: Sequence[str] | pd.Series, catalogue: Mapping[str, Mapping[str, Any]]) -> str:
    """Return the producer, title and vintage of sources, in French."""
    found = [catalogue[source_id] for source_id in sorted(set(source_ids))]
    return " ; ".join(f"{source['producer']}, {source['title']} ({source['vintage']})" for source in found)


def _legend(service: str, said: str, shown: set[str]) -> dict[str, LegendEntry]:
    """Return how the structures of a service are drawn: those that are open, and of the others those that are there."""
    colour = offer().services[service].colour
    others = {
        "projet": LegendEntry("Projet annoncé : montré, jamais compté", colour, 0.2, colour, 1.5),
        "a_verifier": LegendEntry("À vérifier : montré, pas compté", colour, 0.5, "#555555", 1.5),
        "ferme": LegendEntry(
            "Fermé selon un registre ou une page : montré, plus compté", "#ffffff", 0.9, "#555555", 1.5
        ),
    }
    return {service: LegendEntry(said, colour, 0.9, "#ffffff", 1.0)} | {
        key: one for key, one in others.items() if key in shown
    }


def _closed_since(since: str | None, by: str) -> str:
    """Return that a structure is closed, since when and who says so, in French."""
    told = "" if since is None else f" depuis le {numbers.day(since)}"
    return f"Fermé{told}, selon {by}"
