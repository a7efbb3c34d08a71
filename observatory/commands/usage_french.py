"""French for the command line: help pages, and the sentences of Typer's own usage errors."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from io import StringIO
from typing import TYPE_CHECKING, Any, Final, TypeAlias

if TYPE_CHECKING:
    from rich.console import Console

TyperObject: TypeAlias = Any
"""A command, a parameter or a context: Typer keeps their classes to itself."""

TYPE_NAMES: Final = {
    "int": "ENTIER",
    "int range": "ENTIER",
    "float": "NOMBRE",
    "float range": "NOMBRE",
    "str": "TEXTE",
    "list[str]": "TEXTE",
    "path": "CHEMIN",
    "file": "FICHIER",
    "directory": "DOSSIER",
    "bool": "",
}
"""How Typer names a type of value, and how the help pages do."""

USAGE_SENTENCES: Final = (
    (r"No such command '(.+?)'\..*Did you mean '(.+?)'.*", "Commande inconnue : « {0} ». Vouliez-vous dire « {1} » ?"),
    (r"No such command '(.+?)'\.", "Commande inconnue : « {0} »."),
    (r"Missing command\.", "Il manque une commande."),
    (r"Missing command", "Il manque une commande."),
    (r"No such option: (\S+) \(Possible options: (.+)\)", "Option inconnue : {0}. Options possibles : {1}."),
    (r"No such option: (\S+)", "Option inconnue : {0}."),
    (r"Missing option '(.+?)'\.?.*", "Il manque l’option {0}."),
    (r"Missing (?:argument|parameter) '(.+?)'\.?.*", "Il manque l’argument {0}."),
    (r"Got unexpected extra argument\(s\) \((.+)\)", "Argument en trop : {0}."),
    (r"Option '(.+?)' requires .+", "L’option {0} attend une valeur."),
    (r"Option '(.+?)' does not take a value\.", "L’option {0} ne prend pas de valeur."),
    (r"Invalid value for '(.+?)': .*valid integer.*", "L’option {0} attend un nombre entier."),
    (r"Invalid value for '(.+?)': .*valid number.*", "L’option {0} attend un nombre."),
    (
        r"Invalid value for '(.+?)': Input should be greater than or equal to (.+)",
        "L’option {0} attend un nombre d’au moins {1}.",
    ),
    (r"Invalid value for '(.+?)': Input should be greater than (.+)", "L’option {0} attend un nombre supérieur à {1}."),
    (
        r"Invalid value for '(.+?)': Input should be less than or equal to (.+)",
        "L’option {0} attend un nombre d’au plus {1}.",
    ),
    (r"Invalid value for '(.+?)': Input should be less than (.+)", "L’option {0} attend un nombre inférieur à {1}."),
    (r"Invalid value for '(.+?)': Input should be ('.+')", "L’option {0} attend l’une de ces valeurs : {1}."),
    (r"Invalid value for '(.+?)': \w+ '(.+)' does not exist\.", "« {1} » n’existe pas (option {0})."),
    (r"Invalid value for '(.+?)': \w+ '(.+)' is a directory\.", "« {1} » est un dossier, non un fichier (option {0})."),
    (r"Invalid value for '(.+?)': \w+ '(.+)' is a file\.", "« {1} » est un fichier, non un dossier (option {0})."),
    (r"Invalid value for '(.+?)': \w+ '(.+)' is not readable\.", "« {1} » n’est pas lisible (option {0})."),
    (
        r"Invalid value for '(.+?)': \w+ '(.+)' is not writable\.",
        "« {1} » n’est pas accessible en écriture (option {0}).",
    ),
    (r"Invalid value for '(.+?)': .*", "La valeur donnée à {0} n’est pas acceptée."),
)
"""Typer's wording of each usage error (whole match), and the French sentence that replaces it."""


def usage_sentence(message: str, command_path: str) -> str:
    """Return the French sentence for a usage error that Typer words in English, with where to read more."""
    sentence = "La commande n’a pas été comprise."
    for pattern, french in USAGE_SENTENCES:
        match = re.fullmatch(pattern, message.strip(), flags=re.DOTALL)
        if match:
            sentence = french.format(*match.groups())
            break
    return f"{sentence} Aide : {command_path} --help"


def speak_french(command: TyperObject) -> None:
    """Give ``command`` and every command under it a French help page.

    Parameters
    ----------
    command
        Tree of commands, as ``typer.main.get_command`` builds it. Typer writes its own words in English and offers
        no translation, so the page is written here from the declared parameters.
    """

    def get_help(ctx: TyperObject) -> str:
        return help_page(command, ctx)

    command.get_help = get_help
    for child in getattr(command, "commands", {}).values():
        speak_french(child)


def help_page(command: TyperObject, ctx: TyperObject) -> str:
    """Return the help page of one command: usage, purpose, arguments, options, commands under it."""
    from rich.console import Console
    from rich.text import Text

    buffer = StringIO()
    console = Console(file=buffer, width=Console().width, highlight=False)
    usage = " ".join(command.collect_usage_pieces(ctx)).replace("COMMAND [ARGS]...", "COMMANDE [ARGUMENTS]…")
    console.print(Text(f"Utilisation : {ctx.command_path} {usage}\n"))
    if command.help:
        console.print(Text(f"{command.help.strip()}\n"))
    parameters = [parameter for parameter in command.params if not getattr(parameter, "hidden", False)]
    arguments = [p for p in parameters if p.param_type_name == "argument"]
    options = [p for p in parameters if p.param_type_name == "option"]
    _print_section(console, "Arguments", (_parameter_row(p, ctx) for p in arguments))
    _print_section(
        console,
        "Options",
        [*(_parameter_row(p, ctx) for p in options), ("--help", "Affiche cette aide et s’arrête.")],
    )
    children = getattr(command, "commands", {})
    _print_section(
        console,
        "Commandes",
        [(name, _first_sentence(child.help)) for name, child in children.items() if not child.hidden],
    )
    return "\n".join(line.rstrip() for line in buffer.getvalue().splitlines()).rstrip("\n")


def _first_sentence(text: str | None) -> str:
    return (text or "").strip().split("\n\n")[0].replace("\n", " ")


def _parameter_row(parameter: TyperObject, ctx: TyperObject) -> tuple[str, str]:
    names: Sequence[str] = [*parameter.opts, *parameter.secondary_opts]
    is_argument = parameter.param_type_name == "argument"
    value = parameter.metavar or _type_name(parameter, ctx)
    left = value or parameter.name.upper() if is_argument else f"{', '.join(names)} {value}".strip()
    notes = []
    default = parameter.default
    if parameter.required:
        notes.append("obligatoire")
    elif isinstance(default, str | int | float) and not isinstance(default, bool) and parameter.show_default:
        notes.append(f"par défaut : {default}")
    suffix = f" [{' ; '.join(notes)}]" if notes else ""
    return left, f"{parameter.help or ''}{suffix}".strip()


def _type_name(parameter: TyperObject, ctx: TyperObject) -> str:
    if getattr(parameter, "is_flag", False):
        return ""
    label = str(parameter.display_type(ctx)).strip("<>")
    return TYPE_NAMES.get(label, f"{{{label}}}" if "|" in label else label.upper())


def _print_section(console: Console, title: str, rows: Iterable[tuple[str, str]]) -> None:
    from rich.table import Table
    from rich.text import Text

    table = Table.grid(padding=(0, 3))
    table.add_column(overflow="fold", max_width=44)
    table.add_column(overflow="fold")
    for left, right in rows:
        table.add_row(Text(f"  {left}"), Text(right))
    if table.row_count:
        console.print(Text(f"{title} :"))
        console.print(table)
        console.print()
