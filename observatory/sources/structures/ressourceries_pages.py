"""Ressourceries and other places of reuse read on public pages; the rule of ``services.toml`` says which count."""

from __future__ import annotations

from typing import Final

import pandas as pd

from observatory.declared.services import ReuseRule, offer
from observatory.sources.batch import Batch, Sieve
from observatory.sources.context import Context
from observatory.sources.formats import cell_text
from observatory.sources.formats.tables import reader
from observatory.sources.registry import Source
from observatory.sources.structures import page_facts, structure_file
from observatory.sources.structures.establishments import slug

FILE: Final = "ressourceries_normandie.csv"
SOURCE_ID: Final = "pages_ressourceries"
LEFT_OUT_FILE: Final = "ressourceries_not_counted.csv"
LEFT_OUT_ID: Final = "pages_reemploi_ecarte"
COUNTED: Final = "RESSOURCERIE"
LISTED: Final = "ACTEUR_REEMPLOI"
COLUMNS: Final = {
    name: (name,)
    for name in (
        "name", "kind", "commune", "commune_code", "address", "collects", "resells", "state", "state_date", "urls",
        "page_dates", "confidence", "reason",
    )
}  # fmt: skip
LEFT_OUT_COLUMNS: Final = {
    "name": ("name",),
    "city": ("commune",),
    "commune_code": ("commune_code",),
    "why": ("why",),
    "reason": ("reason",),
    "urls": ("url",),
}
ANSWERS: Final = {"collects": "qu’on y dépose des objets", "resells": "qu’on y vend des objets"}
"""What the rule asks of a place → how a sentence says it."""
NO_PLACE: Final = ("sans nom", "sans commune", "hors région", "source douteuse")
"""Reasons of the list of those left out that make no place of the row."""
FILLS: Final = (*structure_file.FILLED, "structure_statements")

read: Final = reader(COLUMNS, optional=("address", "state_date", "page_dates"))
read_left_out: Final = reader(LEFT_OUT_COLUMNS)


def normalise(frame: pd.DataFrame, *, communes: set[str], file_name: str = FILE) -> Batch:
    """Judge each place by the declared rule: what it is, whether it collects, whether it sells.

    A place that the rule counts is a ressourcerie; one of which the pages don't say that it collects, or sells, is a
    doubtful one; the others are listed as actors of reuse, which offer no service.

    Returns
    -------
    Batch
        Frame: the common columns of structures, with those of :mod:`observatory.sources.structures.page_facts`.
    """
    rule = offer().ressourcerie_rule
    sieve = Sieve(frame, SOURCE_ID, file_name, shown=("name", "kind", "commune", "state"))
    page_facts.sift(sieve)
    cell_text.reject_unknown_communes(sieve, communes)
    sieve.reject(~sieve.frame["kind"].isin({*rule.counted, *rule.refused}), "type que la règle ne connaît pas")
    sieve.drop_duplicates(["name", "commune_code"])
    kept = sieve.frame
    judged = [
        _judged(rule, kind, {"collects": collects, "resells": resells})
        for kind, collects, resells in zip(kept["kind"], kept["collects"], kept["resells"], strict=True)
    ]
    is_told = pd.Series([one[1] for one in judged], index=kept.index, dtype=bool)
    placed = kept.assign(
        kind=[one[0] for one in judged],
        judgement=[one[2] for one in judged],
        confidence=kept["confidence"].where(is_told, "doubtful"),
        label=kept["kind"].map({**rule.counted, **rule.refused}),
        city=kept["commune"],
        record_id=_identifiers(kept),
    )
    return sieve.batch(page_facts.records(placed, source_id=SOURCE_ID))


def normalise_left_out(frame: pd.DataFrame, *, communes: set[str], file_name: str = LEFT_OUT_FILE) -> Batch:
    """Keep the places where goods are left, given or lent, as actors of reuse that count for no service."""
    told = frame.assign(state="open", confidence="likely")
    told = told.assign(state=told["state"].mask(told["why"].eq("projet"), "announced"))
    sieve = Sieve(told, LEFT_OUT_ID, file_name, shown=("name", "city", "why"))
    page_facts.sift(sieve)
    no_place = sieve.frame["why"].isin(NO_PLACE)
    sieve.reject(no_place, "pas un lieu que l’on puisse placer : " + sieve.frame["why"].fillna(""))
    sieve.reject(sieve.frame["commune_code"].isna(), "commune absente, ou plusieurs lieux en une ligne")
    cell_text.reject_unknown_communes(sieve, communes)
    kept = sieve.frame
    placed = kept.assign(
        kind=LISTED,
        label=kept["why"],
        judgement="Pas comptée comme ressourcerie : " + kept["why"] + ".",
        record_id=_identifiers(kept),
    )
    return sieve.batch(page_facts.records(placed, source_id=LEFT_OUT_ID))


def tables(batch: Batch, context: Context) -> dict[str, pd.DataFrame]:
    """Return the tables of a list's structures, and what the pages say of each."""
    return {
        **structure_file.placed(batch, context),
        "structure_statements": page_facts.statements(batch.frame),
    }


def _judged(rule: ReuseRule, kind: str, answers: dict[str, str | None]) -> tuple[str, bool, str]:
    """Return the kind of structure, whether the pages tell what the rule asks, and the reason in French."""
    if kind in rule.refused:
        return LISTED, True, f"Pas comptée comme ressourcerie : {rule.refused[kind]}. Règle : {rule.text}"
    denied = [said for name, said in ANSWERS.items() if answers[name] == "no"]
    if denied:
        return (
            LISTED,
            True,
            f"Pas comptée comme ressourcerie : les pages nient {' et '.join(denied)}. Règle : {rule.text}",
        )
    untold = [said for name, said in ANSWERS.items() if answers[name] != "yes"]
    if untold:
        return COUNTED, False, f"À vérifier : aucune page lue ne dit {' ni '.join(untold)}. Règle : {rule.text}"
    return COUNTED, True, f"Collecte et revend selon les pages citées. Règle : {rule.text}"


def _identifiers(frame: pd.DataFrame) -> list[str]:
    return [slug(name, code) for name, code in zip(frame["name"], frame["commune_code"], strict=True)]


SOURCES: Final = (
    Source(
        source_id=SOURCE_ID,
        fills=FILLS,
        needs={"communes": "communes"},
        read=read,
        normalise=normalise,
        tables=tables,
        snapshot_file=FILE,
    ),
    Source(
        source_id=LEFT_OUT_ID,
        fills=FILLS,
        needs={"communes": "communes"},
        read=read_left_out,
        normalise=normalise_left_out,
        tables=tables,
        snapshot_file=LEFT_OUT_FILE,
    ),
)
