"""What a gap analysis says of the whole region, in French sentences and tables: areas, depth, quartiers, volumes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from observatory.declared.region import home_region
from observatory.words.grammar import listed, plural, quoted, shortened
from observatory.words.numbers import NARROW_SPACE, amount, count, counted, decimal, percent, with_minus

if TYPE_CHECKING:
    from observatory.publish.gap_report import GapReport

MOST_ROWS: Final = 10
"""Areas, quartiers and EPCI shown (convention de l'observatoire): the JSON document has them all."""
SIGNIFICANT: Final = 0.05
"""Largest p-value that is not chance (convention de l'observatoire)."""
DEFICIT: Final = "besoin_fort_acces_faible"
GROUPS: Final = {
    "rural": "Communes rurales (grille de densité, niveaux 5 à 7)",
    "urbain": "Communes urbaines (niveaux 1 à 4)",
    "frr": "Communes en zone France ruralités revitalisation",
    "hors_frr": "Communes hors de cette zone",
    "inconnu": "Communes de zonage inconnu",
}
NOBODY: Final = (
    "Temps et accès sont mesurés au point du quartier et à la mairie ; qui habite le quartier n’est pas dans les "
    "données : personne n’y est compté."
)
ESTIMATED: Final = (
    "C’est une estimation, dont la somme redonne le total publié ; l’intervalle à 90 % suppose que les taux varient "
    "dans un département comme ils varient entre départements, ce qui est le moins qu’on puisse supposer."
)
QUADRANT_WORDS: Final = {
    "besoin_fort_acces_faible": "besoin fort, accès faible alentour",
    "besoin_faible_acces_faible": "besoin faible, accès faible alentour",
    "besoin_faible_acces_fort": "besoin faible, accès fort alentour",
    "besoin_fort_acces_fort": "besoin fort, accès fort alentour",
}


@dataclass(frozen=True)
class Section:
    """A part of a profile: sentences, then a table whose first column names the row."""

    id: str
    title: str
    sentences: Sequence[str]
    caption: str
    headings: Sequence[str]
    rows: Sequence[Sequence[str]]
    """Cells, already in French."""


def sections(report: GapReport) -> list[Section]:
    """Return the profile of a report, for all of Normandy whatever its rows; nothing where none was worked out."""
    profile, parameters = report.profile, report.parameters
    if profile is None:
        return []
    found = [
        _areas(profile["clusters"]),
        _depth(profile["depth"], parameters),
        _quarters(profile["qpv"], parameters),
        _volume(profile["volume"], str(report.rows[0]["level"]) if report.rows else ""),
        _ranking(profile.get("ranking")),
    ]
    return [one for one in found if one is not None]


def _areas(clusters: Mapping[str, Any]) -> Section:
    title = "Où les manques se concentrent"
    wanted = [area for area in clusters["areas"] if area["kind"] == DEFICIT]
    rate = f"{amount(100 * clusters['false_discovery_rate'])}{NARROW_SPACE}%"
    method = (
        f"Indice local de Moran bivarié de {count(clusters['tested_count'])} communes et de celles qui les touchent "
        f"({clusters['permutations']} permutations, graine {clusters['seed']}) ; part de fausses alertes attendue : "
        f"{rate} ; fort et faible s’entendent par rapport à la moyenne {home_region().names.adjective_f}."
    )
    if not wanted:
        first = (
            "Aucune poche de besoin fort et d’accès faible ne se distingue du hasard : le manque, s’il y en a, est "
            "trop général ou trop dispersé."
        )
        return Section("poches", title, [first, *_others(clusters), method], "", (), ())
    several = [area for area in wanted if area["commune_count"] > 1]
    shown = (several or wanted)[:MOST_ROWS]
    return Section(
        "poches",
        title,
        [concentrated(wanted, several), *_others(clusters), method],
        f"Poches de besoin fort et d’accès faible, les plus peuplées ({len(shown)} sur {len(several or wanted)})",
        ("Poche", "Intercommunalités", "Communes", "Habitants"),
        [
            (area["name"], _some(area["epci"]), count(area["commune_count"]), count(area["population_count"]))
            for area in shown
        ],
    )


def concentrated(areas: Sequence[Mapping[str, Any]], several: Sequence[Mapping[str, Any]]) -> str:
    """Say how many communes, inhabitants and areas there are."""
    communes = sum(area["commune_count"] for area in areas)
    persons = sum(area["population_count"] for area in areas)
    alone = len(areas) - len(several)
    around = "de communes où l’accès est faible, plus que le hasard ne le ferait"
    inhabitants = f"{counted(persons, 'habitant')}"
    if communes == 1:
        return f"Une seule commune au besoin fort est entourée {around} : {inhabitants}."
    parts = [
        *([f"{counted(len(several), 'poche', written=_one)} de plusieurs communes"] if several else []),
        *([f"{counted(alone, 'commune isolée', 'communes isolées', written=_one)}"] if alone else []),
    ]
    return f"{count(communes)} communes au besoin fort sont entourées {around} : {inhabitants}, {listed(parts)}."


def _one(number: float) -> str:
    return "une" if number == 1 else count(number)


def _others(clusters: Mapping[str, Any]) -> list[str]:
    """Say what else stands out; nothing where nothing does."""
    numbers = clusters["significant_count"]
    # In an order of ours: the database keeps the keys of a document in an order of its own.
    items = [
        f"{words} ({counted(numbers[kind], 'commune')})"
        for kind, words in QUADRANT_WORDS.items()
        if kind != DEFICIT and numbers.get(kind)
    ]
    return [f"Se distinguent aussi : {' ; '.join(items)}."] if items else []


def _some(names: Sequence[str]) -> str:
    """Name the first two and count the others."""
    return listed(shortened(names, 2, lambda rest: f"{_one(rest)} {plural(rest, 'autre')}")) or "–"


def _depth(depth: Mapping[str, Any], parameters: Mapping[str, Any]) -> Section:
    line = decimal(depth["line_score"], digits=0)
    (region,) = depth["region"][:1] or ({"headcount": None},)
    sentences = []
    if region["headcount"] is not None:
        sentences.append(
            f"{percent(region['headcount'])} des personnes concernées ({count(region['lacking_count'])} sur "
            f"{count(region['persons_count'])}) vivent dans une commune où l’accès vaut moins de {line} sur 100."
        )
    by_class = {one["code"]: one for name in ("densite", "frr") for one in depth[name] if one["headcount"] is not None}
    for one, other, words in (
        ("rural", "urbain", ("dans les communes rurales", "dans les communes urbaines")),
        ("frr", "hors_frr", ("en zone France ruralités revitalisation", "hors de cette zone")),
    ):
        if {one, other} <= by_class.keys():
            figures = percent(by_class[one]["headcount"]), percent(by_class[other]["headcount"])
            sentences.append(f"C’est le cas de {figures[0]} d’entre elles {words[0]}, de {figures[1]} {words[1]}.")
    sentences.append(
        f"Profondeur : ce qui manque pour atteindre {line}, en moyenne sur toutes les personnes concernées (0 : rien ; "
        "1 : personne n’a d’accès). Sévérité : de même, les grands manques comptant davantage (indices de Foster, "
        f"Greer et Thorbecke). Les personnes concernées sont les {parameters['volume_label']}."
    )
    rows = [
        *((GROUPS[one["code"]], one) for name in ("densite", "frr") for one in depth[name]),
        *((one["name"], one) for level in ("departement", "region") for one in depth[level]),
    ]
    return Section(
        "profondeur",
        "Combien il manque, et à qui",
        sentences,
        f"Manque d’accès des personnes concernées, sous {line} sur 100",
        ("Personnes concernées de", "Nombre", "En manque", "Part", "Profondeur", "Sévérité"),
        [
            (
                name,
                count(one["persons_count"]),
                count(one["lacking_count"]),
                "–" if one["headcount"] is None else percent(one["headcount"]),
                decimal(one["depth"], digits=2),
                decimal(one["severity"], digits=2),
            )
            for name, one in rows
        ],
    )


def _quarters(quarters: Sequence[Mapping[str, Any]], parameters: Mapping[str, Any]) -> Section | None:
    known = [one for one in quarters if one["access_difference"] is not None]
    if not known:
        return None
    less = [one for one in known if one["access_difference"] < 0]
    more = [one for one in known if one["access_difference"] > 0]
    farther = [one for one in known if one["access_difference"] == 0 and one["is_worse_off"]]
    words = against_commune(len(less), len(more), len(known) - len(less) - len(more))
    if farther:
        words += f", dont {count(len(farther))} plus loin de la structure la plus proche"
    order = sorted(
        known, key=lambda one: (one["access_difference"], -(one["nearest_difference_min"] or 0), one["code"])
    )
    shown = [one for one in order if one["is_worse_off"]][:MOST_ROWS]
    return Section(
        "quartiers",
        "Les quartiers prioritaires et leur commune",
        [
            f"{words}.",
            NOBODY,
        ],
        f"Quartiers moins bien placés que leur commune pour le service « {parameters['service_label']} » "
        f"({len(shown)} sur {sum(bool(one['is_worse_off']) for one in known)})"
        if shown
        else "",
        ("Quartier", "Commune", "Accès", "Accès de la commune", "Minutes", "Minutes de la commune") if shown else (),
        [
            (
                one["name"],
                one["commune_name"] or "–",
                decimal(one["access_score"]),
                decimal(one["commune_access_score"]),
                decimal(one["nearest_min"]),
                decimal(one["commune_nearest_min"]),
            )
            for one in shown
        ],
    )


def against_commune(less: int, more: int, same: int) -> str:
    """Say how many quartiers have less access than their commune, more, as much; nothing of what no quartier has."""
    total = less + more + same
    groups = [(less, "moins", "moins"), (more, "plus", "davantage"), (same, "autant", "autant")]
    (number, than, _), *rest = [group for group in groups if group[0]]
    compared = f"{than} d’accès que {plural(number, 'sa commune', 'leur commune')}"
    if not rest:
        who = "Le seul quartier prioritaire a" if total == 1 else f"Les {count(total)} quartiers prioritaires ont tous"
        return f"{who} {compared}"
    first = f"{count(number)} {plural(number, 'a', 'ont')} {compared}"
    others = [f"{count(number)} en {plural(number, 'a', 'ont')} {word}" for number, _, word in rest]
    return f"De {count(total)} quartiers prioritaires, {listed([first, *others])}"


def _volume(volume: Mapping[str, Any] | None, level: str) -> Section | None:
    if volume is None:
        return None
    at = level if level in {"departement", "region"} else "epci"
    rows = sorted(volume[at], key=lambda one: (-one["volume"], one["code"]))
    shown, digits = rows[:MOST_ROWS], 0
    (region,) = volume["region"][:1]
    total = f"{decimal(region['volume'], digits=digits)} {volume['unit']}"
    where = home_region().names.locative
    sentences = [
        f"{volume['label']} ({volume['period']}) : {total} {where}, somme des totaux publiés par département.",
        f"En dessous, rien n’est publié : le total est réparti d’après les {volume['spread_by']}. {ESTIMATED}",
    ]
    return Section(
        "volumes",
        "Des volumes récents, estimés là où ils ne sont pas publiés",
        sentences,
        f"{volume['label']}, {volume['period']} ({len(shown)} {plural(len(shown), 'ligne')} sur {len(rows)})",
        ("Territoire", f"Volume ({volume['unit']})", "Intervalle à 90 %", "Statut"),
        [
            (
                one["name"],
                decimal(one["volume"], digits=digits),
                "–"
                if one["status"] == "observed"
                else f"{decimal(one['volume_low'], digits=digits)} à {decimal(one['volume_high'], digits=digits)}",
                "publié" if one["status"] == "observed" else "estimé",
            )
            for one in shown
        ],
    )


def _ranking(ranking: Mapping[str, Any] | None) -> Section | None:
    """Say which choices move the ranking, which orders hold, and how much neighbours are alike."""
    if ranking is None:
        return None
    labels = {"normalisation": "la normalisation", "aggregation": "l’agrégation"}
    moving = [(labels[name], index) for name, index in ranking["choices"].items()]
    moving += [(f"le poids de {quoted(one['label'])}", one["total_index"]) for one in ranking["indicators"]]
    first, second = sorted((one for one in moving if one[1] is not None), key=lambda one: -one[1])[:2] or (None, None)
    sentences = []
    if first is not None and second is not None:
        sentences.append(
            f"Le choix qui déplace le plus le rang des intercommunalités est {first[0]} (indice total de Sobol "
            f"{decimal(first[1], digits=2)}), puis {second[0]} ({decimal(second[1], digits=2)})."
        )
    pairs, sure = ranking["pair_count"], ranking["sure_pair_count"]
    if pairs:
        sentences.append(
            f"De {counted(pairs, 'paire')} d’intercommunalités, {count(sure)} "
            f"{plural(sure, 'garde', 'gardent')} le même ordre dans au moins "
            f"{percent(ranking['sure_share'], digits=0)} des {count(ranking['draws'])} tirages de la méthode (graine "
            f"{ranking['seed']}) : l’ordre des autres dépend de la méthode."
        )
    sentences += _alike_neighbours(ranking)
    sentences.append(
        "Poids effectif : part de la variance du score que l’indicateur apporte dans les communes (la somme fait "
        f"{percent(1, digits=0)}). Indice de Sobol : part de la variance du classement qui demeure quand ce choix seul "
        "reste libre."
    )
    return Section(
        "classement",
        "Ce qui fait bouger le classement",
        sentences,
        "Poids déclaré et poids effectif des indicateurs",
        ("Indicateur", "Poids déclaré", "Poids effectif", "Indice total de Sobol"),
        [
            (
                one["label"],
                percent(one["weight"], digits=0),
                "–" if one["effective_weight"] is None else with_minus(percent(one["effective_weight"])),
                decimal(one["total_index"], digits=2),
            )
            for one in ranking["indicators"]
        ],
    )


def _alike_neighbours(ranking: Mapping[str, Any]) -> list[str]:
    found = ranking["moran"]
    if found is None:
        return []
    is_alike = found["p_value"] <= SIGNIFICANT and found["statistic"] > found["expected"]
    alike = (
        "se ressemblent plus que le hasard ne le ferait" if is_alike else "ne se ressemblent pas plus que par hasard"
    )
    moran, p_value = decimal(found["statistic"], digits=2), decimal(found["p_value"], digits=3)
    sentence = (
        f"Les besoins de communes voisines {alike} (indice de Moran {moran}, p = {p_value}) ; sensibilité au "
        f"regroupement en intercommunalités (S-maup, 0 : aucune) : {decimal(ranking['s_maup'], digits=2)}."
    )
    return [sentence]
