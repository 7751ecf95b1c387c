"""One tool call: judged, recorded, carried out."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import datetime
from typing import Any

import anyio
import attrs

from actors import Actor, Ref, on
from orket.decision_nodes.decisions import RecoveryAction
from orket.domain.approvals import Approval, bind, void
from orket.domain.assets import Organization
from orket.domain.errors import SandboxError, ToolError
from orket.domain.events import Event, ToolCallIntended
from orket.domain.ports import Clock, Ledger
from orket.domain.tools import (
    Finding,
    GateDecision,
    HumanVerdict,
    Recovered,
    Recovery,
    ToolResult,
    ToolSpec,
    Verdict,
    failed,
)
from orket.services.judging import MESSAGE_CHARS_MAX, VOID_APPROVAL, CallNodes, Judge, denied, refused
from orket.services.sandbox_messages import EndCommand, ListFolder, ReadFile, RunInSandbox, WriteFile
from orket.services.tool_messages import CallOutcome, ExecuteTool
from orket.services.tools import recovering
from orket.services.tools.tool import Probed, Tool, ToolContext, bounded, done
from orket.services.tools.toolbox import Toolbox
from orket.services.tools.workbench import Workbench

SandboxRef = Ref[RunInSandbox | ReadFile | WriteFile | ListFolder | EndCommand]


NodesOf = Callable[[Organization], CallNodes]


@attrs.frozen(kw_only=True)
class CallTools:
    """What every call needs at hand, the same for all of them."""

    sandboxes: SandboxRef
    ledger: Ledger
    toolbox: Toolbox
    nodes: NodesOf
    clock: Clock


class ToolCallActor(Actor[ExecuteTool], restart="temporary", shutdown=0.0):
    """Carries out one call, and may wait for it.

    A node or tool that raises what is not its to raise crashes this actor and nobody else; the asker gets
    ``Crashed``, and the call is in doubt if its intent was recorded.
    """

    def __init__(self, tools: CallTools) -> None:
        self._tools = tools
        self._noted: tuple[Event, ...] = ()

    @on(ExecuteTool)
    async def execute(self, m: ExecuteTool) -> CallOutcome:
        """Judge, record, act, answer; this actor is then done, and gone without being told.

        Raises:
            StoreError: The intent could not be recorded; nothing acted. (It crashes this actor.)
        """
        self._noted = m.noted
        try:
            outcome = await self._carry_out(m)
        finally:
            if self._noted:  # a node that raises does not take along what the asker has to record
                await self._tools.ledger.append(m.call.run_id, self._noted)
        self.ctx.stop()
        return outcome

    async def _carry_out(self, m: ExecuteTool) -> CallOutcome:
        judge = Judge(self._tools.toolbox, self._tools.nodes(m.context.organization))
        spec, decision = judge.declaration(m.call.tool, m.context), judge.judge(m.call, m.context)
        if (said := _said_by_person(m)) is not None:
            return CallOutcome(call_id=m.call.id, decision=decision, result=said)
        if m.verdict is HumanVerdict.APPROVE and decision.verdict is Verdict.ASK:
            decision = _approved(m, decision, self._tools.clock.now())
        recovered: Recovered | None = None
        if m.attempts and decision.verdict is not Verdict.DENY:
            found = await self._recover(m, decision, spec)
            if isinstance(found, CallOutcome):
                return found
            recovered = found
        await self._record(m, decision, spec, recovered)
        if decision.verdict is not Verdict.ALLOW:
            unseen = m.attempts > 0 and m.verdict is None
            result = None if decision.verdict is Verdict.ASK else denied(decision, may_have_acted=unseen)
            return CallOutcome(call_id=m.call.id, decision=decision, result=result)
        if problem := await self._undo(m, recovered):
            return CallOutcome(call_id=m.call.id, decision=decision, doubt=_doubt(m, problem))
        return CallOutcome(call_id=m.call.id, decision=decision, result=await self._act(m))

    async def _recover(
        self, m: ExecuteTool, decision: GateDecision, spec: ToolSpec | None
    ) -> Recovered | CallOutcome | None:
        """Find out what entitles a call that was intended before to another attempt.

        Returns:
            That, or None after an approval, which settles an intent that asked and never acted; or the
            outcome, when the probe saw that the call has acted, or a person must say what became of it.
        """
        if m.verdict is HumanVerdict.DID_NOT_HAPPEN:
            return Recovered(by="person", finding=Finding.DID_NOT_HAPPEN, evidence="a person said so")
        if m.verdict is not None or spec is None:
            return None
        node = self._tools.nodes(m.context.organization).recovery
        action = node.recover(spec, spec.recovery, m.attempts)
        if action is RecoveryAction.RUN_AGAIN:
            return Recovered(by=Recovery.IDEMPOTENT, evidence="another attempt does no harm")
        if action is RecoveryAction.COMPENSATE:
            return Recovered(by=Recovery.COMPENSATE, evidence="this attempt begins by undoing those before")
        await self._hush(m)
        if action is RecoveryAction.PROBE:
            seen = await self._probe(m)
            if seen.finding is Finding.DID_NOT_HAPPEN:
                return Recovered(by=Recovery.PROBE, finding=seen.finding, evidence=seen.evidence)
            if seen.finding is Finding.HAPPENED:
                message = "confirmed by the tool's probe: this call has acted; its own answer was lost"
                result = done(message=message, evidence=seen.evidence)
                return CallOutcome(call_id=m.call.id, decision=decision, result=result)
            doubt = _doubt(m, seen.evidence)
        else:
            doubt = _doubt(m, f"declared recovery: {spec.recovery}; decided: {action}")
        return CallOutcome(call_id=m.call.id, decision=decision, doubt=doubt)

    async def _probe(self, m: ExecuteTool) -> Probed:
        with self._acting(m):
            return await recovering.probe(*self._at_bench(m))

    async def _hush(self, m: ExecuteTool) -> None:
        """Return when nothing of an earlier attempt is under way any more, so that looking is worth it.

        Commands of this engine are ended; a sandbox opens only after those of one that died have ended.
        """
        await self._tools.sandboxes.ask(_end_of(m))
        _, _, bench = self._at_bench(m)
        with suppress(ToolError, SandboxError):  # whoever looks next will meet it too
            await bench.entries(".")

    async def _undo(self, m: ExecuteTool, recovered: Recovered | None) -> str:
        """Undo earlier attempts if that was recorded as the beginning of this one; say what went wrong."""
        if recovered is None or recovered.by != Recovery.COMPENSATE:
            return ""
        await self._hush(m)
        with self._acting(m):
            return await recovering.compensate(*self._at_bench(m))

    async def _record(
        self, m: ExecuteTool, decision: GateDecision, spec: ToolSpec | None, recovered: Recovered | None
    ) -> None:
        intended = ToolCallIntended(
            call=m.call,
            decision=decision,
            recovery=spec.recovery if spec is not None else Recovery.ASK_HUMAN,
            attempt=m.attempts + 1,
            recovered=recovered,
        )
        noted, self._noted = self._noted, ()
        await self._tools.ledger.append(m.call.run_id, [*noted, intended])

    async def _act(self, m: ExecuteTool) -> ToolResult:
        started = anyio.current_time()
        with self._acting(m):
            result = await self._run(m)
        duration_ms = round((anyio.current_time() - started) * 1000)
        return result if result.duration_ms else attrs.evolve(result, duration_ms=duration_ms)

    async def _run(self, m: ExecuteTool) -> ToolResult:
        try:
            if m.attempts:  # an earlier attempt may still be at it: nobody has waited for its end
                await self._tools.sandboxes.ask(_end_of(m))
            tool, context, bench = self._at_bench(m)
            return await tool.run(m.call.arguments_json, context, bench)
        except ToolError as error:
            return refused(error)
        except SandboxError as error:
            return failed(
                bounded(error.detail, MESSAGE_CHARS_MAX),
                code="infrastructure",
                hint="the sandbox failed, not your call; repeating it will not help",
            )

    @contextmanager
    def _acting(self, m: ExecuteTool) -> Iterator[None]:
        """A call that is cut off, by whatever, takes its command with it."""
        ended = False
        try:
            yield
            ended = True
        finally:
            if not ended:
                self._tools.sandboxes.tell(_end_of(m))

    def _at_bench(self, m: ExecuteTool) -> tuple[Tool[Any], ToolContext, Workbench]:
        bench = Workbench(
            sandboxes=self._tools.sandboxes,
            spec=m.context.sandbox,
            call_id=m.call.id,
            memory=self._tools.ledger,
        )
        return self._tools.toolbox[m.call.tool], ToolContext(call=m.call, given=m.context), bench


def _doubt(m: ExecuteTool, why: str) -> str:
    """Say why a person must decide about the attempts before."""
    return f"{m.call.tool} was started {m.attempts} time(s) and may or may not have acted ({why})"


def _end_of(m: ExecuteTool) -> EndCommand:
    return EndCommand(run_id=m.call.run_id, call_id=m.call.id)


def _said_by_person(m: ExecuteTool) -> ToolResult | None:
    if m.verdict is HumanVerdict.DENY:
        return failed("a person denied this call", code="denied", hint="find another way, or ask why")
    if m.verdict is HumanVerdict.HAPPENED:
        return done(message="confirmed by a person: this call has acted; its own answer was lost")
    return None


def _approved(m: ExecuteTool, asked: GateDecision, now: datetime) -> GateDecision:
    """A person's approval: it allows one attempt of what was approved, and says so on the ledger."""
    binding = bind(m.call, asked.policy_version, m.context.card)
    if why := void(m.approval or Approval(), binding, m.attempts + 1, now):
        told = f"the approval does not hold: {why}"
        return attrs.evolve(asked, verdict=Verdict.DENY, rule=VOID_APPROVAL, reason=told)
    return attrs.evolve(
        asked, verdict=Verdict.ALLOW, reason=f"approved by a person; {asked.rule} asked: {asked.reason}"
    )
