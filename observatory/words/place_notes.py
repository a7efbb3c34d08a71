"""What is said of where a structure was placed: the sentences of ``place_note``, short names of ``place_quality``."""

from __future__ import annotations

from typing import Final

QUALITIES: Final = {
    "address": "adresse",
    "commune_centre": "centre de la commune",
    "town_hall": "mairie",
    "unknown": "inconnu",
}
"""Where a point was put, in a table; :data:`observatory.words.labels.PLACES` says it in a sentence."""

TOWN_HALL: Final = "Placée à la mairie de sa commune : {source} ne donne pas de point sûr."
TOO_FAR: Final = "Le point de {source} est à {distance} km de la commune de l’adresse : il n’est pas gardé."
CENTRE: Final = "Placée au centre de sa commune par la source."
SURFACE: Final = "Placée au milieu de sa commune : ni la source ni la mairie n’ont de point sûr."
UNKNOWN: Final = "Lieu inconnu : la source ne donne ni adresse ni commune."
DEPARTEMENT_ONLY: Final = "Lieu inconnu : la source ne donne que le département."
SWAPPED: Final = "Longitude et latitude étaient inversées dans la source."
POOR: Final = "Adresse géolocalisée avec un faible score ({score:.2f}) : position à vérifier."
FAR: Final = "Le point est à {distance_km:.1f} km de la commune de son adresse ({name}) : position à vérifier."
ELSEWHERE: Final = "Adresse dans le département {departement}, point dans le {found} : à vérifier."
LOCATED_BY_INSEE: Final = "Géolocalisation de l’Insee : {quality}."
LAMBERT: Final = "Coordonnées Lambert-93 du fichier Sirene."
GEOCODED_BY_API: Final = "Point de l’API Recherche d’entreprises (adresse géocodée)."
GEOCODED_BY_IGN: Final = "Géocodé par l’IGN : « {label} », score {score} sur 1."
