"""The set-up: locks that name no registry, scripts that refuse in French before they work, images that can be built."""

from __future__ import annotations

import json
import os
import re
import shutil
import socket
import subprocess
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parents[2]
LOCK = (ROOT / "requirements.lock").read_text(encoding="utf-8")
TOOLS = ("bash", "cat", "dirname", "flock", "mkdir", "sed", "sha256sum", "sort", "tail", "tr", "node", "npm", "env")


def declared() -> list[Requirement]:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    groups = [*project["dependency-groups"].values(), *project["project"]["optional-dependencies"].values()]
    named = [*project["project"]["dependencies"], *(one for group in groups for one in group if isinstance(one, str))]
    return [Requirement(text) for text in named]


def test_every_declared_dependency_is_locked_within_its_bounds() -> None:
    locked = dict(re.findall(r"^([A-Za-z0-9._-]+)==([^ ;\\]+)", LOCK, flags=re.MULTILINE))
    assert len(locked) > 100
    for requirement in declared():
        version = locked.get(canonicalize_name(requirement.name))
        assert version is not None, f"{requirement.name}: run make lock"
        assert requirement.specifier.contains(version), f"{requirement} is locked at {version}: run make lock"


def test_every_locked_version_has_a_hash_and_no_address() -> None:
    blocks = re.split(r"\n(?=\S)", LOCK.strip())
    assert [block.split()[0] for block in blocks if "--hash=sha256:" not in block] == []
    assert "://" not in LOCK
    packages = json.loads((ROOT / "package-lock.json").read_text(encoding="utf-8"))["packages"]
    assert [name for name, entry in packages.items() if "resolved" in entry] == []
    assert [name for name, entry in packages.items() if name and "integrity" not in entry] == []


@pytest.mark.parametrize("script", sorted(path.name for path in (ROOT / ".ci").iterdir()))
def test_scripts_are_valid_bash(script: str) -> None:
    done = subprocess.run(["bash", "-n", ROOT / ".ci" / script], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")


def demo(port: str) -> subprocess.CompletedProcess[str]:
    command = ["bash", ROOT / ".ci" / "demo.sh", port]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=30, stdin=subprocess.DEVNULL)


@pytest.mark.parametrize("port", ["abc", "0", "65536", "80 80", "-1", "08000"])
def test_demo_refuses_what_is_no_port(port: str) -> None:
    done = demo(port)
    assert done.returncode == 1
    assert done.stderr == (
        f"« {port} » n'est pas un numéro de port : donnez un nombre de 1 à 65535, "
        "par exemple « make demo PORT=8123 ».\n"
    )


def test_demo_refuses_a_port_in_use_before_any_work() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        done = demo(str(port))
    assert done.returncode == 1
    assert done.stderr.startswith(f"Le port {port} est déjà pris par un autre programme : arrêtez-le, ou choisissez")
    assert done.stderr.count("\n") == 1


@pytest.fixture
def machine(tmp_path: Path) -> Path:
    """A project in a directory whose ``PATH`` has the plainest tools, a Python, and a user without privileges."""
    shutil.copytree(ROOT / ".ci", tmp_path / "project" / ".ci")
    programs = tmp_path / "bin"
    programs.mkdir()
    for name in TOOLS:
        found = shutil.which(name)
        assert found is not None, name
        (programs / name).symlink_to(found)
    stub(programs / "id", "echo 1000")
    stub(programs / "sudo", "exit 1")
    stub(programs / "apt-get", "exit 1")
    stub(programs / "uv", "exit 0")
    stub(programs / "python3", "case $2 in *executable*) echo python3;; esac; exit 0")
    return tmp_path


def stub(path: Path, body: str) -> None:
    path.write_text(f"#!/bin/bash\n{body}\n", encoding="utf-8")
    path.chmod(0o755)


def set_up(machine: Path) -> subprocess.CompletedProcess[str]:
    environment = {
        "PATH": str(machine / "bin"),
        "HOME": str(machine),
        # PostgreSQL may be missing where unit tests run: the operator's own server makes it needless.
        "OBS_DATABASE_URL": "postgresql://localhost/x",
    }
    command = [machine / "bin" / "bash", machine / "project" / ".ci" / "setup.sh"]
    return subprocess.run(
        command, capture_output=True, text=True, check=False, timeout=30, env=environment, stdin=subprocess.DEVNULL
    )


def test_a_user_without_rights_is_told_which_packages_to_ask_for(machine: Path) -> None:
    (machine / "bin" / "node").unlink()
    (machine / "bin" / "npm").unlink()
    done = set_up(machine)
    assert done.returncode == 1
    assert done.stderr == (
        "Il manque des paquets que seul un administrateur peut installer : "
        "demandez-lui « apt-get install nodejs npm », puis relancez.\n"
    )


def test_a_machine_without_a_fit_python_is_told_so(machine: Path) -> None:
    stub(machine / "bin" / "python3", "exit 1")  # too old, or a shim that leads nowhere
    done = set_up(machine)
    assert done.returncode == 1
    assert "« apt-get install python3 python3-venv »" in done.stderr


def test_a_machine_without_apt_is_told_what_is_missing(machine: Path) -> None:
    (machine / "bin" / "apt-get").unlink()
    (machine / "bin" / "npm").unlink()
    done = set_up(machine)
    assert done.returncode == 1
    assert done.stderr.startswith("Il manque à cette machine : npm.")


def test_the_image_copies_files_that_exist_and_are_not_ignored() -> None:
    text = (ROOT / "Dockerfile").read_text(encoding="utf-8")
    copied = {
        source
        for line in re.findall(r"^COPY (?!--from)(.+)$", text, flags=re.MULTILINE)
        for source in line.split()[:-1]
    }
    kept = {
        line[1:] for line in (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines() if line.startswith("!")
    }
    assert copied
    assert copied - kept == set()
    assert [name for name in sorted(kept) if not (ROOT / name).exists()] == []


def test_ci_runs_what_a_contributor_runs() -> None:
    script = (ROOT / ".ci" / "run").read_text(encoding="utf-8")
    assert script.rstrip().endswith("make --no-print-directory test")
    assert os.access(ROOT / ".ci" / "run", os.X_OK)
