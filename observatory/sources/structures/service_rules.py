"""Which services a structure offers, and why the observatory says so: the rules of ``geodata/services.toml``."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import pandas as pd

from observatory.sources.structures.establishments import slug
from observatory.words.labels import PHASES

COUNTED_VERDICTS: Final = ("ressourcerie", "reemploi")
VERDICTS: Final = (*COUNTED_VERDICTS, "recyclage", "non", "a_confirmer")


def offered(records: pd.DataFrame, accompaniment: pd.DataFrame, declarations: Mapping[str, Any]) -> pd.DataFrame:
    """Return the services of each structure with the reason, from all the records it was resolved from.

    Parameters
    ----------
    records
        Resolved records: ``structure_id, source_id, record_id, kind, name, siret``.
    accompaniment
        ``structure_id, phases``.
    declarations
        ``geodata/services.toml``.

    Returns
    -------
    pandas.DataFrame
        ``structure_id, service, reason``; one row per pair, the first reason found.
    """
    parts = [
        by_kind(records, declarations),
        _by_name(records, declarations),
        _by_verdict(records, declarations),
        _by_phase(accompaniment, declarations),
        _by_role(accompaniment),
    ]
    rows = pd.concat(parts, ignore_index=True)
    return rows.drop_duplicates(["structure_id", "service"]).sort_values(["structure_id", "service"], ignore_index=True)


def of_kind(kind: str, declarations: Mapping[str, Any]) -> dict[str, str]:
    """Return the services that a kind of establishment offers by itself, each with the reason.

    Raises
    ------
    KeyError
        If ``geodata/services.toml`` declares no such kind.
    """
    entry = declarations["kinds"][kind]
    return {
        service: entry.get(f"reason_{service}", f"Type d’établissement : {entry['label']}.")
        for service, declared in declarations["services"].items()
        if kind in declared["kinds"]
    }


def by_kind(records: pd.DataFrame, declarations: Mapping[str, Any]) -> pd.DataFrame:
    """Return ``structure_id, service, reason`` of the records whose kind says it, one row for each that does."""
    reasons = {kind: of_kind(kind, declarations) for kind in declarations["kinds"]}
    parts = [
        records.loc[records["kind"].eq(kind), ["structure_id"]].assign(service=service, reason=reasons[kind][service])
        for service, declared in declarations["services"].items()
        for kind in declared["kinds"]
    ]
    return pd.concat(parts, ignore_index=True)


def judgements(declarations: Mapping[str, Any]) -> dict[str, Mapping[str, str]]:
    """Return SIRET → verdict, reason and place of the structures that may be ressourceries."""
    return {str(one["siret"]): one for one in declarations["ressourceries"]}


def _by_name(records: pd.DataFrame, declarations: Mapping[str, Any]) -> pd.DataFrame:
    words: Mapping[str, str] = declarations["ess_words"]
    never = declarations["ess_never"]["kinds"]
    rows = []
    for structure_id, kind, name in zip(records["structure_id"], records["kind"], records["name"], strict=True):
        present = set(slug(name).upper().split("-"))
        found = [word for word in words if word in present]
        if found and kind not in never:
            rows.append((structure_id, "ess", f"« {name} » : {words[found[0]]}."))
    return pd.DataFrame(rows, columns=["structure_id", "service", "reason"])


def _by_verdict(records: pd.DataFrame, declarations: Mapping[str, Any]) -> pd.DataFrame:
    counted = {
        siret: one["reason"] for siret, one in judgements(declarations).items() if one["verdict"] in COUNTED_VERDICTS
    }
    judged = records.loc[records["siret"].isin(counted) & records["source_id"].eq("asp_siae_2020")]
    return pd.DataFrame(
        {"structure_id": judged["structure_id"], "service": "ressourcerie", "reason": judged["siret"].map(counted)}
    )


def _by_phase(accompaniment: pd.DataFrame, declarations: Mapping[str, Any]) -> pd.DataFrame:
    wanted = declarations["services"]["accompagnement"]["phases"]
    rows = []
    for structure_id, phases in zip(accompaniment["structure_id"], accompaniment["phases"], strict=True):
        told = [PHASES[phase] for phase in wanted if phase in phases]
        if told:
            rows.append(
                (structure_id, "accompagnement", f"Phases accompagnées selon le dossier de 2018 : {', '.join(told)}.")
            )
    return pd.DataFrame(rows, columns=["structure_id", "service", "reason"])


def _by_role(accompaniment: pd.DataFrame) -> pd.DataFrame:
    """Return the tiers-lieux and ressourceries that the file announces inside a pôle."""
    rows = []
    for structure_id, kind, role in zip(
        accompaniment["structure_id"], accompaniment["kind"], accompaniment["role"], strict=True
    ):
        if kind != "ACCOMPAGNEMENT_LIEU":
            continue
        if "tiers-lieu" in role:
            rows.append((structure_id, "tiers_lieu", "Le dossier de 2018 annonce un tiers-lieu."))
        if "ressourcerie" in role:
            rows.append((structure_id, "ressourcerie", "Le dossier de 2018 annonce une ressourcerie dans ce pôle."))
    return pd.DataFrame(rows, columns=["structure_id", "service", "reason"])
