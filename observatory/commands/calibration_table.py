"""What ``observatory access calibrate`` prints: the fitted constants and the errors they leave, as table or JSON."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, Final

from observatory.words.numbers import decimal

if TYPE_CHECKING:
    from observatory.access.calibrate import BandError, Calibration

PERCENT: Final = 100.0


def as_json(result: Calibration, left_out: dict[str, int]) -> dict[str, Any]:
    """Return the fit as a JSON object; the last band's ``high_km`` is null."""
    constants = result.constants
    return {
        "constants": {
            "detour": constants.detour,
            "detour_fitted": result.detour_fitted,
            "terminal_min": constants.terminal_min,
            "ends_km": constants.ends_km,
            "between_kmh": constants.between_kmh,
            "ends_speed_kmh": {str(level): speed for level, speed in enumerate(constants.ends_speed_kmh)},
            "unseen_levels": list(result.unseen_levels),
        },
        "fitted_count": result.fitted_count,
        "held_out_count": result.held_out_count,
        "held_out_origins": result.held_out_origins,
        "left_out": left_out,
        "errors_fitted": [_band_as_json(band) for band in result.fitted],
        "errors_declared": [_band_as_json(band) for band in result.declared],
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


def as_table(result: Calibration, left_out: dict[str, int]) -> str:
    """Return the fit as French text: constants as the declaration writes them, then errors by distance band."""
    constants = result.constants
    seen = [level for level in range(len(constants.ends_speed_kmh)) if level not in result.unseen_levels]
    speeds = ", ".join(f"niveau {level} : {decimal(constants.ends_speed_kmh[level], digits=1)}" for level in seen)
    origin = (
        "mesuré sur la matrice" if result.detour_fitted else "celui de la déclaration : la matrice n’a pas de longueurs"
    )
    lines = [
        (
            f"Calé sur {result.fitted_count} trajets ; erreurs mesurées sur {result.held_out_count} autres, de "
            f"{result.held_out_origins} origines que le calage n’a pas vues."
        ),
        (
            f"Laissés de côté : {left_out['unknown_points']} trajets sans point connu, {left_out['crossing']} qui "
            f"franchissent une barrière déclarée, {left_out['unusable']} hors d’atteinte, sans durée, ou de durée ou "
            "de distance nulle."
        ),
        "",
        f"detour.value = {constants.detour:.3f}  # {origin}",
        f"terminal.value_min = {constants.terminal_min:.2f}",
        f"ends.value_km = {constants.ends_km:.1f}",
        f"between.value_kmh = {constants.between_kmh:.1f}",
        f"ends_speed_kmh : {speeds}" if constants.ends_km > 0 else "ends_speed_kmh : sans effet",
        "",
        f"{'Distance à vol d’oiseau':<24}{'Trajets':>9}{'Calé':>24}{'Déclaré':>24}",
        f"{'':<24}{'':>8}{'médiane   p90   biais':>24}{'médiane   p90   biais':>24}",
    ]
    rows = zip(result.fitted, result.declared, strict=True)
    for k, (fitted, declared) in enumerate(rows):
        name = "ensemble" if k == 0 else _band_name(fitted)
        lines.append(f"{name:<24}{fitted.count:>8}{_errors(fitted):>24}{_errors(declared):>24}")
    lines += ["", "Erreur relative de la durée estimée ; biais positif : estimation trop lente."]
    return "\n".join(lines) + "\n"


def _errors(band: BandError) -> str:
    bias = f"{PERCENT * band.bias:+.1f}".replace(".", ",")
    return f"{decimal(PERCENT * band.median)} %  {decimal(PERCENT * band.p90)} %  {bias} %"


def _band_name(band: BandError) -> str:
    if math.isinf(band.high_km):
        return f"plus de {decimal(band.low_km, digits=0)} km"
    return f"de {decimal(band.low_km, digits=0)} à {decimal(band.high_km, digits=0)} km"
