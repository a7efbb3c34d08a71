"""What every page is given: names, colours and choices."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection

from api import choices, colours, queries
from observatory.publish import gaps as publication
from observatory.publish import labels
from observatory.settings import Settings
from observatory.store import read


def words(settings: Settings, connection: Connection) -> dict[str, Any]:
    """Return the French names and the colours of défis, services, levels, typologies."""
    study = choices.study(settings.study)
    return {
        "defis": choices.defi_labels(study),
        "services": choices.service_labels(study),
        "kinds": choices.kind_labels(),
        "completeness": choices.completeness(study, connection),
        "gap_levels": {level: labels.LEVELS[level] for level in publication.LEVELS},
        "scales": {measure: colours.classes(measure) for measure in colours.SCALES},
        "typology_colours": colours.typology_colours(),
        "service_colours": colours.service_colours(),
        "study": study,
    }


def selectable(connection: Connection) -> dict[str, list[queries.Row]]:
    """Return the territories that the forms offer, by level."""
    return {level: read.territories(connection, level) for level in ("departement", "epci")}
