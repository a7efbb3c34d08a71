"""The command line speaks French: Typer's own sentences are caught and translated, help pages are written anew."""

from pathlib import Path
from typing import Annotated

import pytest
import typer
from typer.exceptions import TyperException

from observatory.commands.usage_french import speak_french, usage_sentence

ENGLISH = ("Usage", "Options]", "Show this message", "required", "default", "Commands", "Missing", "Invalid", "No such")


@pytest.fixture
def command():
    app = typer.Typer(add_completion=False, no_args_is_help=True, rich_markup_mode=None, help="Essai.")

    @app.command("compter", help="Compte jusqu’à un nombre.")
    def count(
        *,
        upto: Annotated[int, typer.Option(min=1, max=5, help="Jusqu’où compter.")],
        step: Annotated[float, typer.Option(help="Pas.")] = 1.0,
        path: Annotated[Path | None, typer.Option(exists=True, dir_okay=False)] = None,
        quiet: Annotated[bool, typer.Option("--quiet", help="Sans rien dire.")] = False,
    ) -> None: ...

    @app.command("nommer", help="Nomme.")
    def name(name: Annotated[str, typer.Argument(metavar="NOM", help="Le nom.")]) -> None: ...

    built = typer.main.get_command(app)
    speak_french(built)
    return built


def sentence_of(command, *arguments: str) -> str:
    with pytest.raises(TyperException) as caught:
        command.main(args=list(arguments), prog_name="essai", standalone_mode=False)
    return usage_sentence(caught.value.format_message(), "essai")


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["compte"], "Commande inconnue : « compte ». Vouliez-vous dire « compter » ?"),
        (["zzz"], "Commande inconnue : « zzz »."),
        (["compter"], "Il manque l’option --upto."),
        (["nommer"], "Il manque l’argument NOM."),
        (["compter", "--upto"], "L’option --upto attend une valeur."),
        (["compter", "--quiet=1", "--upto", "1"], "L’option --quiet ne prend pas de valeur."),
        (["compter", "--upto", "x"], "L’option --upto attend un nombre entier."),
        (["compter", "--upto", "9"], "L’option --upto attend un nombre d’au plus 5."),
        (["compter", "--upto", "0"], "L’option --upto attend un nombre d’au moins 1."),
        (["compter", "--upto", "1", "--step", "x"], "L’option --step attend un nombre."),
        (["compter", "--upto", "1", "--path", "nulle-part"], "« nulle-part » n’existe pas (option --path)."),
        (["compter", "--upto", "1", "encore"], "Argument en trop : encore."),
        (["compter", "--nope"], "Option inconnue : --nope."),
        (["compter", "--uptoo", "1"], "Option inconnue : --uptoo. Options possibles : --path, --upto."),
    ],
)
def test_each_usage_error_of_typer_becomes_a_french_sentence(command, arguments, expected):
    told = sentence_of(command, *arguments)
    assert told == f"{expected} Aide : essai --help"


def test_an_unknown_wording_still_gives_a_french_sentence():
    assert usage_sentence("Something new.", "essai") == "La commande n’a pas été comprise. Aide : essai --help"


def test_help_of_a_command_is_french_and_complete(command, capsys):
    assert command.main(args=["compter", "--help"], prog_name="essai", standalone_mode=False) == 0
    page = capsys.readouterr().out
    assert page.startswith("Utilisation : essai compter [OPTIONS]\n\nCompte jusqu’à un nombre.\n")
    assert "--upto ENTIER" in page
    assert "Jusqu’où compter. [obligatoire]" in page
    assert "Pas. [par défaut : 1.0]" in page
    assert "--path FICHIER" in page
    assert "--help" in page
    assert not [word for word in ENGLISH if word in page]


def test_help_of_the_group_lists_its_commands(command, capsys):
    command.main(args=["--help"], prog_name="essai", standalone_mode=False)
    page = capsys.readouterr().out
    assert "Utilisation : essai [OPTIONS] COMMANDE [ARGUMENTS]…" in page
    assert "Commandes :\n  compter   Compte jusqu’à un nombre.\n  nommer    Nomme.\n" in page
    assert not [word for word in ENGLISH if word in page]
