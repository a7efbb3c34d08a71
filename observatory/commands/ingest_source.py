"""What ``observatory ingest`` does with each source: fetched or read from a file, loaded or only checked."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from observatory.declared import catalogue
from observatory.errors import ObservatoryError, UsageError

if TYPE_CHECKING:
    import sqlalchemy as sa

    from observatory.sources.fetch.live import Live
    from observatory.store.ingest.dry_run import Check
    from observatory.store.ingest.snapshot_load import SourceReport
    from observatory.store.ingest.stage import Progress


@dataclass(frozen=True)
class Plan:
    """What the command line asks for."""

    wanted: tuple[str, ...] = ()
    from_file: Path | None = None
    from_snapshot: bool = False
    is_all: bool = False
    accepts_fewer: bool = False

    @property
    def live(self) -> tuple[catalogue.SourceDeclaration, ...]:
        """Sources to fetch: those named, or all, that have a live address."""
        if self.from_file is not None or self.from_snapshot:
            return ()
        declared = [one for one in catalogue.sources() if one.live is not None]
        return tuple(one for one in declared if self.is_all or one.source_id in self.wanted)

    @property
    def of_snapshot(self) -> tuple[str, ...]:
        """Named sources that the snapshot alone gives."""
        fetched = {one.source_id for one in self.live}
        return tuple(one for one in self.wanted if one not in fetched)


def require_at_hand(plan: Plan) -> None:
    """Refuse to load without its file a source that is neither delivered nor on the network.

    Raises
    ------
    UsageError
        Saying where its file is to be found, and the command that reads it.
    """
    for source_id in plan.of_snapshot:
        source = catalogue.source(source_id)
        if not source.in_snapshot:
            raise UsageError(_how_to_get(source, is_offline=plan.from_snapshot))


def _how_to_get(source: catalogue.SourceDeclaration, *, is_offline: bool) -> str:
    what = f"« {source.source_id} » n’est pas livrée avec l’observatoire"
    if source.reader is None:
        return f"« {source.source_id} » n’a pas de fichier de producteur : elle se remplit par {source.url}."
    command = f"« observatory ingest {source.source_id} --from-file FICHIER »"
    if source.live is not None and is_offline:
        live = f"« observatory ingest {source.source_id} »"
        return f"{what} : lisez-la sur le réseau par {live}, ou donnez-la par {command}."
    where = f" ({source.url})" if source.url.startswith("http") else ""
    return (
        f"{what} et ne se lit pas sur le réseau : prenez son fichier ({source.format}) auprès de son producteur, "
        f"{source.producer}{where}, puis lancez {command}."
    )


def load(engine: sa.Engine, plan: Plan, tell: Progress) -> bool:
    """Load what is asked for and print its account; return whether everything was done.

    Raises
    ------
    ObservatoryError
        If the one thing that is asked for can't be done. With several, each failure is said and the rest is done.
    """
    if plan.from_file is not None:
        _load_file(engine, plan.wanted[0], plan.from_file, plan, tell)
        return True
    if plan.of_snapshot or not plan.wanted:
        _load_snapshot(engine, plan.of_snapshot, tell)
    failures, live = 0, _live()
    for source in plan.live:
        try:
            _load_live(engine, live, source, plan, tell)
        except ObservatoryError as error:
            if len(plan.live) == 1 and not plan.is_all:
                raise _with_way_back(source, error) from error
            failures += 1
            _say(f"« {source.source_id} » n’est pas chargée : {error}")
    if failures:
        _say(f"{failures} sources sur {len(plan.live)} n’ont pas été chargées ; leurs données en place restent.")
    return not failures


def check(engine: sa.Engine, plan: Plan, tell: Progress) -> bool:
    """Read, check and compare what is asked for, load nothing, print a table; return whether all could be checked."""
    from observatory.store.ingest import dry_run

    checks: list[Check] = []
    if plan.from_file is not None:
        found = dry_run.check_file(engine, plan.wanted[0], plan.from_file, origin=plan.from_file.name, progress=tell)
        _print_checks([found])
        return True
    if plan.of_snapshot or not plan.wanted:
        held = dry_run.check_snapshot(engine, progress=tell)
        checks += [one for name, one in sorted(held.items()) if not plan.wanted or name in plan.of_snapshot]
    live = _live()
    for source in plan.live:
        origin = "réseau"
        try:
            file = live.fetch(source, tell)
            origin = f"cache du {file.fetched_at[:10]}" if file.is_cached else origin
            checks.append(dry_run.check_file(engine, source.source_id, file.path, origin=origin, progress=tell))
        except ObservatoryError as error:
            checks.append(dry_run.failed(source.source_id, origin, error))
    _print_checks(checks)
    if plan.is_all:
        _say(f"Données par fichier seulement, et non vérifiées ici : {', '.join(_file_only())}.")
    return all(one.problem is None for one in checks)


def _file_only() -> list[str]:
    return [one.source_id for one in catalogue.sources() if one.reader and one.live is None and not one.in_snapshot]


def _with_way_back(source: catalogue.SourceDeclaration, error: ObservatoryError) -> ObservatoryError:
    """Say too that the delivered figures are at hand, where the network failed for a source that has some."""
    from observatory.sources.fetch.cache import DownloadError

    if not (isinstance(error, DownloadError) and source.in_snapshot):
        return error
    return type(error)(
        f"{error} Les chiffres livrés restent : « observatory ingest {source.source_id} --from-snapshot »."
    )


def _load_file(engine: sa.Engine, source_id: str, path: Path, plan: Plan, tell: Progress) -> None:
    from observatory.store.ingest.file_ingest import ingest_file

    status, reports = ingest_file(engine, source_id, path, progress=tell, accepts_fewer=plan.accepts_fewer)
    _print_account(reports)
    _say_outcome(status, f"« {path.name} »")


def _load_live(engine: sa.Engine, live: Live, source: catalogue.SourceDeclaration, plan: Plan, tell: Progress) -> None:
    from observatory.store.ingest.file_ingest import ingest_file

    file = live.fetch(source, tell)
    status, reports = ingest_file(
        engine,
        source.source_id,
        file.path,
        progress=tell,
        accepts_fewer=plan.accepts_fewer,
        origin=file.url,
        # What the producer says hasn't changed is what it gives today; offline, nobody knows since the download.
        fetched_at=datetime.fromisoformat(file.fetched_at) if file.is_cached else datetime.now(UTC),
    )
    _print_account(reports)
    when = f" (hors ligne : fichier téléchargé le {file.fetched_at[:10]})" if file.is_cached else ""
    _say_outcome(status, f"« {source.source_id} »{when}")


def _load_snapshot(engine: sa.Engine, wanted: Sequence[str], tell: Progress) -> None:
    """Load the snapshot; a wanted source that was loaded from a file is taken back from the snapshot."""
    from observatory.store.ingest.file_ingest import loaded_from_file
    from observatory.store.ingest.snapshot_load import load_snapshot

    with engine.connect() as connection:
        from_files = loaded_from_file(connection)
    loaded = load_snapshot(engine, progress=tell, force=bool(from_files & set(wanted)))
    _print_account([one for one in loaded.sources if not wanted or one.source_id in wanted])
    _say_outcome(loaded.status, "L’instantané")
    replaced = sorted(from_files - set(wanted)) if loaded.status == "loaded" else []
    if replaced:
        _say(
            f"L’instantané a aussi remplacé ce qui venait de fichiers ou du réseau : {', '.join(replaced)}. Rechargez "
            "ces sources par « observatory ingest SOURCE »."
        )


def _live() -> Live:
    """Return what fetches sources, as the operator set it."""
    from observatory.commands.session import operator_settings
    from observatory.sources.fetch.download import Transport
    from observatory.sources.fetch.live import Live
    from observatory.store.server.datadir import data_directory

    settings = operator_settings()
    home = data_directory(settings) / "telechargements"
    token = settings.emplois_token
    return Live(
        Transport(home / "cache", is_offline=settings.offline),
        home,
        mirror_url=settings.mirror_url,
        tokens={} if token is None else {"OBS_EMPLOIS_TOKEN": token.get_secret_value()},
        is_offline=settings.offline,
    )


def _say(sentence: str) -> None:
    from observatory.commands.session import messages

    messages().print(sentence, markup=False)


def _say_outcome(status: str, subject: str) -> None:
    if status == "unchanged":
        _say(f"Inchangé : {subject} est déjà chargé à l’identique.")
    else:
        _say(f"{subject} est chargé. Suite : « observatory compute ».")


def _print_account(reports: Sequence[SourceReport]) -> None:
    from rich.table import Table

    from observatory.commands.session import messages
    from observatory.words.numbers import count

    table = Table(title="Lignes des fichiers d’origine", title_justify="left")
    table.add_column("Source", no_wrap=True)
    for heading in ("Lues", "Gardées", "Rejetées", "Doublons", "Hors périmètre", "Figures écartées", "Réparées"):
        table.add_column(heading, justify="right")
    for one in reports:
        figures = (
            one.rows_read,
            one.rows_kept,
            one.rows_rejected,
            one.rows_duplicate,
            one.rows_outside,
            one.cells_rejected,
            one.rows_repaired,
        )
        table.add_row(one.source_id, *(count(figure) for figure in figures))
    console = messages()
    console.print(table)
    if any(one.rows_repaired for one in reports):
        console.print(
            "Réparées : contours remis en ordre, coordonnées inversées ou converties ; ces lignes sont gardées.",
            markup=False,
        )
    if any(one.rows_rejected or one.cells_rejected for one in reports):
        console.print("Ce qui est écarté, et pourquoi : « observatory sources --rejected ».", markup=False)


def _print_checks(checks: Sequence[Check]) -> None:
    """Print what each source would change, and what couldn't be checked: two lines each, whatever the width."""
    from observatory.commands.session import messages
    from observatory.words.numbers import count

    console = messages()
    for one in checks:
        console.print(f"{one.source_id} ({one.origin}) : {one.problem or _verdict(one)}", markup=False)
        rows = one.account
        if rows is not None:
            console.print(
                f"    {count(rows.rows_read)} lignes lues = {count(rows.rows_kept)} gardées + "
                f"{count(rows.rows_rejected)} rejetées + {count(rows.rows_duplicate)} doublons + "
                f"{count(rows.rows_outside)} hors périmètre ; {count(rows.cells_rejected)} figures écartées ; "
                f"{count(rows.rows_repaired)} lignes réparées",
                markup=False,
            )
    same = sum(one.is_same for one in checks)
    unchecked = sum(one.problem is not None for one in checks)
    console.print(
        f"Rien n’est chargé. Identiques : {same} ; différentes : {len(checks) - same - unchecked} ; non vérifiées : "
        f"{unchecked}.",
        markup=False,
    )


def _verdict(check: Check) -> str:
    from observatory.words.numbers import count

    if check.is_same:
        return "identique à ce qui est chargé."
    return (
        f"diffère de ce qui est chargé : {count(check.added_count)} ajouts, {count(check.removed_count)} retraits, "
        f"{count(check.changed_count)} changements."
    )
