"""Actors of repair and reuse (ADEME, « Longue vie aux objets »): the JSON export. Contact lines are not carried."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import pandas as pd

from observatory.errors import InputFileError
from observatory.sources import cells, structure_file
from observatory.sources.batch import LINE, Batch, Sieve
from observatory.sources.encoding import read_text

FILE: Final = "ademe_acteurs_sample.json"
SOURCE_ID: Final = "ademe_longue_vie"
KIND: Final = "ACTEUR_REEMPLOI"
POINT: Final = re.compile(r"SRID=4326;POINT \((-?[\d.]+) (-?[\d.]+)\)")
ACTIVE: Final = "ACTIF"


def read(path: Path) -> pd.DataFrame:
    """Read the actors; ``line`` is the rank of the actor.

    Returns
    -------
    pandas.DataFrame
        Text columns ``record_id, name, siret, naf, address, post_code, city, lon, lat, state, services, labels,
        changed_date``; ``services`` and ``labels`` are codes separated by commas.

    Raises
    ------
    InputFileError
        If the file is absent, is not JSON, or is not this export.
    """
    text, _ = read_text(path)
    try:
        rows = [_row(one["fields"], rank) for rank, one in enumerate(json.loads(text), start=1)]
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise InputFileError(
            f"Le fichier « {path.name} » n'est pas l'export « Longue vie aux objets » de l'Ademe, ou il est tronqué : "
            "téléchargez-le de nouveau."
        ) from error
    if not rows:
        raise InputFileError(f"Le fichier « {path.name} » ne contient aucun acteur : téléchargez-le de nouveau.")
    return pd.DataFrame(rows, dtype=object).astype({LINE: "int64"})


def normalise(frame: pd.DataFrame, *, departements: set[str], file_name: str = FILE) -> Batch:
    """Keep the active actors of some départements, told by their postal code.

    Nothing says here that one is a ressourcerie: ``services`` is the actor's own declaration, to be judged.

    Returns
    -------
    Batch
        Frame: the common columns of structures (see :mod:`observatory.sources.structure_file`).
    """
    sieve = Sieve(frame, SOURCE_ID, file_name, shown=("record_id", "name", "post_code", "city"))
    sieve.frame = sieve.frame.assign(post_code=cells.restored(sieve.frame["post_code"]))
    sieve.reject(~sieve.frame["post_code"].fillna("").str.fullmatch(r"\d{5}"), "code postal illisible")
    sieve.leave_outside(~sieve.frame["post_code"].str[:2].isin(departements))
    sieve.reject(sieve.frame["state"].ne(ACTIVE), "acteur qui n'est plus actif")
    sieve.reject(sieve.frame["name"].isna(), "nom absent")
    sieve.drop_duplicates(["record_id"])
    structure_file.repair_points(sieve)
    kept = sieve.frame.assign(kind=KIND, label=sieve.frame["services"])
    return sieve.batch(structure_file.records(kept, source_id=SOURCE_ID, period="inconnue"))


def _row(fields: Mapping[str, Any], rank: int) -> dict[str, Any]:
    point = POINT.fullmatch(str(fields["location"] or ""))
    return {
        "record_id": fields["uuid"],
        "name": fields["nom_commercial"] or fields["nom"] or None,
        "siret": fields["siret"] or None,
        "naf": fields["naf_principal"] or None,
        "address": fields["adresse"] or None,
        "post_code": fields["code_postal"] or None,
        "city": fields["ville"] or None,
        "lon": point[1] if point else None,
        "lat": point[2] if point else None,
        "state": fields["statut"],
        "services": ",".join(code for codes in fields["acteur_services"] for code in codes) or None,
        "labels": ",".join(code for codes in fields["labels"] for code in codes) or None,
        "changed_date": str(fields["modifie_le"])[:10],
        LINE: rank,
    }
