"""Where the private cluster lives and who runs it: the data directory, the unprivileged user, the socket directory."""

from __future__ import annotations

import fcntl
import hashlib
import os
import pwd
import secrets
import shutil
import stat
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from observatory.errors import ClusterError
from observatory.settings import Settings

POINTER: Final = "emplacement-postgres"
"""File of the data directory that says where the cluster is, when it can't be in the data directory itself."""
SYSTEM_HOME: Final = Path("/var/lib/observatoire")
"""Parent of the clusters that root has run by another user, out of directories closed to that user."""
SYSTEM_USER: Final = "observatoire"
SOCKET_DIRECTORY_LIMIT: Final = 80
"""A socket's path is at most 107 bytes on Linux (unix(7)); PostgreSQL adds ``/.s.PGSQL.5432.lock``."""
LOCK_TIMEOUT_S: Final = 180.0


@dataclass(frozen=True)
class Account:
    """The system user who owns and runs the cluster."""

    name: str
    uid: int
    gid: int

    @property
    def is_self(self) -> bool:
        """Whether this very process already runs as that user."""
        return self.uid == os.geteuid()


@dataclass(frozen=True)
class Place:
    """Where one cluster is: ``home`` is owned by ``account``, or holds directories that are."""

    data_dir: Path
    home: Path
    account: Account

    @property
    def database_dir(self) -> Path:
        """PostgreSQL's own directory (``PGDATA``)."""
        return self.home / "postgres"

    @property
    def log_file(self) -> Path:
        """What the server writes when something goes wrong."""
        return self.home / "journal" / "postgres.log"

    @property
    def socket_dir(self) -> Path:
        """Directory of the Unix socket: in ``home``, or in ``/tmp`` where that path would be too long for a socket."""
        inside = self.home / "socket"
        if len(os.fsencode(inside)) <= SOCKET_DIRECTORY_LIMIT:
            return inside
        digest = hashlib.sha256(os.fsencode(self.home)).hexdigest()[:12]
        return Path("/tmp") / f"obs-{digest}"  # noqa: S108 - its owner and its mode are checked by own_directory


def data_directory(settings: Settings) -> Path:
    """Return the data directory: ``OBS_DATA_DIR``, or ``observatoire`` under the user's XDG data home."""
    if settings.data_dir is not None:
        return settings.data_dir.expanduser().absolute()
    base = os.environ.get("XDG_DATA_HOME", "")
    home = Path(base) if base.startswith("/") else Path.home() / ".local" / "share"
    return home / "observatoire"


def locate(data_dir: Path) -> Place:
    """Return the place of the cluster of ``data_dir``, whether or not it exists yet, without creating anything.

    A plain user's cluster is in the data directory. PostgreSQL refuses to run as root, so root's is run by another
    user: in the data directory too where that user may enter it, otherwise under ``/var/lib/observatoire``, and a
    small file of the data directory says where.
    """
    pointed = _read_pointer(data_dir)
    home = pointed or data_dir
    account = _owner(home / "postgres") or _unprivileged_account()
    if pointed is None and os.geteuid() == 0 and not (home / "postgres").exists() and not _may_enter(data_dir):
        home = SYSTEM_HOME / "a-creer"
    return Place(data_dir=data_dir, home=home, account=account)


@contextmanager
def settled(data_dir: Path) -> Iterator[Place]:
    """Create the directories of the cluster of ``data_dir`` where they are missing, and yield its place.

    The data directory is held meanwhile, as by :func:`locked`: two processes that start at once must neither make the
    same directory twice nor point at two different ones.

    Raises
    ------
    ClusterError
        If a directory can't be created or belongs to somebody else.
    """
    with _told(data_dir):
        data_dir.mkdir(parents=True, exist_ok=True)
    with locked(data_dir):
        with _told(data_dir):
            place = _settle(data_dir)
        yield place


def _settle(data_dir: Path) -> Place:
    place = locate(data_dir)
    if place.home.parent == SYSTEM_HOME and not place.home.exists():
        place = _settle_elsewhere(data_dir)
    if place.account.uid == 0:
        place = Place(data_dir=data_dir, home=place.home, account=_create_account())
    if os.geteuid() not in (0, place.account.uid):
        raise ClusterError(
            f"Les données de {place.database_dir} appartiennent à « {place.account.name} » : "
            "lancez cette commande sous cet utilisateur, ou choisissez un autre dossier avec OBS_DATA_DIR."
        )
    own_directory(place.socket_dir, place.account)
    own_directory(place.log_file.parent, place.account)
    return place


@contextmanager
def _told(data_dir: Path) -> Iterator[None]:
    """Tell in a sentence what the system refuses while ``data_dir`` is prepared."""
    try:
        yield
    except OSError as error:
        raise ClusterError(
            f"Le dossier de données {data_dir} ne peut pas être préparé ({error.strerror}) : "
            "vérifiez ses droits et la place restante, ou choisissez-en un autre avec OBS_DATA_DIR."
        ) from error


def own_directory(directory: Path, account: Account) -> None:
    """Create ``directory`` for ``account`` alone (mode 0700), or check that it is already so.

    The check matters in ``/tmp``, where anybody may have made a directory or a link of that name first.
    """
    if not os.path.lexists(directory):
        directory.mkdir(mode=0o700)
        if not account.is_self:
            os.chown(directory, account.uid, account.gid)
    found = directory.lstat()
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != account.uid:
        raise ClusterError(
            f"Le dossier {directory} n’appartient pas à « {account.name} » : supprimez-le, "
            "ou choisissez un autre dossier de données avec OBS_DATA_DIR."
        )
    if stat.S_IMODE(found.st_mode) != 0o700:  # noqa: PLR2004
        directory.chmod(0o700)


@contextmanager
def locked(data_dir: Path) -> Iterator[None]:
    """Hold the data directory for one process at a time (created, started, stopped: never by two at once)."""
    with _told(data_dir):
        handle = (data_dir / "verrou").open("a", encoding="utf-8")
    with handle:
        deadline = time.monotonic() + LOCK_TIMEOUT_S
        while True:
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if time.monotonic() > deadline:
                    raise ClusterError(
                        f"Un autre processus prépare la base de {data_dir} depuis plus de "
                        f"{LOCK_TIMEOUT_S:.0f} secondes : attendez qu’il finisse ou arrêtez-le."
                    ) from None
                time.sleep(0.1)
        yield


def forget(place: Place) -> None:
    """Remove the directories of a stopped cluster for good (used for throw-away clusters)."""
    shutil.rmtree(place.socket_dir, ignore_errors=True)
    shutil.rmtree(place.log_file.parent, ignore_errors=True)
    shutil.rmtree(place.database_dir, ignore_errors=True)
    if place.home != place.data_dir:
        shutil.rmtree(place.home, ignore_errors=True)
    (place.data_dir / POINTER).unlink(missing_ok=True)
    (place.data_dir / "verrou").unlink(missing_ok=True)


def _read_pointer(data_dir: Path) -> Path | None:
    try:
        text = (data_dir / POINTER).read_text(encoding="utf-8").strip()
    except FileNotFoundError:
        return None
    except OSError as error:
        raise ClusterError(
            f"Le dossier de données {data_dir} n’est pas lisible par « {_user_name(os.geteuid())} » : "
            "choisissez-en un autre avec OBS_DATA_DIR."
        ) from error
    return Path(text)


def _settle_elsewhere(data_dir: Path) -> Place:
    account = _create_account()
    SYSTEM_HOME.mkdir(mode=0o755, parents=True, exist_ok=True)
    digest = hashlib.sha256(os.fsencode(data_dir)).hexdigest()[:8]
    # A part drawn at random: a data directory that was removed and made again must not find the old figures.
    home = SYSTEM_HOME / f"{digest}-{secrets.token_hex(3)}"
    own_directory(home, account)
    (data_dir / POINTER).write_text(f"{home}\n", encoding="utf-8")
    return Place(data_dir=data_dir, home=home, account=account)


def _owner(directory: Path) -> Account | None:
    try:
        found = directory.stat()
    except OSError:
        return None
    return Account(name=_user_name(found.st_uid), uid=found.st_uid, gid=found.st_gid)


def _user_name(uid: int) -> str:
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return str(uid)


def _unprivileged_account() -> Account:
    uid = os.geteuid()
    if uid != 0:
        return Account(name=_user_name(uid), uid=uid, gid=os.getegid())
    for name in ("postgres", SYSTEM_USER):
        try:
            entry = pwd.getpwnam(name)
        except KeyError:
            continue
        return Account(name=name, uid=entry.pw_uid, gid=entry.pw_gid)
    return Account(name="root", uid=0, gid=0)


def _create_account() -> Account:
    account = _unprivileged_account()
    if account.uid != 0 or os.geteuid() != 0:
        return account
    command = ["useradd", "--system", "--user-group", "--no-create-home", "--shell", "/usr/sbin/nologin", SYSTEM_USER]
    try:
        subprocess.run(command, check=True, capture_output=True, text=True)  # noqa: S603
    except (OSError, subprocess.CalledProcessError) as error:
        raise ClusterError(
            f"L’utilisateur système « {SYSTEM_USER} », qui fait tourner la base à la place de root, n’a pas pu être "
            f"créé : créez-le avec « {' '.join(command)} »."
        ) from error
    return _unprivileged_account()


def _may_enter(directory: Path) -> bool:
    """Whether any user may go through ``directory`` (or its nearest existing parent) and all that is above it."""
    existing = next((path for path in (directory, *directory.parents) if path.exists()), Path("/"))
    return all(path.stat().st_mode & stat.S_IXOTH for path in (existing, *existing.parents))
