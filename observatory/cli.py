"""The ``observatory`` command: its tree of sub-commands, and how failures are told."""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass
from importlib import import_module
from typing import TYPE_CHECKING, Any, Final

from observatory.errors import ObservatoryError
from observatory.terminal import only_answers

if TYPE_CHECKING:
    import typer

INTERRUPTED: Final = 130
"""Exit code of a command stopped from the keyboard (128 + SIGINT), the shells' convention."""
DEBUG_VARIABLE: Final = "OBS_DEBUG"

HELP: Final = (
    "Observatoire territorial de l’économie sociale et solidaire : "
    "besoins, accès aux services, lacunes de l’accompagnement."
)


@dataclass(frozen=True)
class Command:
    """Where a command is written, and what the help says of it."""

    module: str
    attribute: str
    help: str


COMMANDS: Final = {
    "db": Command("db", "app", "Gère la base PostGIS privée : démarrage, arrêt, état, sauvegarde."),
    "ingest": Command(
        "ingest",
        "ingest",
        "Charge des sources dans la base, en une transaction : lignes lues, gardées, rejetées et pourquoi. "
        "Une source déjà chargée à l’identique n’est pas relue.",
    ),
    "sources": Command("ingest", "sources", "Liste les sources : producteur, millésime, âge, couverture."),
    "compute": Command(
        "compute",
        "compute",
        "Calcule besoin, accès et lacunes pour chaque défi et chaque service, aux seuils de l’étude. "
        "Ce qui est déjà calculé avec les mêmes données et les mêmes paramètres ne l’est pas de nouveau.",
    ),
    "gaps": Command(
        "gaps",
        "gaps",
        "Montre les lacunes d’un service pour un défi : besoin, accès, population servie, "
        "à portée mais saturée, hors de portée. Les trois nombres font toujours la population.",
    ),
    "access": Command(
        "access", "app", "Cale les temps de trajet, les calcule par un réseau routier, dessine ce qu’on atteint."
    ),
    "site": Command(
        "site",
        "app",
        "Cherche où ouvrir de nouveaux pôles : proposition prouvée, registre avant et après, « Pourquoi ici ? ».",
    ),
    "export": Command("export", "export", "Exporte une couche dans un format ouvert, avec ses sources."),
    "map": Command("map", "draw", "Dessine la carte régionale dans un seul fichier HTML, qui s’ouvre sans réseau."),
    "serve": Command("serve", "serve", "Sert les pages et l’API au premier plan, jusqu’à Ctrl+C."),
    "directory": Command(
        "directory",
        "app",
        "Annuaire de l’accompagnement : l’exporter, le modifier dans un tableur ou un SIG, l’importer.",
    ),
    "territory-files": Command(
        "territory_files",
        "app",
        "Saisies d’un territoire : sites candidats, friches, structures locales, permanences, depuis ses fichiers.",
    ),
    "structures": Command(
        "structures",
        "app",
        "Dit quels enregistrements font une structure ; sépare, réunit, liste ce qui est douteux.",
    ),
    "objectives": Command(
        "objectives", "app", "Objectifs des territoires : les déclarer, les importer, dire où chacun en est."
    ),
    "worker": Command(
        "worker", "worker", "Travaille sur les calculs longs qui attendent, à côté de « serve », jusqu’à Ctrl+C."
    ),
    "diff": Command(
        "diff", "diff", "Dit ce qui a changé entre deux calculs : part des données, de la méthode, du périmètre."
    ),
    "snapshot": Command("snapshot", "app", "Construit les données livrées avec l’observatoire."),
}


def build(wanted: str | None) -> typer.Typer:
    """Return the tree of commands, where only ``wanted`` can run.

    The other commands are there by name and purpose, for the help and for suggestions: importing them all, with the
    libraries of each, would make every command slow to start.
    """
    import typer

    app = typer.Typer(help=HELP, add_completion=False, no_args_is_help=True, rich_markup_mode=None)
    for name, command in COMMANDS.items():
        if name != wanted:
            app.command(name, help=command.help)(_elsewhere)
            continue
        _choose_region()
        target = getattr(import_module(f"observatory.commands.{command.module}"), command.attribute)
        if isinstance(target, typer.Typer):
            app.add_typer(target, name=name, help=command.help)
        else:
            app.command(name, help=command.help)(target)
    return app


def _choose_region() -> None:
    from observatory.commands.session import operator_settings
    from observatory.declared.region import use_region

    use_region(operator_settings().geodata_dir)


def _elsewhere() -> None:
    """Stand for a command that was not asked for."""


def main() -> None:
    """Run the command line and leave with its exit code."""
    with only_answers():
        code = run(sys.argv[1:])
    sys.exit(code)


def run(arguments: list[str]) -> int:
    """Run one command line and return its exit code; a failure is one French sentence on the error stream.

    Parameters
    ----------
    arguments
        What follows ``observatory``.

    Returns
    -------
    int
        0; 2 for a request that can't be understood; 130 if interrupted; 1 for any other failure.
    """
    from observatory.commands.session import one_reading

    try:
        with one_reading():
            code = _invoke(arguments)
        sys.stdout.flush()
    except BrokenPipeError:
        return _close_quietly()
    except KeyboardInterrupt:
        code = INTERRUPTED
    except ObservatoryError as error:
        return _fail(str(error), error.exit_code)
    except Exception as error:
        if os.environ.get(DEBUG_VARIABLE):
            raise
        return _fail(_unexpected(error), 1)
    return _fail("Interrompu.", INTERRUPTED) if code == INTERRUPTED else code


def _invoke(arguments: list[str]) -> int:
    import typer

    from observatory.commands.usage_french import speak_french, usage_sentence
    from observatory.errors import UsageError

    command: Any = typer.main.get_command(build(arguments[0] if arguments else None))
    speak_french(command)
    try:
        result = command.main(args=arguments, prog_name="observatory", standalone_mode=False)
    except typer.Abort as error:
        raise KeyboardInterrupt from error
    except Exception as error:
        message = getattr(error, "format_message", None)
        if message is None:
            raise
        context = getattr(error, "ctx", None)
        if type(error).__name__ == "NoArgsIsHelpError":
            sys.stderr.write(f"{message()}\n")
            return 2
        raise UsageError(usage_sentence(message(), context.command_path if context else "observatory")) from error
    return result if isinstance(result, int) else 0


def _unexpected(error: Exception) -> str:
    if type(error).__module__.partition(".")[0] in {"sqlalchemy", "psycopg"}:
        return (
            "La base de données a refusé ou interrompu la requête : vérifiez-la avec « observatory db status », "
            f"puis relancez ({DEBUG_VARIABLE}=1 pour le détail)."
        )
    return f"Erreur inattendue ({type(error).__name__}) : relancez avec {DEBUG_VARIABLE}=1 pour en voir le détail."


def _fail(sentence: str, code: int) -> int:
    sys.stderr.write(f"{sentence}\n")
    return code


def _close_quietly() -> int:
    """Point standard output nowhere, so that the interpreter's last flush has nothing to complain of."""
    sink = os.open(os.devnull, os.O_WRONLY)
    os.dup2(sink, sys.stdout.fileno())
    return 1
