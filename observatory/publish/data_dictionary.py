"""Renders ``docs/data-dictionary.md`` from the declarations: sources, indicators, services, columns of the snapshot."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from observatory.declared import catalogue
from observatory.declared.services import offer
from observatory.sources import contracts

HEADER: Final = """# Dictionnaire des données

Page engendrée par `observatory snapshot dictionary` à partir de `geodata/catalog.toml`, `geodata/fields.toml` et
`geodata/services.toml` : ne la modifiez pas à la main.
"""
STATUS_NOTE: Final = (
    "Statuts : `observed` (publié par le producteur), `estimated` (calculé, la méthode est dite), `suppressed` (secret "
    "statistique), `missing` (non publié ou inconnu : ce n’est pas zéro)."
)
TABLES: Final = {
    "territories": "Territoires : un par niveau et code, en Lambert-93 (EPSG:2154).",
    "territory_links": "Appartenances d’un territoire à un autre.",
    "values": "Figures, une par territoire, indicateur et période.",
    "zonings": "Classes des communes dans les zonages.",
    "structures": "Structures, une seule fois chacune.",
    "structure_services": "Services offerts par une structure, avec la raison.",
    "structure_records": "Lignes des sources et structure à laquelle chacune a été rattachée, avec la règle.",
    "structure_members": "Enregistrements réunis, chacun tel que sa source le donne : de quoi défaire la réunion.",
    "structure_statements": "Ce que des pages publiques disent d’une structure : adresses, état, confiance, raison.",
    "accompaniment": "Rôle, phases, dispositifs et zone des structures de l’accompagnement.",
}


def render() -> str:
    """Return the whole page, in Markdown."""
    return "\n".join([HEADER, *_sources(), *_fields(), *_services(), *_verdicts(), *_tables()]) + "\n"


def _sources() -> list[str]:
    lines = ["## Sources", ""]
    for source in catalogue.sources():
        lines += [
            f"### {source.title}",
            "",
            f"- Identifiant : `{source.source_id}`",
            f"- Producteur : {source.producer}",
        ]
        lines += [f"- Licence : {source.licence}", f"- Adresse : <{source.url}>", f"- Millésime : {source.vintage}"]
        if source.rhythm:
            lines.append(f"- Rythme : {source.rhythm}")
        lines.append(f"- Couverture : {source.coverage}")
        if source.expected_count is not None:
            lines.append(f"- Attendu : {source.expected_count} ({source.expected_note})")
        lines += [f"- Format : {source.format}, `{source.file}`", ""]
    return lines


def _fields() -> list[str]:
    rows = [
        (f"`{one.indicator}`", one.label, one.unit, one.denominator or "–", ", ".join(one.levels), one.description)
        for one in catalogue.fields()
    ]
    head = ("Indicateur", "Libellé", "Unité", "Part de", "Niveaux", "Sens")
    return ["## Indicateurs", "", STATUS_NOTE, "", *_table(head, rows), ""]


def _services() -> list[str]:
    labels = offer().kind_labels
    lines = ["## Services", ""]
    for service, one in offer().services.items():
        kinds = ", ".join(f"{labels[kind]} (`{kind}`)" for kind in one.kinds)
        lines += [f"### {one.label} (`{service}`)", "", f"- Types : {kinds}", f"- Complétude : {one.completeness}"]
        if one.notes:
            lines.append(f"- Note : {one.notes}")
        lines.append("")
    return lines


def _verdicts() -> list[str]:
    rows = [(one.name, one.siret, f"`{one.verdict}`", one.reason) for one in offer().ressourceries]
    return [
        "## Ressourceries : verdicts",
        "",
        "`ressourcerie` et `reemploi` comptent dans le service ; `recyclage`, `non` et `a_confirmer` ne comptent pas.",
        "",
        *_table(("Structure", "SIRET", "Verdict", "Raison"), rows),
        "",
    ]


def _tables() -> list[str]:
    lines = ["## Tables du snapshot", ""]
    for name, schema in contracts.schemas().items():
        rows = [
            (f"`{column}`", str(one.dtype or "géométrie WKB"), "oui" if one.nullable else "non")
            for column, one in schema.columns.items()
        ]
        lines += [
            f"### `{name}.parquet`",
            "",
            TABLES[name],
            "",
            *_table(("Colonne", "Type", "Peut être vide"), rows),
            "",
        ]
    return lines[:-1]


def _table(head: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> list[str]:
    cells = [head, tuple("---" for _ in head), *rows]
    return ["| " + " | ".join(cell.replace("|", "\\|") for cell in row) + " |" for row in cells]
