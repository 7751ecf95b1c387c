"""Replaying a recorded run: no model is asked, nothing acts, and every decision is made anew.

The run is driven by the same actors over a ledger in memory. The model gives the recorded replies, the tools
give the recorded results (after the gate has judged again), verifications and people say what they said.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator, Callable, Iterable, Mapping, Sequence
from contextlib import aclosing, asynccontextmanager
from itertools import takewhile
from typing import Any

import attrs

from actors import ActorSystem
from orket.decision_nodes.registry import Nodes
from orket.domain import events as e
from orket.domain.assets import Organization, Workload
from orket.domain.cards import Card
from orket.domain.errors import ModelError, ToolError
from orket.domain.identifiers import CallId, CardId, RunId
from orket.domain.memory import Memory
from orket.domain.models import ModelChunk, ModelRequest, ReplyCompleted
from orket.domain.ports import Clock, Ledger
from orket.domain.replay import Difference, first_difference
from orket.domain.runs import RunState, RunStatus
from orket.domain.sandboxes import SandboxSpec
from orket.domain.seat_notes import Note
from orket.domain.state_machine import SYSTEM
from orket.domain.tools import HumanVerdict, ToolResult
from orket.domain.verification import Verification, VerificationResult, all_failed
from orket.orchestration import control
from orket.orchestration.desk import Desk
from orket.orchestration.inbox import Mail
from orket.orchestration.messages import DecideCall, ResumeRun
from orket.orchestration.run import RunActor
from orket.services.sandbox_orchestrator import SandboxOrchestrator
from orket.services.tool_executor import ToolExecutor
from orket.services.tools.tool import Tool, ToolContext
from orket.services.tools.toolbox import Toolbox
from orket.services.tools.workbench import Workbench

NOT_RECORDED = "not_recorded"


@attrs.frozen(kw_only=True)
class ReplayReport:
    """What came of a replay: how many recorded events there were, and where it first left them, if it did."""

    run_id: RunId
    events: int
    difference: Difference | None


@attrs.define
class Record:
    """What a recorded run tells about the world: replies, results, verdicts, in the order of their use."""

    replies: dict[tuple[CardId, int], e.ModelReplied | e.ModelFailed] = attrs.field(factory=dict)
    results: dict[CallId, ToolResult] = attrs.field(factory=dict)
    verdicts: dict[CallId, list[e.ToolCallDecided]] = attrs.field(factory=dict)
    verifications: dict[CardId, list[VerificationResult]] = attrs.field(factory=dict)
    received: dict[tuple[CardId, int], tuple[Note, ...]] = attrs.field(factory=dict)
    recalled: dict[tuple[CardId, int], tuple[Memory, ...]] = attrs.field(factory=dict)
    resumes: int = 0

    @classmethod
    def of(cls, recorded: Iterable[e.Recorded]) -> Record:
        """Collect it from the events."""
        found = cls()
        for one in recorded:
            match one.event:
                case e.ModelReplied(card_id=card, turn=turn):
                    found.replies[card, turn] = one.event
                case e.ModelFailed(card_id=card, turn=turn):
                    # After a reply it says why that could not be used, which will be found again.
                    found.replies.setdefault((card, turn), one.event)
                case e.ToolCallFinished(call_id=call, result=result):
                    found.results[call] = result
                case e.ToolCallDecided(call_id=call):
                    found.verdicts.setdefault(call, []).append(one.event)
                case e.VerificationFinished(card_id=card, result=verdict):
                    found.verifications.setdefault(card, []).append(verdict)
                case e.NotesReceived(card_id=card, turn=turn, notes=notes):
                    found.received[card, turn] = notes
                case e.MemoriesRecalled(card_id=card, turn=turn, memories=memories):
                    found.recalled[card, turn] = memories
                case e.RunResumed(by=by) if by != SYSTEM:
                    found.resumes += 1
                case _:
                    pass
        return found

    @asynccontextmanager
    async def stream(self, request: ModelRequest) -> AsyncIterator[AsyncIterator[ModelChunk]]:
        """Answer as the recorded model did; this is the whole ``ModelClient``.

        Raises:
            ModelError: As recorded; ``not_recorded`` for a turn that the record does not have.
        """
        match self.replies.get((request.card, request.turn)):
            case e.ModelReplied(reply=reply):
                async with aclosing(_one(ReplyCompleted(reply))) as chunks:
                    yield chunks
            case e.ModelFailed(error=error, code=code, spent=spent):
                usage = (spent.usage.input_tokens, spent.usage.output_tokens)
                raise ModelError(error, code=code, retryable=False, usage=usage, elsewhere=False)
            case None:
                text = f"turn {request.turn} of {request.card} is not on the record"
                raise ModelError(text, code=NOT_RECORDED, retryable=False)

    async def notes(self, mail: Mail, card: Card, seat: str, turn: int, *, after: int) -> tuple[Note, ...]:
        """Hand out the notes that reached the card with this turn."""
        return self.received.get((card.id, turn), ())

    async def recall(
        self, workload: Workload, card: Card, turn: int, known: tuple[Memory, ...]
    ) -> tuple[Memory, ...]:
        """Tell what the memory told then; this and ``notes`` are the whole ``Inbox``."""
        return self.recalled.get((card.id, turn), known)

    async def effect(self, arguments: Any, context: ToolContext, workbench: Workbench) -> ToolResult:
        """Give a call's recorded result in place of acting; this is the effect of every replayed tool."""
        if (result := self.results.get(context.call.id)) is None:
            raise ToolError(f"call {context.call.id} is not on the record", code=NOT_RECORDED)
        return result

    async def verify(
        self, verification: Verification, spec: SandboxSpec, call_id: CallId
    ) -> VerificationResult:
        """Give the recorded verdicts of a card, one after the other."""
        card = CardId(call_id.split("/")[1])
        said = self.verifications.get(card, [])
        return said.pop(0) if said else all_failed(verification, "this verification is not on the record")


async def _one(chunk: ModelChunk) -> AsyncGenerator[ModelChunk, None]:
    yield chunk


def replayed_tools(installed: Toolbox, record: Record) -> Mapping[str, Tool[Any]]:
    """The installed tools with their declarations and arguments, and the recorded results for effects."""
    return {name: attrs.evolve(tool, effect=record.effect, propose=None) for name, tool in installed.items()}


async def replay(
    nodes: Callable[[Organization], Nodes],
    ledger: Ledger,
    installed: Toolbox,
    recorded: Sequence[e.Recorded],
    clock: Clock,
) -> ReplayReport:
    """Drive a recorded run again and compare.

    Args:
        nodes: Selects the decision nodes of an organization.
        ledger: An empty ledger for the replay's own events.
        installed: The installed tools.
        recorded: All events of the run, from its first.
        clock: Dates the approvals that are given again.
    """
    run_id, record = recorded[0].run_id, Record.of(recorded)
    tools = replayed_tools(installed, record)
    async with ActorSystem("replay", shutdown=5) as system:
        sandboxes = system.named("sandboxes").spawn(SandboxOrchestrator, (), ledger)
        executor = system.named("executor").spawn(ToolExecutor, sandboxes, ledger, tools, nodes, clock)
        desk = Desk(
            ledger=ledger,
            clock=clock,
            executor=executor,
            sandboxes=sandboxes,
            nodes=nodes,
            model=lambda name, nodes: record,
            verify=record.verify,
            inbox=record,
            toolbox=tools,
        )
        await ledger.append(run_id, _beginning(recorded))
        await _drive(system, desk, record, run_id)
    found = await _read(ledger, run_id)
    return ReplayReport(run_id=run_id, events=len(recorded), difference=first_difference(recorded, found))


def _beginning(recorded: Sequence[e.Recorded]) -> list[e.Event]:
    """The run as it was accepted, or forked: everything before anything else happened."""
    events: list[e.Event] = []
    first = recorded[0].event
    if isinstance(first, e.RunAccepted) and first.forked_from:
        taken = (one.event for one in recorded)
        return list(takewhile(lambda event: not isinstance(event, e.RunPaused), taken))
    for one in recorded:
        if not isinstance(one.event, e.RunAccepted | e.CardAdded):
            break
        events.append(one.event)
    return events


async def _drive(system: ActorSystem, desk: Desk, record: Record, run_id: RunId) -> None:
    """Run to the end, with the pauses and the waiting for people that the record has an answer to."""
    while True:
        child = system.spawn(RunActor, desk, run_id)
        state = await _settled(desk.ledger, run_id)
        await system.stop_actor(child)
        if state.status is RunStatus.PAUSED and record.resumes:
            record.resumes -= 1
            await control.resume(desk, ResumeRun(run_id=run_id, by="replay"))
        elif not await _decide(desk, record, state):
            return


async def _decide(desk: Desk, record: Record, state: RunState) -> bool:
    """Say about every waiting call what was said then; tell whether anything was."""
    said = False
    for call in state.waiting_calls():
        if verdicts := record.verdicts.get(call.call.id):
            verdict = verdicts.pop(0).verdict
            # A doubt that was settled then is none now: the replayed call only waits for its approval.
            approved = verdict is not HumanVerdict.DENY
            await control.decide(
                desk,
                DecideCall(
                    run_id=state.run_id,
                    call_id=call.call.id,
                    verdict=HumanVerdict.APPROVE if approved else HumanVerdict.DENY,
                    by="replay",
                ),
            )
            said = True
    return said


async def _settled(ledger: Ledger, run_id: RunId) -> RunState:
    newest = 0
    while True:
        state = await control.fold(ledger, run_id)
        if state.status is not RunStatus.RUNNING:
            return state
        newest = await ledger.wait(max(newest, state.last_seq))


async def _read(ledger: Ledger, run_id: RunId) -> list[e.Recorded]:
    found: list[e.Recorded] = []
    while page := await ledger.read(run_id, after=found[-1].seq if found else 0):
        found.extend(page)
    return found
