"""What reaches a card from outside of it: notes of other seats, and the project's memory."""

from __future__ import annotations

from typing import Protocol

import attrs

from orket.decision_nodes.house_rules import RECALLED, number
from orket.domain import events as e
from orket.domain.assets import Workload
from orket.domain.cards import Card
from orket.domain.identifiers import RunId
from orket.domain.memory import Memory
from orket.domain.ports import LedgerReader
from orket.domain.runs import RunState
from orket.domain.seat_notes import Note, addressed

PAGE = 1000
QUERY_CHARS_MAX = 1_000
NOTE_TOOL = "send_note"


@attrs.define
class Mail:
    """The notes of a run as one worker has seen them; ``seen`` is the last event it has looked at."""

    run_id: RunId
    notes: tuple[Note, ...]
    notes_sent: int
    seen: int


class Inbox(Protocol):
    """Where a card's worker looks before a turn; what it finds is recorded before it is used."""

    async def notes(self, mail: Mail, card: Card, seat: str, turn: int, *, after: int) -> tuple[Note, ...]:
        """Fetch the notes above number ``after`` that reach the seat with this turn of the card."""
        ...

    async def recall(
        self, workload: Workload, card: Card, turn: int, known: tuple[Memory, ...]
    ) -> tuple[Memory, ...]:
        """Say what the memory has to tell the card; ``known`` is what it told before."""
        ...


@attrs.frozen
class LedgerInbox:
    """The inbox of a real run: its own events, and what all runs have put into memory."""

    ledger: LedgerReader

    async def notes(self, mail: Mail, card: Card, seat: str, turn: int, *, after: int) -> tuple[Note, ...]:
        """Look at what the run has recorded since the last look."""
        state = RunState(run_id=mail.run_id, notes=mail.notes, notes_sent=mail.notes_sent)
        while page := await self.ledger.read(mail.run_id, after=mail.seen, limit=PAGE):
            for recorded in page:
                if isinstance(recorded.event, e.NoteSent):
                    state.apply(recorded.event)
            mail.seen = page[-1].seq
        mail.notes, mail.notes_sent = state.notes, state.notes_sent
        return addressed(mail.notes, seat, after=after)

    async def recall(
        self, workload: Workload, card: Card, turn: int, known: tuple[Memory, ...]
    ) -> tuple[Memory, ...]:
        """Search the memory for the card's own words."""
        limit = number(workload.organization, RECALLED)
        words = " ".join((card.name, card.note, *card.labels, card.description))[:QUERY_CHARS_MAX]
        return await self.ledger.recall(words, limit=limit) if limit else ()


def writes_notes(workload: Workload) -> bool:
    """Whether any seat can leave notes at all, so that nobody looks for them in vain."""
    return any(NOTE_TOOL in role.tools for role in workload.roles)
