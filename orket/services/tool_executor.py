"""The tool executor: one child per call, known by the call's id until its receipt is on the ledger."""

from __future__ import annotations

from typing import Any

import anyio
import attrs

from actors import Actor, ActorsError, Message, Ref, Reply, on, shared
from orket.domain.identifiers import CallId, sanitise
from orket.domain.ports import Clock, Ledger
from orket.domain.tools import failed
from orket.services.sandbox_messages import EndCommand
from orket.services.tool_call import CallTools, NodesOf, SandboxRef, ToolCallActor
from orket.services.tool_messages import (
    CANCELED,
    CallEnded,
    CallOutcome,
    EndCalls,
    EndedCall,
    ExecuteTool,
    ExecutorBusy,
    OtherAttempt,
    Settle,
)
from orket.services.tools.toolbox import Toolbox

LIVE_MAX = 256
UNSETTLED_MAX = 4_096
WAITING_MAX = 16

_CANCELED = failed(
    "the run was stopped while this call was under way; what it had done until then stands",
    code=CANCELED,
    hint="look at what is there before you repeat it",
)


@attrs.define(eq=False)
class _Live:
    """A call that is being carried out, and everybody who wants to know what comes of it."""

    asked: ExecuteTool
    child: Ref[ExecuteTool]
    waiting: list[Reply[CallOutcome]]
    ending: bool = False
    over: anyio.Event = attrs.field(factory=anyio.Event)


@attrs.frozen
class _CallOver(Message):
    """A child has answered, or died of ``error``."""

    call_id: CallId
    outcome: CallOutcome | None
    error: Any = shared(default=None)  # noqa: RUF009  # it makes an attrs field


@attrs.frozen
class _CallsOver(Message):
    """All calls that were told to end are over."""

    asked: EndCalls
    to: Reply[tuple[EndedCall, ...]]


class ToolExecutor(
    Actor[ExecuteTool | Settle | EndCalls | _CallOver | _CallsOver], restart="permanent", shutdown=10.0
):
    """Admits calls and remembers their outcomes.

    A call's id decides: one that is under way is joined, one that has ended and was not settled is answered
    again, any other is carried out by a child of its own. Outcomes without a result, of calls that wait for a
    person, are not remembered: the person's word comes with the next request. A call that was cut off is
    remembered as that: who ended it learns of it, who asks for it is refused.

    Args:
        sandboxes: Who runs commands and reaches files.
        ledger: Where calls record their intent.
        toolbox: The installed tools.
        nodes: Selects the decision nodes of an organization.
        clock: Says whether an approval has expired.
    """

    def __init__(
        self, sandboxes: SandboxRef, ledger: Ledger, toolbox: Toolbox, nodes: NodesOf, clock: Clock
    ) -> None:
        self._tools = CallTools(sandboxes=sandboxes, ledger=ledger, toolbox=toolbox, nodes=nodes, clock=clock)
        self._live: dict[CallId, _Live] = {}
        self._ended: dict[CallId, tuple[ExecuteTool, CallOutcome | None]] = {}
        self._lost: dict[CallId, int] = {}
        self._started = 0

    @on(ExecuteTool)
    async def execute(self, m: ExecuteTool) -> CallOutcome | Reply[CallOutcome]:
        """Answer from memory, join, or start a child."""
        known, live = self._ended.get(m.call.id), self._live.get(m.call.id)
        if m.noted and (known or live):
            raise OtherAttempt(f"call {m.call.id} is known already: look at the ledger")
        if known is not None:
            if known[1] is None:
                raise _refusal(m.call.id)
            return known[1]
        if live is None and m.attempts <= self._lost.pop(m.call.id, -1):
            # Who asks may have read the ledger before the attempt that was lost was recorded there.
            raise OtherAttempt(f"call {m.call.id} was begun and lost: look at the ledger")
        if live is None and len(self._live) >= LIVE_MAX:
            raise ExecutorBusy(f"{LIVE_MAX} calls are under way already")
        if live is not None and (live.ending or len(live.waiting) >= WAITING_MAX):
            raise ExecutorBusy(f"call {m.call.id} is being ended, or too many wait for it")
        to = self.ctx.defer(m)
        if live is None:
            self._start(m, to)
        else:
            live.waiting.append(to)
        return to

    @on(Settle)
    async def settle(self, m: Settle) -> None:
        """Forget an outcome."""
        self._ended.pop(m.call_id, None)

    @on(EndCalls)
    async def end_calls(self, m: EndCalls) -> Reply[tuple[EndedCall, ...]]:
        """End a run's or a card's calls; answered when they are gone."""
        to = self.ctx.defer(m)
        calls = [live for live in self._live.values() if m.names(live.asked.call)]

        async def act() -> _CallsOver:
            with anyio.move_on_after(m.grace_s):
                for live in calls:
                    await live.over.wait()
            async with anyio.create_task_group() as group:
                for live in calls:
                    group.start_soon(self._end, live)
            return _CallsOver(m, to)

        self.ctx.pipe(act, lambda over: over)
        return to

    @on(_CallsOver)
    async def _calls_over(self, m: _CallsOver) -> None:
        m.to.reply(
            tuple(
                EndedCall(call_id=key, card_id=asked.call.card_id, result=result, tool=asked.call.tool)
                for key, (asked, outcome) in self._ended.items()
                if m.asked.names(asked.call)
                if (result := _CANCELED if outcome is None else outcome.result) is not None
            )
        )

    @on(_CallOver)
    async def _call_over(self, m: _CallOver) -> None:
        live = self._live.pop(m.call_id)
        outcome, error = m.outcome, m.error
        if outcome is None and live.ending:
            self._remember(live.asked, None)
            error = _refusal(m.call_id)
        elif outcome is None:
            self._lose(live.asked)
        elif outcome.result is not None:
            self._remember(live.asked, outcome)
        for to in live.waiting:
            if outcome is not None:
                to.reply(outcome)
            else:
                to.fail(error)
        live.over.set()

    def _remember(self, asked: ExecuteTool, outcome: CallOutcome | None) -> None:
        """Keep an outcome until it is settled; the oldest go first, and are then in doubt, which is safe."""
        while len(self._ended) >= UNSETTLED_MAX:
            del self._ended[next(iter(self._ended))]
        self._ended[asked.call.id] = asked, outcome

    def _lose(self, asked: ExecuteTool) -> None:
        """Keep in mind which attempt may be on the ledger by now; the oldest go first."""
        while len(self._lost) >= UNSETTLED_MAX:
            del self._lost[next(iter(self._lost))]
        self._lost[asked.call.id] = asked.attempts

    def _start(self, m: ExecuteTool, to: Reply[CallOutcome]) -> None:
        self._started += 1
        named = self.ctx.named(f"{sanitise(m.call.id)}-{self._started}")
        child = named.spawn(ToolCallActor, self._tools)
        self._live[m.call.id] = _Live(asked=m, child=child, waiting=[to])

        async def carry() -> _CallOver:
            try:
                return _CallOver(m.call.id, await child.ask(m))
            except ActorsError as error:
                return _CallOver(m.call.id, None, error)

        self.ctx.pipe(carry, lambda over: over)

    async def _end(self, live: _Live) -> None:
        """Stop a child, so that nothing new begins, then what it has begun."""
        if live.over.is_set():
            return
        live.ending = True
        await self.ctx.stop_child(live.child)
        call = live.asked.call
        await self._tools.sandboxes.ask(EndCommand(run_id=call.run_id, call_id=call.id))
        await live.over.wait()


def _refusal(call_id: CallId) -> CallEnded:
    return CallEnded(f"call {call_id} was cut off, its run was stopped: look at the ledger")
