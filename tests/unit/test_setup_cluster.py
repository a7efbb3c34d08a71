"""Where the private cluster goes and which PostgreSQL runs it, without starting any."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from observatory.errors import ClusterError
from observatory.settings import Settings
from observatory.store.server import binaries, datadir, dump
from observatory.store.server.binaries import Binaries
from observatory.store.server.datadir import Account, Place

SELF = Account(name="moi", uid=os.geteuid(), gid=os.getegid())


def settings(data_dir: Path | None = None) -> Settings:
    return Settings(data_dir=data_dir, _env_file=None)


def test_data_directory_follows_the_setting_then_xdg_then_home(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OBS_DATA_DIR", raising=False)
    monkeypatch.setenv("HOME", "/home/marie")
    monkeypatch.delenv("XDG_DATA_HOME", raising=False)
    assert datadir.data_directory(settings()) == Path("/home/marie/.local/share/observatoire")
    monkeypatch.setenv("XDG_DATA_HOME", "/srv/marie")
    assert datadir.data_directory(settings()) == Path("/srv/marie/observatoire")
    # The XDG specification says to ignore a relative path.
    monkeypatch.setenv("XDG_DATA_HOME", "marie")
    assert datadir.data_directory(settings()) == Path("/home/marie/.local/share/observatoire")
    assert datadir.data_directory(settings(Path("~/obs"))) == Path("/home/marie/obs")


def test_a_socket_directory_too_long_for_a_socket_is_short_and_always_the_same() -> None:
    short = Place(data_dir=Path("/srv/obs"), home=Path("/srv/obs"), account=SELF)
    assert short.socket_dir == Path("/srv/obs/socket")
    home = Path("/srv") / ("é" * 40) / "obs"  # 40 letters, 80 bytes
    long = Place(data_dir=home, home=home, account=SELF)
    assert long.socket_dir.parent == Path("/tmp")
    assert long.socket_dir == Place(data_dir=home, home=home, account=SELF).socket_dir
    assert len(os.fsencode(long.socket_dir / ".s.PGSQL.5432.lock")) < 100
    other = Place(data_dir=home, home=home / "x", account=SELF)
    assert other.socket_dir != long.socket_dir


def test_own_directory_makes_a_private_one_and_closes_an_open_one(tmp_path: Path) -> None:
    made = tmp_path / "socket"
    datadir.own_directory(made, SELF)
    assert made.stat().st_mode & 0o777 == 0o700
    made.chmod(0o755)
    datadir.own_directory(made, SELF)
    assert made.stat().st_mode & 0o777 == 0o700


def test_own_directory_refuses_a_link_and_somebody_elses(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "real")
    with pytest.raises(ClusterError, match="n’appartient pas"):
        datadir.own_directory(tmp_path / "link", SELF)
    with pytest.raises(ClusterError, match="« marie »"):
        datadir.own_directory(tmp_path / "real", Account(name="marie", uid=SELF.uid + 1, gid=SELF.gid))


def test_the_pointer_says_where_the_cluster_is(tmp_path: Path) -> None:
    (tmp_path / datadir.POINTER).write_text("/var/lib/observatoire/abc\n", encoding="utf-8")
    place = datadir.locate(tmp_path)
    assert place.home == Path("/var/lib/observatoire/abc")
    assert place.database_dir == Path("/var/lib/observatoire/abc/postgres")
    assert place.data_dir == tmp_path


def test_a_data_directory_that_cannot_be_made_is_told_in_french(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("", encoding="utf-8")
    refused = pytest.raises(ClusterError, match=r"ne peut pas être préparé .*OBS_DATA_DIR")
    with refused, datadir.settled(tmp_path / "file" / "obs"):
        pass


def installed(monkeypatch: pytest.MonkeyPatch, *found: tuple[int, bool]) -> None:
    present = [Binaries(major=major, directory=Path(f"/x/{major}"), has_postgis=has) for major, has in found]
    monkeypatch.setattr(binaries, "installed", lambda: present)


def test_the_newest_server_with_postgis_is_chosen(monkeypatch: pytest.MonkeyPatch) -> None:
    installed(monkeypatch, (17, False), (16, True), (15, True))
    assert binaries.choose().major == 16
    assert binaries.choose(major=15).major == 15


@pytest.mark.parametrize(
    ("found", "major", "sentence"),
    [
        ([], None, "PostgreSQL n’est pas installé sur cette machine"),
        ([(15, False)], None, "PostGIS manque à PostgreSQL 15 .*apt-get install postgresql-15 postgresql-15-postgis-3"),
        ([(12, True)], None, "PostgreSQL 12 est trop ancien, il faut au moins la version 13"),
        ([(15, True)], 13, "PostgreSQL 13 n’est pas installé .*postgresql-13-postgis-3"),
    ],
)
def test_what_is_missing_is_named_with_its_packages(
    monkeypatch: pytest.MonkeyPatch, found: list[tuple[int, bool]], major: int | None, sentence: str
) -> None:
    installed(monkeypatch, *found)
    with pytest.raises(ClusterError, match=sentence):
        binaries.choose(major=major)


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("postgresql+psycopg://a@b/c?host=/s", "postgresql://a@b/c?host=/s"),
        ("postgresql://a@b/c", "postgresql://a@b/c"),
        ("host=/s dbname=c", "host=/s dbname=c"),
    ],
)
def test_an_address_is_given_to_libpq_without_the_drivers_name(url: str, expected: str) -> None:
    assert dump.libpq_url(url) == expected
