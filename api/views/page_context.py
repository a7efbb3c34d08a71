"""What every page is given: names, colours, choices, sources; and the analysis that it shows."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Annotated, Any

from fastapi import Depends, Request
from sqlalchemy import Connection
from starlette.responses import HTMLResponse

from api.dependencies import ConnectionDep, SettingsDep
from api.views import page_choices, page_queries
from api.views.rendering import page
from observatory.declared.services import offer
from observatory.declared.study_reading import Study
from observatory.publish import colours
from observatory.publish import gap_rows as publication
from observatory.publish.gap_report import GapReport
from observatory.settings import Settings
from observatory.store import read
from observatory.words import labels


def shared_context(settings: Settings, connection: Connection) -> dict[str, Any]:
    """Return the French names and the colours of défis, services, levels, typologies."""
    study = page_choices.study(settings.study)
    return {
        "defis": page_choices.defi_labels(study),
        "services": {name: entry.label for name, entry in study.services.items()},
        "kinds": offer().kind_labels,
        "completeness": page_choices.completeness(study, connection),
        "gap_levels": {level: labels.LEVELS[level] for level in publication.LEVELS},
        "scales": {measure: colours.classes(measure) for measure in colours.SCALES},
        "typology_colours": colours.TYPOLOGY_COLOURS,
        "service_colours": offer().service_colours,
        "map_services": offer().shown.on_page_map,
        "study": study,
    }


def selectable(connection: Connection) -> dict[str, list[page_queries.Row]]:
    """Return the territories that the forms offer, by level."""
    return {level: read.territories(connection, level) for level in ("departement", "epci")}


@dataclass(frozen=True)
class PageRequest:
    """One page asked for, in a transaction, with the operator's settings."""

    request: Request
    connection: Connection
    settings: Settings

    @property
    def study(self) -> Study:
        """Return the operator's study, or the observatory's."""
        return page_choices.study(self.settings.study)

    @cached_property
    def catalogue(self) -> list[page_queries.Row]:
        """Return the rows of the catalogue, asked once for the whole page."""
        return read.sources(self.connection)

    @property
    def sources(self) -> dict[str, page_queries.Row]:
        """Return the catalogue by identifier, for the calls of sources."""
        return page_queries.by_identifier(self.catalogue)

    def report(self, choice: page_choices.Choice, *, territory: str | None = None) -> GapReport:
        """Return the gap analysis of a choice, in all the region or in one territory."""
        return publication.gap_report(
            self.connection,
            defi=choice.defi,
            service=choice.service,
            level=choice.level,
            territory=territory,
            threshold_min=choice.threshold_min,
            closed_border=choice.closed_border,
            study_path=self.settings.study,
            catalogue=self.catalogue,
        )

    def show(self, template: str, **context: object) -> HTMLResponse:
        """Return the page of a template, with what every page is given and the catalogue for the calls of sources."""
        shared = shared_context(self.settings, self.connection)
        return page(self.request, template, **{"sources": self.sources, **shared, **context})


def _asked(request: Request, connection: ConnectionDep, settings: SettingsDep) -> PageRequest:
    return PageRequest(request, connection, settings)


PageDep = Annotated[PageRequest, Depends(_asked, scope="function")]
