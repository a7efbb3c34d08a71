"""The API told to people, from its own OpenAPI description; nothing is loaded from elsewhere."""

from __future__ import annotations

from typing import Any, Final

from fastapi import APIRouter, Request
from starlette.responses import HTMLResponse

from api.views.rendering import page

router = APIRouter(include_in_schema=False)
HIDDEN_TYPES: Final = {"null"}
TYPE_NAMES: Final = {"string": "texte", "integer": "entier", "number": "nombre", "boolean": "booléen"}


@router.get("/docs")
def documentation(request: Request) -> HTMLResponse:
    """Return the page of the API."""
    schema = request.app.openapi()
    routes = [
        {
            "method": method.upper(),
            "path": path,
            "summary": operation["summary"],
            "parameters": [_parameter(item) for item in operation.get("parameters", [])],
            "statuses": [
                (code, {"200": "Réponse"}.get(code, answer["description"]))
                for code, answer in operation["responses"].items()
            ],
        }
        for path, operations in schema["paths"].items()
        for method, operation in operations.items()
    ]
    return page(request, "api.html", routes=routes, description=schema["info"]["description"])


def _parameter(item: dict[str, Any]) -> dict[str, Any]:
    schema = item["schema"]
    branches = [branch for branch in schema.get("anyOf", [schema]) if branch.get("type") not in HIDDEN_TYPES]
    branch = branches[0] if branches else schema
    return {
        "name": item["name"],
        "required": item["required"],
        "type": TYPE_NAMES.get(branch.get("type", ""), "texte"),
        "description": item.get("description", ""),
        "default": schema.get("default"),
        "minimum": branch.get("minimum"),
        "maximum": branch.get("maximum"),
        "example": (schema.get("examples") or [None])[0],
    }
