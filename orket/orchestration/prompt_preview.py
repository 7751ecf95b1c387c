"""The prompt that a card's next turn would send, worked out without asking or recording anything."""

from __future__ import annotations

import attrs

from orket.decision_nodes.decisions import ExplainsPrompts, PromptAccount
from orket.decision_nodes.prompt_account import PromptPreview, in_dialect
from orket.decision_nodes.prompt_history import message_tokens
from orket.decision_nodes.registry import Nodes
from orket.domain import events as e
from orket.domain.assets import Workload
from orket.domain.cards import WAITING, Card, CardStatus, CardType
from orket.domain.errors import CardNotFound, RunConflict
from orket.domain.identifiers import CardId, RunId, blob_id
from orket.domain.models import ModelRequest
from orket.domain.ports import LedgerReader
from orket.domain.runs import RunState
from orket.domain.seat_notes import addressed, delivered, received_by
from orket.domain.tools import ToolSpec
from orket.orchestration.admission import all_cards
from orket.orchestration.inbox import LedgerInbox
from orket.orchestration.prompt import Assignment, ask_for, assign, prompt_blob, prompt_input, prompt_version

NAMED_MAX = 20
NOT_BEGUN = RunId("not begun")


def planned(workload: Workload, model: str) -> RunState:
    """Write down a run that has not begun: its cards as the files have them."""
    state = RunState(run_id=NOT_BEGUN)
    state.apply(e.RunAccepted(workload=workload, workspace="", model=model))
    for card in all_cards(workload):
        state.apply(e.CardAdded(card=card))
    return state


async def preview(
    nodes: Nodes, ledger: LedgerReader, state: RunState, card_id: CardId, tools: tuple[ToolSpec, ...]
) -> PromptPreview:
    """Work out the next prompt of a card as it stands, as its worker would.

    Args:
        nodes: The decision nodes of the run's organization.
        ledger: Where the project's memory is.
        state: The run.
        card_id: The card.
        tools: The installed tools.

    Raises:
        CardNotFound: The run has no such issue.
        RunConflict: No prompt would be sent: the card is final, no seat takes it, or its calls come first.
    """
    if state.accepted is None or (found := state.issues.get(card_id)) is None:
        known = ", ".join(list(state.issues)[:NAMED_MAX]) or "none"
        raise CardNotFound(f"run {state.run_id} has no issue {card_id!r}; its issues: {known}")
    workload, turn = state.accepted.workload, state.open_turn(card_id)
    card, remarks = _as_begun(found, state)
    review = nodes.orchestration_loop.is_review(found.status) if turn is None else turn.review
    if review and card.status is CardStatus.READY_FOR_TESTING:
        card = attrs.evolve(card, status=CardStatus.CODE_REVIEW)
    who = assign(nodes, workload, card, tools, review=review, model=state.accepted.model)
    if who is None:
        raise RunConflict(f"no seat of the team takes {card_id} (wanted: {card.seat})")
    number = state.turn_counts.get(card_id, 0) + (turn is None)
    seen = attrs.evolve(state, cards={**state.cards, card_id: card})
    if turn is None:
        await _receive(seen, ledger, card, who, number)
        if review and card.verification is not None and card_id not in seen.verifications:
            remarks = (*remarks, "the declared verification is run first; its verdict will be in the prompt")
    request = ask_for(nodes, workload, seen, card, who, number)
    return PromptPreview(
        card_id=card_id,
        turn=number,
        seat=who.seat.key,
        role=who.role.name,
        review=review,
        request=request,
        prompt=blob_id(prompt_blob(request)),
        prompt_version=prompt_version(nodes),
        account=_account(nodes, workload, seen, card, who, request),
        remarks=remarks,
    )


def _as_begun(card: Card, state: RunState) -> tuple[Card, tuple[str, ...]]:
    """The card as its turn finds it, and what has to happen before.

    Raises:
        RunConflict: It has no turn to come, or its open turn has calls to carry out.
    """
    turn = state.open_turn(card.id)
    if card.is_final:
        raise RunConflict(f"{card.id} is {card.status}: no prompt follows; see its turns with --turn")
    if turn is not None and (turn.reply is not None or turn.error):
        told = f"turn {turn.turn} of {card.id} has its reply and calls to carry out before the next prompt"
        raise RunConflict(f"{told}; see what was sent with --turn {turn.turn}")
    remarks = () if not state.is_final else (f"the run is {state.status}: nothing more is sent in it",)
    if card.type is not CardType.ISSUE or card.status not in {CardStatus.READY, *WAITING}:
        return card, remarks
    if card.status is not CardStatus.READY:
        remarks = (*remarks, f"the card is {card.status} and is taken up again first")
    return attrs.evolve(card, status=CardStatus.IN_PROGRESS, wait_reason=None, wait_note=""), remarks


async def _receive(state: RunState, ledger: LedgerReader, card: Card, who: Assignment, turn: int) -> None:
    """Fold in the notes and memories that the turn would begin with."""
    seat, known_there = who.seat.key, state.received.get(card.id, ())
    before = received_by(known_there, seat)
    fresh = addressed(state.notes, seat, after=before[-1].number if before else 0)
    state.received = {**state.received, card.id: delivered(known_there, seat, fresh)}
    if state.accepted is not None:
        known = state.recalled.get(card.id, ())
        told = await LedgerInbox(ledger).recall(state.accepted.workload, card, turn, known)
        state.recalled = {**state.recalled, card.id: told}


def _account(
    nodes: Nodes, workload: Workload, state: RunState, card: Card, who: Assignment, request: ModelRequest
) -> PromptAccount:
    strategy = nodes.prompt_strategy
    given = prompt_input(nodes, workload, state, card, who)
    if isinstance(strategy, ExplainsPrompts):
        return in_dialect(strategy.explain(given), request.messages)
    used = sum(map(message_tokens, request.messages))
    return PromptAccount(messages=request.messages, parts=(), tokens=used, tokens_max=given.tokens_max)
