"""The processes of the private PostgreSQL server: initdb, start, stop, and what a crash leaves behind."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final

from observatory.errors import ClusterError
from observatory.store.server.binaries import Binaries
from observatory.store.server.datadir import Account, Place, own_directory

SOCKET_NAME: Final = ".s.PGSQL.5432"
CONFIGURATION: Final = "observatoire.conf"

SETTINGS: Final[Mapping[str, str]] = {
    "listen_addresses": "",
    "unix_socket_permissions": "0700",
    "max_connections": "60",
    "shared_buffers": "256MB",
    "work_mem": "32MB",
    "maintenance_work_mem": "256MB",
    "effective_cache_size": "2GB",
    "random_page_cost": "1.1",
    "max_wal_size": "2GB",
    "checkpoint_timeout": "15min",
    # Nothing replicates this server, so the journal only has to survive a crash.
    "wal_level": "minimal",
    "max_wal_senders": "0",
    # Our queries last milliseconds; compiling them costs more than it saves.
    "jit": "off",
    "timezone": "UTC",
    "lc_messages": "C",
    "log_line_prefix": "%m [%p] ",
}
"""Settings of the server; convention of the observatory, sized for a machine with 2 GiB of memory or more."""

LOG_LIMIT_BYTES: Final = 5_000_000
ORPHAN_PATIENCE_S: Final = 5.0


def major_of(place: Place) -> int | None:
    """Return the major version that wrote the data directory, or None where there is none yet."""
    try:
        text = (place.database_dir / "PG_VERSION").read_text(encoding="ascii")
    except FileNotFoundError:
        return None
    except OSError as error:
        raise ClusterError(
            f"Le dossier {place.database_dir} n’est pas lisible ({error.strerror}) : vérifiez ses droits, "
            "ou choisissez un autre dossier avec OBS_DATA_DIR."
        ) from error
    return int(text.split(".")[0])


def create(place: Place, programs: Binaries, *, role: str) -> None:
    """Run ``initdb`` unless the cluster exists; a failure or an interruption leaves nothing half-made.

    Raises
    ------
    ClusterError
        If ``initdb`` fails: no room left, no right to write, …
    """
    if place.database_dir.exists():
        return
    for leftover in place.home.glob("postgres.part-*"):
        shutil.rmtree(leftover, ignore_errors=True)
    part = place.home / f"postgres.part-{os.getpid()}"
    try:
        own_directory(part, place.account)
        _initdb(place, programs, part, role=role)
        own_lines = f"local all all trust\n# {place.socket_dir} n’est ouvert qu’à son propriétaire.\n"
        (part / "pg_hba.conf").write_text(own_lines, encoding="utf-8")
        with (part / "postgresql.conf").open("a", encoding="utf-8") as handle:
            handle.write(f"\ninclude_if_exists = '{CONFIGURATION}'\n")
        part.rename(place.database_dir)
    except OSError as error:
        raise _creation_error(place, str(error)) from error
    finally:
        shutil.rmtree(part, ignore_errors=True)


def start(place: Place, programs: Binaries, *, options: Mapping[str, str], timeout_s: float) -> None:
    """Start the server and wait until it answers; it recovers from its journal by itself if it died.

    Raises
    ------
    ClusterError
        If it doesn't start; the message quotes the last line of its log.
    """
    _forget_reused_pid(place)
    _configure(place, options)
    if place.log_file.exists() and place.log_file.stat().st_size > LOG_LIMIT_BYTES:
        place.log_file.rename(place.log_file.with_suffix(".1.log"))
    command = ["-D", str(place.database_dir), "-l", str(place.log_file), "-s", "-w", "-t", f"{timeout_s:.0f}", "start"]
    done = _run(place.account, [programs.program("pg_ctl"), *command], timeout_s=timeout_s + 10)
    if done.returncode != 0:
        raise ClusterError(
            f"La base n’a pas pu démarrer ({_last_line(place)}) : lisez {place.log_file}, "
            "puis relancez « observatory db up »."
        )


def stop(place: Place, programs: Binaries) -> None:
    """Stop the server, ending the connections that are open.

    Raises
    ------
    ClusterError
        If it still runs a minute later.
    """
    command = ["-D", str(place.database_dir), "-s", "-w", "-t", "60", "-m", "fast", "stop"]
    done = _run(place.account, [programs.program("pg_ctl"), *command], timeout_s=70)
    if done.returncode != 0 and postmaster(place) is not None:
        raise ClusterError(f"La base ne s’arrête pas : lisez {place.log_file}, ou redémarrez la machine.")


def postmaster(place: Place) -> int | None:
    """Return the process id of the running server, or None.

    ``postmaster.pid`` outlives a killed server, and its number may since belong to another program: the process only
    counts if its working directory is ours, which is where PostgreSQL's processes live.
    """
    pid = _recorded_pid(place)
    return pid if pid is not None and pid in _processes(place.database_dir) else None


def end_orphans(place: Place) -> None:
    """End the processes left by a server that was killed, as they keep its shared memory and forbid a restart.

    Idle ones end by themselves at once; those amid a query are asked to after five seconds, then killed. No data is
    at risk: the server replays its journal at the next start.
    """
    if postmaster(place) is not None:
        return
    for number in (0, signal.SIGQUIT, signal.SIGKILL):
        deadline = time.monotonic() + ORPHAN_PATIENCE_S
        orphans = _processes(place.database_dir)
        for pid in orphans if number else ():
            _kill(pid, number)
        while orphans and time.monotonic() < deadline:
            time.sleep(0.1)
            orphans = _processes(place.database_dir)
        if not orphans:
            return
    raise ClusterError(
        f"Des processus d’un serveur PostgreSQL tué occupent encore {place.database_dir} : redémarrez la machine."
    )


def wait_for(answers: Callable[[], bool], place: Place, *, timeout_s: float) -> None:
    """Wait until ``answers()``: a server that another process started, or that is recovering.

    Raises
    ------
    ClusterError
        If it doesn't within ``timeout_s`` seconds.
    """
    deadline = time.monotonic() + timeout_s
    while not answers():
        if time.monotonic() > deadline:
            raise ClusterError(
                f"La base tourne mais ne répond pas depuis {timeout_s:.0f} secondes ({_last_line(place)}) : "
                f"lisez {place.log_file}, puis relancez-la avec « observatory db down » et « observatory db up »."
            )
        time.sleep(0.2)


def _initdb(place: Place, programs: Binaries, directory: Path, *, role: str) -> None:
    done = None
    # C.UTF-8 exists wherever glibc is recent; plain C sorts the same way and works everywhere.
    for locale in ("C.UTF-8", "C"):
        options = ["-U", role, "--auth=trust", "--encoding=UTF8", f"--locale={locale}", "--data-checksums", "-N"]
        done = _run(place.account, [programs.program("initdb"), "-D", str(directory), *options], timeout_s=300)
        if done.returncode == 0:
            _run(place.account, [programs.program("initdb"), "-D", str(directory), "--sync-only"], timeout_s=300)
            return
        for path in directory.iterdir():
            shutil.rmtree(path) if path.is_dir() else path.unlink()
        if "locale" not in done.stderr:
            break
    raise _creation_error(place, done.stderr if done else "")


def _creation_error(place: Place, reason: str) -> ClusterError:
    if "No space left" in reason or "space left on device" in reason:
        return ClusterError(
            f"Il n’y a plus de place sur le disque pour créer la base dans {place.home} : libérez environ 200 Mo, "
            "ou choisissez un autre dossier avec OBS_DATA_DIR."
        )
    lines = [line for line in reason.splitlines() if "error" in line.lower()] or reason.splitlines() or ["sans message"]
    return ClusterError(
        f"La base n’a pas pu être créée dans {place.home} ({lines[0].strip()}) : vérifiez les droits de ce dossier, "
        "ou choisissez-en un autre avec OBS_DATA_DIR."
    )


def _configure(place: Place, options: Mapping[str, str]) -> None:
    settings = {**SETTINGS, "unix_socket_directories": str(place.socket_dir), **options}
    lines = [f"{name} = '{value.replace(chr(39), chr(39) * 2)}'" for name, value in settings.items()]
    path = place.database_dir / CONFIGURATION
    text = "# Écrit à chaque démarrage par « observatory db up » ; vos réglages vont dans postgresql.auto.conf.\n"
    path.write_text(text + "\n".join(lines) + "\n", encoding="utf-8")
    if not place.account.is_self:
        os.chown(path, place.account.uid, place.account.gid)


def _recorded_pid(place: Place) -> int | None:
    try:
        return int((place.database_dir / "postmaster.pid").read_text(encoding="utf-8").split("\n", 1)[0])
    except (OSError, ValueError):
        return None


def _forget_reused_pid(place: Place) -> None:
    """Remove the pid files of a dead server whose number belongs to another program by now.

    PostgreSQL removes them itself when the number is free, and refuses to start when it is taken. Called under the
    lock, once no process of this directory is left.
    """
    pid = _recorded_pid(place)
    if pid is not None and not _processes(place.database_dir):
        for path in (place.database_dir / "postmaster.pid", place.socket_dir / f"{SOCKET_NAME}.lock"):
            path.unlink(missing_ok=True)


def _processes(directory: Path) -> set[int]:
    """Return the ids of the PostgreSQL processes that work in ``directory``."""
    target = str(directory.resolve())
    found = set()
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit():
            continue
        try:
            # proc(5): "pid (name) state …"; a zombie (Z) is dead already. The name spares a shell that is there.
            front, _, back = (entry / "stat").read_text(encoding="utf-8", errors="replace").rpartition(")")
            is_postgres = front.endswith("(postgres") and not back.startswith(" Z")
            if is_postgres and str((entry / "cwd").readlink()) == target:
                found.add(int(entry.name))
        except OSError:
            continue
    return found


def _kill(pid: int, number: int) -> None:
    try:
        os.kill(pid, number)
    except ProcessLookupError:
        return


def _run(account: Account, command: list[str], *, timeout_s: float) -> subprocess.CompletedProcess[str]:
    environment = {"PATH": os.environ.get("PATH", os.defpath), "LC_ALL": "C", "HOME": "/", "TZ": "UTC"}
    other = None if account.is_self else account
    try:
        return subprocess.run(  # noqa: S603 - the programs of binaries.py, with our own arguments
            command,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
            timeout=timeout_s,
            cwd="/",
            env=environment,
            umask=0o077,
            user=other.uid if other else None,
            group=other.gid if other else None,
            extra_groups=[] if other else None,
        )
    except subprocess.TimeoutExpired as error:
        raise ClusterError(
            f"« {Path(command[0]).name} » n’a pas fini en {timeout_s:.0f} secondes : la machine est peut-être "
            "surchargée, recommencez."
        ) from error
    except OSError as error:
        raise ClusterError(
            f"« {command[0]} » n’a pas pu être lancé sous l’utilisateur « {account.name} » ({error.strerror}) : "
            "vérifiez l’installation de PostgreSQL."
        ) from error


def _last_line(place: Place) -> str:
    try:
        lines = place.log_file.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return "sans message"
    telling = [line for line in lines[-50:] if "FATAL" in line or "PANIC" in line] or lines[-1:]
    return telling[-1].strip() if telling else "sans message"
