"""The accompaniment ecosystem as its application file of October 2018 describes it; the rest stays unknown."""

from __future__ import annotations

from typing import Final

import pandas as pd

from observatory.sources.batch import Batch, Sieve
from observatory.sources.formats.tables import reader
from observatory.sources.structures.establishments import slug
from observatory.words.labels import PHASES

FILE: Final = "accompaniment_2018.csv"
SOURCE_ID: Final = "ami_french_impact_2018"
PERIOD: Final = "2018-10"
COLUMNS: Final = (
    "name",
    "kind",
    "role",
    "phases",
    "devices",
    "zone_level",
    "zone_code",
    "place_commune_code",
    "place_note",
)
KINDS: Final = {
    "reseau": "ACCOMPAGNEMENT_RESEAU",
    "accompagnateur": "ACCOMPAGNEMENT_ACCOMPAGNATEUR",
    "incubateur": "ACCOMPAGNEMENT_INCUBATEUR",
    "financeur": "ACCOMPAGNEMENT_FINANCEUR",
    "cae": "ACCOMPAGNEMENT_CAE",
    "lieu": "ACCOMPAGNEMENT_LIEU",
    "ressourcerie": "RESSOURCERIE",
    "entreprise_insertion": "ENTREPRISE_INSERTION",
    "experimentation": "EXPERIMENTATION",
    "couveuse": "ACCOMPAGNEMENT_COUVEUSE",
    "fabrique_a_entreprendre": "ACCOMPAGNEMENT_FABRIQUE",
    "collectivite": "ACCOMPAGNEMENT_COLLECTIVITE",
    "dispositif": "ACCOMPAGNEMENT_DISPOSITIF",
    "hebergement": "ACCOMPAGNEMENT_HEBERGEMENT",
    "ptce": "PTCE",
    "cjs": "COOPERATIVE_JEUNESSE",
}
CONFIDENCE: Final = "likely"
"""Of what a file of 2018 describes: nobody has checked that it is open today."""
PROJECT: Final = "projet"
CANDIDATE: Final = "candidature"
"""Words of the file for what was only announced in 2018."""

read: Final = reader(COLUMNS)


def normalise(frame: pd.DataFrame) -> Batch:
    """Keep what the file says, in lists where it lists.

    Returns
    -------
    Batch
        Frame: ``record_id, name, kind, role, zone_level, zone_code, commune_code, place_note, is_active, origin,
        stated_date`` (empty: the source's own), and the lists ``phases`` and ``devices``. A project or a candidacy is
        not active.
    """
    sieve = Sieve(frame, SOURCE_ID, FILE, shown=("name", "kind", "role"))
    sieve.drop_duplicates(["name"])
    sieve.reject(~sieve.frame["kind"].isin(KINDS), "type de structure inconnu")
    kept = sieve.frame
    phases = kept["phases"].map(listed)
    sieve.reject(phases.map(lambda one: not set(one) <= set(PHASES)), "phase inconnue")
    kept = sieve.frame
    is_announced = kept["place_note"].fillna("").str.startswith(PROJECT)
    is_candidate = kept["role"].fillna("").str.startswith(CANDIDATE)
    result = pd.DataFrame(
        {
            "record_id": [slug(name) for name in kept["name"]],
            "name": kept["name"],
            "kind": kept["kind"].map(KINDS),
            "role": kept["role"],
            "phases": kept["phases"].map(listed),
            "devices": kept["devices"].map(listed),
            "zone_level": kept["zone_level"],
            "zone_code": kept["zone_code"],
            "commune_code": kept["place_commune_code"],
            "place_note": kept["place_note"],
            "is_active": ~(is_announced | is_candidate),
            "origin": None,
            "stated_date": None,
        }
    )
    return sieve.batch(result.reset_index(drop=True))


def records(frame: pd.DataFrame) -> pd.DataFrame:
    """Return the structures in the columns of :func:`observatory.sources.structures.establishments.normalise`."""
    unknown = pd.Series([None] * len(frame), index=frame.index, dtype=object)
    number = pd.Series(float("nan"), index=frame.index)
    return pd.DataFrame(
        {
            "source_id": SOURCE_ID,
            "record_id": frame["record_id"],
            "kind": frame["kind"],
            "name": frame["name"],
            **dict.fromkeys(("siret", "naf", "address", "post_code", "city"), unknown),
            "commune_code": frame["commune_code"],
            "departement_code": frame["commune_code"].str[:2],
            **dict.fromkeys(("lon", "lat", "geocoding_score", "capacity_count"), number),
            "label": unknown,
            "is_commune_centre": False,
            "period": PERIOD,
            "is_active": frame["is_active"],
            "state": frame["is_active"].map({True: "open", False: "announced"}),
            "confidence": CONFIDENCE,
        }
    )


def listed(text: object) -> list[str]:
    """Return the parts of a cell between « | »."""
    return [part.strip() for part in str(text).split("|") if part.strip()] if isinstance(text, str) else []
