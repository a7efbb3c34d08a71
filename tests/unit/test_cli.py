"""How the command line fails: one French sentence, the right exit code, never a traceback."""

import re
import subprocess
import sys

import pytest

from observatory import cli
from observatory.errors import DatabaseUnavailableError, UsageError


def failing(error):
    def invoke(arguments):
        raise error

    return invoke


@pytest.mark.parametrize(
    ("error", "code", "sentence"),
    [
        (UsageError("Code inconnu."), 2, "Code inconnu.\n"),
        (DatabaseUnavailableError("La base ne répond pas."), 1, "La base ne répond pas.\n"),
        (KeyboardInterrupt(), 130, "Interrompu.\n"),
        (
            KeyError("secret"),
            1,
            "Erreur inattendue (KeyError) : relancez avec OBS_DEBUG=1 pour en voir le détail.\n",
        ),
    ],
)
def test_every_failure_is_one_sentence_on_the_error_stream(monkeypatch, capsys, error, code, sentence):
    monkeypatch.delenv("OBS_DEBUG", raising=False)
    monkeypatch.setattr(cli, "_invoke", failing(error))
    assert cli.run([]) == code
    told = capsys.readouterr()
    assert (told.out, told.err) == ("", sentence)


def test_a_failure_of_the_database_library_names_no_internals(monkeypatch, capsys):
    from sqlalchemy.exc import ProgrammingError

    monkeypatch.delenv("OBS_DEBUG", raising=False)
    monkeypatch.setattr(cli, "_invoke", failing(ProgrammingError("SELECT secret", {}, Exception("table"))))
    assert cli.run([]) == 1
    told = capsys.readouterr().err
    assert told.startswith("La base de données a refusé ou interrompu la requête")
    assert "secret" not in told
    assert told.count("\n") == 1


def test_debugging_shows_the_whole_error(monkeypatch):
    monkeypatch.setenv("OBS_DEBUG", "1")
    monkeypatch.setattr(cli, "_invoke", failing(KeyError("x")))
    with pytest.raises(KeyError):
        cli.run([])


def commands_of(page: str) -> list[str]:
    lines = page.partition("Commandes :\n")[2].splitlines()
    return [line.split()[0] for line in lines if line.startswith("  ") and not line.startswith("    ")]


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["gaps"], "Il manque l’option --defi."),
        (["zzz"], "Commande inconnue : « zzz »."),
        (["gaps", "--defi"], "L’option --defi attend une valeur."),
        (["serve", "--port", "99999"], "L’option --port attend un nombre d’au plus 65535."),
        (
            ["gaps", "--defi", "insertion", "--service", "ess", "--level", "canton"],
            "Le niveau « canton » n’existe pas : choisissez parmi commune, epci, departement, region, qpv.",
        ),
        (
            ["gaps", "--defi", "insertion", "--service", "ess", "--level", "epci", "--format", "xml"],
            "Le format « xml » n’existe pas : choisissez parmi table, csv, csv-fr, json, geojson.",
        ),
        (
            ["export", "--layer", "epci", "--format", "shp", "--out", "x.shp"],
            "Le format « shp » n’existe pas : choisissez parmi geojson, csv, csv-fr, gpkg, parquet.",
        ),
        (["map", "--out", "x.html", "--gap", "dechets"], "« dechets » n’est pas de la forme défi:service"),
    ],
)
def test_bad_usage_ends_with_2_and_one_french_sentence(capsys, arguments, expected):
    assert cli.run(arguments) == 2
    told = capsys.readouterr()
    assert told.out == ""
    assert told.err.startswith(expected)
    assert told.err.count("\n") == 1


def test_no_command_at_all_shows_the_help(capsys):
    assert cli.run([]) == 2
    assert capsys.readouterr().err.startswith("Utilisation : observatory")


def test_every_help_page_is_french(capsys):
    def page(*arguments: str) -> str:
        assert cli.run([*arguments, "--help"]) == 0
        return capsys.readouterr().out

    found = commands_of(page())
    assert found[:7] == ["db", "ingest", "sources", "compute", "gaps", "access", "site"]
    assert found[7:11] == ["export", "map", "serve", "directory"]
    assert found[11:] == ["territory-files", "structures", "objectives", "worker", "diff", "snapshot"]
    pages = {name: page(name) for name in found}
    for name in ("db", "site", "directory", "territory-files", "objectives", "snapshot"):
        for child in commands_of(pages[name]):
            pages[f"{name} {child}"] = page(name, child)
    for name, text in pages.items():
        assert text.startswith(f"Utilisation : observatory {name}"), name
        for english in ("Usage", "Show this message", "Parameters\n", "Raises", "Returns", "Print ", "[required]"):
            assert english not in text, name


def test_help_loads_no_heavy_library():
    script = (
        "import sys\n"
        "from observatory.cli import run\n"
        "run(['--help'])\n"
        "heavy = {'pandas', 'geopandas', 'numpy', 'folium', 'sqlalchemy', 'numba', 'uvicorn', 'fastapi'}\n"
        "print(sorted(heavy & set(sys.modules)), file=sys.stderr)\n"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=60, check=True)
    assert done.stderr == "[]\n"


def test_a_closed_pipe_is_quiet():
    script = "from observatory.cli import main; main()"
    shell = f'"{sys.executable}" -c "{script}" --help | true'
    done = subprocess.run(["bash", "-c", shell], capture_output=True, text=True, timeout=60, check=False)
    assert done.stderr == ""


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["dares"], r"CSV\) auprès de son producteur, Dares.*https://dares.*ingest dares_communes --from-file FICHIER"),
        (["sinoe_epci"], r"auprès de son producteur, Table tenue par les territoires"),
        (["frr", "projections", "--check"], r"insee_projections.*--from-file"),
        (["sirene_ess"], r"Parquet ou CSV.*data\.gouv\.fr.*insee_sirene_ess --from-file"),
        (["longue_vie", "--from-snapshot"], r"sur le réseau par « observatory ingest ademe_longue_vie »"),
        (["saisies"], r"se remplit par observatory directory import"),
    ],
)
def test_a_source_that_exists_only_as_a_file_asks_for_it(monkeypatch, capsys, arguments, words):
    monkeypatch.setattr("observatory.commands.session.opened", lambda: pytest.fail("the database is not needed"))
    assert cli.run(["ingest", *arguments]) == 2
    told = capsys.readouterr().err
    assert re.search(words, told)
    assert told.count("\n") == 1


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--source", "frr"], "avec --rejected"),
        (["--rejected", "--source", "ffr"], "vouliez-vous dire frr"),
        (["--completeness", "commune"], "region, departement, epci"),
        (["--completeness", "epci", "--rejected"], "--completeness seul"),
    ],
)
def test_sources_refuses_what_it_cannot_list(monkeypatch, capsys, arguments, words):
    monkeypatch.setattr("observatory.commands.session.opened", lambda: pytest.fail("the database is not needed"))
    assert cli.run(["sources", *arguments]) == 2
    assert words in capsys.readouterr().err
