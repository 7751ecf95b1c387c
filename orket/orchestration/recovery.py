"""What the ledger says must follow a crash, a pause or a person's decision: pure functions over the state."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from orket.domain import events as e
from orket.domain.cards import FINAL, WAITING, Card, CardStatus, CardType, WaitReason
from orket.domain.graph import LOST, hopeless
from orket.domain.identifiers import CallId, CardId
from orket.domain.runs import CallState, RunState
from orket.domain.state_machine import SYSTEM, allowed
from orket.domain.tools import Recovery, Verdict, failed
from orket.services.tool_messages import EndedCall

GIVEN_UP = "given_up"
"""The code of the result of a call whose card or run was given up while it was open."""


def move(
    card: Card, status: CardStatus, *, why: WaitReason | None = None, reason: str = ""
) -> e.CardStatusChanged:
    """Write the event of the system moving a card."""
    return e.CardStatusChanged(
        card_id=card.id,
        previous=card.status,
        status=status,
        by=SYSTEM,
        wait_reason=why,
        reason=reason,
    )


def block(card: Card, why: WaitReason, reason: str) -> tuple[e.CardStatusChanged, ...]:
    """Block a card, if its status lets the system do that."""
    if CardStatus.BLOCKED not in allowed(card.type, card.status, system=True):
        return ()
    return (move(card, CardStatus.BLOCKED, why=why, reason=reason),)


def wait_for_person(card: Card, reason: str) -> tuple[e.CardStatusChanged, ...]:
    """Let a card wait for a person's decision about one of its calls."""
    if card.status is CardStatus.IN_PROGRESS:
        waiting = CardStatus.WAITING_FOR_DEVELOPER
        return (move(card, waiting, why=WaitReason.INPUT, reason=reason),)
    return block(card, WaitReason.INPUT, reason)


def take_up_again(state: RunState, card_id: CardId) -> tuple[e.Event, ...]:
    """Put a card that waited for a person back to work, into review if it was under review."""
    card, turn = state.cards[card_id], state.open_turn(card_id)
    if card.status not in WAITING or turn is None or any(call.waits_for_person for call in turn.calls):
        return ()
    back = move(card, CardStatus.IN_PROGRESS)
    if not turn.review:
        return (back,)
    again = e.CardStatusChanged(
        card_id=card.id, previous=CardStatus.IN_PROGRESS, status=CardStatus.CODE_REVIEW, by=SYSTEM
    )
    return (back, again)


def without_receipt(recorded: Iterable[e.Recorded]) -> dict[CallId, bool]:
    """Tell of each call that was intended whether it still has no receipt."""
    found: dict[CallId, bool] = {}
    for one in recorded:
        if isinstance(one.event, e.ToolCallIntended):
            found[one.event.call.id] = True
        elif isinstance(one.event, e.ToolCallFinished):
            found[one.event.call_id] = False
    return found


def open_calls(state: RunState, card_id: CardId) -> dict[CallId, bool]:
    """Name the calls of a card's open turn that were intended and have no receipt; see ``receipts``."""
    turn = state.open_turn(card_id)
    calls = () if turn is None else turn.calls
    return {call.call.id: True for call in calls if call.attempts and call.result is None}


def answered(state: RunState) -> tuple[e.Event, ...]:
    """Put cards back to work whose question was answered before they had come to rest."""
    return tuple(
        event
        for card in state.cards.values()
        if card.status in WAITING and (turn := state.open_turn(card.id)) is not None
        if any(call.verdict is not None and call.result is None for call in turn.calls)
        for event in take_up_again(state, card.id)
    )


def receipts(intended: Mapping[CallId, bool], ended: Iterable[EndedCall]) -> tuple[e.ToolCallFinished, ...]:
    """Write the receipts of calls that were ended, where the ledger has an intent and no receipt.

    A call without an intent has not acted, and one that proposes card changes acted on nothing outside: the
    resumed run repeats both, and judges the proposal against the cards as they stand then.
    """
    return tuple(
        e.ToolCallFinished(call_id=one.call_id, card_id=one.card_id, result=one.result)
        for one in ended
        if intended.get(one.call_id) and not one.result.changes
    )


def end_calls(state: RunState, cards: Iterable[CardId], why: str) -> tuple[e.Event, ...]:
    """Say of every call that is open on these cards what is known of it, because nobody will go on with it.

    One that waits for a person's yes was not carried out. One that was allowed may have acted: where the tool
    may be repeated that harms nobody, where it may not the call is in doubt, which a person can settle.
    """
    return tuple(
        event
        for card_id in cards
        if (turn := state.open_turn(card_id)) is not None
        for call in turn.calls
        if call.attempts and call.result is None and not call.doubt
        for event in (_ended(call, why),)
    )


def _ended(call: CallState, why: str) -> e.Event:
    call_id, card_id = call.call.id, call.call.card_id
    if call.decision is not None and call.decision.verdict is Verdict.ASK:
        result = failed(f"not carried out: {why}", code=GIVEN_UP)
    elif call.recovery is Recovery.IDEMPOTENT:
        result = failed(f"{why} while this call was open; whether it acted is not known", code=GIVEN_UP)
    else:
        doubt = f"{why} while this call was open: it may or may not have acted"
        return e.ToolCallInDoubt(call_id=call_id, card_id=card_id, reason=doubt)
    return e.ToolCallFinished(call_id=call_id, card_id=card_id, result=result)


def cancel_cards(state: RunState, reason: str) -> tuple[e.Event, ...]:
    """Cancel every card that is not final, issues first."""
    order = (CardType.ISSUE, CardType.EPIC, CardType.ROCK)
    cards = sorted(state.cards.values(), key=lambda card: order.index(card.type) if card.type in order else 9)
    return tuple(
        move(card, CardStatus.CANCELED, reason=reason)
        for card in cards
        if card.status not in FINAL and CardStatus.CANCELED in allowed(card.type, card.status, system=True)
    )


def lost_patience(state: RunState, faults: Iterable[e.CardFaulted], faults_max: int) -> tuple[CardId, ...]:
    """Name the cards of which these faults are one too many in a row."""
    return tuple(one.card_id for one in faults if state.faults.get(one.card_id, 0) + 1 >= faults_max)


def blame(state: RunState, fault: e.CardFaulted, faults_max: int) -> tuple[e.Event, ...]:
    """Write a fault down, and give its card up when it was one too many in a row; the state follows."""
    state.apply(fault)
    faults, card = state.faults[fault.card_id], state.cards[fault.card_id]
    if faults < faults_max:
        return (fault,)
    given_up = (
        *end_calls(state, [card.id], f"the card was given up after {faults} faults in a row"),
        *block(card, WaitReason.SYSTEM, f"{faults} faults in a row; last: {fault.error}"),
    )
    for event in given_up:
        state.apply(event)
    return (fault, *given_up)


def block_hopeless(state: RunState) -> tuple[e.Event, ...]:
    """Block every card that waits for one that will never be done, and whoever waits for it in turn."""
    found: list[e.Event] = []
    # Whom a person holds matters only where a card is lost: the turns of all cards are many.
    lost_any = any(card.status in LOST for card in state.cards.values())
    held = {call.call.card_id for call in state.waiting_calls()} if lost_any else set()
    while lost := hopeless(state.issues, held):
        for card, reason in lost:
            for event in block(card, WaitReason.DEPENDENCY, reason):
                state.apply(event)
                found.append(event)
    return tuple(found)


def begin_parents(state: RunState, chosen: Iterable[CardId]) -> tuple[e.CardStatusChanged, ...]:
    """Begin the epics of the chosen cards, and their rock, where they have not begun."""
    found: dict[CardId, e.CardStatusChanged] = {}
    for card_id in chosen:
        parent = state.cards.get(state.cards[card_id].parent_id or card_id)
        while parent is not None and parent.id != card_id and parent.status is CardStatus.READY:
            found[parent.id] = move(parent, CardStatus.IN_PROGRESS)
            parent = None if parent.parent_id is None else state.cards.get(parent.parent_id)
    return tuple(reversed(found.values()))


def advance_parents(state: RunState) -> tuple[e.Event, ...]:
    """Move epics and rocks along with their children: begun, done, or canceled when all children are."""
    found: list[e.Event] = []
    for kind in (CardType.EPIC, CardType.ROCK):
        for parent in [card for card in state.cards.values() if card.type is kind]:
            for event in _advance(parent, state):
                state.apply(event)
                found.append(event)
    return tuple(found)


def _advance(parent: Card, state: RunState) -> tuple[e.CardStatusChanged, ...]:
    children = [card for card in state.cards.values() if card.parent_id == parent.id]
    statuses = {card.status for card in children}
    if parent.is_final or not children or statuses == {CardStatus.READY}:
        return ()
    begun = () if parent.status is not CardStatus.READY else (move(parent, CardStatus.IN_PROGRESS),)
    if not all(card.is_final for card in children):
        return begun
    end = CardStatus.CANCELED if statuses == {CardStatus.CANCELED} else CardStatus.DONE
    previous = CardStatus.IN_PROGRESS if begun else parent.status
    ended = e.CardStatusChanged(card_id=parent.id, previous=previous, status=end, by=SYSTEM)
    return (*begun, ended)
