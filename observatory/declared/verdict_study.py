"""What a study file declares of verdicts: the cuts of the typology, and the choices of method it calls defensible."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Final, get_args

from pydantic import BeforeValidator, Field, SkipValidation, TypeAdapter

from observatory.declared.need_study import Aggregation, Normalisation
from observatory.declared.reading import Names, Number
from observatory.errors import InputFileError

DECAYS: Final = ("declared", "binary", "gaussian")
WEIGHTINGS: Final = ("declared", "equal", "drop_one")
OWN_MESH: Final = "own"
TEXTS: Final = BeforeValidator(TypeAdapter(Names).validate_python)


@dataclass(frozen=True)
class Cuts:
    """Scores that separate high need from low, and good access from poor; the cut itself is on the high side."""

    need: Annotated[Number, Field(gt=0, le=100)]
    access: Annotated[Number, Field(gt=0, le=100)]


@dataclass(frozen=True)
class VerdictStudy:
    """The choices that a study calls defensible, and the shares that make a verdict.

    Raises
    ------
    InputFileError
        On building: an unknown or repeated choice, the study's own choice left out, or shares out of order.
    """

    robust_share: Number
    absent_share: Number
    normalisations: Annotated[tuple[Normalisation, ...], SkipValidation, TEXTS]
    aggregations: Annotated[tuple[Aggregation, ...], SkipValidation, TEXTS]
    weightings: Names
    decays: Names
    threshold_factors: tuple[Number, ...]
    travel_factors: tuple[Number, ...]
    meshes: Names

    def __post_init__(self) -> None:
        """Check that every choice is one of those that exist, and that the study's own are among them."""
        _check(self)


def _check(study: VerdictStudy) -> None:
    allowed: list[tuple[str, Sequence[Any], Sequence[Any], Any]] = [
        ("normalisations", study.normalisations, get_args(Normalisation), study.normalisations[:1] or None),
        ("aggregations", study.aggregations, get_args(Aggregation), study.aggregations[:1] or None),
        ("weightings", study.weightings, WEIGHTINGS, "declared"),
        ("decays", study.decays, DECAYS, "declared"),
        ("threshold_factors", study.threshold_factors, [one for one in study.threshold_factors if one > 0], 1.0),
        ("travel_factors", study.travel_factors, [one for one in study.travel_factors if one > 0], 1.0),
        ("meshes", study.meshes, (OWN_MESH, "commune", "epci", "bassin_vie"), OWN_MESH),
    ]
    for name, chosen, possible, own in allowed:
        has_own = own is not None and (isinstance(own, tuple) or own in chosen)
        if not has_own or not set(chosen) <= set(possible) or len(set(chosen)) < len(chosen):
            raise InputFileError(f"[verdict] {name} : choix inconnu, répété, ou sans celui de l’étude ; corrigez-le.")
    if not 0 <= study.absent_share < study.robust_share <= 1:
        raise InputFileError("[verdict] : absent_share doit être inférieur à robust_share, entre 0 et 1.")
