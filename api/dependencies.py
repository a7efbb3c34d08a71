"""What routes are given: a connection in a transaction, the operator's settings."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated

from fastapi import Depends, Request
from sqlalchemy import Connection

from observatory.settings import Settings


def _connection(request: Request) -> Iterator[Connection]:
    # Closed when the route returns, before the answer leaves: a slow reader holds no connection.
    with request.app.state.engine.begin() as connection:
        yield connection


def _settings(request: Request) -> Settings:
    settings: Settings = request.app.state.settings
    return settings


ConnectionDep = Annotated[Connection, Depends(_connection, scope="function")]
SettingsDep = Annotated[Settings, Depends(_settings)]
