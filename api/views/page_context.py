"""What every page is given: names, colours and choices."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection

from api.views import page_choices, page_queries
from observatory.declared import shown_services
from observatory.publish import colours
from observatory.publish import gap_rows as publication
from observatory.settings import Settings
from observatory.store import read
from observatory.words import labels


def shared_context(settings: Settings, connection: Connection) -> dict[str, Any]:
    """Return the French names and the colours of défis, services, levels, typologies."""
    study = page_choices.study(settings.study)
    return {
        "defis": page_choices.defi_labels(study),
        "services": {name: entry.label for name, entry in study.services.items()},
        "kinds": shown_services.kind_labels(),
        "completeness": page_choices.completeness(study, connection),
        "gap_levels": {level: labels.LEVELS[level] for level in publication.LEVELS},
        "scales": {measure: colours.classes(measure) for measure in colours.SCALES},
        "typology_colours": colours.TYPOLOGY_COLOURS,
        "service_colours": shown_services.service_colours(),
        "map_services": shown_services.services_on("page_map"),
        "study": study,
    }


def selectable(connection: Connection) -> dict[str, list[page_queries.Row]]:
    """Return the territories that the forms offer, by level."""
    return {level: read.territories(connection, level) for level in ("departement", "epci")}
