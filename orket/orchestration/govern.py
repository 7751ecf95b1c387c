"""The owner of the cards judges what a tool proposes to change: pure, before anything is recorded."""

from __future__ import annotations

from collections.abc import Collection

import attrs

from orket.domain import events as e
from orket.domain.assets import Team
from orket.domain.cards import Card, CardStatus
from orket.domain.errors import CardError, StateMachineError
from orket.domain.state_machine import validate_transition
from orket.domain.tools import CardChange, ToolResult, failed
from orket.domain.verification import VerificationResult


@attrs.frozen(kw_only=True)
class Authority:
    """Who proposes: the seat at work, its roles, its card, and what is known around it."""

    seat: str
    roles: tuple[str, ...]
    card: Card
    verification: VerificationResult | None
    team: Team
    known: Collection[str]


def govern(result: ToolResult, authority: Authority) -> tuple[ToolResult, tuple[e.Event, ...]]:
    """Turn proposed changes into events, all or none.

    Returns:
        The result to put on the receipt and the card events that go with it; a proposal against the law
        becomes a failed result without events, which the model reads and can mend.
    """
    try:
        return result, tuple(_event(one, authority) for one in result.changes)
    except StateMachineError as error:
        return _refused(result, "state_machine", error), ()
    except CardError as error:
        return _refused(result, "not_allowed", error), ()


def _refused(result: ToolResult, code: str, error: CardError) -> ToolResult:
    return failed(error.detail, code=code, duration_ms=result.duration_ms)


def _event(change: CardChange, by: Authority) -> e.Event:
    if change.created is not None:
        return _created(change.created, by)
    if change.card_id != by.card.id:
        raise CardError(f"card {change.card_id} is not yours; you work on {by.card.id}")
    if change.status is not None:
        return _moved(change, change.status, by)
    if change.credits_micros:
        return _credited(change, by)
    if change.note_to is not None:
        return _sent(change, change.note_to, by)
    if change.remember:
        return e.DecisionRemembered(card_id=by.card.id, by=by.seat, text=change.comment)
    return e.CardCommented(card_id=by.card.id, author=by.seat, text=change.comment)


def _credited(change: CardChange, by: Authority) -> e.CardCredited:
    if change.credits_micros < 0:
        raise CardError("credits are what a card has cost; they are more than 0")
    return e.CardCredited(
        card_id=by.card.id, by=by.seat, amount_micros=change.credits_micros, reason=change.comment
    )


def _sent(change: CardChange, to: str, by: Authority) -> e.NoteSent:
    if to and by.team.seat(to) is None:
        raise CardError(f"no seat {to!r} in the team; its seats: {_seats(by.team)}")
    if to == by.seat:
        raise CardError(f"a note to yourself reaches nobody; the team's seats: {_seats(by.team)}")
    return e.NoteSent(card_id=by.card.id, by=by.seat, to=to, text=change.comment)


def _seats(team: Team) -> str:
    return ", ".join(seat.key for seat in team.seats)


def _moved(change: CardChange, status: CardStatus, by: Authority) -> e.CardStatusChanged:
    validate_transition(by.card.type, by.card.status, status, by.roles, change.wait_reason)
    if status is CardStatus.DONE and by.card.verification is not None:
        check_verified(by.verification)
    return e.CardStatusChanged(
        card_id=by.card.id,
        previous=by.card.status,
        status=status,
        by=by.seat,
        wait_reason=change.wait_reason,
        reason=change.comment,
    )


def check_verified(result: VerificationResult | None) -> None:
    """Refuse ``done`` to a card whose declared verification is missing or has failed.

    Raises:
        StateMachineError: Naming what is missing.
    """
    if result is None:
        raise StateMachineError("the declared verification has not been run; done is refused")
    if not result.ok:
        raise StateMachineError(
            f"verification failed: {result.failed} of {len(result.results)} scenarios; done is refused"
        )


def _created(card: Card, by: Authority) -> e.CardAdded:
    if by.team.seat(card.seat) is None:
        raise CardError(f"unknown seat {card.seat!r}; the team has: {_seats(by.team)}")
    if unknown := [one for one in card.depends_on if one not in by.known]:
        raise CardError(f"unknown dependency {unknown[0]!r}")
    if card.id in by.known:
        raise CardError(f"a card {card.id} exists already")
    adopted = attrs.evolve(
        card,
        status=CardStatus.READY,
        parent_id=by.card.parent_id,
        build_id=by.card.build_id,
        owner_department=by.card.owner_department,
        sprint=card.sprint or by.card.sprint,
    )
    return e.CardAdded(card=adopted)
