"""Addresses to points by the address service of the Géoplateforme (IGN): the best answer, its score and its kind."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from observatory.errors import ObservatoryError
from observatory.sources.fetch.cache import DownloadError, OfflineError
from observatory.sources.fetch.download import Transport
from observatory.sources.structures.places import POOR_SCORE
from observatory.words.numbers import decimal

URL: Final = "https://data.geopf.fr/geocodage/search"
PER_SECOND: Final = 20.0
"""Questions a second; the service allows 50 from one address (geoservices.ign.fr, API Géoplateforme – Géocodage)."""
PRECISE: Final = frozenset({"housenumber", "street", "locality"})
"""Kinds of answer that are a place within its commune; another is the commune's centre."""

SILENT: Final = (
    "adresse sans coordonnées, et le géocodeur de l’IGN ne répond pas : réessayez plus tard, ou donnez le point"
)


@dataclass(frozen=True)
class Address:
    """What a row says of its place."""

    text: str
    post_code: str | None = None
    commune_code: str | None = None


@dataclass(frozen=True)
class Located:
    """Where an address is, or why nobody knows: ``reason`` is French and empty when the point is kept."""

    lon: float = float("nan")
    lat: float = float("nan")
    score: float = 0.0
    is_precise: bool = False
    label: str = ""
    reason: str = ""


def geocode(addresses: Sequence[Address], transport: Transport, *, url: str = URL) -> list[Located]:
    """Ask where each address is; a poor answer, or no answer at all, is a reason and no point.

    Parameters
    ----------
    addresses
        Asked one after the other, throttled.
    url
        Address of the service, replaced in tests.
    """
    found: list[Located] = []
    for one in addresses:
        try:
            found.append(_best(transport.json(url, params=_parameters(one), per_second=PER_SECOND)))
        except OfflineError:
            return [Located(reason="adresse sans coordonnées, et le mode hors ligne est actif")] * len(addresses)
        except DownloadError:
            return found + [Located(reason=SILENT)] * (len(addresses) - len(found))
    return found


def _parameters(address: Address) -> dict[str, str | int]:
    asked: dict[str, str | int] = {"q": address.text[:200], "limit": 1}
    if address.commune_code:
        asked["citycode"] = address.commune_code
    elif address.post_code:
        asked["postcode"] = address.post_code
    return asked


def _best(answer: object) -> Located:
    try:
        features: Any = answer["features"]  # type: ignore[index]
        if not features:
            return Located(reason="adresse introuvable par le géocodeur de l’IGN")
        said = features[0]["properties"]
        lon, lat = (float(one) for one in features[0]["geometry"]["coordinates"][:2])
        score, kind, label = float(said["score"]), str(said.get("type", "")), str(said.get("label", ""))
    except (KeyError, TypeError, ValueError, IndexError) as error:
        raise ObservatoryError(
            "La réponse du géocodeur de l’IGN n’a pas la forme attendue : donnez les coordonnées dans le fichier."
        ) from error
    if score < POOR_SCORE:
        return Located(score=score, label=label, reason=_poor(score, label))
    return Located(lon, lat, score, kind in PRECISE, label)


def _poor(score: float, label: str) -> str:
    told = decimal(score, digits=2)
    return f"adresse mal reconnue par le géocodeur de l’IGN (score {told} sur 1 : « {label} ») : précisez-la"
