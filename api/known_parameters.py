"""Parameters that a route of the API doesn't know are refused by name: a misspelt filter must not answer for it."""

from __future__ import annotations

from typing import Final

from fastapi import Request
from fastapi.dependencies.models import Dependant
from fastapi.routing import APIRoute
from pydantic import BaseModel
from rapidfuzz import process

from observatory.errors import UsageError

CHECKED: Final = "/api/"
"""Paths of the API; pages take what others add to their address (a mailing's own counters)."""
LIKENESS: Final = 70.0
"""Least likeness (rapidfuzz's ``WRatio``, 0–100) for a name to be suggested (convention de l'observatoire)."""


def refuse_unknown(request: Request) -> None:
    """Check the names of the query's parameters.

    Raises
    ------
    UsageError
        If the route has no parameter of a name; the sentence says which it has.
    """
    route = request.scope.get("route")
    if not request.url.path.startswith(CHECKED) or not isinstance(route, APIRoute):
        return
    known = sorted(_names(route.dependant))
    for name in request.query_params:
        if name in known:
            continue
        near = process.extractOne(name, known, score_cutoff=LIKENESS)
        accepted = f"ette adresse accepte {', '.join(known)}" if known else "ette adresse n’en accepte aucun"
        told = f"vouliez-vous dire « {near[0]} » ? C" if near else "c"
        raise UsageError(f"Paramètre « {name} » inconnu : {told}{accepted}.")


def _names(dependant: Dependant) -> set[str]:
    """Return the names of the parameters of a route and of all that it depends on."""
    names: set[str] = set()
    for one in dependant.query_params:
        kind = one.field_info.annotation
        if isinstance(kind, type) and issubclass(kind, BaseModel):
            names |= {field.alias or name for name, field in kind.model_fields.items()}
        else:
            names.add(one.alias)
    return names.union(*(_names(one) for one in dependant.dependencies))
