"""ESS establishments from the API Recherche d'entreprises: asked page by page, split so that nothing is cut."""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any, Final

import pandas as pd
from pyproj import Transformer

import geodata
from observatory import crs
from observatory.errors import InputFileError
from observatory.sources.fetch.answer_log import Api
from observatory.sources.fetch.cache import DownloadError
from observatory.sources.formats.encodings import read_text
from observatory.sources.registry import CLOSURES, Source
from observatory.sources.structures import sirene_ess, sirene_stock, structure_file
from observatory.words import place_notes

SOURCE_ID: Final = "recherche_entreprises"
URL: Final = "https://recherche-entreprises.api.gouv.fr/search"
PER_SECOND: Final = 7.0
"""Calls that the API takes from one address (its documentation)."""
PER_PAGE: Final = 25
CAP: Final = 10_000
"""The API never shows more results than this, and its total says this number where there are more."""
MATCHES: Final = 100
"""Establishments that the API gives of one legal unit at most; a unit with as many may have more."""
SECTIONS: Final = "ABCDEFGHIJKLMNOPQRSTU"
"""Sections of the NAF, by which a commune that holds too many is split."""
MASKED: Final = ("[ND]", "[NON-DIFFUSIBLE]")

COLUMNS: Final = (
    "siret",
    "siren",
    "name",
    "legal_category_code",
    "rna_code",
    "ess_rule",
    "naf_code",
    "commune_code",
    "post_code",
    "workforce_band",
    "is_active",
    "employer",
    "state_date",
    "street_number",
    "street_type",
    "street_name",
    "city",
    "treated_at",
    "x_m",
    "y_m",
    "located_x_m",
    "located_y_m",
    "located_quality",
)
"""Those of :class:`observatory.sources.structures.sirene_stock.Stock`, but ``is_known``."""

METRIC: Final = ("x_m", "y_m", "located_x_m", "located_y_m")

Tell = Callable[[str, int, int], None]


class ChangedError(DownloadError):
    """What the API gives doesn't hold together: kept answers are of no use."""


def fetch(api: Api, *, communes: Mapping[str, Collection[str]], tell: Tell, url: str = URL) -> list[dict[str, Any]]:
    """Return every ESS legal unit with an establishment in some départements, once, with its establishments there.

    A département whose total reaches the cap of the API is asked commune by commune, then by section of activity.

    Parameters
    ----------
    api
        Network, or answers kept from a search that was cut (:class:`observatory.sources.fetch.answer_log.KeptAnswers`).
    communes
        Département → codes of its communes.

    Raises
    ------
    OfflineError
        If the network is forbidden.
    DownloadError
        If the API doesn't answer as documented, cuts a list that can't be split further, or gives fewer than it says
        (:class:`ChangedError`).
    """
    found: dict[str, dict[str, Any]] = {}
    for done, (departement, codes) in enumerate(sorted(communes.items())):
        tell(f"Recherche d’entreprises, département {departement}", done, len(communes))
        for unit in _all(api, url, {"departement": departement}, sorted(codes)):
            _merge(found, unit)
    return [found[siren] for siren in sorted(found)]


def is_documented(answer: object) -> bool:
    """Tell whether an answer has the results and the total that the documentation of the API says."""
    return (
        isinstance(answer, dict)
        and isinstance(answer.get("total_results"), int)
        and isinstance(answer.get("results"), list)
        and all(isinstance(unit, dict) and "siren" in unit for unit in answer["results"])
    )


def bundled_communes() -> dict[str, list[str]]:
    """Return the communes of the bundled snapshot, by département, border included."""
    territories = pd.read_parquet(geodata.snapshot() / "territories.parquet", columns=["level", "code"])
    codes = territories.loc[territories["level"].eq("commune"), "code"]
    return {str(name): sorted(group) for name, group in codes.groupby(codes.str[:2])}


def read(path: Path) -> list[dict[str, Any]]:
    """Read legal units saved as JSON: a list, or an answer of the API with its ``results``.

    Raises
    ------
    InputFileError
        If it is absent, isn't JSON, or isn't what the API answers.
    """
    text, _ = read_text(path)
    try:
        content = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise InputFileError(f"« {path.name} » n’est pas du JSON : refaites l’export de l’API.") from error
    units = content.get("results") if isinstance(content, dict) else content
    if not isinstance(units, list) or not all(_is_unit(unit) for unit in units):
        raise InputFileError(
            f"« {path.name} » n’est pas une réponse de l’API Recherche d’entreprises : il y faut « results », une "
            "liste d’unités légales avec leur « siren »."
        )
    total = content.get("total_results") if isinstance(content, dict) else None
    if isinstance(total, int) and total > len(units):
        raise InputFileError(
            f"« {path.name} » n’a que {len(units)} des {total} unités légales de la recherche : "
            "enregistrez toutes les pages dans une seule liste."
        )
    return units


def _is_unit(unit: object) -> bool:
    """Tell a legal unit as the API gives it: its nested parts are of the type that its documentation says."""
    if not isinstance(unit, dict) or "siren" not in unit:
        return False
    places = unit.get("matching_etablissements") or []
    others = [unit.get("siege") or {}, unit.get("complements") or {}]
    if not isinstance(places, list) or not all(isinstance(one, dict) for one in (*places, *others)):
        return False
    return all(isinstance(one.get("liste_enseignes") or [], list) for one in (*places, others[0]))


def normalise(
    units: list[dict[str, Any]],
    *,
    file_name: str,
    communes: Collection[str],
    successor: Mapping[str, str],
    departements: Collection[str],
    sirets: Mapping[str, Collection[str]],
    known: Collection[str],
) -> sirene_ess.Read:
    """Keep the ESS establishments of the communes of the observatory; see :func:`sirene_ess.normalise`."""
    frame = pd.DataFrame(list(_establishments(units)), columns=list(COLUMNS), dtype=object)
    text = {name: frame[name].where(frame[name].notna(), None) for name in frame.columns if name not in METRIC}
    metric = {name: pd.to_numeric(frame[name]).astype("float64") for name in METRIC}
    frame = frame.assign(**text, **metric).astype({"is_active": bool})
    stock = sirene_stock.Stock(frame.assign(is_known=frame["siret"].isin(set(known))), len(frame))
    return sirene_ess.normalise(
        stock,
        file_name=file_name,
        communes=communes,
        successor=successor,
        departements=departements,
        own=sirets.get(SOURCE_ID, ()),
        source_id=SOURCE_ID,
        point_note=place_notes.GEOCODED_BY_API,
    )


def _all(api: Api, url: str, where: Mapping[str, str], communes: list[str]) -> Iterator[dict[str, Any]]:
    """Yield the legal units of a search, split into smaller ones where the API would cut it."""
    first = _page(api, url, where, 1)
    total = first["total_results"]
    if total >= CAP:
        for smaller in _split(where, communes):
            yield from _all(api, url, smaller, communes)
        return
    seen: set[str] = set()
    for number in range(1, -(-total // PER_PAGE) + 1):
        page = first if number == 1 else _page(api, url, where, number)
        for unit in page["results"]:
            seen.add(unit["siren"])
            yield from _whole(api, url, unit, where, communes)
    if len(seen) < total:
        raise ChangedError(
            f"L’API Recherche d’entreprises annonce {total} unités légales pour {_french(where)} et en donne "
            f"{len(seen)} : ses données ont changé pendant la lecture, relancez."
        )


def _split(where: Mapping[str, str], communes: list[str]) -> list[dict[str, str]]:
    if "departement" in where:
        return [{"code_commune": code} for code in communes]
    if "section_activite_principale" not in where:
        return [{**where, "section_activite_principale": section} for section in SECTIONS]
    raise DownloadError(
        f"L’API Recherche d’entreprises ne montre que {CAP} résultats et {_french(where)} en a davantage : chargez "
        "plutôt les fichiers stock par « observatory ingest sirene_ess »."
    )


def _whole(
    api: Api, url: str, unit: dict[str, Any], where: Mapping[str, str], communes: list[str]
) -> Iterator[dict[str, Any]]:
    """Yield a legal unit; one with more establishments than an answer may hold is asked again in each commune."""
    yield unit
    if len(unit.get("matching_etablissements") or []) >= MATCHES and "departement" in where:
        for code in communes:
            page = _page(api, url, {"code_commune": code, "q": unit["siren"]}, 1)
            yield from (one for one in page["results"] if one["siren"] == unit["siren"])


def _page(api: Api, url: str, where: Mapping[str, str], number: int) -> dict[str, Any]:
    params: dict[str, str | int] = {
        **where,
        "est_ess": "true",
        "etat_administratif": "A",
        "minimal": "true",
        "include": "matching_etablissements,complements",
        "limite_matching_etablissements": MATCHES,
        "per_page": PER_PAGE,
        "page": number,
    }
    answer = api.json(url, params=params, per_second=PER_SECOND)
    if not isinstance(answer, dict) or not is_documented(answer):
        raise DownloadError(
            "L’API Recherche d’entreprises ne répond pas comme sa documentation le dit (« results » et "
            "« total_results » attendus) : enregistrez sa réponse et donnez-la avec --from-file."
        )
    return answer


def _merge(found: dict[str, dict[str, Any]], unit: dict[str, Any]) -> None:
    """Add a legal unit; one that several searches give keeps the establishments of all."""
    kept = found.setdefault(unit["siren"], {**unit, "matching_etablissements": []})
    have = {one.get("siret") for one in kept["matching_etablissements"]}
    kept["matching_etablissements"] += [
        one for one in unit.get("matching_etablissements") or [] if one.get("siret") not in have
    ]


def _french(where: Mapping[str, str]) -> str:
    names = {"departement": "le département", "code_commune": "la commune", "section_activite_principale": "section"}
    return ", ".join(f"{names.get(key, key)} {value}" for key, value in where.items())


def _establishments(units: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    """Yield one row per establishment; one unit's registered office counts where no other of its places is given."""
    for unit in units:
        places = unit.get("matching_etablissements") or ([unit["siege"]] if unit.get("siege") else [])
        is_ess = (unit.get("complements") or {}).get("est_ess", True)
        for place in places:
            signs = place.get("liste_enseignes") or []
            lon, lat = _degrees(place.get("longitude")), _degrees(place.get("latitude"))
            yield {
                "siret": _plain(place.get("siret")),
                "siren": str(unit["siren"]),
                "name": _plain(signs[0] if signs else None)
                or _plain(unit.get("nom_raison_sociale"))
                or _plain(unit.get("nom_complet")),
                "legal_category_code": _plain(unit.get("nature_juridique")),
                "ess_rule": "searched" if is_ess else None,
                "naf_code": _plain(place.get("activite_principale")),
                "commune_code": _plain(place.get("commune")),
                "post_code": _plain(place.get("code_postal")),
                "workforce_band": _plain(place.get("tranche_effectif_salarie")),
                "is_active": place.get("etat_administratif", "A") == "A",
                "employer": _plain(place.get("caractere_employeur")),
                "state_date": _plain(place.get("date_fermeture")),
                "street_name": _street(place),
                "city": _plain(place.get("libelle_commune")),
                "treated_at": _plain(unit.get("date_mise_a_jour")),
                **_metric(lon, lat),
            }


def _plain(value: object) -> str | None:
    text = "" if value is None else str(value).strip()
    return None if not text or text in MASKED else text


def _street(place: Mapping[str, Any]) -> str | None:
    """Return the address without the post code and commune that end it."""
    address = _plain(place.get("adresse"))
    post_code = _plain(place.get("code_postal"))
    return address.split(f" {post_code} ")[0] if address and post_code else address


def _degrees(value: object) -> float:
    try:
        return float(str(value))
    except ValueError:
        return float("nan")


def _metric(lon: float, lat: float) -> dict[str, float]:
    x_m, y_m = _projection().transform(lon, lat)
    return {"x_m": x_m, "y_m": y_m} if abs(x_m) < float("inf") and abs(y_m) < float("inf") else {}


@cache
def _projection() -> Transformer:
    return Transformer.from_crs(crs.EXCHANGE, crs.STORAGE, always_xy=True)


SOURCE: Final = Source(
    source_id=SOURCE_ID,
    fills=(*structure_file.FILLED, CLOSURES),
    needs=sirene_ess.NEEDS,
    read=read,
    normalise=normalise,
    tables=sirene_ess.register_tables,
)
