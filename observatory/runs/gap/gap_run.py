"""Gap of every territory, for one défi and one service: need and access crossed, rows ready to be shown."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import numpy as np
import pandas as pd
from sqlalchemy import Connection

from observatory.declared.region import home_region
from observatory.gap import COUNTS, UNDETERMINED, Ledger, commune_accounts, gap_rows, ledger, total
from observatory.gap.columns import COLUMNS
from observatory.gap.near_threshold import near_threshold
from observatory.gap.prose import HIDDEN_NOTE
from observatory.parameters import METHOD_VERSION, MINUTES_DECIMALS, SCORE_DECIMALS
from observatory.runs.access.access_run import CLOSED_BORDER, AccessRun
from observatory.runs.access.travel_cost import travel_in_force
from observatory.runs.gap import certainty
from observatory.runs.gap.certainty import Certainties
from observatory.runs.gap.closed_border import border_flips
from observatory.runs.gap.gap_request import PROFILE, GapRequest, GapRun
from observatory.runs.gap.regional_profile import Profiles
from observatory.runs.loaded_inputs import DEMAND_LEVEL, SUMMED_LEVELS, Inputs, at_level
from observatory.runs.need.need_figures import REUSE_SERVICE
from observatory.runs.need.need_run import NeedRun
from observatory.store import results
from observatory.store.tables import GapResult
from observatory.words.numbers import counted

QPV_NOTE: Final = (
    "Population du quartier absente des données chargées : ni compte ni besoin ; "
    "temps et accès mesurés au point du QPV."
)


QPV_NEAR_NOTE: Final = "Près du seuil : l’erreur du trajet estimé décide de la réponse."
NEAR: Final = "near_threshold_count"


def stored_gap(connection: Connection, request: GapRequest, checksums: Mapping[str, str]) -> GapRun | None:
    """Return the run that answers a request if it was already worked out."""
    stored = results.find_run(connection, request.run_hash(travel_in_force(connection, request.study), checksums))
    return None if stored is None else GapRun(stored.run_hash, stored.parameters, stored.source_ids)


def work_out_gap(
    connection: Connection,
    request: GapRequest,
    *,
    need: NeedRun,
    access: AccessRun,
    inputs: Inputs,
    certainties: Certainties,
    profiles: Profiles,
) -> GapRun:
    """Cross a need with an access and store the result, unless another transaction just did.

    Parameters
    ----------
    certainties, profiles
        Of the same inputs; shared between requests, they work each need and each access out once.
    """
    name = request.run_hash(travel_in_force(connection, request.study), inputs.checksums)
    results.lock_run(connection, name)
    stored = stored_gap(connection, request, inputs.checksums)
    if stored is not None:
        return stored
    rows = _rows(request, need, access, inputs, certainties)
    parameters = _parameters(request, need, access)
    parameters["ranked_counts"] = rows.groupby("level")["rank_low"].count().to_dict()
    parameters["border_flips"] = border_flips(
        rows, access, threshold_min=request.threshold_min, cuts=request.study.cuts, inputs=inputs
    )
    parameters[PROFILE] = profiles.of(request, rows, need)
    source_ids = sorted({*need.source_ids, *access.source_ids})
    results.store_run(
        connection,
        run_hash=name,
        kind="gap",
        defi=request.defi,
        service=request.service.service,
        parameters=parameters,
        inputs={"need": need.run_hash, "access": access.run_hash, **inputs.checksums},
        source_ids=source_ids,
    )
    results.copy_frame(connection, GapResult, rows[list(COLUMNS)].assign(run_hash=name))
    return GapRun(name, parameters, source_ids, is_new=True)


def _rows(
    request: GapRequest, need: NeedRun, access: AccessRun, inputs: Inputs, certainties: Certainties
) -> pd.DataFrame:
    codes = inputs.population_count.index
    reached = access.communes.reindex(codes)
    account = commune_accounts(
        _ledger(request, reached, access, inputs),
        codes=codes,
        nearest_min=reached["nearest_min"],
        need_volume_count=need.volume_estimates,
    )
    near = _near_threshold(request, account, access)
    parts = []
    for level in (DEMAND_LEVEL, *SUMMED_LEVELS):
        summed = account if level == DEMAND_LEVEL else total(account, inputs.parents[DEMAND_LEVEL, level])
        scored = at_level(need.rows, level).reindex(summed.index)
        rows = gap_rows(summed, scored["score"], cuts=request.study.cuts)
        rows[NEAR] = (
            near if level == DEMAND_LEVEL else near.groupby(inputs.parents[DEMAND_LEVEL, level]).sum(min_count=1)
        )
        rows["status"] = scored["status"].fillna("missing")
        _hide(rows, scored["volume"], need)
        rows["note"] = _notes(rows, level, need, inputs)
        sure = certainties.rows(request, level=level, need=need).reindex(rows.index)
        rows = rows.join(sure[list(certainty.COLUMNS)])
        parts.append(_described(rows, level, inputs))
    rows = pd.concat([*(part.astype(object) for part in parts), _qpv_rows(access, inputs)], ignore_index=True)
    rows["flips"] = [one if isinstance(one, list) else [] for one in rows["flips"]]
    return rows.astype(dict.fromkeys((*COUNTS, *certainty.RANKS), "Int64"))


def _hide(rows: pd.DataFrame, volume: pd.Series, need: NeedRun) -> None:
    """Empty the counts that secrecy covers: the sums were made with estimates in their place."""
    if need.is_volume_public:
        return
    is_secret = rows["status"] == "suppressed"
    far = rows["in_need_out_of_reach_count"]
    is_small = ((far > 0) & (far < need.secrecy_threshold)).fillna(value=False).astype(bool)
    rows["need_volume_count"] = volume.where(~is_secret)
    # Nobody out of reach is nobody concerned out of reach: that zero says nothing of how many are concerned.
    rows["in_need_out_of_reach_count"] = far.mask(is_small | (is_secret & (far != 0)))


def _ledger(request: GapRequest, reached: pd.DataFrame, access: AccessRun, inputs: Inputs) -> Ledger:
    return ledger(
        inputs.population_count.to_numpy(dtype=np.int64),
        reached["nearest_min"].to_numpy(dtype=float),
        reached["access_index"].fillna(0.0).to_numpy(dtype=float),
        threshold_min=request.threshold_min,
        norm=float(access.parameters["norm_sites_per_inhabitant"]),
    )


def _near_threshold(request: GapRequest, account: pd.DataFrame, access: AccessRun) -> pd.Series[int]:
    """Count the persons of each commune who are on one side of the threshold or the other by the error of the drive."""
    error = access.parameters["travel"]["error"]
    persons = account["population_count"].astype("Int64")
    if error is None:
        return persons.mask(persons.notna())
    is_near = near_threshold(account["nearest_min"], threshold_min=request.threshold_min, error_share=error["p90"])
    return persons.where(is_near, 0)


def _described(rows: pd.DataFrame, level: str, inputs: Inputs) -> pd.DataFrame:
    """Add the name of each territory and whether only a part of it is counted; index to columns."""
    territories = inputs.territories[level].reindex(rows.index)
    rows = rows.assign(level=level, name=territories["name"], is_partial=territories["is_partial"].astype(bool))
    return rows.rename_axis("code").reset_index()


def _notes(rows: pd.DataFrame, level: str, need: NeedRun, inputs: Inputs) -> pd.Series:
    """Say, in French, what a reader must know of each row; None where there is nothing to say."""
    territories = inputs.territories[level].reindex(rows.index)
    missing = at_level(need.notes.to_frame("note"), level)["note"].reindex(rows.index)
    missing = _with_secret(missing, rows["status"] == "suppressed", _hidden_communes(rows, level, need, inputs), level)
    partial = pd.Series(None, index=rows.index, dtype=object)
    for code in rows.index[territories["is_partial"].astype(bool)]:
        partial[code] = _partial_note(territories["commune_count"][code])
    both = partial.notna() & missing.notna()
    return partial.fillna(missing).mask(both, partial + " " + missing)


def _hidden_communes(rows: pd.DataFrame, level: str, need: NeedRun, inputs: Inputs) -> pd.Series:
    """Count the communes of each territory whose persons concerned are covered by secrecy; 0 for a commune."""
    hidden = [] if level == DEMAND_LEVEL else list(need.parameters["secrecy"]["volume_estimates"])
    keys = inputs.parents[DEMAND_LEVEL, level if hidden else SUMMED_LEVELS[0]].reindex(hidden)
    return keys.value_counts().reindex(rows.index, fill_value=0)


def _with_secret(notes: pd.Series, is_secret: pd.Series, hidden_communes: pd.Series, level: str) -> pd.Series:
    """Add to each note what secrecy covers."""
    found = []
    for note, own, count in zip(notes, is_secret, hidden_communes, strict=True):
        sentences = [note if isinstance(note, str) else None]
        if own and level != DEMAND_LEVEL:  # a commune's status says it
            sentences.append(HIDDEN_NOTE)
        if count:
            covered = counted(count, "commune couverte", "communes couvertes", written=str)
            sentences.append(f"Les totaux comprennent {covered} par le secret des petits comptes.")
        found.append(" ".join(one for one in sentences if one) or None)
    return pd.Series(found, index=notes.index, dtype=object)


def _partial_note(commune_count: Any) -> str:  # noqa: ANN401  (a cell of a frame)
    if pd.isna(commune_count):
        return (
            f"Compté en partie : seules comptent ses communes {home_region().names.genitive} dont le contour est connu."
        )
    return f"Compté en partie : ses {commune_count} communes {home_region().names.genitive} dont le contour est connu."


def _qpv_rows(access: AccessRun, inputs: Inputs) -> pd.DataFrame:
    """Return access at the point of each QPV; who lives there is not in the data, so nobody is counted."""
    territories = inputs.territories["qpv"]
    territories = territories[~territories["is_border"].astype(bool)]
    found = at_level(access.rows, "qpv").reindex(territories.index)
    rows = pd.DataFrame(
        {
            "access_score": (found["satisfied_share"].astype(float) * 100.0).round(SCORE_DECIMALS),
            "nearest_min": found["nearest_min"].astype(float).round(MINUTES_DECIMALS),
        },
        index=territories.index,
    )
    unknown = dict.fromkeys([*COUNTS, "need_score", "priority_score", *certainty.COLUMNS])
    rows = rows.astype(object).assign(**unknown)
    rows = rows.assign(typology=UNDETERMINED, status="missing", note=_qpv_notes(found["nearest_min"], access))
    return _described(rows, "qpv", inputs)


def _qpv_notes(nearest_min: pd.Series[float], access: AccessRun) -> pd.Series[str]:
    error, threshold_min = access.parameters["travel"]["error"], float(access.parameters["threshold_min"])
    notes = pd.Series(QPV_NOTE, index=nearest_min.index, dtype=object)
    if error is None:
        return notes
    is_near = near_threshold(nearest_min, threshold_min=threshold_min, error_share=error["p90"])
    return notes.mask(is_near, f"{QPV_NOTE} {QPV_NEAR_NOTE}")


def _parameters(request: GapRequest, need: NeedRun, access: AccessRun) -> dict[str, Any]:
    """Return what the public is shown beside the figures."""
    warnings = list(access.parameters["warnings"])
    if request.defi == "dechets" and request.service.service == REUSE_SERVICE:
        warnings.append(
            "L’éloignement des ressourceries compte deux fois, dans le besoin et dans l’accès : lisez-les séparément."
        )
    return {
        "study_id": request.study.id,
        "study_title": request.study.title,
        "study_version": request.study.version,
        "method_version": METHOD_VERSION,
        "defi": request.defi,
        "defi_label": need.parameters["defi_label"],
        "volume_label": need.parameters["volume_label"],
        "secrecy": {key: need.parameters["secrecy"][key] for key in ("threshold", "hidden_count", "withheld")},
        "need_note": need.parameters["note"],
        "cuts": {"need": request.study.cuts.need, "access": request.study.cuts.access},
        **{name: value for name, value in access.parameters.items() if name not in {"warnings", CLOSED_BORDER}},
        "warnings": warnings,
        "need_run": need.run_hash,
        "access_run": access.run_hash,
    }
