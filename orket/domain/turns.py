"""How far turns and their calls have come; written to in place, read as frozen values.

A turn takes six or more events. Making a frozen turn anew for each of them was a tenth of all that a governed
turn costs, so what changes is kept in drafts, and a value is made of one when somebody looks.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

import attrs

from orket.domain.approvals import Approval
from orket.domain.identifiers import CallId, CardId
from orket.domain.models import ModelReply
from orket.domain.tools import GateDecision, HumanVerdict, Recovery, ToolCall, ToolResult

HISTORY_TURNS_MAX = 20


@attrs.frozen(kw_only=True)
class CallState:
    """How far one tool call has come: proposed, intended, in doubt, decided by a person, finished."""

    call: ToolCall
    decision: GateDecision | None = None
    recovery: Recovery = Recovery.ASK_HUMAN
    attempts: int = 0
    doubt: str = ""
    verdict: HumanVerdict | None = None
    approval: Approval | None = None
    result: ToolResult | None = None

    @property
    def waits_for_person(self) -> bool:
        """Whether a person must decide before this call can end."""
        if self.result is not None or self.verdict is not None:
            return False
        return bool(self.doubt) or (self.decision is not None and self.decision.verdict == "ask")


@attrs.frozen(kw_only=True)
class TurnState:
    """How far one turn has come; ``outcome`` is empty while it is open."""

    card_id: CardId
    turn: int
    seat: str
    role: str
    review: bool
    model: str = ""
    reply: ModelReply | None = None
    error: str = ""
    error_code: str = ""
    calls: tuple[CallState, ...] = ()
    outcome: str = ""
    note: str = ""

    @property
    def is_open(self) -> bool:
        """Whether the turn still has something to do."""
        return not self.outcome


class CallDraft:
    """A call while it changes; whoever changes it says so with ``change``."""

    __slots__ = (
        "_frozen",
        "approval",
        "attempts",
        "call",
        "decision",
        "doubt",
        "recovery",
        "result",
        "verdict",
    )

    def __init__(self, call: ToolCall) -> None:
        self.call = call
        self.decision: GateDecision | None = None
        self.recovery = Recovery.ASK_HUMAN
        self.attempts = 0
        self.doubt = ""
        self.verdict: HumanVerdict | None = None
        self.approval: Approval | None = None
        self.result: ToolResult | None = None
        self._frozen: CallState | None = None

    @classmethod
    def of(cls, known: CallState) -> CallDraft:
        """Go on with a call."""
        draft = cls(known.call)
        draft.decision, draft.recovery, draft.attempts = known.decision, known.recovery, known.attempts
        draft.doubt, draft.verdict, draft.approval = known.doubt, known.verdict, known.approval
        draft.result = known.result
        return draft

    def change(self) -> CallDraft:
        """Forget the value that was made of it."""
        self._frozen = None
        return self

    def frozen(self) -> CallState:
        """The call as it stands."""
        if self._frozen is None:
            self._frozen = CallState(
                call=self.call,
                decision=self.decision,
                recovery=self.recovery,
                attempts=self.attempts,
                doubt=self.doubt,
                verdict=self.verdict,
                approval=self.approval,
                result=self.result,
            )
        return self._frozen


class TurnDraft:
    """A turn while it changes; its fields are those of ``TurnState``."""

    __slots__ = (
        "calls",
        "card_id",
        "error",
        "error_code",
        "model",
        "note",
        "outcome",
        "reply",
        "review",
        "role",
        "seat",
        "turn",
    )

    def __init__(self, card_id: CardId, turn: int, seat: str, role: str, model: str, *, review: bool) -> None:
        self.card_id, self.turn, self.seat, self.role, self.model = card_id, turn, seat, role, model
        self.review = review
        self.reply: ModelReply | None = None
        self.error = self.error_code = self.outcome = self.note = ""
        self.calls: list[CallDraft] = []

    @classmethod
    def of(cls, known: TurnState) -> TurnDraft:
        """Go on with a turn."""
        draft = cls(known.card_id, known.turn, known.seat, known.role, known.model, review=known.review)
        draft.reply, draft.error, draft.error_code = known.reply, known.error, known.error_code
        draft.outcome, draft.note = known.outcome, known.note
        draft.calls = [CallDraft.of(one) for one in known.calls]
        return draft

    def propose(self, calls: Iterable[ToolCall]) -> None:
        """The model has proposed these calls."""
        self.calls = [CallDraft(one) for one in calls]

    def call(self, call: CallId) -> CallDraft | None:
        """Find a call, to be changed."""
        for one in self.calls:
            if one.call.id == call:
                return one.change()
        return None

    def frozen(self) -> TurnState:
        """The turn as it stands."""
        return TurnState(
            card_id=self.card_id,
            turn=self.turn,
            seat=self.seat,
            role=self.role,
            review=self.review,
            model=self.model,
            reply=self.reply,
            error=self.error,
            error_code=self.error_code,
            calls=tuple([one.frozen() for one in self.calls]),
            outcome=self.outcome,
            note=self.note,
        )


class _Page:
    """The turns of one card: those before the draft, and the draft; a value is made when one is asked for."""

    __slots__ = ("_before", "_draft", "_value")

    def __init__(self, told: tuple[TurnState, ...]) -> None:
        self._before = told
        self._draft: TurnDraft | None = None
        self._value: tuple[TurnState, ...] | None = told

    def frozen(self) -> tuple[TurnState, ...]:
        if self._value is None:
            self._value = self._before if self._draft is None else (*self._before, self._draft.frozen())
        return self._value

    def begin(self, draft: TurnDraft) -> None:
        self._before = self.frozen()[1 - HISTORY_TURNS_MAX :]
        self._draft, self._value = draft, None

    def pending(self) -> CallState | None:
        if self._draft is None:
            calls = self._before[-1].calls if self._before and self._before[-1].is_open else ()
            return next((one for one in calls if one.result is None), None)
        if self._draft.outcome:
            return None
        return next((one.frozen() for one in self._draft.calls if one.result is None), None)

    def newest(self) -> TurnDraft | None:
        if self._draft is None and self._before:
            self._draft = TurnDraft.of(self._before[-1])
            self._before = self._before[:-1]
        self._value = None
        return self._draft


class Turns(Mapping[CardId, tuple[TurnState, ...]]):
    """The newest ``HISTORY_TURNS_MAX`` turns of each card, oldest first; the last one may be open."""

    __slots__ = ("_pages",)

    def __init__(self, told: Mapping[CardId, tuple[TurnState, ...]] | None = None) -> None:
        self._pages = {card: _Page(turns) for card, turns in (told or {}).items()}

    def __getitem__(self, card: CardId) -> tuple[TurnState, ...]:
        """The turns of a card."""
        return self._pages[card].frozen()

    def __iter__(self) -> Iterator[CardId]:
        """The cards, in the order of their first turns."""
        return iter(self._pages)

    def __len__(self) -> int:
        """How many cards had a turn."""
        return len(self._pages)

    def __repr__(self) -> str:
        """As a mapping."""
        return repr(dict(self))

    def get(self, card: CardId, default: tuple[TurnState, ...] = ()) -> tuple[TurnState, ...]:  # type: ignore[override]  # narrower: a card without turns has none
        """The turns of a card; none when it had none."""
        page = self._pages.get(card)
        return default if page is None else page.frozen()

    def pending(self, card: CardId) -> CallState | None:
        """The first call of the card's open turn that has no result; None when there is none."""
        page = self._pages.get(card)
        return None if page is None else page.pending()

    def begin(self, card: CardId, draft: TurnDraft) -> None:
        """A card's next turn begins."""
        if (page := self._pages.get(card)) is None:
            page = self._pages[card] = _Page(())
        page.begin(draft)

    def let_go(self, card: CardId) -> None:
        """Forget the turns of a card."""
        self._pages.pop(card, None)

    def newest(self, card: CardId) -> TurnDraft | None:
        """The card's newest turn, to be changed; None when it had none."""
        page = self._pages.get(card)
        return None if page is None else page.newest()
