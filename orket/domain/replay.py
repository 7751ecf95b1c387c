"""Comparing two histories of one run: what a replay must reproduce, card by card, and where it does not.

What a card went through follows from its structure: turns, calls, judgements. When cards are worked on side
by side, their events interleave by chance, so histories are compared per card. Left out are crashes and
control (faults, pauses, sandboxes), repeated attempts, a person's decisions with the waiting around them, and
how long a call took.
"""

from __future__ import annotations

from collections.abc import Iterable

import attrs

from orket.domain import events as e
from orket.domain import workspace_events as w
from orket.domain.cards import WAITING
from orket.domain.state_machine import SYSTEM

_RUN = ""
_SKIPPED = (
    e.RunAccepted
    | e.RunPaused
    | e.RunResumed
    | e.RunParked
    | e.CardFaulted
    | e.SandboxChanged
    | w.WorkspaceEvent
    | e.ToolCallInDoubt
    | e.ToolCallDecided
)


@attrs.frozen(kw_only=True)
class Difference:
    """The first place where a replay leaves the record: ``seq`` is the recorded event's, if there is one."""

    card: str
    position: int
    seq: int | None
    recorded: e.Event | None
    replayed: e.Event | None


def first_difference(recorded: Iterable[e.Recorded], replayed: Iterable[e.Recorded]) -> Difference | None:
    """Find the earliest recorded event that the replay does not reproduce, or None.

    A record that ends early (the run is open, paused or was canceled) is compared as far as it goes; a
    finished one must not be outlived.
    """
    old, new = _to_the_end(list(recorded)), list(replayed)
    whole = any(isinstance(one.event, e.RunFinished) and one.event.status != "canceled" for one in old)
    mine, theirs = _histories(_uncanceled(old)), _histories(new)
    found = [
        difference
        for card in {**mine, **(theirs if whole else {})}
        if (difference := _compare(card, mine.get(card, []), theirs.get(card, []), whole=whole))
    ]
    return min(found, key=lambda one: one.seq if one.seq is not None else 2**62, default=None)


def _to_the_end(recorded: list[e.Recorded]) -> list[e.Recorded]:
    """Leave out what people did to a run that had ended, such as archiving its cards."""
    ends = [index for index, one in enumerate(recorded) if isinstance(one.event, e.RunFinished)]
    return recorded[: ends[-1] + 1] if ends else recorded


def _uncanceled(recorded: list[e.Recorded]) -> list[e.Recorded]:
    """Cut off what a cancellation added: it is a person's doing, which no replay repeats."""
    last = recorded[-1].event if recorded else None
    if not (isinstance(last, e.RunFinished) and last.status == "canceled"):
        return recorded
    pauses = [index for index, one in enumerate(recorded) if isinstance(one.event, e.RunPaused)]
    return recorded[: pauses[-1]] if pauses else recorded


def _histories(recorded: list[e.Recorded]) -> dict[str, list[e.Recorded]]:
    found: dict[str, list[e.Recorded]] = {}
    for one in recorded:
        if _counts(one.event):
            found.setdefault(_card(one.event), []).append(one)
    return found


def _counts(event: e.Event) -> bool:
    if isinstance(event, _SKIPPED):
        return False
    if isinstance(event, e.ToolCallIntended):
        return event.attempt == 1
    if isinstance(event, e.CardStatusChanged) and event.by == SYSTEM:
        return event.previous not in WAITING and event.status not in WAITING
    return True


def _card(event: e.Event) -> str:
    if isinstance(event, e.ToolCallIntended):
        return event.call.card_id
    if isinstance(event, e.CardAdded):
        return event.card.id
    return getattr(event, "card_id", _RUN)


def _compare(
    card: str, mine: list[e.Recorded], theirs: list[e.Recorded], *, whole: bool
) -> Difference | None:
    for position in range(max(len(mine), len(theirs) if whole else 0)):
        left = mine[position] if position < len(mine) else None
        right = theirs[position] if position < len(theirs) else None
        if left is None or right is None or _timeless(left.event) != _timeless(right.event):
            return Difference(
                card=card,
                position=position,
                seq=None if left is None else left.seq,
                recorded=None if left is None else left.event,
                replayed=None if right is None else right.event,
            )
    return None


def _timeless(event: e.Event) -> e.Event:
    if isinstance(event, e.ToolCallFinished):
        return attrs.evolve(event, result=attrs.evolve(event.result, duration_ms=0))
    return event
