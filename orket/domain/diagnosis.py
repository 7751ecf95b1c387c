"""Why cards do not move: from each back to what it all comes from, and what would free most. Pure."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum

import attrs

from orket.domain.bottlenecks import AT_WORK, BottleneckThresholds, Finding, Level, judge, level_of, unmet
from orket.domain.cards import WAITING, Card, CardStatus, WaitReason
from orket.domain.errors import CardNotFound
from orket.domain.graph import dependants, weight
from orket.domain.identifiers import CallId, CardId
from orket.domain.runs import RunState

ROOTS_MAX = 50


class Cause(StrEnum):
    """What the root of a chain is."""

    PERSON = "person"
    BLOCKED = "blocked"
    CANCELED = "canceled"
    UNKNOWN = "unknown_card"
    AT_WORK = "at_work"
    QUEUED = "queued"
    CIRCLE = "circle"


@attrs.frozen(kw_only=True)
class Link:
    """One card of a chain and why it waits; ``status`` is ``unknown`` for a card that is not there."""

    card_id: CardId
    status: str
    reason: str


@attrs.frozen(kw_only=True)
class Chain:
    """The way from a card that does not move to one thing it comes from: first the card, last the root."""

    cause: Cause
    links: tuple[Link, ...]

    @property
    def root(self) -> CardId:
        """The card at which it begins."""
        return self.links[-1].card_id


@attrs.frozen(kw_only=True)
class Blockage:
    """A card that does not move: one chain per root, the shortest each.

    ``score`` is priority plus number of transitive dependants, as the planner counts. ``more`` is how many
    roots were left out. ``since`` is when it came to stand there, if that is known.
    """

    card_id: CardId
    name: str
    status: CardStatus
    wait_reason: WaitReason | None
    score: float
    since: datetime | None
    chains: tuple[Chain, ...]
    more: int = 0


@attrs.frozen(kw_only=True)
class Root:
    """A thing that holds cards up; ``frees`` move once it is settled, ``helps`` have other reasons as well.

    ``calls`` are the tool calls that a person must decide about there.
    """

    card_id: CardId
    cause: Cause
    reason: str
    score: float
    frees: tuple[CardId, ...]
    helps: tuple[CardId, ...]
    calls: tuple[CallId, ...] = ()


@attrs.frozen(kw_only=True)
class Diagnosis:
    """Why a run, or one card of it, does not move; roots that would free most come first."""

    level: Level
    findings: tuple[Finding, ...]
    blocked: tuple[Blockage, ...]
    roots: tuple[Root, ...]


def diagnose(
    state: RunState,
    thresholds: BottleneckThresholds,
    *,
    since: Mapping[CardId, datetime],
    now: datetime,
    only: CardId | None = None,
) -> Diagnosis:
    """Trace every card that does not move to its roots.

    Args:
        state: The run.
        thresholds: From where on waiting is a bottleneck.
        since: When each card came to where it stands.
        now: The present, aware.
        only: The one card that is asked about; findings are the whole run's all the same.

    Raises:
        CardNotFound: The run has no issue ``only``.
    """
    cards = state.issues
    if only is not None and only not in cards:
        known = ", ".join(list(cards)[:ROOTS_MAX]) or "none"
        raise CardNotFound(f"run {state.run_id} has no issue {only!r}; its issues: {known}")
    waiting = dependants(cards.values())
    blocked = tuple(
        _blockage(card, state, waiting, since)
        for card in cards.values()
        if (card.status in WAITING or (card.status is CardStatus.READY and unmet(card, cards)))
        and only in (None, card.id)
    )
    findings = judge(cards, thresholds, since=since, now=now)
    by_score = tuple(sorted(blocked, key=lambda one: -one.score))
    return Diagnosis(
        level=level_of(findings), findings=findings, blocked=by_score, roots=_roots(blocked, state, waiting)
    )


def _blockage(
    card: Card,
    state: RunState,
    waiting: Mapping[CardId, tuple[CardId, ...]],
    since: Mapping[CardId, datetime],
) -> Blockage:
    chains = _chains(card, state)
    return Blockage(
        card_id=card.id,
        name=card.name,
        status=card.status,
        wait_reason=card.wait_reason,
        score=card.priority + weight(card.id, waiting),
        since=since.get(card.id),
        chains=chains[:ROOTS_MAX],
        more=max(0, len(chains) - ROOTS_MAX),
    )


def _chains(card: Card, state: RunState) -> tuple[Chain, ...]:
    """Walk along unmet dependencies, nearest first, each card once, and stop at every root."""
    cards = state.issues
    came_from: dict[CardId, CardId] = {card.id: card.id}
    todo, found = deque([card.id]), []
    while todo:
        here = todo.popleft()
        needs = unmet(cards[here], cards) if _waits_for_others(cards.get(here), cards) else ()
        fresh = [one for one in needs if one not in came_from]
        came_from |= dict.fromkeys(fresh, here)
        todo.extend(fresh)
        if not needs:
            found.append(_chain(here, came_from, state))
    # Cards that wait for each other have no root; admission refuses them, a fork of an old file may not.
    return tuple(found) or (Chain(cause=Cause.CIRCLE, links=(_link(card.id, state),)),)


def _waits_for_others(card: Card | None, cards: Mapping[CardId, Card]) -> bool:
    if card is None or not unmet(card, cards):
        return False
    return card.status is CardStatus.READY or card.wait_reason is WaitReason.DEPENDENCY


def _chain(end: CardId, came_from: Mapping[CardId, CardId], state: RunState) -> Chain:
    path = [end]
    while (before := came_from[path[-1]]) != path[-1]:
        path.append(before)
    return Chain(cause=_cause(end, state), links=tuple(_link(one, state) for one in reversed(path)))


def _cause(card_id: CardId, state: RunState) -> Cause:
    card = state.issues.get(card_id)
    if card is None:
        return Cause.UNKNOWN
    if _calls(card_id, state):
        return Cause.PERSON
    if card.status in WAITING:
        return Cause.BLOCKED
    if card.is_final:
        return Cause.CANCELED
    return Cause.AT_WORK if card.status in AT_WORK else Cause.QUEUED


def _link(card_id: CardId, state: RunState) -> Link:
    card = state.issues.get(card_id)
    if card is None:
        return Link(card_id=card_id, status="unknown", reason="no card of this run has that id")
    return Link(card_id=card_id, status=card.status, reason=_reason(card, state))


def _reason(card: Card, state: RunState) -> str:
    if card.wait_reason is not None:
        return f"{card.wait_reason}: {card.wait_note}" if card.wait_note else str(card.wait_reason)
    if needs := unmet(card, state.issues):
        return f"depends on {', '.join(needs[:ROOTS_MAX])}"
    if card.status in AT_WORK:
        return "is being worked on" if not state.is_final else f"the run ended meanwhile: {state.reason}"
    if card.is_final:
        return f"will never be done: it is {card.status}"
    return "waits for its turn" if not state.is_final else f"never had its turn: {state.reason}"


def _calls(card_id: CardId, state: RunState) -> tuple[CallId, ...]:
    turns = () if state.is_final else state.turns.get(card_id, ())
    return tuple(call.call.id for turn in turns for call in turn.calls if call.waits_for_person)


def _roots(
    blocked: tuple[Blockage, ...], state: RunState, waiting: Mapping[CardId, tuple[CardId, ...]]
) -> tuple[Root, ...]:
    roots: dict[CardId, Root] = {}
    for one in blocked:
        alone = len(one.chains) == 1 and not one.more
        for chain in one.chains:
            known = roots.get(chain.root) or _root(chain, state, waiting)
            roots[chain.root] = attrs.evolve(
                known,
                frees=(*known.frees, one.card_id) if alone else known.frees,
                helps=known.helps if alone else (*known.helps, one.card_id),
            )
    return tuple(sorted(roots.values(), key=lambda one: (-len(one.frees), -len(one.helps), -one.score)))


def _root(chain: Chain, state: RunState, waiting: Mapping[CardId, tuple[CardId, ...]]) -> Root:
    card = state.issues.get(chain.root)
    return Root(
        card_id=chain.root,
        cause=chain.cause,
        reason=chain.links[-1].reason,
        score=(0.0 if card is None else card.priority) + weight(chain.root, waiting),
        frees=(),
        helps=(),
        calls=_calls(chain.root, state),
    )
