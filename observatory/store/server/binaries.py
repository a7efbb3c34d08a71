"""The PostgreSQL programs of this machine: which version, where, and whether PostGIS comes with it."""

from __future__ import annotations

import re
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from observatory.errors import ClusterError

MINIMUM_MAJOR: Final = 13
"""Oldest PostgreSQL that the schema and the queries are written for."""

PACKAGED_MAJORS: Final = {"debian 11": 13, "debian 12": 15, "debian 13": 17, "ubuntu 22.04": 14, "ubuntu 24.04": 16}
"""Version of PostgreSQL that each distribution packages (Debian and Ubuntu package lists, read in 2025)."""


@dataclass(frozen=True)
class Binaries:
    """One installed PostgreSQL server.

    ``major`` is its major version (15 for 15.4), ``directory`` holds ``postgres`` and ``pg_ctl``.
    """

    major: int
    directory: Path
    has_postgis: bool

    def program(self, name: str) -> str:
        """Return the full path of one of its programs, such as ``pg_dump``."""
        return str(self.directory / name)


def installed() -> list[Binaries]:
    """Return every PostgreSQL server of this machine, the newest first.

    Debian's own layout (``/usr/lib/postgresql/15/bin``) is looked at first, then whatever ``pg_ctl`` and ``pg_config``
    on the ``PATH`` lead to (links are followed: Debian offers no ``pg_ctl`` on the ``PATH`` but some images add one).
    """
    directories = [path for path in Path("/usr/lib/postgresql").glob("*/bin") if path.parent.name.isdigit()]
    for name in ("pg_ctl", "postgres"):
        found = shutil.which(name)
        if found:
            directories.append(Path(found).resolve().parent)
    unique = {path.resolve(): path for path in directories if (path / "postgres").exists()}
    candidates = [_describe(path) for path in unique.values()]
    return sorted((one for one in candidates if one is not None), key=lambda one: (one.major, one.has_postgis))[::-1]


def choose(*, major: int | None = None) -> Binaries:
    """Return the PostgreSQL server to run: the newest with PostGIS, or the one of version ``major``.

    Raises
    ------
    ClusterError
        If there is none, if none has PostGIS, or if it is too old; the message names the packages to install.
    """
    present = installed()
    fitting = [one for one in present if one.has_postgis and major in (None, one.major)]
    if fitting and fitting[0].major >= MINIMUM_MAJOR:
        return fitting[0]
    if not present:
        raise ClusterError(f"PostgreSQL n’est pas installé sur cette machine : {_install(_packaged_major())}")
    if fitting:
        raise ClusterError(
            f"PostgreSQL {fitting[0].major} est trop ancien, il faut au moins la version {MINIMUM_MAJOR} : "
            f"{_install(_packaged_major())}"
        )
    if major is not None and all(one.major != major for one in present):
        raise ClusterError(f"PostgreSQL {major} n’est pas installé sur cette machine : {_install(major)}")
    without = next(one.major for one in present if major in (None, one.major))
    raise ClusterError(f"L’extension PostGIS manque à PostgreSQL {without} : {_install(without)}")


def client(name: str) -> str:
    """Return the path of a client program (``pg_dump``, ``pg_restore``): the newest, which reads every older server.

    Raises
    ------
    ClusterError
        If it isn't installed.
    """
    for one in installed():
        if (one.directory / name).exists():
            return one.program(name)
    alone = shutil.which(name)
    if alone is None:
        raise ClusterError(
            f"Le programme {name} manque : installez-le avec « apt-get install postgresql-client », puis recommencez."
        )
    return alone


def packages(major: int | None) -> str:
    """Return the names of the Debian packages of one version of PostgreSQL with its PostGIS, separated by spaces."""
    return f"postgresql-{major} postgresql-{major}-postgis-3" if major else "postgresql postgresql-postgis"


def _install(major: int | None) -> str:
    return f"installez-le avec « apt-get install {packages(major)} », ou relancez « make demo » qui s’en charge."


def _packaged_major() -> int | None:
    try:
        release = Path("/etc/os-release").read_text(encoding="utf-8")
    except OSError:
        return None
    fields = dict(re.findall(r'^(ID|VERSION_ID)="?([^"\n]*)"?$', release, flags=re.MULTILINE))
    return PACKAGED_MAJORS.get(f"{fields.get('ID')} {fields.get('VERSION_ID')}")


def _describe(directory: Path) -> Binaries | None:
    version = directory.parent.name
    if not version.isdigit():
        answer = _ask(directory / "postgres", "--version")
        match = re.search(r"(\d+)(?:\.\d+)*", answer)
        if match is None:
            return None
        version = match.group(1)
    shares = [Path("/usr/share/postgresql") / version]
    if not (shares[0] / "extension").exists():
        shares = [Path(_ask(directory / "pg_config", "--sharedir") or "/nonexistent")]
    return Binaries(
        major=int(version),
        directory=directory,
        has_postgis=any((share / "extension" / "postgis.control").exists() for share in shares),
    )


def _ask(program: Path, option: str) -> str:
    try:
        done = subprocess.run([program, option], capture_output=True, text=True, check=False, timeout=20)  # noqa: S603
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return done.stdout.strip()
