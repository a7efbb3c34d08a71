"""What a source is: one module says how its file is read, what of the territories that takes, which tables it fills.

The catalogue names the module (``reader``); ``observatory ingest``, its dry run and the making of the snapshot find it
here. See ``docs/adr/0036-une-source-un-module.md``.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Protocol

from observatory.declared import catalogue
from observatory.errors import InputFileError
from observatory.sources.batch import Batch
from observatory.sources.context import Context
from observatory.sources.table_declarations import FILLED, QUARTERS

if TYPE_CHECKING:
    import pandas as pd

CLOSURES: Final = "closures"
"""Name, among what a file becomes, of what it says of the establishments known before."""
Tables = Mapping[str, "pd.DataFrame"]
"""What a file becomes, by the name of the table (:mod:`observatory.sources.table_declarations`, or ``CLOSURES``)."""


class Normalised(Protocol):
    """What normalising a file gives: a batch, or something that holds one with more."""

    @property
    def batch(self) -> Batch:
        """The rows kept, and the account of the others."""


@dataclass(frozen=True, kw_only=True)
class Source:
    """One source of the catalogue: what its module declares of it, as ``SOURCE`` (or in ``SOURCES``)."""

    source_id: str
    fills: tuple[str, ...]
    """Tables that its file becomes."""
    read: Callable[[Path], Any]
    """Reads the file; a table by :func:`observatory.sources.formats.tables.reader`, from its columns."""
    normalise: Callable[..., Any]
    """From what ``read`` gave, with ``file_name`` and what it ``needs``, to a :class:`Normalised`."""
    tables: Callable[[Any, Context], Tables]
    """From what ``normalise`` gave to the tables that it ``fills``."""
    needs: Mapping[str, str] = field(default_factory=dict)
    """Argument of ``normalise`` → attribute of :class:`~observatory.sources.context.Context`."""
    snapshot_file: str | None = None
    """Name of its file in the directory that the snapshot is made from; None: the snapshot has it otherwise or not."""
    rests_on_quarters: bool = False
    """Whether what it says is worked out with the outlines of the quartiers prioritaires."""
    bundle: str | None = None
    """What several files of it are called together; None: it takes one."""

    def load(self, path: Path, context: Context) -> tuple[Batch, Tables]:
        """Read a file: the account of its rows, and what they become.

        Raises
        ------
        InputFileError
            If it isn't what the source publishes.
        """
        found = self.normalised(path, context)
        tables = dict(self.tables(found, context))
        if set(tables) != set(self.fills):
            raise ValueError(f"{self.source_id} declares {self.fills} and fills {sorted(tables)}")
        if "structure_records" in tables:
            self._require_all(len(found.batch.frame), len(tables["structure_records"]), path)
        return found.batch, tables

    def normalised(self, path: Path, context: Context) -> Normalised:
        """Read a file and normalise it, as :meth:`load` does before it makes tables."""
        import pandas as pd

        given = {name: getattr(context, attribute) for name, attribute in self.needs.items()}
        rows = self.read(path)
        found: Normalised = self.normalise(rows, file_name=path.name, **given)
        if isinstance(rows, pd.DataFrame):
            self._require_all(len(rows), found.batch.read_count, path)
        return found

    def _require_all(self, there: int, told: int, path: Path) -> None:
        """Stop where rows that were read have no account, or where a record that is kept becomes nothing.

        A reader compares what it read with what the file holds (:mod:`observatory.sources.formats.record_counts`).
        """
        if there != told:
            raise InputFileError(
                f"« {path.name} » contient {there} lignes, et {told} ont leur compte : rien n’est chargé. Le lecteur "
                f"de « {self.source_id} » est à corriger."
            )


def figures(
    values: Callable[[pd.DataFrame], pd.DataFrame], *, gives_some: Callable[[pd.DataFrame], bool] = lambda _: False
) -> Callable[[Batch, Context], Tables]:
    """Return what makes the table of figures of a batch's frame.

    Parameters
    ----------
    values
        From the frame to figures in long form.
    gives_some
        Whether the frame gives some of the source's indicators only: the loaded figures of the others stay.
    """

    def tables(batch: Batch, context: Context) -> Tables:
        said = values(batch.frame)
        return {"values": _with_others(said, context) if gives_some(batch.frame) else said}

    return tables


def classes(zonings: Callable[[pd.DataFrame], pd.DataFrame]) -> Callable[[Batch, Context], Tables]:
    """Return what makes the table of classes of a batch's frame."""
    return lambda batch, _: {"zonings": zonings(batch.frame)}


def find(source_id: str) -> Source | None:
    """Return what the module of a source declares; None where the catalogue names none."""
    declared = catalogue.source(source_id) if source_id in catalogue.known_names() else None
    if declared is None or declared.reader is None:
        return None
    module = import_module(f"observatory.sources.{declared.reader}")
    found: Sequence[Source] = module.SOURCES if hasattr(module, "SOURCES") else (module.SOURCE,)
    return next(one for one in found if one.source_id == source_id)


def with_reader() -> tuple[str, ...]:
    """Return the sources whose producer's file can be read, in the order of the catalogue."""
    return tuple(one.source_id for one in catalogue.sources() if one.reader is not None)


def of_snapshot(table: str) -> tuple[Source, ...]:
    """Return the sources that fill a table and whose own file makes the snapshot, in the order of the catalogue."""
    found = [find(source_id) for source_id in with_reader()]
    return tuple(one for one in found if one is not None and one.snapshot_file is not None and table in one.fills)


def undone_by(source_id: str, tables: Tables) -> list[str]:
    """Return the other sources whose figures go when these tables are put in place: their files are to be read again.

    They say otherwise what these say (the EPCI of communes, their outlines), or rest on the quartiers replaced.
    """
    moved = {table.name for table in FILLED if table.only_moves and table.name in tables}
    if not moved and QUARTERS.name not in tables:
        return []
    others = [one for one in map(find, with_reader()) if one is not None and one.source_id != source_id]
    return [
        one.source_id for one in others if moved & set(one.fills) or (QUARTERS.name in tables and one.rests_on_quarters)
    ]


def _with_others(values: pd.DataFrame, context: Context) -> pd.DataFrame:
    """Add the loaded figures of the same source and level whose indicator the file doesn't give: it is one of several.

    Figures of another year of an indicator that the file gives are left out: it replaces them.
    """
    import pandas as pd

    parts = [values]
    for source_id, level in sorted(set(zip(values["source_id"], values["level"], strict=True))):
        held = context.figures(source_id, level)
        parts.append(held[~held["indicator"].isin(set(values["indicator"]))])
    return pd.concat([part for part in parts if not part.empty], ignore_index=True)
