"""The ledger on SQLite: one writer that commits in groups, read-only readers, numbered migrations.

Checking, exporting and keeping a database have modules of their own, which a running engine does not load.
"""

from orket.infrastructure.sqlite.ledger import SqliteLedger, SqliteReader, open_ledger, open_reader

__all__ = ["SqliteLedger", "SqliteReader", "open_ledger", "open_reader"]
