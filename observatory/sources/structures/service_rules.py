"""Which services a structure offers, and why the observatory says so: the rules of ``geodata/services.toml``."""

from __future__ import annotations

from typing import Final

import pandas as pd

from observatory.declared.services import Offer
from observatory.sources.structures.establishments import slug
from observatory.words.labels import PHASES

COUNTED_VERDICTS: Final = ("ressourcerie", "reemploi")


def offered(records: pd.DataFrame, accompaniment: pd.DataFrame, declared: Offer) -> pd.DataFrame:
    """Return the services of each structure with the reason, from all the records it was resolved from.

    Parameters
    ----------
    records
        Resolved records: ``structure_id, source_id, record_id, kind, name, siret``.
    accompaniment
        ``structure_id, kind, role, phases, origin, stated_date``; an empty ``origin`` is the file of 2018.
    declared
        ``geodata/services.toml``.

    Returns
    -------
    pandas.DataFrame
        ``structure_id, service, reason``; one row per pair, the first reason found.
    """
    parts = [
        by_kind(records, declared),
        _by_name(records, declared),
        _by_verdict(records, declared),
        _by_phase(accompaniment, declared),
        _by_role(accompaniment),
    ]
    rows = pd.concat(parts, ignore_index=True)
    return rows.drop_duplicates(["structure_id", "service"]).sort_values(["structure_id", "service"], ignore_index=True)


def of_kind(kind: str, declared: Offer) -> dict[str, str]:
    """Return the services that a kind of establishment offers by itself, each with the reason.

    Raises
    ------
    KeyError
        If ``geodata/services.toml`` declares no such kind.
    """
    entry = declared.kinds[kind]
    return {
        service: entry.reasons.get(service, f"Type d’établissement : {entry.label}.")
        for service, one in declared.services.items()
        if kind in one.kinds
    }


def by_kind(records: pd.DataFrame, declared: Offer) -> pd.DataFrame:
    """Return ``structure_id, service, reason`` of the records whose kind says it, one row for each that does."""
    reasons = {kind: of_kind(kind, declared) for kind in declared.kinds}
    parts = [
        records.loc[records["kind"].eq(kind), ["structure_id"]].assign(service=service, reason=reasons[kind][service])
        for service, one in declared.services.items()
        for kind in one.kinds
    ]
    return pd.concat(parts, ignore_index=True)


def _by_name(records: pd.DataFrame, declared: Offer) -> pd.DataFrame:
    words, never = declared.ess_words, declared.ess_never.kinds
    rows = []
    for structure_id, kind, name in zip(records["structure_id"], records["kind"], records["name"], strict=True):
        present = set(slug(name).upper().split("-"))
        found = [word for word in words if word in present]
        if found and kind not in never:
            rows.append((structure_id, "ess", f"« {name} » : {words[found[0]]}."))
    return pd.DataFrame(rows, columns=["structure_id", "service", "reason"])


def _by_verdict(records: pd.DataFrame, declared: Offer) -> pd.DataFrame:
    counted = {one.siret: one.reason for one in declared.ressourceries if one.verdict in COUNTED_VERDICTS}
    judged = records.loc[records["siret"].isin(counted) & records["source_id"].eq("asp_siae_2020")]
    return pd.DataFrame(
        {"structure_id": judged["structure_id"], "service": "ressourcerie", "reason": judged["siret"].map(counted)}
    )


def _by_phase(accompaniment: pd.DataFrame, declared: Offer) -> pd.DataFrame:
    service = declared.services["accompagnement"]
    rows = []
    bodies = accompaniment[~accompaniment["kind"].isin(service.never)]
    columns = (bodies[name] for name in ("structure_id", "phases", "origin", "stated_date"))
    for structure_id, phases, origin, date in zip(*columns, strict=True):
        told = [PHASES[phase] for phase in service.phases if phase in phases]
        if told:
            said = f"« {origin} » ({date})" if isinstance(origin, str) else "le dossier de 2018"
            rows.append((structure_id, "accompagnement", f"Phases accompagnées selon {said} : {', '.join(told)}."))
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
