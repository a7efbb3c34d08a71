"""How an import tells what it changes: added, changed field by field, removed, refused."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from observatory.sources.directory.directory_entry import Change
    from observatory.sources.directory.directory_file import Refused

SIGNS: Final = {"ajouté": "+", "modifié": "~", "supprimé": "-"}


def print_outcome(
    changes: Sequence[Change],
    refused: Sequence[Refused],
    notes: Sequence[str],
    *,
    unchanged_count: int,
    row_count: int,
) -> None:
    """Print the difference on standard output, and the account of the rows on the error stream."""
    from observatory.commands.session import messages, write_text

    lines = []
    for change in changes:
        lines.append(f"{SIGNS[change.what]} {change.name} ({change.code}) : {change.what}")
        lines += [f"    {label} : {before} → {after}" for label, before, after in change.fields]
    lines += [f"! ligne {one.line}, {one.name or 'sans nom'} : refusée, {one.reason}" for one in refused]
    if lines:
        sys.stderr.flush()
        write_text("\n".join(lines) + "\n")
    console = messages()
    for note in notes:
        console.print(note, markup=False)
    counts = {what: sum(one.what == what for one in changes) for what in SIGNS}
    console.print(
        f"Lignes lues : {row_count}. Ajoutés : {counts['ajouté']} ; modifiés : {counts['modifié']} ; "
        f"supprimés : {counts['supprimé']} ; inchangés : {unchanged_count} ; lignes refusées : {len(refused)}.",
        markup=False,
    )
