"""The lists of runs and cards on the writing side: read through, remembered, written back.

There is one writer, so what it wrote last is what the tables hold; remembering that saves asking them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from sqlite3 import Connection
from typing import TypeVar

import attrs

from orket.domain.events import Recorded
from orket.domain.identifiers import CardId, RunId
from orket.domain.memory import Memory
from orket.domain.ports import RunSummary
from orket.domain.remembering import forgotten, remembered
from orket.infrastructure.codec import encode_card
from orket.infrastructure.projection import (
    PlacedCard,
    cards_touched,
    changes_lists,
    is_listed,
    project,
)
from orket.infrastructure.sqlite import memories, queries
from orket.infrastructure.sqlite.bulk import insert
from orket.infrastructure.sqlite.rows import RUN_COLUMNS, run_row

REMEMBERED_MAX = 1024
_RUN_CHANGED = (
    "ON CONFLICT (run_id) DO UPDATE SET status = excluded.status, reason = excluded.reason,"
    " finished_at = excluded.finished_at, last_seq = excluded.last_seq"
)
_CARD_CHANGED = "ON CONFLICT (added_seq) DO UPDATE SET status = excluded.status, body = excluded.body"

CardKey = tuple[RunId, CardId]
K = TypeVar("K")
V = TypeVar("V")


class Lists:
    """What the tables hold, as far as it is remembered: at most ``REMEMBERED_MAX`` runs and as many cards."""

    def __init__(self, connection: Connection) -> None:
        self.connection = connection
        self._runs: dict[RunId, RunSummary] = {}
        self._cards: dict[CardKey, PlacedCard] = {}

    def run(self, run_id: RunId) -> RunSummary | None:
        """Find a run's line."""
        return self._runs.get(run_id) or queries.run(self.connection, run_id)

    def remembered(self, run_id: RunId) -> RunSummary | None:
        """Find a run's line without asking the database, from any thread: what is remembered is committed."""
        return self._runs.get(run_id)

    def card(self, key: CardKey) -> PlacedCard | None:
        """Find a card's line."""
        return self._cards.get(key) or queries.card(self.connection, *key)

    def remember(self, changes: ListChanges) -> None:
        """Note what a transaction that was committed has written."""
        _remember(self._runs, changes.runs())
        _remember(self._cards, changes.cards)


class ListChanges:
    """What one transaction changes in the lists."""

    def __init__(self, lists: Lists) -> None:
        self._lists = lists
        self._runs: dict[RunId, RunSummary] = {}
        self._reached: dict[RunId, int] = {}
        self.cards: dict[CardKey, PlacedCard] = {}
        self._memories: list[Memory] = []
        self._forgotten: list[int] = []

    def fold(self, run_id: RunId, recorded: Sequence[Recorded]) -> None:
        """Take in the events of one append.

        Raises:
            StoreError: They cannot follow what is recorded; nothing was changed.
        """
        if is_listed(run_id, recorded):
            self._fold_run(run_id, recorded)
        self._memories += remembered(recorded)
        self._forgotten += forgotten(recorded)

    def _fold_run(self, run_id: RunId, recorded: Sequence[Recorded]) -> None:
        before = self._runs.get(run_id) or self._lists.run(run_id)
        if before is not None and not changes_lists(recorded):
            self._runs[run_id] = before
        else:
            touched = {one: (run_id, one) for one in cards_touched(one.event for one in recorded)}
            found = {one: self.cards.get(key) or self._lists.card(key) for one, key in touched.items()}
            known = {one: card for one, card in found.items() if card is not None}
            self._runs[run_id], placed = project(run_id, before, known, recorded)
            self.cards.update((touched[one], card) for one, card in placed.items())
        self._reached[run_id] = recorded[-1].seq

    def runs(self) -> dict[RunId, RunSummary]:
        """The lines of runs that change."""
        for run_id, one in self._runs.items():
            if one.last_seq != self._reached[run_id]:
                self._runs[run_id] = attrs.evolve(one, last_seq=self._reached[run_id])
        return self._runs

    def write(self) -> None:
        """Write the changes into the open transaction."""
        connection = self._lists.connection
        insert(connection, "runs", RUN_COLUMNS, [run_row(one) for one in self.runs().values()], _RUN_CHANGED)
        cards = [
            (one.added_seq, run_id, card_id, one.card.status.value, encode_card(one.card))
            for (run_id, card_id), one in self.cards.items()
        ]
        insert(connection, "cards", "added_seq, run_id, card_id, status, body", cards, _CARD_CHANGED)
        if self._memories:
            memories.write(connection, self._memories)
        if self._forgotten:
            memories.forget(connection, self._forgotten)


def _remember(known: dict[K, V], new: Mapping[K, V]) -> None:
    """Put the new ones last and let the ones go that were not touched for longest."""
    for key, value in new.items():
        known.pop(key, None)
        known[key] = value
    while len(known) > REMEMBERED_MAX:
        del known[next(iter(known))]
