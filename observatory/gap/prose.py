"""Say in French why a territory is in deficit and how sure that is, from the figures and nothing else."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from observatory.words.grammar import Named, RegionNames, listed, plural, quoted, shortened, territory
from observatory.words.labels import TYPOLOGIES, TYPOLOGY_MEANINGS
from observatory.words.numbers import NARROW_SPACE as NARROW
from observatory.words.numbers import NO_BREAK_SPACE, amount, count, counted, decimal, percent, rank, with_minus

ZONED_SERVICE: Final = "accompagnement"
"""Service whose structures only count inside their zone of intervention."""
HIDDEN_NOTE: Final = "Personnes concernées couvertes par le secret des petits comptes."
"""What the note of a territory larger than a commune says of its status."""
MOST_REASONS: Final = 3
"""Indicators named as reasons (convention de l'observatoire): the rest is in the table."""
_NUMBERS: Final = {1: "Un indicateur", 2: "Deux indicateurs", 3: "Trois indicateurs"}
MOST_FLIPS: Final = 5
"""Choices of method named after a verdict (convention de l'observatoire)."""
_ACCOUNTS: Final = (
    ("served_count", "est servi", "sont servis", "sont servis"),
    (
        "reachable_full_count",
        "a une structure à portée mais saturée",
        "ont une structure à portée mais saturée",
        "ont une structure à portée, mais saturée",
    ),
    ("out_of_reach_count", "est hors de portée", "sont hors de portée", "sont hors de portée"),
)
"""Class of the accounts, and its words for one person, for several, for all."""


@dataclass(frozen=True)
class Certainty:
    """How sure a row is, where it was worked out; None for what was not."""

    score_low: float | None = None
    score_high: float | None = None
    rank_low: int | None = None
    """The better-placed end of the rank: 1 is the greatest need."""
    rank_high: int | None = None
    ranked_count: int | None = None
    """How many territories are ranked."""
    verdict: str | None = None
    """``robuste``, ``fragile``, ``absent`` or ``indetermine``."""
    verdict_share: float | None = None
    flips: Sequence[str] = ()


def explain(
    row: Mapping[str, Any],
    components: Mapping[str, Mapping[str, Any]],
    *,
    indicators: Sequence[Mapping[str, Any]],
    parameters: Mapping[str, Any],
    region: RegionNames,
    certainty: Certainty | None = None,
) -> list[str]:
    """Return the sentences that explain a row of a gap analysis.

    Parameters
    ----------
    row
        A row of the analysis, at any level; what is unknown is None.
    components
        Indicator → ``value``, ``contribution``, ``status`` of the territory's need; empty where it has none.
    indicators
        ``id``, ``label``, ``unit`` of the study's indicators, and ``weight``.
    parameters
        Those of the analysis: ``defi_label``, ``service_label``, ``volume_label``, ``threshold_min``, ``cuts``, and
        where the list of structures is known to lack some, ``is_complete`` (False) and ``supply_count``.
    region
        How the région and its départements are named.
    certainty
        Interval and verdict; None: nothing is said of them.

    Returns
    -------
    list of str
        Whole sentences, in the order: who and how much need, why, how many persons, access, accounts, conclusion,
        what to beware of. Every figure is one of those given.
    """
    named = territory(str(row["level"]), str(row["code"]), str(row["name"]), region=region)
    sure = certainty or Certainty()
    sentences = [
        *_need(row, named, parameters, sure),
        *_reasons(row, components, indicators),
        *_volume(row, parameters),
        *_access(row, parameters, region),
        *_accounts(row),
        *_conclusion(row, named, sure, is_partial_list=_is_partial_list(parameters)),
    ]
    note = str(row.get("note") or "").replace(HIDDEN_NOTE, "").strip()  # said with the persons concerned
    return [*sentences, note] if note else sentences


def _need(row: Mapping[str, Any], named: Named, parameters: Mapping[str, Any], sure: Certainty) -> list[str]:
    defi = f"Pour le défi {quoted(parameters['defi_label'])}"
    if row.get("need_score") is None:
        return [f"{defi}, le besoin n’est pas connu dans {named.words}{NARROW}: trop de chiffres manquent."]
    score = row["need_score"]
    degree = "fort" if score >= parameters["cuts"]["need"] else "modéré"
    sentence = f"{defi}, {named.words} a un besoin {degree}{NARROW}: {decimal(score)} sur 100"
    if sure.score_low is not None and sure.score_high is not None:
        sentence += f", entre {decimal(sure.score_low)} et {decimal(sure.score_high)} selon la méthode"
    found = [f"{sentence}."]
    if sure.rank_low is not None and sure.rank_high is not None and sure.ranked_count is not None:
        found.append(_rank(sure.rank_low, sure.rank_high, sure.ranked_count, named))
    return found


def _rank(low: int, high: int, total: int, named: Named) -> str:
    who = f"Du plus grand besoin au plus petit, {named.pronoun} se classe"
    if low == high:
        return f"{who} {rank(low, is_feminine=named.is_feminine)} sur {count(total)}, quelle que soit la méthode."
    return f"{who} entre le {rank(low)} et le {rank(high)} rang sur {count(total)}."


def _reasons(
    row: Mapping[str, Any], components: Mapping[str, Mapping[str, Any]], indicators: Sequence[Mapping[str, Any]]
) -> list[str]:
    known = [
        (components[one["id"]], one)
        for one in indicators
        if one["id"] in components and (components[one["id"]].get("contribution") or 0) > 0
    ]
    if row.get("need_score") is None or not known:
        return []
    known.sort(key=lambda pair: -pair[0]["contribution"])
    largest = known[:MOST_REASONS]
    points = round(sum(component["contribution"] for component, _ in largest), 1)
    items = [_reason(component, indicator) for component, indicator in largest]
    explains = "explique" if len(largest) == 1 else "expliquent"
    is_all = len(known) == len(largest)
    mostly = "" if is_all else " surtout"
    sentence = f"{_NUMBERS[len(largest)]} {explains}{mostly} ce score{NARROW}: {listed(items)}."
    if is_all:
        return [sentence]
    return [sentence, f"Ensemble, ils font {decimal(points)} des {decimal(row['need_score'])} points."]


def _reason(component: Mapping[str, Any], indicator: Mapping[str, Any]) -> str:
    points = component["contribution"]
    details = [_quantity(component.get("value"), str(indicator.get("unit", "")))]
    if component.get("status") == "estimated":
        details.append("estimation")
    details.append(f"{counted(points, 'point', written=decimal)}")
    return f"{quoted(str(indicator['label']))} ({', '.join(one for one in details if one)})"


def _quantity(value: float | None, unit: str) -> str:
    """Return a figure with its unit; large ones are whole."""
    if value is None:
        return ""
    figure = count(value) if abs(value) >= 1000 else decimal(value)  # noqa: PLR2004  (four digits need no decimal)
    return f"{with_minus(figure)}{NO_BREAK_SPACE}{unit}".rstrip(NO_BREAK_SPACE)


def _volume(row: Mapping[str, Any], parameters: Mapping[str, Any]) -> list[str]:
    persons = row.get("need_volume_count")
    if row.get("status") == "suppressed":
        return ["Le nombre de personnes concernées est couvert par le secret des petits comptes."]
    if persons is None:
        return []
    if persons == 0:
        return [f"Personne n’est compté parmi les {parameters['volume_label']}."]
    if persons == 1:
        return [f"Ce besoin concerne une seule personne{NARROW}: {parameters['volume_label']}."]
    return [f"Ce besoin concerne {count(persons)} {parameters['volume_label']}."]


def _access(row: Mapping[str, Any], parameters: Mapping[str, Any], region: RegionNames) -> list[str]:
    service = f"Pour le service {quoted(parameters['service_label'])}"
    minutes, limit = row.get("nearest_min"), f"pour un seuil de {_minutes(parameters['threshold_min'])}"
    if minutes is None:
        is_zoned = str(parameters.get("service", "")).startswith(ZONED_SERVICE)
        which = "aucune structure dont on sache qu’elle intervient ici" if is_zoned else "aucune structure connue"
        first = f"{service}, {which} ne s’atteint en voiture."
    elif row["level"] in {"commune", "commune_deleguee", "qpv"}:
        first = f"{service}, la structure la plus proche est à {_minutes(minutes)}, {limit}."
    else:
        first = f"{service}, un habitant est en moyenne à {_minutes(minutes)} de la structure la plus proche, {limit}."
    known = _known_only(parameters, region)
    if row.get("access_score") is None:
        return [first, *known]
    return [
        first,
        f"L’accès y vaut {decimal(row['access_score'])} sur 100, où 100 est l’offre jugée suffisante.",
        *known,
    ]


def _is_partial_list(parameters: Mapping[str, Any]) -> bool:
    return parameters.get("is_complete") is False


def _known_only(parameters: Mapping[str, Any], region: RegionNames) -> list[str]:
    """Say that access counts known structures alone, where the list lacks some; nothing where it is complete."""
    if not _is_partial_list(parameters):
        return []
    number = parameters.get("supply_count")
    how_many = "" if number is None else f" ({count(number)} {region.locative})"
    sentence = (
        f"Ces chiffres d’accès ne comptent que les structures connues et situées{how_many}{NARROW}: la liste est "
        "incomplète, et l’accès réel peut être meilleur."
    )
    return [sentence]


def _minutes(value: float) -> str:
    written = amount if float(value).is_integer() else decimal
    return counted(value, "minute", written=written, space=NO_BREAK_SPACE)


def _accounts(row: Mapping[str, Any]) -> list[str]:
    population = row.get("population_count")
    if not population or any(row.get(column) is None for column, *_ in _ACCOUNTS):
        return []
    present = [(row[column], words) for column, *words in _ACCOUNTS if row[column] > 0]
    if len(present) == 1:
        sentence = f"Tous ses habitants {present[0][1][2]} ({count(population)})"
    else:
        items = [
            f"{counted(number, one, several)} ({_percent(number, population)})" for number, (one, several, _) in present
        ]
        sentence = f"Sur {counted(population, 'habitant')}, {listed(items)}"
    concerned, out = row.get("in_need_out_of_reach_count"), row["out_of_reach_count"]
    if not concerned or concerned == out or row.get("status") == "suppressed":
        return [f"{sentence}."]
    are = plural(concerned, "est concernée", "sont concernées")
    return [f"{sentence}.", f"Parmi les personnes hors de portée, {count(concerned)} {are} par le défi."]


def _percent(part: int, whole: int) -> str:
    share = 100.0 * part / whole
    least = 0.1
    return f"moins de {decimal(least)}{NARROW}%" if share < least else f"{decimal(share)}{NARROW}%"


def _conclusion(row: Mapping[str, Any], named: Named, sure: Certainty, *, is_partial_list: bool) -> list[str]:
    kind = str(row.get("typology"))
    if kind not in TYPOLOGY_MEANINGS or kind == "indetermine":
        return ["La typologie reste indéterminée, faute de chiffres."]
    label = f"{'classée' if named.is_feminine else 'classé'} {quoted(TYPOLOGIES[kind].lower())}"
    found = [f"Au croisement des deux, {named.words} est {label}{NARROW}: {TYPOLOGY_MEANINGS[kind]}."]
    if sure.verdict is None or sure.verdict == "indetermine" or sure.verdict_share is None:
        return found
    found.append(_verdict(named, sure.verdict, sure.verdict_share, is_deficit=kind == "prioritaire"))
    if sure.flips:
        found.append(_flips(sure.flips))
    if is_partial_list:
        found.append("Toutes ces combinaisons gardent la même liste de structures, sans celles qui y manquent.")
    return found


def _verdict(named: Named, verdict: str, share: float, *, is_deficit: bool) -> str:
    """Say whether the answer, deficit or not, stands under the other choices of method."""
    answer = "Ce déficit" if is_deficit else "Cette absence de déficit"
    stands = {"robuste": is_deficit, "absent": not is_deficit}.get(verdict)
    solidity = "est fragile" if stands is None else "est robuste" if stands else "tient à la méthode"
    verb = "reste" if is_deficit else "serait"
    choices = "combinaisons de choix de méthode que l’on pourrait défendre"
    who = f"{answer} {solidity}{NARROW}: {named.pronoun}"
    if share == 0:
        return f"{who} ne {verb} en déficit dans aucune des {choices}."
    if share == 1:
        return f"{who} {verb} en déficit dans toutes les {choices}."
    most = percent(min(0.99, max(0.01, share)), digits=0)
    if verdict == "absent":
        return f"{who} ne {verb} en déficit que dans {most} des {choices}."
    return f"{who} {verb} en déficit dans {most} des {choices}."


def _flips(flips: Sequence[str]) -> str:
    """Name the choices that, changed alone, turn the answer over."""
    if len(flips) == 1:
        return f"Un seul changement suffit à inverser la réponse{NARROW}: {flips[0]}."
    shown = shortened(flips, MOST_FLIPS, lambda rest: "un autre" if rest == 1 else f"{count(rest)} autres")
    return f"Chacun de ces changements suffit à lui seul à inverser la réponse{NARROW}: {listed(shown)}."
