"""Many rows in few statements.

Each statement lets go of the interpreter's lock and has to get it back, for which a busy event loop can make
it wait some milliseconds. A statement of many rows waits once.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from itertools import chain
from sqlite3 import Connection

_SIZES = (64, 16, 8, 4, 2, 1)  # a prepared statement takes a kilobyte and more per row of it

Value = str | int | bytes | None


def insert(
    connection: Connection, table: str, columns: str, rows: Sequence[tuple[Value, ...]], conflict: str = ""
) -> None:
    """Insert ``rows`` in order; ``columns`` are comma-separated names, ``conflict`` an ON CONFLICT clause."""
    start = 0
    while start < len(rows):
        left = len(rows) - start
        size = next(one for one in _SIZES if one <= left)
        part = rows[start : start + size]
        connection.execute(_statement(table, columns, size, conflict), tuple(chain.from_iterable(part)))
        start += size


@cache
def _statement(table: str, columns: str, size: int, conflict: str) -> str:
    row = f"({', '.join('?' * len(columns.split(',')))})"
    return f"INSERT INTO {table} ({columns}) VALUES {', '.join([row] * size)} {conflict}"
