"""What waits for a person, over all cards of a run: approvals that are asked for, and calls in doubt."""

from __future__ import annotations

import attrs

from orket.domain.approvals import approval_id
from orket.domain.runs import CallState, RunState


@attrs.frozen(kw_only=True)
class Waiting:
    """One call that a person must decide about, under a short name; ``seat`` proposed it."""

    id: str
    seat: str
    call: CallState


def waiting_for_person(state: RunState) -> tuple[Waiting, ...]:
    """List what waits in a run, in ledger order of its cards; nothing waits in a run that has ended."""
    if state.is_final:
        return ()
    return tuple(
        Waiting(id=approval_id(call.call.id, call.attempts), seat=turn.seat, call=call)
        for turns in state.turns.values()
        for turn in turns
        for call in turn.calls
        if call.waits_for_person
    )


def named(waiting: tuple[Waiting, ...], name: str) -> tuple[Waiting, ...]:
    """Find those whose short name or call id is ``name`` or, when none is, begins with it."""
    exact = tuple(one for one in waiting if name in (one.id, one.call.call.id))
    return exact or tuple(
        one for one in waiting if one.id.startswith(name) or one.call.call.id.startswith(name)
    )
