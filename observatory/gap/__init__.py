"""Gap: need set against access, as accounts that add up, a typology and a priority."""

from __future__ import annotations

from observatory.declared.verdict_study import Cuts
from observatory.gap.accounts import Ledger, ledger
from observatory.gap.totals import COUNTS, commune_accounts, gap_rows, total
from observatory.gap.typology import UNDETERMINED, priority, typology

__all__ = [
    "COUNTS",
    "UNDETERMINED",
    "Cuts",
    "Ledger",
    "commune_accounts",
    "gap_rows",
    "ledger",
    "priority",
    "total",
    "typology",
]
