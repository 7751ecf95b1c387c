"""What one transaction will hold, worked out in full before anything is written.

Each append is judged here, against the database and the appends before it in the group. One that is refused
leaves no trace, so its neighbours need no savepoints; what is left to fail is the disk.
"""

from __future__ import annotations

from datetime import datetime
from sqlite3 import Connection

import attrs

from orket.domain.errors import IdempotencyConflict, StoreError
from orket.domain.events import Event, Recorded
from orket.domain.identifiers import RunId
from orket.domain.ports import CommandKey
from orket.infrastructure.sqlite import queries
from orket.infrastructure.sqlite.bulk import insert
from orket.infrastructure.sqlite.chain import links, seal
from orket.infrastructure.sqlite.lists import ListChanges, Lists
from orket.infrastructure.sqlite.rows import to_us

Outcome = tuple[Recorded, ...] | StoreError | IdempotencyConflict
_HEAD_CHANGED = (
    "ON CONFLICT (id) DO UPDATE SET seq = excluded.seq, chain = excluded.chain, seal = excluded.seal"
)


@attrs.define(eq=False)
class Append:
    """One append on its way: encoded where it was asked for, recorded by the writer.

    ``events`` carries each event with its kind and body, ``blobs`` each content with its SHA-256.
    """

    run_id: RunId
    at: datetime
    events: tuple[tuple[Event, str, bytes], ...]
    blobs: tuple[tuple[bytes, bytes], ...]
    key: CommandKey | None
    outcome: Outcome | None = None


class Group:
    """The rows of one transaction, on top of a ledger that ends at ``seq`` with the link ``chain``."""

    def __init__(self, connection: Connection, lists: Lists, secret: bytes, seq: int, chain: bytes) -> None:
        self._connection, self._secret = connection, secret
        self.seq, self.chain, self.changes = seq, chain, ListChanges(lists)
        self._events: list[tuple[int, str, str, int, bytes, bytes]] = []
        self._blobs: list[tuple[bytes, bytes]] = []
        self._keys: dict[str, tuple[str, str, RunId]] = {}

    def add(self, append: Append) -> Outcome:
        """Take an append in, or say why not; one that is refused changes nothing."""
        recorded = tuple(
            [
                Recorded(seq=seq, at=append.at, run_id=append.run_id, event=one[0])
                for seq, one in enumerate(append.events, start=self.seq + 1)
            ]
        )
        try:
            self._check_key(append.key)
            if recorded:
                self.changes.fold(append.run_id, recorded)
        except (StoreError, IdempotencyConflict) as refusal:
            return refusal
        self._take(append)
        return recorded

    def write(self) -> None:
        """Write all rows into the open transaction."""
        insert(self._connection, "events", "seq, run_id, kind, at, body, chain", self._events)
        if self._events:
            head = (1, self.seq, self.chain, seal(self._secret, self.seq, self.chain))
            insert(self._connection, "head", "id, seq, chain, seal", [head], _HEAD_CHANGED)
        insert(self._connection, "blobs", "hash, body", self._blobs, "ON CONFLICT DO NOTHING")
        insert(self._connection, "idempotency_keys", "key, fingerprint, run_id", list(self._keys.values()))
        self.changes.write()

    def _check_key(self, key: CommandKey | None) -> None:
        if key is not None and (key.key in self._keys or queries.key_is_used(self._connection, key)):
            raise IdempotencyConflict(f"idempotency key {key.key!r} is already used")

    def _take(self, append: Append) -> None:
        if append.events:
            at_us, run_id = to_us(append.at), append.run_id
            told = [(kind, body) for _, kind, body in append.events]
            chain = links(self._secret, self.chain, self.seq + 1, run_id, at_us, told)
            self._events += [
                (seq, run_id, kind, at_us, body, one)
                for seq, ((kind, body), one) in enumerate(zip(told, chain, strict=True), start=self.seq + 1)
            ]
            self.seq, self.chain = self.seq + len(chain), chain[-1]
        self._blobs.extend(append.blobs)
        if append.key is not None:
            self._keys[append.key.key] = append.key.key, append.key.fingerprint, append.run_id
