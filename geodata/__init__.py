"""What is known: declarations (catalogue, services, studies) and a snapshot, as delivered or of a chosen directory."""

from __future__ import annotations

from pathlib import Path

ROOT = Path(__file__).resolve().parent
"""What is delivered with the code."""
SNAPSHOT = ROOT / "snapshot"
_chosen: list[Path] = []


def use(directory: Path | None) -> None:
    """Take declarations and snapshot from a directory laid out as this one; None: those delivered with the code.

    Entry points call it before anything is read. A declaration that the directory lacks is the delivered one; the
    snapshot never is.
    """
    _chosen[:] = [] if directory is None else [directory.resolve()]


def root() -> Path:
    """Return the directory in use."""
    return _chosen[0] if _chosen else ROOT


def snapshot() -> Path:
    """Return the directory of the snapshot in use."""
    return root() / SNAPSHOT.name


def path(name: str, directory: Path | None = None) -> Path:
    """Return where a declaration (``"catalog.toml"``, ``"studies/defis.toml"``) is read.

    Parameters
    ----------
    directory
        Where it is taken from, whatever is in use; None: the directory in use, or what is delivered if it lacks it.
    """
    own = (directory or root()) / name
    return own if directory is not None or own.is_file() else ROOT / name
