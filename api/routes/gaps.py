"""Gap analyses: the rows that every other channel shows."""

from __future__ import annotations

from dataclasses import replace
from typing import Annotated, Any, Final

from fastapi import APIRouter, Query
from starlette.responses import Response

from api.dependencies import ConnectionDep, SettingsDep
from api.routes.territories import REFUSED
from api.schemas import GapList
from api.views.page_choices import choose, study
from observatory.errors import UsageError
from observatory.parameters import LONGEST_THRESHOLD_MIN, SHORTEST_THRESHOLD_MIN
from observatory.publish import gap_rows as publication
from observatory.publish.csv_text import FORMS
from observatory.publish.gap_explanation import explained
from observatory.store import read

router = APIRouter(prefix="/api", tags=["lacunes"])
FORMATS: Final = ("json", *FORMS, "geojson")
GEOJSON: Final = "application/geo+json"
GEOJSON_DECIMALS: Final = 4
"""Decimals of a degree: 11 m, under the tolerance that the snapshot's outlines were simplified with."""


@router.get(
    "/gaps",
    summary="Les lacunes",
    responses=REFUSED,
    response_model=GapList,
    response_model_exclude_unset=True,
    operation_id="gaps",
)
def gaps(
    *,
    connection: ConnectionDep,
    settings: SettingsDep,
    defi: Annotated[str, Query(description="insertion, dechets ou vieillissement.", examples=["vieillissement"])],
    service: Annotated[str, Query(description="Service dont l’accès est mesuré.", examples=["tiers_lieu"])],
    level: Annotated[str, Query(description="Niveau des lignes.", examples=["epci"])],
    territory: Annotated[
        str | None, Query(max_length=60, description="Code d’un territoire : ses unités seulement.")
    ] = None,
    threshold_min: Annotated[
        float | None,
        Query(
            ge=SHORTEST_THRESHOLD_MIN,
            le=LONGEST_THRESHOLD_MIN,
            description="Minutes ; sans elles : le seuil de l’étude.",
        ),
    ] = None,
    format: Annotated[str, Query(description="json, csv (programmes), csv-fr (tableurs) ou geojson.")] = "json",  # noqa: A002  (the contract's name)
    limit: Annotated[int, Query(ge=1, le=5000, description="Nombre de lignes.")] = 5000,
    offset: Annotated[int, Query(ge=0, le=100_000, description="Lignes à sauter.")] = 0,
    phase: Annotated[
        str | None, Query(max_length=20, description="De l’accompagnement : emergence, creation, developpement, lieu.")
    ] = None,
    closed_border: Annotated[
        bool, Query(description="Recalcule sans l’offre ni les habitants hors de la région : qui bascule.")
    ] = False,
    explain: Annotated[
        bool,
        Query(description="Ajoute à chaque ligne ses contributions et ses raisons, et le profil de la région."),
    ] = False,
) -> Response | dict[str, Any]:
    """Return a gap analysis at one level; ``total`` counts the rows before the page is cut."""
    if format not in FORMATS:
        raise UsageError(f"Le format « {format} » n’existe pas : choisissez parmi {', '.join(FORMATS)}.")
    if phase is not None:
        service = f"{service}:{phase}"
    choice = choose(
        study(settings.study),
        defi=defi,
        service=service,
        level=level,
        territory=territory,
        threshold_min=threshold_min,
        with_phases=True,
    )
    asked: dict[str, Any] = {
        "defi": choice.defi,
        "service": choice.service,
        "level": choice.level,
        "threshold_min": choice.threshold_min,
        "study_path": settings.study,
    }
    report = publication.gap_report(connection, territory=choice.territory, closed_border=closed_border, **asked)
    total = len(report.rows)
    shown = replace(report, rows=report.rows[offset : offset + limit])
    if explain:
        shown = explained(connection, shown)
    name = f"lacunes-{choice.defi}-{choice.service}-{choice.level}"
    if format in FORMS:
        # The name says which of the two forms it is, whatever becomes of the file.
        file_name = f"{name}.csv" if format == "csv" else f"{name}-tableur.csv"
        return Response(
            publication.to_csv(shown, FORMS[format]),
            media_type="text/csv; charset=utf-8",
            headers={"Content-Disposition": f'attachment; filename="{file_name}"', "X-Total-Count": str(total)},
        )
    if format == "geojson":
        return Response(
            publication.to_geojson(shown, read.geometries(connection, level, digits=GEOJSON_DECIMALS)),
            media_type=GEOJSON,
            headers={"Content-Disposition": f'attachment; filename="{name}.geojson"', "X-Total-Count": str(total)},
        )
    return publication.document(shown, total=total)
