"""« Pourquoi ici ? » in French sentences, from the figures alone."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any, Final

from observatory.declared.reference import secrecy
from observatory.words.grammar import listed
from observatory.words.numbers import amount, count, counted, decimal

NAMED_COMMUNES: Final = 4
"""Communes named in a sentence before « et d'autres » (convention de l'observatoire)."""


NO_ALTERNATIVE: Final = {
    "required": "La question impose ce lieu : aucune solution ne s’en passe.",
    "none": "Sans ce site, aucune solution ne répond à la question.",
    "unsought": "La meilleure solution sans ce site n’a pas été cherchée.",
}


def few(value: float | None, *, is_public: bool = False) -> str:
    """Return a count of persons concerned; a small one that is not public (None if hidden already) has no figure."""
    least = secrecy().thresholds.persons
    is_hidden = value is None or (0 < value < least and not is_public)
    return f"moins de {least}" if is_hidden else count(value)


def reason_sentences(
    why: Mapping[str, Any],
    *,
    services: Mapping[str, str],
    volumes: Mapping[str, str],
    threshold_min: float,
    objective: str,
    public: Collection[str] = (),
) -> list[str]:
    """Return the sentences of one site, in the order that a reader asks: who gains, how much, who loses, what else.

    Parameters
    ----------
    why
        One entry of the document's ``why``.
    services, volumes
        French names of services and of the persons that each défi concerns.
    """
    sentences = [_gain(one, services, volumes, threshold_min) for one in why["services"]]
    sentences.extend(_closer(one, services) for one in why["services"] if one["mean_gain_min"])
    if why["existing_losses"]:
        losses = [f"{one['name']} ({counted(one['population_count'], 'habitant')})" for one in why["existing_losses"]]
        sentences.append(f"En contrepartie, ce site devient le plus proche à la place de {listed(losses)}.")
    sentences.append(_alternative(why, volumes, objective, public, is_several=len(services) > 1))
    return sentences


def _gain(one: Mapping[str, Any], services: Mapping[str, str], volumes: Mapping[str, str], threshold_min: float) -> str:
    name = services[one["service"]]
    if not one["newly_covered"]["population_count"]:
        return f"{name} : aucun habitant du territoire de plus sous {_minutes(threshold_min)}."
    concerned = [
        f"{few(value, is_public=True)} {volumes[defi]}"
        for defi, value in one["newly_covered"]["concerned"].items()
        if value != 0 and not volumes[defi].startswith("habitants")
    ]
    said = f", dont {listed(concerned)}" if concerned else ""
    communes = [f"{place['name']} ({count(place['population_count'])})" for place in one["communes"]]
    rest = len(communes) - NAMED_COMMUNES
    more = f", et {counted(rest, 'autre')}" if rest > 0 else ""
    head = "Un seul lieu" if len(communes) == 1 else "Les plus nombreux"
    newly = one["newly_covered"]["population_count"]
    verb = "passe" if newly == 1 else "passent"
    return (
        f"{name} : {counted(newly, 'habitant')} {verb} sous {_minutes(threshold_min)}{said}. "
        f"{head} : {', '.join(communes[:NAMED_COMMUNES])}{more}."
    )


def _minutes(value: float) -> str:
    return counted(value, "minute", written=amount)


def _closer(one: Mapping[str, Any], services: Mapping[str, str]) -> str:
    verb = "gagne" if one["closer_population_count"] == 1 else "gagnent"
    return (
        f"{services[one['service']]} : {counted(one['closer_population_count'], 'habitant')} {verb} en moyenne "
        f"{counted(one['mean_gain_min'], 'minute', written=decimal)} de trajet."
    )


def _alternative(
    why: Mapping[str, Any], volumes: Mapping[str, str], objective: str, public: Collection[str], *, is_several: bool
) -> str:
    other = why["alternative"]
    if other is None:
        return NO_ALTERNATIVE[why["without"]]
    names = listed([site["name"] for site in other["sites"]])
    if not other["cost"]:
        return f"Sans ce site, {names} : aussi bien. Le choix entre les deux ne tient pas à ces chiffres."
    cost = _cost(other, volumes, objective, public, is_several=is_several)
    return f"Sans ce site, la meilleure solution serait {names}{cost}."


def named_sentence(
    document: Mapping[str, Any],
    *,
    volumes: Mapping[str, str],
    objective: str,
    is_several: bool,
    public: Collection[str] = (),
) -> str:
    """Return what choosing a place that the study names would cost, in one French sentence."""
    if document["is_chosen"]:
        return f"{document['name']} : retenu par la proposition."
    if not document["cost"]:
        return f"{document['name']} : ferait aussi bien que la proposition."
    cost = _cost(document, volumes, objective, public, is_several=is_several)
    return f"{document['name']} : choisir ce lieu est possible{cost}."


def _cost(
    other: Mapping[str, Any], volumes: Mapping[str, str], objective: str, public: Collection[str], *, is_several: bool
) -> str:
    """Say who would be lost and won within the threshold, all services added, and what the objective loses."""
    lost = [
        f"{few(value, is_public=defi in public)} {volumes[defi]}"
        for defi, value in other["concerned_lost"].items()
        if value > 0
    ]
    won = [
        f"{few(-value, is_public=defi in public)} {volumes[defi]}"
        for defi, value in other["concerned_lost"].items()
        if value < 0
    ]
    parts = [f"{listed(some)} de {word}" for some, word in ((lost, "moins"), (won, "plus")) if some]
    if parts:
        parts[0] += " sous le seuil"
    together = ", services additionnés" if is_several else ""
    said = f" ; {' et '.join(parts)}{together}" if parts else ""
    return f"{said} ({_loss(other, objective)})"


def _loss(other: Mapping[str, Any], objective: str) -> str:
    if objective == "lscp":
        return f"{counted(other['cost'], 'pôle')} de plus"
    if objective == "p_center":
        return f"le lieu le plus éloigné serait {counted(other['cost'], 'minute', written=decimal)} plus loin"
    if other["cost_share"] is None:
        return "écart sur l’objectif : sans mesure"
    return f"écart sur l’objectif : {decimal(100 * other['cost_share'])} %"


def joint_sentences(
    document: Mapping[str, Any], *, services: Mapping[str, str], volumes: Mapping[str, str], threshold_min: float
) -> list[str]:
    """Return the sentences of a joint pole: what each site opens, for whom, at what cost, and against all services."""
    if document["objective"] is None:
        return ["Le temps donné n’a pas suffi à chercher le pôle commun : allongez-le."]
    if not document["sites"]:
        return [f"Avec un budget de {amount(document['budget'])}, aucun service ne peut être ouvert."]
    told = [
        f"{site['name']} : {' ; '.join(_opened(one, services, volumes, threshold_min) for one in site['services'])} "
        f"(coût {amount(site['cost'])})."
        for site in document["sites"]
    ]
    told.append(f"Coût en tout : {amount(document['cost'])} sur {amount(document['budget'])} ({document['note']}).")
    if document["status"] != "optimal":
        gap = "inconnu" if document["gap"] is None else f"de {decimal(100 * document['gap'], digits=2)} % au plus"
        told.append(f"C’est le meilleur mélange trouvé dans le temps donné, à un écart {gap} de l’optimum.")
    together = document["together"]
    if together is None:
        told.append("Ouvrir tous les services ensemble dans un même lieu dépasserait ce budget.")
    elif together["objective"] is not None and document["objective"] != together["objective"]:
        share = abs(document["objective"] - together["objective"]) / max(abs(document["objective"]), 1e-9)
        told.append(
            f"Tous les services ensemble ({listed(together['sites']) or 'aucun lieu'}, coût "
            f"{amount(together['cost'])}) feraient {decimal(100 * share)} % de moins bien sur l’objectif."
        )
    else:
        told.append("Ouvrir tous les services ensemble, pour ce budget, ferait aussi bien.")
    return told


def _opened(
    one: Mapping[str, Any], services: Mapping[str, str], volumes: Mapping[str, str], threshold_min: float
) -> str:
    newly = one["newly_covered"]
    if not newly["population_count"]:
        return f"{services[one['service']]}, sans habitant de plus sous {_minutes(threshold_min)}"
    concerned = [
        f"{few(value, is_public=True)} {volumes[defi]}"
        for defi, value in newly["concerned"].items()
        if value != 0 and not volumes[defi].startswith("habitants")
    ]
    said = f", dont {listed(concerned)}" if concerned else ""
    within = _minutes(threshold_min)
    return f"{services[one['service']]}, {counted(newly['population_count'], 'habitant')} de plus sous {within}{said}"
