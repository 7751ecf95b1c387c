"""One run: scans the card graph, hands cards to workers, and tells the truth at the end.

The run owns its cards. Its state is the fold of its events: after every assignment it reads what is new on
the ledger, so a worker that crashed and one that finished are understood in the same way.
"""

from __future__ import annotations

import attrs

from actors import Actor, Crashed, Message, Ref, on
from orket.decision_nodes.decisions import PlanInput
from orket.domain import events as e
from orket.domain.assets import Epic
from orket.domain.budgets import Budget
from orket.domain.cards import Card
from orket.domain.identifiers import CallId, CardId, RunId, sanitise
from orket.domain.runs import RunState, RunStatus
from orket.domain.state_machine import SYSTEM
from orket.orchestration.admission import sandbox_spec
from orket.orchestration.assignment import CardWorker, WorkOnCard
from orket.orchestration.desk import Desk
from orket.orchestration.notebook import CardFile
from orket.orchestration.purse import Purse
from orket.orchestration.recovery import (
    advance_parents,
    answered,
    begin_parents,
    blame,
    block_hopeless,
    lost_patience,
    open_calls,
    receipts,
)
from orket.services.sandbox_messages import CloseSandbox
from orket.services.tool_messages import EndCalls, Settle

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


@attrs.frozen(kw_only=True)
class Rested(Message):
    """A card whose worker died may be tried again."""

    card_id: CardId


class RunActor(Actor[Scan | WorkEnded | Rested]):
    """Drives one run from wherever its ledger ends to its end; may wait, stops when nothing is left."""

    def __init__(self, desk: Desk, run_id: RunId) -> None:
        self._desk, self._run_id = desk, run_id
        self._state = RunState(run_id=run_id)
        self._busy: dict[CardId, Ref[WorkOnCard]] = {}
        self._resting: set[CardId] = set()
        self._faulted: list[e.CardFaulted] = []
        self._scan_due = False
        self._purse = Purse()
        self._put_down: set[CardId] = set()

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
        self._sandbox = sandbox_spec(self._nodes, self._run_id, accepted)
        self._look_again()

    def _look_again(self) -> None:
        """Have the cards scanned once, however many assignments end before that."""
        if not self._scan_due:
            self._scan_due = True
            self.ctx.self.tell(Scan())

    @on(WorkEnded)
    async def work_ended(self, m: WorkEnded) -> None:
        """Take note of a finished assignment; after a fault its card rests a little."""
        await self.ctx.stop_child(self._busy.pop(m.card_id))
        self._purse.give_back(m.card_id)
        self._put_down.add(m.card_id)
        if m.error:
            self._faulted.append(e.CardFaulted(card_id=m.card_id, error=m.error))
            self._resting.add(m.card_id)
            delay_s = FAULT_DELAY_S * 2 ** self._state.faults.get(m.card_id, 0)
            self.ctx.after(delay_s, Rested(card_id=m.card_id), key=m.card_id)
        self._look_again()

    @on(Rested)
    async def rested(self, m: Rested) -> None:
        """Let a card be chosen again."""
        self._resting.discard(m.card_id)
        self._look_again()

    @on(Scan)
    async def scan(self, m: Scan) -> None:
        """Start what can be started; with nothing under way and nothing to start, come to an end."""
        self._scan_due = False
        await self._catch_up()
        self._let_go()
        if self._state.status is not RunStatus.RUNNING:
            return
        await self._end_lost()
        await self._record(*self._bookkeeping())
        granted = self._grant(self._choose())
        if granted:
            await self._record(*begin_parents(self._state, granted))
        for card_id, grant in granted.items():
            self._start(card_id, grant)
        if not self._busy and not self._resting:
            await self._end()

    async def _catch_up(self) -> None:
        while page := await self._desk.ledger.read(self._run_id, after=self._state.last_seq, limit=PAGE):
            for recorded in page:
                self._state.apply_recorded(recorded)

    def _let_go(self) -> None:
        """Forget the conversations of cards that have ended: nobody goes on with them, and they take most."""
        for card_id in self._put_down:
            if self._state.cards[card_id].is_final:
                self._state.turns.let_go(card_id)
        self._put_down.clear()

    async def _record(self, *events: e.Event) -> None:
        if events:
            await self._desk.ledger.append(self._run_id, events)
            await self._catch_up()

    async def _end_lost(self) -> None:
        """End what cards have under way that are about to be given up, and record what came of it."""
        for card_id in lost_patience(self._state, self._faulted, self._limits.faults_per_card_max):
            ended = await self._desk.executor.ask(EndCalls(run_id=self._run_id, card_id=card_id))
            await self._record(*receipts(open_calls(self._state, card_id), ended))
            for one in ended:
                self._desk.executor.tell(Settle(call_id=one.call_id))

    def _bookkeeping(self) -> tuple[e.Event, ...]:
        """Write what follows from the events by law: faults, parents that move along, cards without hope."""
        state = attrs.evolve(
            self._state,
            cards=dict(self._state.cards),
            faults=dict(self._state.faults),
            verifications=dict(self._state.verifications),
            sent_back=dict(self._state.sent_back),
        )
        faulted, self._faulted = self._faulted, []
        return (
            *(event for fault in faulted for event in blame(state, fault, self._limits.faults_per_card_max)),
            *_folded(state, answered(state)),
            *block_hopeless(state),
            *advance_parents(state),
        )

    def _grant(self, chosen: tuple[CardId, ...]) -> dict[CardId, Budget]:
        """Share what the budgets have left among the chosen cards; those that get nothing wait."""
        self._purse.shortage = None
        granted: dict[CardId, Budget] = {}
        for number, card_id in enumerate(chosen):
            if (grant := self._purse.take(self._state, card_id, len(chosen) - number)) is not None:
                granted[card_id] = grant
        return granted

    def _choose(self) -> tuple[CardId, ...]:
        """Ask the planner about the first epic in which something can move; take as many as fit."""
        room = max(0, self._limits.parallel - len(self._busy))
        for epic in self._workload.epics:
            cards = self._cards_of(epic)
            busy = frozenset(self._busy) | self._resting
            given = PlanInput(cards=cards, busy=busy, only=self._workload.only)
            chosen = tuple(one for one in self._nodes.planner.plan(given) if one not in busy)
            if chosen or busy & cards.keys():
                return chosen[:room]
        return ()

    def _cards_of(self, epic: Epic) -> dict[CardId, Card]:
        return {key: card for key, card in self._state.issues.items() if card.parent_id == epic.card.id}

    def _start(self, card_id: CardId, grant: Budget) -> None:
        card = self._state.cards[card_id]
        name = f"{sanitise(card_id)}-{self._state.last_seq}"
        named = self.ctx.named(name, restart="temporary", shutdown=0)
        worker = named.spawn(CardWorker, self._desk, self._nodes, self._limits, self._sandbox)
        self._busy[card_id] = worker
        work = WorkOnCard(
            file=CardFile.of(self._state, card_id),
            review=self._nodes.orchestration_loop.is_review(card.status),
            grant=grant,
        )
        self.ctx.pipe(
            worker.ask(work),
            lambda _: WorkEnded(card_id=card_id),
            lambda error: WorkEnded(card_id=card_id, error=_describe(error)),
        )

    async def _end(self) -> None:
        """Nothing is under way and nothing can start: pause for want of budget, park, or finish."""
        if (short := self._purse.shortage) is not None:
            await self._record(e.RunPaused(by="budget", reason=str(short)))
        elif waiting := self._state.waiting_calls():
            if not await self._park(tuple(call.call.id for call in waiting)):
                return
        else:
            end = self._nodes.orchestration_loop.conclude(self._state.issues, self._workload.only)
            await self._desk.sandboxes.ask(CloseSandbox(run_id=self._run_id))
            await self._record(e.RunFinished(status=end.status, reason=end.reason))
        self.ctx.stop()

    async def _park(self, calls: tuple[CallId, ...]) -> bool:
        """Rest until a person decides; False when one of them was decided meanwhile, so the run goes on."""
        await self._record(e.RunParked(calls=calls))
        if {call.call.id for call in self._state.waiting_calls()}.issuperset(calls):
            return True
        if self._state.status is RunStatus.WAITING_FOR_APPROVAL:
            await self._record(e.RunResumed(by=SYSTEM))
        self._look_again()
        return False


def _describe(error: BaseException) -> str:
    """Name the original failure, not the envelopes it came in."""
    origin = error.__cause__ or error
    while isinstance(origin, Crashed) and origin.__cause__ is not None:
        origin = origin.__cause__
    return f"{type(origin).__name__}: {origin}"


def _folded(state: RunState, events: tuple[e.Event, ...]) -> tuple[e.Event, ...]:
    """Fold events, so that what is worked out next sees them."""
    for event in events:
        state.apply(event)
    return events
