"""One run: scans the card graph, hands cards to workers, and tells the truth at the end.

The run owns its cards. Its state is the fold of its events: after every assignment it reads what is new on
the ledger, so a worker that crashed and one that finished are understood in the same way.
"""

from __future__ import annotations

import attrs

from actors import Actor, Message, Ref, on
from orket.decision_nodes.decisions import PlanInput
from orket.domain import events as e
from orket.domain.assets import Epic
from orket.domain.budgets import exceeded
from orket.domain.cards import Card, WaitReason
from orket.domain.graph import hopeless
from orket.domain.identifiers import CardId, RunId, sanitise
from orket.domain.runs import RunState, RunStatus
from orket.domain.sandboxes import SandboxSpec
from orket.orchestration.assignment import CardWorker, WorkOnCard
from orket.orchestration.desk import Desk
from orket.orchestration.notebook import CardFile
from orket.orchestration.recovery import advance_parents, block
from orket.services.sandbox_messages import CloseSandbox

FAULT_DELAY_S = 0.1
PAGE = 1000


@attrs.frozen
class Scan(Message):
    """Look at the cards again and go on."""


@attrs.frozen(kw_only=True)
class WorkEnded(Message):
    """An assignment is over; ``error`` says what the worker died of, if it did."""

    card_id: CardId
    error: str = ""


class RunActor(Actor[Scan | WorkEnded]):
    """Drives one run from wherever its ledger ends to its end; may wait, stops when nothing is left."""

    def __init__(self, desk: Desk, run_id: RunId) -> None:
        self._desk, self._run_id = desk, run_id
        self._state = RunState(run_id=run_id)
        self._busy: dict[CardId, Ref[WorkOnCard]] = {}

    async def on_start(self) -> None:
        """Fold the ledger and begin."""
        await self._catch_up()
        if self._state.accepted is None or self._state.status is not RunStatus.RUNNING:
            self.ctx.stop()
            return
        accepted = self._state.accepted
        self._workload = accepted.workload
        house = accepted.workload.organization
        self._nodes = self._desk.nodes(house)
        self._limits = self._nodes.orchestration_loop.limits(house, accepted.parallel)
        self._sandbox = SandboxSpec(
            run_id=self._run_id,
            workspace=accepted.workspace,
            levels=self._nodes.sandbox_policy.levels(house),
            limits=self._nodes.sandbox_policy.limits(house),
        )
        self.ctx.self.tell(Scan())

    @on(Scan)
    async def scan(self, m: Scan) -> None:
        """Start what can be started; with nothing under way and nothing to start, come to an end."""
        if self._state.status is not RunStatus.RUNNING:
            return
        await self._record(*self._block_hopeless())
        if (over := self._over_budget()) is not None:
            if not self._busy:
                await self._record(e.RunPaused(by="budget", reason=over))
                self.ctx.stop()
            return
        for card_id in self._choose():
            self._start(card_id)
        if not self._busy:
            await self._end()

    @on(WorkEnded)
    async def work_ended(self, m: WorkEnded) -> None:
        """Take note of a finished assignment and scan again; after a fault a little later."""
        worker = self._busy.pop(m.card_id)
        await self.ctx.stop_child(worker)
        await self._catch_up()
        if not m.error:
            await self._record(*advance_parents(self._copy()))
            self.ctx.self.tell(Scan())
            return
        await self._record(e.CardFaulted(card_id=m.card_id, error=m.error))
        faults, card = self._state.faults[m.card_id], self._state.cards[m.card_id]
        if faults >= self._limits.faults_per_card_max:
            await self._record(*block(card, WaitReason.SYSTEM, f"{faults} faults in a row; last: {m.error}"))
        self.ctx.after(FAULT_DELAY_S * 2 ** (faults - 1), Scan(), key=m.card_id)

    async def _catch_up(self) -> None:
        while page := await self._desk.ledger.read(self._run_id, after=self._state.last_seq, limit=PAGE):
            for recorded in page:
                self._state.apply_recorded(recorded)

    async def _record(self, *events: e.Event) -> None:
        if events:
            await self._desk.ledger.append(self._run_id, events)
            await self._catch_up()

    def _copy(self) -> RunState:
        return attrs.evolve(self._state, cards=dict(self._state.cards))

    def _block_hopeless(self) -> tuple[e.Event, ...]:
        """Block every card that waits for one that will never be done, and whoever waits for it in turn."""
        state, found = self._copy(), list[e.Event]()
        held = {call.call.card_id for call in state.waiting_calls()}
        while lost := hopeless(state.issues, held):
            for card, reason in lost:
                for event in block(card, WaitReason.DEPENDENCY, reason):
                    state.apply(event)
                    found.append(event)
        return tuple(found)

    def _over_budget(self) -> str | None:
        accepted = self._state.accepted
        return None if accepted is None else exceeded(accepted.budget, self._state.spent)

    def _choose(self) -> tuple[CardId, ...]:
        """Ask the planner about the first epic in which something can move; take as many as fit."""
        room = self._limits.parallel - len(self._busy)
        for epic in self._workload.epics:
            cards = self._cards_of(epic)
            busy = frozenset(self._busy)
            given = PlanInput(cards=cards, busy=busy, only=self._workload.only)
            chosen = tuple(one for one in self._nodes.planner.plan(given) if one not in busy)
            if chosen or busy & cards.keys():
                return chosen[:room]
        return ()

    def _cards_of(self, epic: Epic) -> dict[CardId, Card]:
        return {key: card for key, card in self._state.issues.items() if card.parent_id == epic.card.id}

    def _start(self, card_id: CardId) -> None:
        card = self._state.cards[card_id]
        name = f"{sanitise(card_id)}-{self._state.last_seq}"
        named = self.ctx.named(name, restart="temporary", shutdown=0)
        worker = named.spawn(CardWorker, self._desk, self._nodes, self._limits, self._sandbox)
        self._busy[card_id] = worker
        work = WorkOnCard(
            file=CardFile.of(self._state, card_id),
            review=self._nodes.orchestration_loop.is_review(card.status),
        )
        self.ctx.pipe(
            worker.ask(work),
            lambda _: WorkEnded(card_id=card_id),
            lambda error: WorkEnded(card_id=card_id, error=_describe(error)),
        )

    async def _end(self) -> None:
        """Nothing is under way and nothing can start: park for a person, or finish."""
        if waiting := self._state.waiting_calls():
            await self._record(e.RunParked(calls=tuple(call.call.id for call in waiting)))
        else:
            end = self._nodes.orchestration_loop.conclude(self._state.issues, self._workload.only)
            await self._record(e.RunFinished(status=end.status, reason=end.reason))
            await self._desk.sandboxes.ask(CloseSandbox(run_id=self._run_id))
        self.ctx.stop()


def _describe(error: BaseException) -> str:
    """Name the original failure, not the envelope it came in."""
    origin = error.__cause__ or error
    return f"{type(origin).__name__}: {origin}"
