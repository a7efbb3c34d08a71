"""``observatory serve``: the pages and the API, in the foreground."""

from __future__ import annotations

import contextlib
import errno
import socket
from typing import TYPE_CHECKING, Annotated, Final

import typer

from observatory.errors import ObservatoryError

if TYPE_CHECKING:
    from observatory.settings import Settings

APPLICATION: Final = "api.app:create_app"
"""Named, not imported: this command is an entry point beside the API, and the library knows nothing of it."""


def serve(
    *,
    port: Annotated[
        int | None,
        typer.Option(metavar="PORT", min=1, max=65535, help="Port d’écoute ; sans cette option : OBS_PORT, ou 8000."),
    ] = None,
    prepare: Annotated[
        bool,
        typer.Option("--prepare", help="Prépare d’abord la base : démarrage, schéma, données livrées, calculs."),
    ] = False,
) -> None:
    """Check the port, prepare the database if asked, and serve."""
    from observatory.commands.session import operator_settings

    settings = operator_settings()
    chosen = settings.port if port is None else port
    require_free_port(settings.host, chosen)
    if prepare:
        _prepare()
    _run(settings, chosen)


def require_free_port(host: str, port: int) -> None:
    """Check that nobody listens on ``port``, before any long preparation.

    Raises
    ------
    ObservatoryError
        If the port is taken, or this user may not listen on it.
    """
    with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            if error.errno == errno.EADDRINUSE:
                raise ObservatoryError(
                    f"Le port {port} est déjà utilisé : arrêtez le programme qui l’occupe, "
                    f"ou choisissez-en un autre avec « --port {port + 1 if port < 65535 else 8000} »."  # noqa: PLR2004
                ) from error
            if error.errno == errno.EACCES:
                raise ObservatoryError(
                    f"Le port {port} est réservé à l’administrateur : choisissez un port à partir de 1024."
                ) from error
            raise ObservatoryError(
                f"Impossible d’écouter sur l’adresse {host} : vérifiez OBS_HOST ({error.strerror})."
            ) from error


def _prepare() -> None:
    """Bring the database to the state the pages need; does nothing where nothing has changed."""
    from observatory import pipeline
    from observatory.commands.session import messages, opened, progress, working

    console = messages()
    with opened() as engine:
        with working("Démarrage de la base…"):
            engine.connect().close()
        with progress() as advance:
            loaded = pipeline.ingest(engine, progress=advance)
        console.print("Données inchangées." if loaded.status == "unchanged" else "Données chargées.")
        with progress() as advance:
            computed = pipeline.compute(engine, progress=advance)
        console.print(str(computed), markup=False)


def _run(settings: Settings, port: int) -> None:
    import uvicorn
    from uvicorn.importer import import_from_string

    from observatory.commands.session import messages

    shown = f"[{settings.host}]" if ":" in settings.host else settings.host
    messages().print(f"L’observatoire est servi sur http://{shown}:{port} (Ctrl+C pour l’arrêter).", markup=False)
    # Uvicorn stops cleanly on Ctrl+C, then raises it again: for a server that is the ordinary end.
    with contextlib.suppress(KeyboardInterrupt):
        uvicorn.run(import_from_string(APPLICATION)(settings), host=settings.host, port=port, log_level="warning")
    messages().print("Observatoire arrêté.")
