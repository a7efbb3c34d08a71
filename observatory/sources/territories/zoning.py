"""Zonings of communes (density, rurality, centrality, FRR, attraction, urban unit), zones d'emploi, bassins de vie."""

from __future__ import annotations

from typing import Final

import pandas as pd

from observatory.sources.batch import Batch, Sieve
from observatory.sources.formats import cell_text
from observatory.sources.formats.tables import reader

FILE: Final = "commune_zoning_2025.csv"
SOURCE_ID: Final = "insee_zonages_2025"
COLUMNS: Final = (
    "commune_code",
    "density_level",
    "rurality_type",
    "centrality_level",
    "frr_status",
    "ze2020",
    "lib_ze2020",
    "aav2020",
    "lib_aav2020",
    "cateaav2020",
    "bv2022",
    "lib_bv2022",
    "uu2020",
)

DENSITY: Final = {
    "Grands centres urbains": "1",
    "Centres urbains intermédiaires": "2",
    "Petites villes": "3",
    "Ceintures urbaines": "4",
    "Bourgs ruraux": "5",
    "Rural à habitat dispersé": "6",
    "Rural à habitat très dispersé": "7",
}
"""INSEE's grid of density in seven levels (DENS), from the densest."""
FRR: Final = {
    "Non classée": "non_classee",
    "FRR socle": "socle",
    "FRR+": "plus",
    "FRR bénéficiaire": "beneficiaire",
    "FRR bénéficiaire partiellement": "beneficiaire_partiel",
    "Classée FRR partiellement": "partiel",
}
CENTRALITY: Final = {
    "Communes non centre": "0",
    "Centre local d'équipements et de services": "1",
    "Centre intermédiaire d'équipements et de services": "2",
    "Centre structurant d'équipements et de services": "3",
    "Centre majeur d'équipements et de services": "4",
}
RURALITY: Final = {
    "Les ruralités résidentielles aisées": "residentielle_aisee",
    "Les ruralités résidentielles mixtes": "residentielle_mixte",
    "Les ruralités productives agricoles": "productive_agricole",
    "Les ruralités productives ouvrières": "productive_ouvriere",
    "Les petites polarités mixtes": "petite_polarite_mixte",
    "Les petites polarités industrielles et artisanales": "petite_polarite_industrielle",
    "Les ruralités touristiques à dominante résidentielle": "touristique_residentielle",
    "Les ruralités touristiques spécialisées": "touristique_specialisee",
    "Hors champ : DOM ou commune urbaine": "urbaine",
    "Commune dont le périmètre a changé depuis la réalisation de la typologie": "perimetre_change",
}
LABELLED: Final = {
    "density_level": ("densite", DENSITY, "insee_densite_2025", "2025"),
    "rurality_type": ("ruralite", RURALITY, "anct_ruralite_2025", "COG 2025"),
    "centrality_level": ("centralite", CENTRALITY, "anct_centralite_2025", "COG 2025"),
    "frr_status": ("frr", FRR, "dgcl_frr_2025", "10/07/2025"),
}
"""Column → zoning, label → code, source, vintage."""
NO_URBAN_UNIT: Final = "000"
"""INSEE codes a commune out of any urban unit by its département followed by 000."""
ZONING_COLUMNS: Final = ("level", "code", "zoning", "value_code", "value_label", "vintage", "source_id")

read: Final = reader(COLUMNS)


def normalise(frame: pd.DataFrame, *, communes: set[str]) -> Batch:
    """Keep the communes that the observatory knows; labels that no nomenclature holds are put aside.

    Returns
    -------
    Batch
        Frame: the file's columns, one row per commune.
    """
    sieve = Sieve(frame, SOURCE_ID, FILE, shown=("commune_code", "density_level", "frr_status", "lib_ze2020"))
    sieve.drop_duplicates(["commune_code"])
    cell_text.reject_unknown_communes(sieve, communes)
    for column, (_, codes, _, _) in LABELLED.items():
        label = sieve.frame[column]
        sieve.reject_cells(column, label.notna() & ~label.isin(codes), "libellé hors nomenclature")
    return sieve.batch()


def zonings(frame: pd.DataFrame) -> pd.DataFrame:
    """Return one row per commune and zoning, from a normalised frame."""
    code = frame["commune_code"]
    parts = []
    for column, (zoning, codes, source_id, vintage) in LABELLED.items():
        parts.append(part(code, zoning, frame[column].map(codes), frame[column], vintage=vintage, source_id=source_id))
    aav = frame["lib_aav2020"].where(frame["aav2020"].ne("000"), "Commune hors attraction des villes")
    parts.append(part(code, "aav", frame["aav2020"], aav, vintage="2020", source_id="insee_aav_2020"))
    unit = frame["uu2020"]
    is_rural = unit.str.endswith(NO_URBAN_UNIT)
    label = ("Unité urbaine " + unit).where(~is_rural, "Commune hors unité urbaine")
    parts.append(part(code, "unite_urbaine", unit, label, vintage="2020", source_id="insee_uu_2020"))
    return pd.concat(parts, ignore_index=True)


def memberships(frame: pd.DataFrame, level: str) -> pd.DataFrame:
    """Return ``commune_code, code, name`` of the ``zone_emploi`` or ``bassin_vie`` of each commune."""
    columns = {"zone_emploi": ("ze2020", "lib_ze2020"), "bassin_vie": ("bv2022", "lib_bv2022")}[level]
    known = frame.loc[frame[columns[0]].notna(), ["commune_code", *columns]]
    return known.rename(columns={columns[0]: "code", columns[1]: "name"})


def part(
    code: pd.Series, zoning: str, value_code: pd.Series, value_label: pd.Series, *, vintage: str, source_id: str
) -> pd.DataFrame:
    """Return one zoning in its columns; communes without a class are left out."""
    rows = pd.DataFrame(
        {
            "level": "commune",
            "code": code,
            "zoning": zoning,
            "value_code": value_code,
            "value_label": value_label,
            "vintage": vintage,
            "source_id": source_id,
        }
    )
    return rows.loc[rows["value_code"].notna(), list(ZONING_COLUMNS)]
