"""What users changed in the directory: kept for the loads to come with what it was before, and undone for good."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import JSONB, insert

from observatory.sources.directory.directory_entry import Entry
from observatory.store import tables as t
from observatory.store.directory import directory_write
from observatory.store.statements import statement

ENTRY: Final = "entry"
"""Key of the entry itself beside the rows that held it."""


def bases(connection: sa.Connection) -> dict[str, Entry]:
    """Return, for each edited structure that was in the directory before, what was said of it then."""
    edit = t.DirectoryEdit
    rows = connection.execute(sa.select(edit.structure_id, edit.base[ENTRY]).where(edit.base[ENTRY].is_not(None)))
    return {name: Entry.of_content(content) for name, content in rows}


def change(
    connection: sa.Connection, before: Entry | None, after: Entry | None, *, file_name: str, today: str = ""
) -> None:
    """Write what a user made of an entry (None: not in the directory), and keep it for the loads to come.

    An entry that is again what it was before its first edit is put back as it was, and nothing is kept of its edits.
    """
    one = after or before
    if one is None:
        return
    edit = t.DirectoryEdit
    held = connection.execute(sa.select(edit.base).where(edit.structure_id == one.structure_id)).first()
    base = _taken(connection, before) if held is None else held.base
    former = Entry.of_content(base[ENTRY]) if base else None
    is_own = one.structure_id.startswith(f"{directory_write.TYPED_SOURCE}:")
    if after == former and (base or is_own):
        _undo(connection, one.structure_id, base)
        return
    if after is None:
        directory_write.delete(connection, one.structure_id)
    else:
        directory_write.write(connection, after, source_id=directory_write.TYPED_SOURCE, today=today)
    row = {
        "structure_id": one.structure_id,
        "content": sa.null() if after is None else after.as_content(),
        "base": base or sa.null(),
        "file_name": file_name,
    }
    query = insert(edit).values(**row)
    changed = {"content": query.excluded.content, "file_name": file_name, "edited_at": sa.func.now()}
    connection.execute(query.on_conflict_do_update(index_elements=["structure_id"], set_=changed))


def renew(connection: sa.Connection, entries: Mapping[str, Entry]) -> None:
    """Put users' edits back over what a load has just written, which they are undone to from now on."""
    edit = t.DirectoryEdit
    for name, content in connection.execute(sa.select(edit.structure_id, edit.content)).all():
        base = _taken(connection, entries.get(name))
        chosen = edit.structure_id == name
        after = None if content is None else Entry.of_content(content)
        if after is not None and after == entries.get(name):
            connection.execute(sa.delete(edit).where(chosen))
            continue
        connection.execute(sa.update(edit).where(chosen).values(base=base or sa.null()))
        if after is None:
            directory_write.delete(connection, name)
        else:
            directory_write.write(connection, after, source_id=directory_write.TYPED_SOURCE)


def _taken(connection: sa.Connection, entry: Entry | None) -> dict[str, Any] | None:
    """Return an entry with the rows that hold it."""
    if entry is None:
        return None
    rows = connection.execute(statement("048_directory_base"), {"name": entry.structure_id}).scalar_one()
    return {ENTRY: entry.as_content(), **rows}


def _undo(connection: sa.Connection, structure_id: str, base: Mapping[str, Any] | None) -> None:
    """Put back the rows of a structure as they were before its first edit; without any, it is gone."""
    directory_write.delete(connection, structure_id)
    record = t.StructureRecord
    connection.execute(
        sa.delete(record).where(
            record.source_id.in_((directory_write.TYPED_SOURCE, directory_write.PUBLIC_SOURCE)),
            record.record_id == structure_id,
        )
    )
    if base:
        bound = statement("049_undo_edits").bindparams(sa.bindparam("base", type_=JSONB))
        connection.execute(bound, {"base": base})
    connection.execute(sa.delete(t.DirectoryEdit).where(t.DirectoryEdit.structure_id == structure_id))
