"""``observatory db``: the private PostGIS server, or the operator's, from the command line."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated, Final

import typer

from observatory.commands.session import operator_settings
from observatory.settings import Settings
from observatory.store.server import cluster as clusters
from observatory.store.server import dump
from observatory.words.numbers import decimal

app = typer.Typer(no_args_is_help=True, rich_markup_mode=None)

GIVEN: Final = "La base indiquée par OBS_DATABASE_URL"
MEGABYTE: Final = 1_000_000


@app.command("up", help="Démarre la base, en la créant la première fois.")
def up() -> None:
    """Start the private cluster, or check the operator's server."""
    settings = operator_settings()
    if settings.database_url is not None:
        version = clusters.check_connection(settings.database_url.get_secret_value())
        _say(f"{GIVEN} répond (PostgreSQL {version}) : son exploitant la démarre et l’arrête, il n’y a rien à faire.")
        return
    cluster = clusters.cluster_for(settings)
    before = cluster.status()
    if not before.is_created:
        _say(f"Création de la base dans {cluster.data_dir} : quelques secondes…")
    cluster.up()
    after = cluster.status()
    verb = "tournait déjà" if before.is_running else "est démarrée"
    _say(f"La base {verb} (PostgreSQL {after.server_version}, PostGIS {after.postgis_version}).")


@app.command("down", help="Arrête la base ; les données restent.")
def down() -> None:
    """Stop the private cluster; say so if the server is somebody else's."""
    settings = operator_settings()
    if settings.database_url is not None:
        version = clusters.check_connection(settings.database_url.get_secret_value())
        _say(f"{GIVEN} (PostgreSQL {version}) est tenue par son exploitant : elle n’a pas été arrêtée.")
        return
    was_running = clusters.cluster_for(settings).down()
    _say("La base est arrêtée." if was_running else "La base était déjà arrêtée.")


@app.command("status", help="Dit si la base tourne, sa version, sa taille et sa place.")
def status() -> None:
    """Print the state of the database on standard output, without starting anything."""
    settings = operator_settings()
    if settings.database_url is not None:
        version = clusters.check_connection(settings.database_url.get_secret_value())
        sys.stdout.write(f"{GIVEN} répond : PostgreSQL {version}.\n")
        return
    sys.stdout.write("\n".join(f"{name} : {value}" for name, value in _facts(clusters.cluster_for(settings))) + "\n")


@app.command("url", help="Écrit l’adresse de la base (pour psql, QGIS…), en la démarrant au besoin.")
def url() -> None:
    """Print the address alone on standard output."""
    settings = operator_settings()
    sys.stdout.write(f"{_address(settings)}\n")


@app.command("backup", help="Sauvegarde toute la base dans un fichier.")
def backup(
    file: Annotated[Path, typer.Argument(metavar="FICHIER", help="Fichier à écrire.")],
    *,
    force: Annotated[bool, typer.Option("--force", help="Remplace le fichier s’il existe.")] = False,
) -> None:
    """Dump the database to a file that appears whole or not at all."""
    dump.write(_address(operator_settings()), file, overwrite=force)
    _say(f"La base est sauvegardée dans {file} ({_size(file.stat().st_size)}).")


@app.command("restore", help="Remplace toute la base par le contenu d’une sauvegarde.")
def restore(file: Annotated[Path, typer.Argument(metavar="FICHIER", help="Sauvegarde à relire.")]) -> None:
    """Load a dump beside the present database, then swap the two."""
    dump.check(file)
    dump.read(_address(operator_settings()), file)
    _say(f"La base est restaurée depuis {file}.")


def _address(settings: Settings) -> str:
    if settings.database_url is not None:
        return dump.libpq_url(settings.database_url.get_secret_value())
    return clusters.cluster_for(settings).up()


def _facts(cluster: clusters.Cluster) -> list[tuple[str, str]]:
    state = cluster.status()
    if not state.is_created:
        return [
            ("État", "pas encore créée (« observatory db up » la crée)"),
            ("Dossier de données", str(state.data_dir)),
        ]
    facts = [
        ("État", "en marche" if state.is_running else "arrêtée (« observatory db up » la démarre)"),
        ("PostgreSQL", state.server_version or str(state.major)),
    ]
    if state.is_running:
        facts += [("PostGIS", state.postgis_version), ("Taille", _size(state.size_bytes)), ("Adresse", state.url)]
    return [*facts, ("Dossier de données", str(state.data_dir)), ("Fichiers de la base", str(state.database_dir))]


def _size(size_bytes: int) -> str:
    if size_bytes < MEGABYTE:
        return f"{size_bytes / 1e3:.0f} ko"
    return f"{decimal(size_bytes / MEGABYTE)} Mo"


def _say(sentence: str) -> None:
    sys.stderr.write(f"{sentence}\n")
