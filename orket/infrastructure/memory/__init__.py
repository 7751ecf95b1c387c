"""The ledger in memory: a full implementation of the port that forgets everything when it is closed."""

from orket.infrastructure.memory.ledger import MemoryLedger, open_ledger

__all__ = ["MemoryLedger", "open_ledger"]
