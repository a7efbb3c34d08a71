"""Failures as readers and programs receive them: one status table, French sentences, nothing of the inside."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from http import HTTPStatus
from typing import Any, Final

import psycopg
import sqlalchemy as sa
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse, Response

from api.views.rendering import error_page
from observatory.errors import (
    BusyError,
    ClusterError,
    DatabaseUnavailableError,
    NotComputedError,
    ObservatoryError,
    UnknownTerritoryError,
    UsageError,
)

_log = logging.getLogger(__name__)
PROBLEM: Final = "application/problem+json"
RETRY_AFTER_S: Final = 5
"""What a 503 asks callers to wait (convention de l'observatoire): about what PostgreSQL takes to come back."""
MACHINE_PREFIXES: Final = ("/api/", "/tuiles/", "/healthz", "/readyz", "/metrics", "/openapi.json")
"""Paths answered to programs: their errors are problem+json, those of every other path are pages."""

STATUSES: Final[tuple[tuple[type[Exception], int], ...]] = (
    (UnknownTerritoryError, HTTPStatus.NOT_FOUND),
    (UsageError, HTTPStatus.UNPROCESSABLE_ENTITY),
    (DatabaseUnavailableError, HTTPStatus.SERVICE_UNAVAILABLE),
    (BusyError, HTTPStatus.SERVICE_UNAVAILABLE),
    (NotComputedError, HTTPStatus.SERVICE_UNAVAILABLE),
)
"""The first class that an error is of gives its status; its sentence is shown as it is."""

TITLES: Final = {
    400: "Demande incomprise",
    404: "Introuvable",
    405: "Méthode refusée",
    409: "Conflit",
    413: "Demande trop longue",
    422: "Demande incorrecte",
    500: "Erreur interne",
    503: "Service momentanément indisponible",
}
SENTENCES: Final = {
    404: "Cette adresse ne mène à rien : revenez à l’accueil ou cherchez un territoire.",
    405: "Cette adresse ne répond pas à cette méthode : utilisez celle que la page /docs indique.",
    500: "Le service a rencontré une erreur qu’il n’attendait pas : réessayez, puis prévenez l’exploitant.",
    503: "La base de données ne répond pas : réessayez dans quelques secondes.",
}


def install(app: FastAPI) -> None:
    """Give ``app`` one handler per family of failures."""
    for family in (ObservatoryError, sa.exc.SQLAlchemyError, psycopg.Error, RequestValidationError, HTTPException):
        app.add_exception_handler(family, handle)


def handle(request: Request, error: Exception) -> Response:
    """Answer an exception: a page to a reader, problem+json to a program."""
    status, sentence = explain(error)
    response = answer(request, status, sentence)
    if isinstance(error, HTTPException) and error.headers:  # Allow, of a method that is refused
        response.headers.update(error.headers)
    return response


def answer(request: Request, status: int, sentence: str) -> Response:
    """Return the response for a failure: ``Retry-After`` on a 503, never cached."""
    headers = {"Cache-Control": "no-store"}
    if status == HTTPStatus.SERVICE_UNAVAILABLE:
        headers["Retry-After"] = str(RETRY_AFTER_S)
    title = TITLES.get(status, "Erreur")
    if request.url.path.startswith(MACHINE_PREFIXES):
        document = {"type": "about:blank", "title": title, "status": int(status), "detail": sentence}
        return JSONResponse(document, status_code=status, headers=headers, media_type=PROBLEM)
    return error_page(request, status=status, title=title, sentence=sentence, headers=headers)


def explain(error: Exception) -> tuple[int, str]:
    """Return the HTTP status of an exception and the French sentence that says what to do."""
    for family, status in STATUSES:
        if isinstance(error, family):
            return status, str(error)
    if isinstance(error, ClusterError):  # its sentence is the operator's: paths, PostgreSQL's log
        _log.error("private cluster: %s", error)
        return HTTPStatus.SERVICE_UNAVAILABLE, SENTENCES[503]
    if isinstance(error, RequestValidationError):
        refused = dict.fromkeys(_refusal(item) for item in error.errors())
        return HTTPStatus.UNPROCESSABLE_ENTITY, " ".join(refused)
    if isinstance(error, HTTPException):
        return error.status_code, SENTENCES.get(error.status_code, TITLES.get(error.status_code, "Demande refusée."))
    if _is_away(error):
        return HTTPStatus.SERVICE_UNAVAILABLE, SENTENCES[503]
    return HTTPStatus.INTERNAL_SERVER_ERROR, SENTENCES[500]


def _is_away(error: Exception) -> bool:
    """Tell whether the database is out of reach: the pool ran dry, or the connection broke where no one translates."""
    if isinstance(error, sa.exc.TimeoutError | psycopg.OperationalError):
        return True
    return isinstance(error, sa.exc.DBAPIError) and (
        error.connection_invalidated or isinstance(error.orig, psycopg.OperationalError)
    )


_REFUSALS: Final = {
    "missing": "il est obligatoire",
    "int_parsing": "un nombre entier est attendu",
    "int_from_float": "un nombre entier est attendu",
    "float_parsing": "un nombre est attendu",
    "finite_number": "un nombre fini est attendu",
    "bool_parsing": "« true » ou « false » est attendu",
    "greater_than_equal": "la valeur doit être d’au moins {ge}",
    "greater_than": "la valeur doit être supérieure à {gt}",
    "less_than_equal": "la valeur doit être d’au plus {le}",
    "less_than": "la valeur doit être inférieure à {lt}",
    "string_too_short": "au moins {min_length} caractères sont attendus",
    "string_too_long": "au plus {max_length} caractères sont acceptés",
    "literal_error": "les valeurs acceptées sont {expected}",
    "string_pattern_mismatch": "la forme attendue est {pattern}",
    "extra_forbidden": "ce nom n’est pas connu",
    "unexpected_keyword_argument": "ce nom n’est pas connu",
    "model_attributes_type": "un objet JSON est attendu",
    "dataclass_type": "un objet JSON est attendu",
    "list_type": "une liste est attendue",
    "tuple_type": "une liste est attendue",
    "dict_type": "un objet JSON est attendu",
    "string_type": "un texte est attendu",
}


def _refusal(item: dict[str, Any]) -> str:
    """Return pydantic's English refusal of one parameter as a French sentence."""
    if item.get("type") == "json_invalid":
        return "Le corps de la demande n’est pas du JSON valide : vérifiez-le."
    name = _field(item.get("loc") or ())
    context = {key: _plain(value) for key, value in (item.get("ctx") or {}).items()}
    reason = _REFUSALS.get(str(item.get("type")), "cette valeur n’est pas acceptée")
    try:
        reason = reason.format(**context)
    except KeyError:
        reason = "cette valeur n’est pas acceptée"
    return f"Paramètre « {name} » : {reason.replace(' or ', ' ou ')}."


def _field(location: Sequence[str | int]) -> str:
    """Return the name of a parameter, or the path of a field of the body; branches of a union have no name."""
    parts = [str(part) for part in location if not (isinstance(part, str) and "[" in part)]
    inside = [part for part in parts[1:] if not part.isdigit()] if parts and parts[0] == "body" else parts[-1:]
    return ".".join(inside) or "demande"


def _plain(value: object) -> str:
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value)
