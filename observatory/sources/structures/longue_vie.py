"""Actors of repair and reuse (ADEME, « Longue vie aux objets »): export or API lines. Contact lines are not carried."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import pandas as pd

from observatory.errors import InputFileError
from observatory.sources.batch import LINE, Batch, Sieve
from observatory.sources.formats import cell_text
from observatory.sources.formats.json_lists import is_json, json_rows
from observatory.sources.formats.tables import read_table
from observatory.sources.registry import Source
from observatory.sources.structures import structure_file
from observatory.sources.structures.establishments import slug

FILE: Final = "ademe_acteurs_sample.json"
SOURCE_ID: Final = "ademe_longue_vie"
KIND: Final = "ACTEUR_REEMPLOI"
RESSOURCERIE: Final = "RESSOURCERIE"
NAMED: Final = frozenset({"ressourcerie", "ressourceries", "recyclerie", "recycleries"})
"""Words that make an actor a ressourcerie, when its name holds one: any other may only repair, sort or collect."""
LINES: Final = {
    "record_id": ("identifiant", "identifiant_unique"),
    "name": ("nom",),
    "siret": ("siret",),
    "address": ("adresse",),
    "post_code": ("code_postal",),
    "city": ("ville",),
    "commune_code": ("code_commune",),
    "lon": ("longitude",),
    "lat": ("latitude",),
    "services": ("type_de_services",),
    "labels": ("qualites_et_labels",),
    "changed_date": ("date_de_derniere_modification",),
}
"""Fields of the lines of Data Fair, or of their CSV export; they hold active actors only."""
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
    rows = json_rows(path) if is_json(path) else []
    if not rows or "fields" not in rows[0]:
        optional = set(LINES) - {"record_id", "name", "lon", "lat"}
        return read_table(path, LINES, optional=optional, as_list=True).assign(state=ACTIVE, naf=None)
    try:
        return pd.DataFrame([_row(one["fields"], rank) for rank, one in enumerate(rows, start=1)], dtype=object).astype(
            {LINE: "int64"}
        )
    except (KeyError, TypeError, AttributeError) as error:
        raise InputFileError(
            f"Le fichier « {path.name} » n’est pas l’export « Longue vie aux objets » de l’Ademe, ou il est tronqué : "
            "téléchargez-le de nouveau."
        ) from error


def normalise(frame: pd.DataFrame, *, departements: set[str], file_name: str = FILE) -> Batch:
    """Keep the active actors of some départements, told by their commune or their postal code.

    One whose name says ressourcerie or recyclerie is of that kind; the others are listed, and count for no service:
    what they declare (``label``) doesn't tell a place where objects are given and sold from a repairer.

    Returns
    -------
    Batch
        Frame: the common columns of structures (see :mod:`observatory.sources.structures.structure_file`).
    """
    sieve = Sieve(frame, SOURCE_ID, file_name, shown=("record_id", "name", "post_code", "city"))
    if "commune_code" not in sieve.frame:
        sieve.frame = sieve.frame.assign(commune_code=None)
    structure_file.keep_departements(sieve, departements)
    sieve.reject(sieve.frame["state"].ne(ACTIVE), "acteur qui n’est plus actif")
    sieve.reject(sieve.frame["name"].isna(), "nom absent")
    sieve.drop_duplicates(["record_id"])
    structure_file.repair_points(sieve)
    cell_text.sirets(sieve)
    is_named = [not NAMED.isdisjoint(slug(name).split("-")) for name in sieve.frame["name"]]
    kind = pd.Series(is_named, index=sieve.frame.index, dtype=bool).map({True: RESSOURCERIE, False: KIND})
    kept = sieve.frame.drop(columns="state").assign(kind=kind, label=sieve.frame["services"])
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


SOURCE: Final = Source(
    source_id=SOURCE_ID,
    fills=structure_file.FILLED,
    needs={"departements": "all_departements"},
    read=read,
    normalise=normalise,
    tables=structure_file.placed,
)
