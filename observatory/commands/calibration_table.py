"""What ``observatory access calibrate`` prints: the fitted constants and the errors they leave, as table or JSON."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, Final

from observatory.words.numbers import decimal

if TYPE_CHECKING:
    from observatory.access.calibrate import BandError, Calibration
    from observatory.access.regional_factor import Factor

PERCENT: Final = 100.0
ERROR_HEADS: Final = "  " + "".join(f"{head:>9}" for head in ("médiane", "p90", "biais"))


def as_json(result: Calibration, left_out: dict[str, int], factor: Factor | None) -> dict[str, Any]:
    """Return the fit as a JSON object; the last band's ``high_km`` is null, and so is an unknown factor."""
    return {
        "constants": result.constants.as_shown(),
        "count": result.count,
        "origin_count": result.origin_count,
        "urban_count": result.urban_count,
        "folds": result.folds,
        "left_out": left_out,
        "errors_fitted": [_band_as_json(band) for band in result.fitted],
        "errors_declared": [_band_as_json(band) for band in result.declared],
        "published": None if factor is None else _factor_as_json(factor),
    }


def _factor_as_json(factor: Factor) -> dict[str, Any]:
    return {
        "factor": factor.value,
        "factor_low": factor.low,
        "factor_high": factor.high,
        "count": factor.count,
        "page_count": factor.group_count,
        "error_held_out": _band_as_json(factor.held_out),
    }


def _band_as_json(band: BandError) -> dict[str, Any]:
    return {
        "low_km": band.low_km,
        "high_km": band.high_km if math.isfinite(band.high_km) else None,
        "count": band.count,
        "median": band.median,
        "p90": band.p90,
        "bias": band.bias,
    }


def as_table(result: Calibration, left_out: dict[str, int], factor: Factor | None) -> str:
    """Return the fit as French text: constants as the declaration writes them, then errors by distance band."""
    constants = result.constants
    urban = "calé" if result.urban_count else "celui de la déclaration : aucun bout urbain connu"
    lines = [
        (
            f"{result.count} trajets de {result.origin_count} origines, tirées en {result.folds} parts : l’erreur de "
            "chacune est celle du calage des autres."
        ),
        (
            f"Laissés de côté : {left_out['unknown_points']} trajets sans point connu, {left_out['crossing']} qui "
            f"franchissent une barrière déclarée, {left_out['unusable']} hors d’atteinte, sans durée, ou de durée ou "
            "de distance nulle."
        ),
        "",
        f"one_km.value_min = {constants.one_km_min:.3f}",
        f"exponent.value = {constants.exponent:.4f}",
        f"urban.value_min = {constants.urban_min:.3f}  # {urban}",
        f"floor.value_min = {constants.floor_min:.1f}  # celui de la déclaration",
        "",
        f"{'Distance à vol d’oiseau':<24}{'Trajets':>8}{'Calé':>29}{'Déclaré':>29}",
        f"{'':<32}{ERROR_HEADS}{ERROR_HEADS}",
    ]
    for k, (fitted, declared) in enumerate(zip(result.fitted, result.declared, strict=True)):
        name = "ensemble" if k == 0 else _band_name(fitted)
        lines.append(f"{name:<24}{fitted.count:>8}{_errors(fitted)}{_errors(declared)}")
    lines += ["", "Erreur relative de la durée estimée ; biais positif : estimation trop lente."]
    if factor is not None:
        lines += ["", _factor_sentence(factor)]
    return "\n".join(lines) + "\n"


def _factor_sentence(factor: Factor) -> str:
    error = factor.held_out
    return (
        f"Durées publiées de la région : {decimal(factor.value, digits=2)} fois l’estimation déclarée (de "
        f"{decimal(factor.low, digits=2)} à {decimal(factor.high, digits=2)}, intervalle à 95 %), d’après "
        f"{factor.count} trajets de {factor.group_count} pages ; erreur sur les pages mises de côté : médiane "
        f"{decimal(PERCENT * error.median)} %, 9e décile {decimal(PERCENT * error.p90)} %."
    )


def _errors(band: BandError) -> str:
    bias = f"{PERCENT * band.bias:+.1f}".replace(".", ",")
    cells = (f"{one} %" for one in (decimal(PERCENT * band.median), decimal(PERCENT * band.p90), bias))
    return "  " + "".join(f"{cell:>9}" for cell in cells)


def _band_name(band: BandError) -> str:
    if math.isinf(band.high_km):
        return f"plus de {decimal(band.low_km, digits=0)} km"
    return f"de {decimal(band.low_km, digits=0)} à {decimal(band.high_km, digits=0)} km"
