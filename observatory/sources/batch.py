"""What reading a file gave: rows kept, rows rejected with their reason, duplicates; nothing is lost on the way."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

import pandas as pd

REJECTED_COLUMNS: Final = ("scope", "line", "reason", "content")
"""``scope`` is ``row`` (the row is out) or ``cell`` (one figure is out, the row stays)."""
CONTENT_LIMIT: Final = 300
"""Characters kept of a rejected row: enough to find it again."""
LINE: Final = "line"
"""Column that readers add: line of the file where the record ends."""
REPEATED_HEADER: Final = "is_header"
"""Column that readers add: whether the record repeats the header (files pasted one after the other)."""
MALFORMED: Final = "malformed"
"""Column that readers add where a record can't be cut into the columns of the file: why, in French."""
RAW: Final = "raw"
"""Column that goes with it: what the record holds."""
NOTES: Final = "notes"
"""Key, among what is attached to a frame that was read, of French sentences on what was found beside its rows."""


@dataclass(frozen=True, eq=False)
class Batch:
    """The outcome of one source's file: a normalised frame and the account of its rows.

    Rows read = kept + rejected + duplicate + outside, checked on creation. ``frame`` is the normalised result; it may
    have more or fewer rows than were kept (wide figures become long, merged communes are added up).
    """

    source_id: str
    file_name: str
    frame: pd.DataFrame
    read_count: int
    kept_count: int
    duplicate_count: int
    outside_count: int
    """Rows about places that the observatory does not cover: nothing is wrong with them."""
    rejected: pd.DataFrame
    notes: tuple[str, ...] = ()
    repaired_count: int = 0
    """Rows kept whose outline was made valid, or whose point was put back in order."""

    def __post_init__(self) -> None:
        told = self.kept_count + self.rejected_count + self.duplicate_count + self.outside_count
        if self.read_count != told:
            raise ValueError(f"{self.source_id}: rows do not add up")

    @property
    def batch(self) -> Batch:
        """Itself, as what normalising a file gives (:class:`observatory.sources.registry.Normalised`)."""
        return self

    @property
    def rejected_count(self) -> int:
        """Rows put aside."""
        return int(self.rejected["scope"].eq("row").sum())

    @property
    def rejected_cell_count(self) -> int:
        """Figures put aside while their row stays."""
        return int(self.rejected["scope"].eq("cell").sum())


@dataclass(eq=False)
class Sieve:
    """Takes rows out of a frame as read, one reason at a time, and keeps the account.

    Parameters
    ----------
    frame
        As read, with a ``line`` column.
    source_id, file_name
        Where it comes from.
    shown
        Columns worth showing in a rejected row; empty: all.
    """

    frame: pd.DataFrame
    source_id: str
    file_name: str
    shown: tuple[str, ...] = ()
    notes: list[str] = field(default_factory=list)
    _read: int = field(init=False)
    _duplicates: int = field(default=0, init=False)
    _outside: int = field(default=0, init=False)
    _repaired: int = field(default=0, init=False)
    _rejected: list[pd.DataFrame] = field(default_factory=list, init=False)

    def __post_init__(self) -> None:
        self._read = len(self.frame)
        self.notes.extend(self.frame.attrs.get(NOTES, ()))
        if MALFORMED in self.frame:
            reasons, raw = self.frame[MALFORMED], self.frame[RAW]
            self.frame = self.frame.drop(columns=[MALFORMED, RAW])
            self._note(reasons.notna(), reasons, "row", content=raw)
            self.frame = self.frame.loc[reasons.isna()]

    def leave_outside(self, mask: pd.Series) -> None:
        """Leave the rows where ``mask`` holds: they are about places out of the perimeter."""
        self._outside += int(mask.sum())
        self.frame = self.frame.loc[~mask]

    def reject(self, mask: pd.Series, reason: str | pd.Series) -> None:
        """Put aside the rows where ``mask`` holds, with a French reason (one for all, or one per row)."""
        self._note(mask, reason, "row")
        self.frame = self.frame.loc[~mask]

    def reject_cells(self, column: str, mask: pd.Series, reason: str) -> None:
        """Empty ``column`` where ``mask`` holds: the row stays, the figure becomes missing."""
        self._note(mask, f"{column} : {reason}", "cell")
        self.frame = self.frame.assign(**{column: self.frame[column].mask(mask)})

    def drop_duplicates(self, columns: list[str] | None = None) -> None:
        """Drop the rows that repeat an earlier one on ``columns`` (all but the line if None)."""
        keys = columns or [column for column in self.frame.columns if column != LINE]
        repeated = self.frame.duplicated(keys)
        self._duplicates += int(repeated.sum())
        self.frame = self.frame.loc[~repeated]

    def repair(self, count: int, what: str) -> None:
        """Count rows that stay, repaired, and note what was repaired of them, in French."""
        if count:
            self._repaired += count
            self.notes.append(f"{count} {what}")

    def batch(self, frame: pd.DataFrame | None = None) -> Batch:
        """Close the account; ``frame`` is the normalised result (the remaining rows if None)."""
        empty = pd.DataFrame({column: pd.Series(dtype=object) for column in REJECTED_COLUMNS})
        rejected = pd.concat(self._rejected, ignore_index=True) if self._rejected else empty
        return Batch(
            source_id=self.source_id,
            file_name=self.file_name,
            frame=self.frame if frame is None else frame,
            read_count=self._read,
            kept_count=len(self.frame),
            duplicate_count=self._duplicates,
            outside_count=self._outside,
            rejected=rejected,
            notes=tuple(self.notes),
            repaired_count=self._repaired,
        )

    def _note(self, mask: pd.Series, reason: str | pd.Series, scope: str, *, content: pd.Series | None = None) -> None:
        rows = self.frame.loc[mask]
        if rows.empty:
            return
        shown = list(self.shown) or [column for column in rows.columns if column != LINE]
        # By column, then by row: pandas' own joining of rows takes minutes for a million of them.
        cells = [rows[column].astype("string").fillna("").tolist() for column in shown]
        said = zip(*cells, strict=True) if content is None else ((text,) for text in content.loc[mask])
        shown_content = [" ; ".join(texts)[:CONTENT_LIMIT] for texts in said]
        reasons = reason.loc[mask].to_numpy() if isinstance(reason, pd.Series) else reason
        self._rejected.append(
            pd.DataFrame({"scope": scope, "line": rows[LINE].to_numpy(), "reason": reasons, "content": shown_content})
        )
