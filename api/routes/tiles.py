"""Vector tiles of the map."""

from __future__ import annotations

from typing import Annotated, Final

from fastapi import APIRouter, Path, Query
from starlette.responses import Response

from api.dependencies import ConnectionDep, SettingsDep
from api.routes.territories import REFUSED
from api.views import tile_bytes as store
from api.views.page_choices import choose, study
from observatory import pipeline
from observatory.errors import UsageError

router = APIRouter(tags=["tuiles"])
MVT: Final = "application/vnd.mapbox-vector-tile"
LASTING: Final = "public, max-age=31536000, immutable"
"""For an address that names the version of what it holds."""
SHORT: Final = "public, max-age=300"
MAP_LEVELS: Final = ("commune", "epci", "departement", "qpv")


@router.get(
    "/tuiles/{layer}/{zoom}/{column}/{row}.mvt",
    summary="Une tuile vectorielle",
    responses=REFUSED,
    response_class=Response,
    operation_id="tile",
)
def tile(
    *,
    connection: ConnectionDep,
    settings: SettingsDep,
    layer: Annotated[
        str, Path(description="communes, communes-deleguees, epci, departements, qpv, lacunes, structures.")
    ],
    zoom: Annotated[int, Path(description="Zoom, de 0 à 14.")],
    column: Annotated[int, Path(description="Colonne.")],
    row: Annotated[int, Path(description="Ligne, du nord au sud.")],
    defi: Annotated[str | None, Query(description="Couche « lacunes » : le défi.")] = None,
    service: Annotated[str | None, Query(description="Couche « lacunes » : le service.")] = None,
    level: Annotated[str, Query(description="Couche « lacunes » : la maille.")] = "commune",
    version: Annotated[str | None, Query(alias="v", max_length=64, description="Marque de version.")] = None,
) -> Response:
    """Return a Mapbox Vector Tile; empty where the layer has nothing there."""
    store.require_tile(layer, zoom, column, row)
    run_hash = None
    if layer == store.GAP_LAYER:
        if level not in MAP_LEVELS:
            raise UsageError(f"Le niveau « {level} » n’a pas de carte : choisissez parmi {', '.join(MAP_LEVELS)}.")
        choice = choose(study(settings.study), defi=defi, service=service, level=level)
        run_hash = pipeline.gap_run(
            connection, defi=choice.defi, service=choice.service, study_path=settings.study
        ).run_hash
    request = store.TileRequest(
        layer=layer, zoom=zoom, column=column, row=row, level=level if run_hash else None, run_hash=run_hash
    )
    content = store.tile(connection, request)
    return Response(content, media_type=MVT, headers={"Cache-Control": LASTING if version else SHORT})
