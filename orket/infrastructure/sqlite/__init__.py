"""The ledger on SQLite: one writer that commits in groups, read-only readers, numbered migrations."""

from orket.domain.integrity import Anchor, Fault, LedgerReport
from orket.infrastructure.sqlite.chain import read_key_file
from orket.infrastructure.sqlite.export import Sink, export, verify_export
from orket.infrastructure.sqlite.ledger import SqliteLedger, SqliteReader, open_ledger, open_reader
from orket.infrastructure.sqlite.survey import inspect_database
from orket.infrastructure.sqlite.upkeep import back_up, migrate_database
from orket.infrastructure.sqlite.verify import verify

__all__ = [
    "Anchor",
    "Fault",
    "LedgerReport",
    "Sink",
    "SqliteLedger",
    "SqliteReader",
    "back_up",
    "export",
    "inspect_database",
    "migrate_database",
    "open_ledger",
    "open_reader",
    "read_key_file",
    "verify",
    "verify_export",
]
