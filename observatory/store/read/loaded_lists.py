"""What a service's list holds once a source that completes it is loaded, in French."""

from __future__ import annotations

import sqlalchemy as sa

from observatory.declared.services import offer
from observatory.store.statements import statement
from observatory.words.numbers import count


def loaded_completeness(connection: sa.Connection) -> dict[str, str]:
    """Return, by service, how complete its list is with what is loaded, where that differs from what is declared.

    ``geodata/services.toml`` declares the sentence of each source under ``completeness_with``; ``{known}`` and
    ``{employers}`` are the open establishments of Normandy that this source gives, and the employers among them.
    """
    found: dict[str, str] = {}
    for service, declared in offer().services.items():
        for source_id, sentence in declared.completeness_with.items():
            counts = connection.execute(statement("171_source_supply"), {"source": source_id, "service": service}).one()
            if counts.known and service not in found:
                found[service] = sentence.format(known=count(counts.known), employers=count(counts.employers))
    return found
