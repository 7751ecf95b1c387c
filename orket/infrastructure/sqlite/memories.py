"""The project's memory in SQLite: rows beside the events, and their words in a full-text index (FTS5)."""

from __future__ import annotations

from collections.abc import Sequence
from sqlite3 import Connection

from orket.domain.identifiers import CardId, RunId
from orket.domain.memory import CANDIDATES_MAX, Memory, query_words, ranked, words
from orket.infrastructure.sqlite.bulk import insert
from orket.infrastructure.sqlite.rows import from_us, to_us

COLUMNS = "seq, at, run_id, card_id, author, body"
_FOREIGN = "_"  # begins the spelling of a word that is not ASCII; no word of ours begins so

MemoryRow = tuple[int, int, str, str, str, str]


def write(connection: Connection, memories: Sequence[Memory]) -> None:
    """Write memories and their words into the open transaction."""
    rows = [(one.seq, to_us(one.at), one.run_id, one.card_id, one.by, one.text) for one in memories]
    insert(connection, "memories", COLUMNS, rows)
    insert(connection, "memory_words", "rowid, words", [(one.seq, _spelled(one.text)) for one in memories])


def forget(connection: Connection, numbers: Sequence[int]) -> None:
    """Take memories and their words out, in the open transaction; what is not there is no matter."""
    rows = [(one,) for one in numbers]
    connection.executemany("DELETE FROM memory_words WHERE rowid = ?", rows)
    connection.executemany("DELETE FROM memories WHERE seq = ?", rows)


def clear(connection: Connection) -> None:
    """Forget everything, to be rebuilt from the events."""
    connection.execute("DELETE FROM memory_words")
    connection.execute("DELETE FROM memories")


def any_remembered(connection: Connection) -> bool:
    """Tell whether there is anything to recall."""
    row = connection.execute("SELECT EXISTS (SELECT 1 FROM memories)").fetchone()
    return bool(row[0])


def recall(connection: Connection, query: str, limit: int) -> tuple[Memory, ...]:
    """Search; see ``LedgerReader.recall``."""
    wanted = query_words(query)
    if not wanted:
        return ranked((), _newest(connection), texts=0, holding={}, limit=limit)
    spelled = {_spell(one): one for one in wanted}
    # Every word is quoted and holds only letters, digits and underscores: nothing of it is syntax.
    matched = " OR ".join(f'"{one}"' for one in spelled)
    rows = connection.execute(
        f"SELECT {_qualified()} FROM memory_words JOIN memories ON memories.seq = memory_words.rowid"
        " WHERE memory_words MATCH ? ORDER BY memory_words.rank, memories.seq DESC LIMIT ?",
        (matched, CANDIDATES_MAX),
    )
    marks = ", ".join("?" * len(spelled))
    held = connection.execute(
        f"SELECT term, doc FROM memory_vocabulary WHERE term IN ({marks})", tuple(spelled)
    )
    holding = {spelled[term]: int(count) for term, count in held}
    (texts,) = connection.execute("SELECT count(*) FROM memories").fetchone()
    return ranked(wanted, map(_memory, rows), texts=texts, holding=holding, limit=limit)


def of_run(connection: Connection, run_id: RunId) -> list[tuple[Memory, str]]:
    """List what a run has put into memory with its words as they are indexed, for checking."""
    rows = connection.execute(
        f"SELECT {_qualified()}, memory_words.words FROM memories"
        " LEFT JOIN memory_words ON memory_words.rowid = memories.seq WHERE run_id = ? ORDER BY seq",
        (run_id,),
    )
    return [(_memory(row[:-1]), row[-1] or "") for row in rows]


def indexed(memories: Sequence[Memory]) -> list[tuple[Memory, str]]:
    """Say how ``of_run`` must list these."""
    return [(one, _spelled(one.text)) for one in memories]


def _newest(connection: Connection) -> list[Memory]:
    rows = connection.execute(f"SELECT {COLUMNS} FROM memories ORDER BY seq DESC LIMIT ?", (CANDIDATES_MAX,))
    return [_memory(row) for row in rows]


def _memory(row: MemoryRow) -> Memory:
    seq, at_us, run_id, card_id, author, body = row
    return Memory(
        seq=seq, at=from_us(at_us), run_id=RunId(run_id), card_id=CardId(card_id), by=author, text=body
    )


def _qualified() -> str:
    return ", ".join(f"memories.{name}" for name in COLUMNS.split(", "))


def _spelled(text: str) -> str:
    return " ".join(map(_spell, words(text)))


def _spell(word: str) -> str:
    return word if word.isascii() else _FOREIGN + word.encode().hex()
