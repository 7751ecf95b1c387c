"""Forking: the beginning of one run as that of another, cut where no card is in the middle of a turn.

What the run wrote into files can be written again; what its commands did cannot, and is not.
"""

from __future__ import annotations

import json
from collections.abc import Sequence

import attrs

from orket.domain import events as e
from orket.domain import workspace_events as w
from orket.domain.errors import RunConflict
from orket.domain.identifiers import CallId, RunId
from orket.domain.runs import RunState
from orket.domain.tools import ToolCall

WRITES = "write_file"
COMMANDS = "run_command"

# How a run was controlled, and where it ran, is its own affair.
_DROPPED = (
    e.RunAccepted
    | e.RunPaused
    | e.RunResumed
    | e.RunParked
    | e.RunFinished
    | e.CardFaulted
    | e.SandboxChanged
    | w.WorkspaceEvent
)


@attrs.frozen(kw_only=True)
class ForkPlan:
    """Where a run is forked, and what that takes.

    ``at`` is the last event that is taken over, at or before the one that was asked for. ``files`` are the
    workspace files as they were then, as far as ``write_file`` wrote them. ``commands`` lists the calls whose
    effects are missing.
    """

    accepted: e.RunAccepted
    at: int
    history: tuple[e.Event, ...]
    files: tuple[tuple[str, str], ...]
    commands: tuple[CallId, ...]


def plan_fork(recorded: Sequence[e.Recorded], at: int) -> ForkPlan:
    """Cut a run at the last turn boundary of all its cards that is not after event ``at``.

    Raises:
        RunConflict: The run was not accepted yet then; nothing can be taken over.
    """
    state = RunState(run_id=recorded[0].run_id)
    kept, begun = 0, _beginning(recorded)
    for number, one in enumerate(recorded, start=1):
        if one.seq > at:
            break
        state.apply_recorded(one)
        if number >= begun and not any(state.open_turn(card) for card in state.cards):
            kept = number
    if not kept or state.accepted is None:
        raise RunConflict(f"run {recorded[0].run_id} begins with event {recorded[begun - 1].seq}, after {at}")
    taken = recorded[:kept]
    calls = _calls(taken)
    return ForkPlan(
        accepted=state.accepted,
        at=taken[-1].seq,
        history=tuple(one.event for one in taken if not isinstance(one.event, _DROPPED)),
        files=written_files(taken),
        commands=tuple(call.id for call in calls if call.tool == COMMANDS),
    )


def is_half(recorded: Sequence[e.Recorded]) -> bool:
    """Tell whether a run is a fork whose workspace is not rebuilt: nothing has let it go on yet."""
    first = recorded[0].event if recorded else None
    if not isinstance(first, e.RunAccepted) or not first.forked_from:
        return False
    return not any(isinstance(one.event, e.RunResumed | e.RunFinished) for one in recorded)


def written_files(recorded: Sequence[e.Recorded]) -> tuple[tuple[str, str], ...]:
    """List path and content of the files as ``write_file`` left them."""
    return tuple(_files(_calls(recorded)).items())


def _beginning(recorded: Sequence[e.Recorded]) -> int:
    others = (
        number
        for number, one in enumerate(recorded)
        if not isinstance(one.event, e.RunAccepted | e.CardAdded)
    )
    return next(others, len(recorded))


def _calls(recorded: Sequence[e.Recorded]) -> list[ToolCall]:
    """List the calls that have acted, in the order of their receipts."""
    known: dict[CallId, ToolCall] = {}
    acted = []
    for one in recorded:
        if isinstance(one.event, e.ToolCallIntended):
            known[one.event.call.id] = one.event.call
        elif isinstance(one.event, e.ToolCallFinished) and one.event.result.ok:
            acted.append(known[one.event.call_id])
    return acted


def _files(calls: Sequence[ToolCall]) -> dict[str, str]:
    found: dict[str, str] = {}
    for call in calls:
        if call.tool == WRITES:
            arguments = json.loads(call.arguments_json)
            found[str(arguments["path"])] = str(arguments["content"])
    return found


def reidentified(event: e.Event, run_id: RunId) -> e.Event:
    """Give an event of one run to another: the run's id is part of every call's."""
    if isinstance(event, e.ModelReplied):
        return attrs.evolve(event, calls=tuple(_call(one, run_id) for one in event.calls))
    if isinstance(event, e.ToolCallIntended):
        return attrs.evolve(event, call=_call(event.call, run_id))
    if isinstance(event, e.ToolCallFinished | e.ToolCallInDoubt | e.ToolCallDecided):
        return attrs.evolve(event, call_id=_name(event.call_id, run_id))
    return event


def _call(call: ToolCall, run_id: RunId) -> ToolCall:
    return attrs.evolve(call, id=_name(call.id, run_id), run_id=run_id)


def _name(call: CallId, run_id: RunId) -> CallId:
    return CallId(f"{run_id}/{call.partition('/')[2]}")
