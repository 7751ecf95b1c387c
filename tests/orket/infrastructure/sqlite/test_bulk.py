"""Many rows in few statements: all of them, in order, or the conflict clause's way."""

from __future__ import annotations

import sqlite3
from contextlib import closing

from hypothesis import given
from hypothesis import strategies as st

from orket.infrastructure.sqlite.bulk import insert


@given(count=st.integers(0, 300))
def test_any_number_of_rows_arrives_in_order(count: int) -> None:
    with closing(sqlite3.connect(":memory:")) as connection:
        connection.execute("CREATE TABLE t (a INTEGER PRIMARY KEY, b TEXT) STRICT")
        insert(connection, "t", "b", [(str(number),) for number in range(count)])
        found = connection.execute("SELECT a, b FROM t ORDER BY a").fetchall()
        assert found == [(number + 1, str(number)) for number in range(count)]


def test_a_conflict_takes_the_clauses_way() -> None:
    with closing(sqlite3.connect(":memory:")) as connection:
        connection.execute("CREATE TABLE t (a INTEGER PRIMARY KEY, b TEXT) STRICT")
        insert(connection, "t", "a, b", [(1, "x"), (2, "y")])
        insert(connection, "t", "a, b", [(1, "z"), (3, "w")], "ON CONFLICT (a) DO UPDATE SET b = excluded.b")
        insert(connection, "t", "a, b", [(n, "no") for n in range(4)], "ON CONFLICT DO NOTHING")
        assert connection.execute("SELECT * FROM t").fetchall() == [(0, "no"), (1, "z"), (2, "y"), (3, "w")]
