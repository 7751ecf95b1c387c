"""Hypothesis strategies for what the domain says: any value of any attrs class, and histories of runs."""

from __future__ import annotations

import types
from collections.abc import Sequence
from datetime import UTC, datetime
from enum import Enum
from functools import cache
from typing import Any, NewType, Union, get_args, get_origin, get_type_hints

import attrs
from hypothesis import strategies as st

from orket.domain import events as e
from orket.domain.assets import Organization, Workload
from orket.domain.cards import Card, CardStatus, CardType, WaitReason
from orket.domain.identifiers import BlobId, CardId, RunId, call_id
from orket.domain.models import ModelReply
from orket.domain.tools import GateDecision, Recovery, ToolCall, ToolResult, Verdict

TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
PLAIN: dict[type, st.SearchStrategy[Any]] = {
    str: TEXT,
    int: st.integers(-(2**63), 2**63 - 1),
    float: st.floats(allow_nan=False, allow_infinity=False),
    bool: st.booleans(),
    bytes: st.binary(max_size=20),
    types.NoneType: st.none(),
    datetime: st.datetimes(timezones=st.just(UTC)),
}
EVENT_CLASSES: tuple[type, ...] = get_args(e.Event)
WORKLOAD = Workload(target="demo", organization=Organization(), epics=(), roles=(), dialects=())


@cache
def any_value(of: Any) -> st.SearchStrategy[Any]:
    """Values of a type as the domain uses them: plain types, enumerations, tuples, optionals, attrs."""
    if isinstance(of, NewType):
        return any_value(of.__supertype__)
    if of in PLAIN:
        return PLAIN[of]
    if get_origin(of) in (Union, types.UnionType):
        return st.one_of([any_value(one) for one in get_args(of)])
    if get_origin(of) is tuple:
        inside = get_args(of)
        if inside[-1] is Ellipsis:
            return st.lists(any_value(inside[0]), max_size=2).map(tuple)
        return st.tuples(*(any_value(one) for one in inside))
    if issubclass(of, Enum):
        return st.sampled_from(of)
    hints = get_type_hints(of)
    return st.builds(of, **{field.name: any_value(hints[field.name]) for field in attrs.fields(of)})


def accepted(target: str = "demo", workspace: str = "work") -> e.RunAccepted:
    """The first event of every run."""
    return e.RunAccepted(workload=attrs.evolve(WORKLOAD, target=target), workspace=workspace)


def comment(card: str = "A", text: str = "well") -> e.CardCommented:
    """An event that any run may record at any time."""
    return e.CardCommented(card_id=CardId(card), author="tester", text=text)


def remembered(text: str, card: str = "A") -> e.DecisionRemembered:
    """Something for the memory of all runs."""
    return e.DecisionRemembered(card_id=CardId(card), by="tester", text=text)


History = Sequence[tuple[RunId, Sequence[e.Event]]]


@st.composite
def histories(draw: st.DrawFn, runs_max: int = 3, appends_max: int = 12) -> History:
    """Appends as an engine could make them: runs interleaved, each event possible after those before it."""
    cards: dict[RunId, list[CardId]] = {}
    turns: dict[tuple[RunId, CardId], int] = {}
    history = []
    for _ in range(draw(st.integers(1, appends_max))):
        run = RunId(f"run{draw(st.integers(1, runs_max))}")
        batch: list[e.Event] = []
        if run not in cards:
            cards[run] = []
            batch.append(accepted(draw(TEXT), draw(TEXT)))
        for _ in range(draw(st.integers(0 if batch else 1, 4))):
            batch.extend(_next_events(draw, run, cards[run], turns))
        history.append((run, batch))
    return history


def _next_events(
    draw: st.DrawFn, run: RunId, cards: list[CardId], turns: dict[tuple[RunId, CardId], int]
) -> list[e.Event]:
    kinds = ["added", "paused", "resumed", "parked", "finished", "sandbox"]
    kind = draw(
        st.sampled_from(
            kinds + ["status", "retried", "comment", "faulted", "turn", "remembered"] * bool(cards)
        )
    )
    if kind == "added":
        card = draw(any_value(Card))
        card = attrs.evolve(
            card, id=CardId(draw(st.sampled_from("ABCDE"))), type=draw(st.sampled_from(CardType))
        )
        cards.append(card.id)
        return [e.CardAdded(card=card)]
    if kind in ("status", "retried", "comment", "faulted", "turn", "remembered"):
        return _card_events(draw, kind, run, draw(st.sampled_from(cards)), turns)
    return [
        {
            "paused": e.RunPaused(by="me", reason=draw(TEXT)),
            "resumed": e.RunResumed(by="me"),
            "parked": e.RunParked(calls=()),
            "finished": e.RunFinished(
                status=draw(st.sampled_from(["done", "failed", "canceled"])), reason="so"
            ),
            "sandbox": draw(any_value(e.SandboxChanged)),
        }[kind]
    ]


def _card_events(
    draw: st.DrawFn, kind: str, run: RunId, card: CardId, turns: dict[tuple[RunId, CardId], int]
) -> list[e.Event]:
    if kind == "status":
        changed = e.CardStatusChanged(
            card_id=card,
            previous=draw(st.sampled_from(CardStatus)),
            status=draw(st.sampled_from(CardStatus)),
            by="coder",
            wait_reason=draw(st.none() | st.sampled_from(WaitReason)),
            reason=draw(TEXT),
        )
        return [changed]
    if kind == "retried":
        return [e.CardRetried(card_id=card, retry_count=draw(st.integers(0, 3)), note="again")]
    if kind == "comment":
        return [comment(card, draw(TEXT))]
    if kind == "remembered":
        return [remembered(draw(TEXT), card)]
    if kind == "faulted":
        return [e.CardFaulted(card_id=card, error="Boom: it broke")]
    turn = turns[run, card] = turns.get((run, card), 0) + 1
    return _turn_events(run, card, turn)


def _turn_events(run: RunId, card: CardId, turn: int) -> list[e.Event]:
    call = ToolCall(
        id=call_id(run, card, turn, 0),
        run_id=run,
        card_id=card,
        turn=turn,
        index=0,
        tool="read_file",
        arguments_json="{}",
    )
    return [
        e.TurnStarted(
            card_id=card,
            turn=turn,
            seat="coder",
            role="coder",
            review=False,
            model="scripted",
            prompt=BlobId("00" * 32),
        ),
        e.ModelReplied(card_id=card, turn=turn, reply=ModelReply(text="hm"), calls=(call,)),
        e.ToolCallIntended(
            call=call,
            decision=GateDecision(verdict=Verdict.ALLOW, rule="default"),
            recovery=Recovery.IDEMPOTENT,
        ),
        e.ToolCallFinished(call_id=call.id, card_id=card, result=ToolResult(ok=True, output="{}")),
        e.TurnFinished(card_id=card, turn=turn, outcome="continue"),
    ]
