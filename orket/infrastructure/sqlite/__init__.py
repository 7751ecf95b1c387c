"""The ledger on SQLite: one writer that commits in groups, read-only readers, numbered migrations."""

from orket.infrastructure.sqlite.ledger import SqliteLedger, SqliteReader, open_ledger, open_reader
from orket.infrastructure.sqlite.upkeep import back_up, migrate_database
from orket.infrastructure.sqlite.verify import Anchor, Fault, LedgerReport, verify

__all__ = [
    "Anchor",
    "Fault",
    "LedgerReport",
    "SqliteLedger",
    "SqliteReader",
    "back_up",
    "migrate_database",
    "open_ledger",
    "open_reader",
    "verify",
]
