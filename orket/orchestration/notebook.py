"""What one card's worker knows and has yet to record.

Facts are noted and folded at once; ``flush`` puts them on the ledger. Whoever is about to act flushes first,
so nothing happens that is not recorded, and a turn costs few commits.
"""

from __future__ import annotations

import attrs

from orket.domain import events as e
from orket.domain.cards import Card, Comment
from orket.domain.identifiers import CallId, CardId, RunId
from orket.domain.memory import Memory
from orket.domain.runs import RunState, TurnState
from orket.domain.seat_notes import Note, Received
from orket.domain.verification import VerificationResult
from orket.orchestration.desk import Desk
from orket.services.tool_messages import Settle


@attrs.frozen(kw_only=True)
class CardFile:
    """Everything a run knows about one card, handed to whoever works on it."""

    run_id: RunId
    accepted: e.RunAccepted
    card: Card
    comments: tuple[Comment, ...]
    turns: tuple[TurnState, ...]
    turn_count: int
    verification: VerificationResult | None
    known: tuple[CardId, ...]
    received: Received = ()
    recalled: tuple[Memory, ...] = ()
    sent_back: VerificationResult | None = None
    notes: tuple[Note, ...] = ()
    notes_sent: int = 0
    last_seq: int = 0

    @classmethod
    def of(cls, state: RunState, card: CardId) -> CardFile:
        """Take one card's file out of a run's state.

        Raises:
            KeyError: The run has no such card, or was never accepted.
        """
        if state.accepted is None:
            raise KeyError(state.run_id)
        return cls(
            run_id=state.run_id,
            accepted=state.accepted,
            card=state.cards[card],
            comments=state.comments.get(card, ()),
            turns=state.turns.get(card, ()),
            turn_count=state.turn_counts.get(card, 0),
            verification=state.verifications.get(card),
            known=tuple(state.cards),
            received=state.received.get(card, ()),
            recalled=state.recalled.get(card, ()),
            sent_back=state.sent_back.get(card),
            notes=state.notes,
            notes_sent=state.notes_sent,
            last_seq=state.last_seq,
        )


class Notebook:
    """The state of one card while it is worked on, and the facts that are not on the ledger yet."""

    def __init__(self, desk: Desk, file: CardFile) -> None:
        self.file = file
        self._desk = desk
        self._noted: list[e.Event] = []
        self._blobs: list[bytes] = []
        self._receipts: list[CallId] = []
        card = file.card.id
        self.state = RunState(
            run_id=file.run_id,
            accepted=file.accepted,
            cards={card: file.card},
            comments={card: file.comments},
            turns={card: file.turns},
            turn_counts={card: file.turn_count},
            verifications={} if file.verification is None else {card: file.verification},
            received={card: file.received},
            recalled={card: file.recalled},
            sent_back={} if file.sent_back is None else {card: file.sent_back},
        )

    @property
    def card(self) -> Card:
        """The card as it stands now."""
        return self.state.cards[self.file.card.id]

    @property
    def turn(self) -> TurnState | None:
        """The open turn, if there is one."""
        return self.state.open_turn(self.file.card.id)

    @property
    def verification(self) -> VerificationResult | None:
        """The verdict on the card's present work, if it was verified."""
        return self.state.verifications.get(self.file.card.id)

    def fold(self, event: e.Event) -> None:
        """Take over a fact that somebody else has recorded."""
        self.state.apply(event)

    def note(self, *events: e.Event, blob: bytes | None = None) -> None:
        """Take down facts to be recorded by the next flush."""
        for event in events:
            self.state.apply(event)
            self._noted.append(event)
        if blob is not None:
            self._blobs.append(blob)

    def settle(self, call: CallId) -> None:
        """Have the executor forget the outcome of a call once the receipt, noted now, is recorded."""
        self._receipts.append(call)

    async def flush(self) -> None:
        """Record all that was noted; durable when this returns.

        Raises:
            StoreError: Nothing of it was recorded.
        """
        if not self._noted:
            return
        await self._desk.ledger.append(self.file.run_id, self._noted, blobs=self._blobs)
        self.recorded()

    async def hand_over(self) -> tuple[e.Event, ...]:
        """Give what was noted to somebody who records it with what comes next; say ``recorded`` after that.

        Raises:
            StoreError: It goes with a blob, and nothing of it was recorded.
        """
        if self._blobs:
            await self.flush()
        return tuple(self._noted)

    def recorded(self) -> None:
        """Take note that all that was noted is on the ledger."""
        for receipt in self._receipts:
            self._desk.executor.tell(Settle(call_id=receipt))
        self._noted, self._blobs, self._receipts = [], [], []
