"""What the engine does about a run, each as one job: look, record, then act.

The jobs run beside the engine's handlers; those about the same run one after the other (``Locks``).
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Coroutine, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from typing import Any

import anyio
import attrs

from orket.decision_nodes.house_rules import APPROVAL_TTL_S, number
from orket.domain import events as e
from orket.domain.approvals import bind
from orket.domain.errors import CardNotFound, RunChanged, RunConflict, RunNotFound
from orket.domain.identifiers import CallId, RunId
from orket.domain.ports import LedgerReader, RunSummary
from orket.domain.runs import FINAL_RUN, CallState, RunState, RunStatus
from orket.domain.tools import HumanVerdict, Permission, Recovery, Verdict
from orket.orchestration.desk import Desk
from orket.orchestration.messages import (
    ArchiveCards,
    CancelRun,
    DecideCall,
    PauseRun,
    ResumeRun,
    RunTicket,
    SaveFile,
    TendWorkspace,
)
from orket.orchestration.recovery import cancel_cards, end_calls, receipts, take_up_again, without_receipt
from orket.services.sandbox_messages import CloseSandbox
from orket.services.tool_messages import CANCELED, EndCalls, EndedCall, Settle

PAGE = 1000
HARMLESS = frozenset({Permission.CHANGE_CARDS, Permission.READ_CARDS, Permission.READ_FILES})
TAIL = 500
StopRun = Callable[[RunId], Coroutine[Any, Any, None]]
"""Stops the run's child and returns when it is gone; nothing happens when there is none."""

RunCommand = PauseRun | ResumeRun | CancelRun | DecideCall | TendWorkspace | SaveFile | ArchiveCards


class Locks:
    """One lock per run while somebody works on it; grows with concurrent commands only."""

    def __init__(self) -> None:
        self._locks: dict[RunId, anyio.Lock] = {}

    @asynccontextmanager
    async def of(self, run_id: RunId) -> AsyncIterator[None]:
        """Hold the run's lock."""
        lock = self._locks.setdefault(run_id, anyio.Lock())
        try:
            async with lock:
                yield
        finally:
            if not lock.locked() and not lock.statistics().tasks_waiting:
                self._locks.pop(run_id, None)


async def require_seq(desk: Desk, m: RunCommand) -> None:
    """Let a command pass that names no event, or the run's newest one.

    Raises:
        RunChanged: The run has newer events.
        RunNotFound: There is no such run.
    """
    if m.if_seq is None:
        return
    found = await desk.ledger.run(m.run_id)
    if found is None:
        raise RunNotFound(f"no run has the id {m.run_id[:100]!r}")
    if found.last_seq != m.if_seq:
        raise RunChanged(f"the newest event of run {m.run_id} is {found.last_seq}, not {m.if_seq}")


async def fold(ledger: LedgerReader, run_id: RunId) -> RunState:
    """Read a run's whole ledger.

    Raises:
        RunNotFound: There is none.
    """
    state = RunState(run_id=run_id)
    while page := await ledger.read(run_id, after=state.last_seq, limit=PAGE):
        for recorded in page:
            state.apply_recorded(recorded)
    if state.accepted is None:
        raise RunNotFound(f"no run {run_id!r}")
    return state


async def pause(desk: Desk, stop: StopRun, m: PauseRun) -> RunTicket:
    """Record the pause, stop the run's child, end its calls, record what came of them.

    Raises:
        RunNotFound, RunConflict: Nothing was recorded.
    """
    await _require(desk, m.run_id, "pause", RunStatus.RUNNING, RunStatus.WAITING_FOR_APPROVAL)
    await desk.ledger.append(m.run_id, [e.RunPaused(by=m.by, reason=m.reason)])
    await end_work(desk, stop, m.run_id)
    summary = await desk.ledger.run(m.run_id)  # it may have come to its end meanwhile, which then stands
    return RunTicket(run_id=m.run_id, status=RunStatus.PAUSED if summary is None else summary.status)


async def end_work(desk: Desk, stop: StopRun, run_id: RunId, *, for_good: bool = False) -> None:
    """End everything of a run that is under way, and record what came of it."""
    await stop(run_id)
    await settle_calls(desk, run_id, for_good=for_good)
    await desk.sandboxes.ask(CloseSandbox(run_id=run_id))


async def settle_calls(desk: Desk, run_id: RunId, grace_s: float = 0, *, for_good: bool = False) -> None:
    """End a run's calls, those that end by themselves within ``grace_s`` unharmed; write their receipts.

    A call that only looked or proposed gets none when it was cut off, unless it is ``for_good``: the resumed
    run makes it again.
    """
    ended = await desk.executor.ask(EndCalls(run_id=run_id, grace_s=grace_s))
    told = [
        one for one in ended if for_good or one.result.code != CANCELED or not _is_harmless(desk, one.tool)
    ]
    if (
        told
    ):  # a receipt that the stopped run had on its way is visible once this append of nothing is through
        await desk.ledger.append(run_id, ())
    if written := receipts(await _intended(desk.ledger, run_id, told), told):
        await desk.ledger.append(run_id, written)
    for one in ended:
        desk.executor.tell(Settle(call_id=one.call_id))


def _is_harmless(desk: Desk, tool: str) -> bool:
    """Whether a tool only looks or proposes: cut off, it is simply called again when the run goes on."""
    return any(
        spec.name == tool
        and spec.recovery is Recovery.IDEMPOTENT
        and bool(spec.permissions)
        and HARMLESS.issuperset(spec.permissions)
        for spec in desk.tools
    )


async def _intended(ledger: LedgerReader, run_id: RunId, ended: Sequence[EndedCall]) -> Mapping[CallId, bool]:
    """Find the intents of calls that were just ended: mostly they are new, and the history stays unread."""
    summary = await ledger.run(run_id) if ended else None
    if summary is None:
        return {}
    after = max(0, summary.last_seq - TAIL)
    found = without_receipt(await ledger.read(run_id, after=after, limit=TAIL))
    if all(one.call_id in found for one in ended):
        return found
    after = 0
    while page := await ledger.read(run_id, after=after, limit=PAGE):
        found.update(without_receipt(page))
        after = page[-1].seq
    return found


async def resume(desk: Desk, m: ResumeRun) -> RunTicket:
    """Record that a paused run goes on.

    Raises:
        RunNotFound, RunConflict, CardNotFound: Nothing was recorded.
    """
    await _require(desk, m.run_id, "resume", RunStatus.PAUSED)
    known = {card.id for card in await desk.ledger.cards(m.run_id)} if m.budgets else set()
    if unknown := [card for card, _ in m.budgets if card not in known]:
        raise CardNotFound(f"run {m.run_id} has no card {unknown[0]!r}")
    await desk.ledger.append(m.run_id, [e.RunResumed(by=m.by, budget=m.budget, budgets=m.budgets)])
    return RunTicket(run_id=m.run_id, status=RunStatus.RUNNING)


async def cancel(desk: Desk, stop: StopRun, m: CancelRun) -> RunTicket:
    """Stop a run for good: nothing new from here on, calls ended, cards canceled, run finished.

    Raises:
        RunNotFound, RunConflict: Nothing was recorded.
    """
    before = await _require(
        desk, m.run_id, "cancel", RunStatus.RUNNING, RunStatus.PAUSED, RunStatus.WAITING_FOR_APPROVAL
    )
    if before is not RunStatus.PAUSED:
        await desk.ledger.append(m.run_id, [e.RunPaused(by=m.by, reason="about to be canceled")])
    await end_work(desk, stop, m.run_id, for_good=True)
    state = await fold(desk.ledger, m.run_id)
    if state.is_final:  # it came to its end before it could be stopped
        return RunTicket(run_id=m.run_id, status=state.status)
    reason = m.reason or f"canceled by {m.by}"
    end = e.RunFinished(status=RunStatus.CANCELED, reason=reason)
    closing = end_calls(state, state.cards, "the run was canceled")
    await desk.ledger.append(m.run_id, [*closing, *cancel_cards(state, reason), end])
    return RunTicket(run_id=m.run_id, status=RunStatus.CANCELED)


async def give_up(desk: Desk, stop: StopRun, run_id: RunId, reason: str) -> None:
    """End a run whose own actor cannot go on: what is under way is ended, the run has failed.

    Raises:
        StoreError: Nothing of the end was recorded.
    """
    await end_work(desk, stop, run_id, for_good=True)
    state = await fold(desk.ledger, run_id)
    if not state.is_final:
        closing = end_calls(state, state.cards, "the run was given up")
        await desk.ledger.append(run_id, [*closing, e.RunFinished(status=RunStatus.FAILED, reason=reason)])


async def decide(desk: Desk, m: DecideCall) -> RunTicket:
    """Record a person's word about a call; a parked run goes on when its card can.

    Raises:
        RunNotFound, RunConflict: Nothing was recorded.
    """
    state = await fold(desk.ledger, m.run_id)
    call = state.find_call(m.call_id)
    if call is None or not call.waits_for_person:
        waiting = [str(one.call.id) for one in state.waiting_calls()]
        raise RunConflict(f"call {m.call_id} waits for nobody", allowed=waiting)
    _check_verdict(call, m.verdict)
    decided = _decided(state, call, m, desk.clock.now())
    state.apply(decided)
    events: list[e.Event] = [decided, *take_up_again(state, call.call.card_id)]
    if state.status is RunStatus.WAITING_FOR_APPROVAL:
        events.append(e.RunResumed(by=m.by))
    await desk.ledger.append(m.run_id, events)
    if state.status is RunStatus.RUNNING and await _is_parked(desk, m.run_id):
        await desk.ledger.append(m.run_id, [e.RunResumed(by=m.by)])  # it came to rest while we looked
    status = RunStatus.PAUSED if state.status is RunStatus.PAUSED else RunStatus.RUNNING
    return RunTicket(run_id=m.run_id, status=status)


async def _is_parked(desk: Desk, run_id: RunId) -> bool:
    summary = await desk.ledger.run(run_id)
    return summary is not None and summary.status is RunStatus.WAITING_FOR_APPROVAL


async def over(ledger: LedgerReader, runs: Iterable[RunId]) -> frozenset[RunId]:
    """Pick the runs that have ended."""
    looked = [await ledger.run(run_id) for run_id in runs]
    return frozenset(one.run_id for one in looked if one is not None and one.status in FINAL_RUN)


async def interrupted(desk: Desk, open_runs: Iterable[RunSummary]) -> list[RunId]:
    """List what goes on when an engine starts: runs that were running, or parked and wait for nobody."""
    parked = RunStatus.WAITING_FOR_APPROVAL
    standing = {one.run_id: one.status for one in open_runs}
    found = [run_id for run_id, status in standing.items() if status is RunStatus.RUNNING]
    for run_id in [run_id for run_id, status in standing.items() if status is parked]:
        if await waits_for_nobody(desk, run_id):
            found.append(run_id)
    return found


async def waits_for_nobody(desk: Desk, run_id: RunId) -> bool:
    """Tell of a parked run whether all it waited for was decided, so that a crash alone kept it there."""
    return not (await fold(desk.ledger, run_id)).waiting_calls()


def _decided(state: RunState, call: CallState, m: DecideCall, now: datetime) -> e.ToolCallDecided:
    """Write the decision down; a yes is bound to what the person saw."""
    decided = e.ToolCallDecided(call_id=m.call_id, card_id=call.call.card_id, verdict=m.verdict, by=m.by)
    if m.verdict is not HumanVerdict.APPROVE or call.decision is None or state.accepted is None:
        return decided
    ttl_s = number(state.accepted.workload.organization, APPROVAL_TTL_S)
    return attrs.evolve(
        decided,
        binding=bind(call.call, call.decision.policy_version, state.cards[call.call.card_id]),
        attempt=call.attempts + 1,
        expires_at=now + timedelta(seconds=ttl_s),
    )


def _check_verdict(call: CallState, verdict: HumanVerdict) -> None:
    asked = call.decision is not None and call.decision.verdict is Verdict.ASK and not call.doubt
    approval = (HumanVerdict.APPROVE, HumanVerdict.DENY)
    doubt = (HumanVerdict.HAPPENED, HumanVerdict.DID_NOT_HAPPEN, HumanVerdict.DENY)
    options = approval if asked else doubt
    if verdict not in options:
        kind = "wants an approval" if asked else "is in doubt"
        raise RunConflict(f"call {call.call.id} {kind}", allowed=[str(one) for one in options])


async def _require(desk: Desk, run_id: RunId, command: str, *statuses: RunStatus) -> RunStatus:
    """Refuse a command that the run's status does not allow, naming those that it does.

    It asks the list of runs, not the run's whole history: whoever stops a run does not want to wait.
    """
    if (summary := await desk.ledger.run(run_id)) is None:
        raise RunNotFound(f"no run {run_id!r}")
    if summary.status not in statuses:
        allowed = _COMMANDS[summary.status]
        raise RunConflict(f"cannot {command} run {run_id}: it is {summary.status}", allowed=allowed)
    return summary.status


_COMMANDS: dict[RunStatus, tuple[str, ...]] = {
    RunStatus.RUNNING: ("pause", "cancel"),
    RunStatus.PAUSED: ("resume", "cancel"),
    RunStatus.WAITING_FOR_APPROVAL: ("decide", "pause", "cancel"),
    RunStatus.DONE: (),
    RunStatus.BLOCKED: (),
    RunStatus.FAILED: (),
    RunStatus.CANCELED: (),
}
