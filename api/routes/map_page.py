"""The map and the same facts in a table under it."""

from __future__ import annotations

from typing import Annotated, Any, Final

from fastapi import APIRouter, Query
from starlette.responses import HTMLResponse

from api.routes.tiles import MAP_LEVELS
from api.views import drawing, page_choices, page_queries, ranking, tile_bytes
from api.views.page_context import PageDep, PageRequest, selectable
from observatory.access.routing import MODES_IN_WORDS
from observatory.declared.region import home_region
from observatory.declared.services import offer
from observatory.errors import UsageError
from observatory.publish import colours
from observatory.publish import gap_rows as publication
from observatory.publish.gap_report import GapReport
from observatory.settings import Settings
from observatory.store import read
from observatory.store.loaded_travel import loaded_travel, location
from observatory.words import labels

router = APIRouter(include_in_schema=False)
TOWNS_CONSIDERED: Final = 120
TOWNS_SHOWN: Final = 14
"""Names written on the map: the most populated communes that leave each other room (convention de l'observatoire)."""
NOT_FRR: Final = ("non_classee",)
"""Classes of the FRR zoning that are outside it."""
ISOCHRONES_MIN: Final = (10, 20, 30)
"""Times of the areas drawn around a structure (convention de l'observatoire)."""
MEASURES: Final = ("priority_score", "need_score", "access_score", "typology")


@router.get("/carte")
def map_page(
    *,
    on: PageDep,
    defi: str = "",
    service: str = "",
    level: str = "",
    measure: str = "",
    territory: Annotated[str | None, Query(max_length=60)] = None,
    rang: Annotated[int, Query(ge=1, le=1000)] = 1,
) -> HTMLResponse:
    """Show the map of gaps, its layers, and its table."""
    choice = page_choices.choose(on.study, defi=defi, service=service, level=level, territory=territory)
    if choice.level not in MAP_LEVELS:
        raise UsageError(f"Le niveau « {choice.level} » n’a pas de carte : choisissez parmi {', '.join(MAP_LEVELS)}.")
    measure = measure or MEASURES[0]
    if measure not in MEASURES:
        raise UsageError(f"La mesure « {measure} » n’existe pas : choisissez parmi {', '.join(MEASURES)}.")
    place = page_queries.place(on.connection, choice.territory) if choice.territory else None
    report = on.report(choice, territory=place["code"] if place else None)
    rows = ranking.by_priority(report.rows)
    region = read.territory(on.connection, "region", home_region().code)
    return on.show(
        "carte.html",
        choice=choice,
        measure=measure,
        place=place,
        report=report,
        cut=ranking.cut(rows, rang),
        totals=publication.totals(rows),
        commune_source=on.sources.get(page_queries.level_source(on.connection, "commune") or ""),
        services_known=page_queries.service_counts(on.connection),
        selectable=selectable(on.connection),
        map_levels={name: labels.LEVELS[name] for name in MAP_LEVELS},
        measures={**colours.SCALE_LABELS, "typology": "Typologie besoin × accès"},
        settings_of_map=_settings(
            on,
            choice=choice,
            measure=measure,
            place=place or region,
            report=report,
        ),
    )


def _settings(
    on: PageRequest,
    *,
    choice: page_choices.Choice,
    measure: str,
    place: page_queries.Row,
    report: GapReport,
) -> dict[str, Any]:
    """Return what the map's script needs: choices, colours, words, towns; no figure but the towns' names."""
    service_colours = offer().service_colours
    return {
        "choice": {"defi": choice.defi, "service": choice.service, "level": choice.level, "measure": measure},
        "bbox": place["bbox"],
        "territory": None if place["level"] == "region" else {"level": place["level"], "code": place["code"]},
        "version": f"{tile_bytes.data_version(on.connection)}-{report.run_hash[:12]}",
        "scales": {name: colours.classes(name) for name in colours.SCALES},
        "measures": {**colours.SCALE_LABELS, "typology": "Typologie besoin × accès"},
        "typologies": [
            {"id": name, "label": labels.TYPOLOGIES[name], "meaning": labels.TYPOLOGY_MEANINGS[name], "colour": colour}
            for name, colour in colours.TYPOLOGY_COLOURS.items()
        ],
        "services": [
            {"id": name, "label": entry.label, "colour": service_colours[name]}
            for name, entry in on.study.services.items()
        ],
        "kinds": offer().kind_labels,
        "statuses": labels.STATUSES,
        "places": labels.PLACES,
        "levels": labels.LEVELS,
        "sources": {name: f"{row['producer']}, {row['title']}, {row['vintage']}" for name, row in on.sources.items()},
        "gapSources": [source["source_id"] for source in report.sources],
        "towns": drawing.spaced(page_queries.towns(on.connection, limit=TOWNS_CONSIDERED), limit=TOWNS_SHOWN),
        "noData": colours.NO_DATA_COLOUR,
        "notFrr": NOT_FRR,
        "isochrones": _isochrones(on.settings),
        "basemap": {"url": on.settings.basemap_url, "attribution": on.settings.basemap_attribution},
    }


def _isochrones(settings: Settings) -> dict[str, Any] | None:
    """Return the times to draw around a structure and how one travels; None where no road network is loaded."""
    loaded = loaded_travel(location(settings))
    if loaded is None or loaded.kind != "network":
        return None
    return {"minutes": ISOCHRONES_MIN, "mode": MODES_IN_WORDS[loaded.mode], "network": loaded.label}
