"""The engine: admits runs, keeps one child per open run, and is the only way to control them.

No handler waits: each command becomes a job (``control``, ``admission``) that is piped back as a message.
Whether a run may start is decided here, in one step, so that no two commands are admitted past each other.
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Awaitable, Callable

import anyio
import attrs

from actors import Actor, Ref, Reply, Terminated, on
from orket.domain import events as e
from orket.domain.errors import OrketError, RunConflict, RunDenied
from orket.domain.halts import Halts
from orket.domain.identifiers import RunId
from orket.domain.memory import Memory
from orket.domain.ports import RunSummary
from orket.domain.runs import FINAL_RUN, RunStatus
from orket.domain.state_machine import SYSTEM
from orket.orchestration import (
    archiving,
    control,
    forking,
    halting,
    remembering,
    saving,
    starting,
    workspaces,
)
from orket.orchestration.admission import Intake, broken, judge, listed
from orket.orchestration.desk import Desk
from orket.orchestration.messages import (
    AddMemory,
    ArchiveCards,
    CancelRun,
    DecideCall,
    EngineCommand,
    EngineTicket,
    ForgetMemory,
    HaltCommand,
    HaltEngine,
    MemoryCommand,
    PauseRun,
    Refused,
    ReleaseEngine,
    ResumeRun,
    RunTicket,
    SaveFile,
    StartRun,
    SystemCommand,
    TendWorkspace,
)
from orket.orchestration.notes import (
    Answered,
    Controlled,
    JobFailed,
    Judged,
    Looked,
    Note,
    Prepared,
    Recorded,
    SystemDone,
)
from orket.orchestration.run import RunActor, Scan, WorkEnded
from orket.orchestration.starting import Twins

CRASHES_MAX = 3
STOP_GRACE_S = 2.0
OPEN_RUNS_PAGE = 500
SYSTEM_COMMANDS_MAX = 16
HALTED = "the engine is halted: nothing starts until it is released"


class EngineFault(Exception):
    """A job of the engine failed in a way no rule foresees; the engine is restarted by its supervisor."""


class Engine(Actor[EngineCommand | SystemCommand | Note | Terminated]):
    """Admits, supervises and controls runs; see ``orchestration.messages`` for what can be asked."""

    def __init__(self, desk: Desk, intake: Intake) -> None:
        self._desk, self._intake = desk, intake
        self._open: dict[RunId, RunSummary] = {}
        self._children: dict[RunId, Ref[Scan | WorkEnded]] = {}
        self._crashes: Counter[RunId] = Counter()
        self._locks = control.Locks()
        self._twins = Twins()
        self._candidates: deque[Prepared] = deque()
        self._halted, self._halts = False, Halts(desk.ledger)
        self._system: deque[tuple[HaltCommand, Reply[EngineTicket]]] = deque()

    async def on_start(self) -> None:
        """Take up every open run from where its ledger ends."""
        before: int | None = None
        while page := await self._desk.ledger.runs(before=before, limit=OPEN_RUNS_PAGE, open_only=True):
            self._open |= {summary.run_id: summary for summary in page}
            before = page[-1].accepted_seq
        self._halted = await self._halts.standing() is not None
        if self._intake.take_up and not self._halted:
            await self._take_up()

    async def _take_up(self) -> None:
        running = await control.interrupted(self._desk, self._open.values())
        resumed = [e.RunResumed(by=SYSTEM)]
        async with anyio.create_task_group() as together:
            for run_id in running:
                together.start_soon(self._desk.ledger.append, run_id, resumed)
        for run_id in reversed(running):
            self._open[run_id] = attrs.evolve(self._open[run_id], status=RunStatus.RUNNING)
            self._start_child(run_id)
        self._job(self._finish_forks())

    async def _finish_forks(self) -> Note:
        """Rebuild the workspaces of forks whose engine died over that."""
        for run_id in await forking.finish_all(self._desk, self._locks, tuple(self._open.values())):
            self.ctx.self.tell(await self._look(run_id, "rebuilt"))
        return Answered()

    async def on_stop(self, reason: object) -> None:
        """Let the calls of the runs that were under way end, and write their receipts.

        An executor that is down has lost its calls, and restarts only after this engine has stopped.
        """
        if self.ctx.system.info(self._desk.executor).state != "running":
            return
        async with anyio.create_task_group() as together:
            for run_id in self._children:
                together.start_soon(control.settle_calls, self._desk, run_id, STOP_GRACE_S)

    # --- starting -------------------------------------------------------------------------------

    @on(StartRun)
    async def start_run(self, m: StartRun) -> Reply[RunTicket]:
        """Load and check what is asked for; answered when the run is on the ledger."""
        to = self.ctx.defer(m)
        self._begin_start(m, to)
        return to

    def _begin_start(self, m: StartRun, to: Reply[RunTicket]) -> None:
        """Begin a start, or let it wait for the one with the same key, whose answer will be its own."""
        if self._twins.is_first(m, to):
            job = starting.prepared(self._desk, self._intake, m, to)
            self.ctx.pipe(job, lambda note: note, lambda error: starting.refused(m, to, error))

    def _end_start(self, m: StartRun | None) -> None:
        """A start is over: those that waited for it have their turn."""
        for twin, to in self._twins.after(m):
            self._begin_start(twin, to)

    @on(Prepared)
    async def _admit(self, m: Prepared) -> None:
        """Have it judged when its turn has come: no two are admitted past each other."""
        self._candidates.append(m)
        if len(self._candidates) == 1:
            self._judge()

    def _judge(self) -> None:
        m = self._candidates[0]
        others = tuple(one for key, one in self._open.items() if key not in (m.over or ()))
        self.ctx.pipe(judge(self._desk, m.candidate, others), Judged, lambda error: Judged(broken(error)))

    @on(Judged)
    async def _judged(self, m: Judged) -> None:
        prepared = self._candidates.popleft()
        if refusal := HALTED if self._halted else m.refusal:
            self._deny(prepared, RunDenied(refusal))
        else:
            self._open[prepared.candidate.run_id] = listed(prepared.candidate, self._intake.clock)
            self._job(starting.recorded(self._desk, self._locks, prepared))
        if self._candidates:
            self._judge()

    def _deny(self, m: Prepared, error: RunDenied) -> None:
        """Refuse a run, once the ledger has said that the runs in its way have not just ended."""
        if m.over is None:
            self._job(starting.see_who_is_over(self._desk, m, tuple(self._open)))
            return
        m.to.fail(Refused(error))
        self._end_start(m.asked)

    @on(Recorded)
    async def _begin(self, m: Recorded) -> None:
        if m.ok:
            self._start_child(m.run_id)
            m.to.reply(RunTicket(run_id=m.run_id, status=m.status))
        else:
            self._open.pop(m.run_id, None)
        self._end_start(m.asked)

    # --- controlling ----------------------------------------------------------------------------

    @on(PauseRun)
    async def pause_run(self, m: PauseRun) -> Reply[RunTicket]:
        """Stop a run's work; answered when nothing of it is under way any more."""
        return self._control(m, lambda: control.pause(self._desk, self._stop_child, m))

    @on(ResumeRun)
    async def resume_run(self, m: ResumeRun) -> Reply[RunTicket]:
        """Let a paused run go on."""
        if self._halted:
            raise Refused(RunConflict(HALTED, allowed=("release",)))
        return self._control(m, lambda: forking.resume(self._desk, m))

    @on(CancelRun)
    async def cancel_run(self, m: CancelRun) -> Reply[RunTicket]:
        """End a run for good; answered when nothing of it is under way any more."""
        return self._control(m, lambda: control.cancel(self._desk, self._stop_child, m))

    @on(TendWorkspace)
    async def tend_workspace(self, m: TendWorkspace) -> Reply[RunTicket]:
        """Apply, roll back or discard what a run left in its workspace."""
        return self._control(m, lambda: workspaces.tend(self._desk, self._intake, m))

    @on(ArchiveCards)
    async def archive_cards(self, m: ArchiveCards) -> Reply[RunTicket]:
        """Put cards of a run that has ended out of sight, or back."""
        return self._control(m, lambda: archiving.archive(self._desk, m))

    @on(SaveFile)
    async def save_file(self, m: SaveFile) -> Reply[RunTicket]:
        """Write a person's file into a run's workspace."""
        return self._control(m, lambda: saving.save(self._desk, self._intake, m))

    @on(DecideCall)
    async def decide_call(self, m: DecideCall) -> Reply[RunTicket]:
        """Record a person's decision about a call and let its card go on."""
        return self._control(m, lambda: control.decide(self._desk, m))

    def _control(
        self,
        m: control.RunCommand,
        job: Callable[[], Awaitable[RunTicket]],
    ) -> Reply[RunTicket]:
        to = self.ctx.defer(m)
        self._job(self._under_lock(m, to, job))
        return to

    async def _under_lock(
        self, m: control.RunCommand, to: Reply[RunTicket], job: Callable[[], Awaitable[RunTicket]]
    ) -> Note:
        try:
            async with self._locks.of(m.run_id):
                await control.require_seq(self._desk, m)
                ticket = await job()
        except OrketError as error:
            to.fail(Refused(error))
            return Answered()
        return Controlled(to=to, ticket=ticket)

    @on(Controlled)
    async def _controlled(self, m: Controlled) -> None:
        run_id = m.ticket.run_id
        if m.ticket.status in FINAL_RUN:
            self._open.pop(run_id, None)
        elif run_id in self._open:
            self._open[run_id] = attrs.evolve(self._open[run_id], status=m.ticket.status)
        if m.ticket.status is RunStatus.RUNNING:
            self._start_child(run_id)
        m.to.reply(m.ticket)

    # --- the engine itself ----------------------------------------------------------------------

    @on(HaltEngine)
    async def halt(self, m: HaltEngine) -> Reply[EngineTicket]:
        """End all work; answered when nothing of it is under way any more."""
        self._halted = True  # from here on nothing is started, whatever ends meanwhile
        return self._in_turn(m)

    @on(ReleaseEngine)
    async def release(self, m: ReleaseEngine) -> Reply[EngineTicket]:
        """Let all runs go on."""
        return self._in_turn(m)

    @on(AddMemory)
    async def add_memory(self, m: AddMemory) -> Reply[Memory]:
        """Put something into the project's memory."""
        return self._remember(m)

    @on(ForgetMemory)
    async def forget_memory(self, m: ForgetMemory) -> Reply[Memory]:
        """Take something out of the project's memory."""
        return self._remember(m)

    def _remember(self, m: MemoryCommand) -> Reply[Memory]:
        to = self.ctx.defer(m)
        self._job(remembering.tended(self._desk, self._locks, m, to))
        return to

    def _in_turn(self, m: HaltCommand) -> Reply[EngineTicket]:
        if len(self._system) >= SYSTEM_COMMANDS_MAX:
            raise Refused(RunConflict(f"{SYSTEM_COMMANDS_MAX} commands to the engine wait already"))
        to = self.ctx.defer(m)
        self._system.append((m, to))
        if len(self._system) == 1:
            self._job(self._carry_out(m))
        return to

    async def _carry_out(self, m: HaltCommand) -> Note:
        try:
            if isinstance(m, ReleaseEngine):
                await halting.release(self._desk, self._halts, m)
                return SystemDone(ticket=EngineTicket(halted=False))
            stop, running = self._stop_child, self._running()
            ticket = await halting.halt(self._desk, self._halts, self._locks, stop, m, running)
            return SystemDone(ticket=ticket)
        except OrketError as error:
            return SystemDone(refused=Refused(error))

    @on(SystemDone)
    async def _system_done(self, m: SystemDone) -> None:
        """Answer, let the runs go on if nobody wants them halted any more, and turn to the next command."""
        _, to = self._system.popleft()
        ticket = m.ticket
        if ticket is None:
            to.fail(m.refused)
        else:
            if not ticket.halted:
                self._go_on()
                ticket = EngineTicket(halted=self._halted, runs=self._running())
            to.reply(ticket)
        if self._system:
            self._job(self._carry_out(self._system[0][0]))

    def _go_on(self) -> None:
        self._halted = any(isinstance(waiting, HaltEngine) for waiting, _ in self._system)
        if self._intake.take_up:
            for run_id in self._running():
                self._start_child(run_id)
            self._job(self._finish_forks())

    def _running(self) -> tuple[RunId, ...]:
        return tuple(one.run_id for one in self._open.values() if one.status is RunStatus.RUNNING)

    def _start_child(self, run_id: RunId) -> None:
        """Start the run's child; one that is there already is told to look again; none while halted."""
        if self._halted:
            return
        if (child := self._children.get(run_id)) is not None:
            child.tell(Scan())
            return
        named = self.ctx.named(f"run-{run_id}", restart="temporary", shutdown=0)
        self._children[run_id] = child = named.spawn(RunActor, self._desk, run_id)
        self.ctx.watch(child)

    async def _stop_child(self, run_id: RunId) -> None:
        if (child := self._children.get(run_id)) is not None:
            await self.ctx.stop_child(child)

    @on(Terminated)
    async def _child_ended(self, m: Terminated) -> None:
        run_id = next((key for key, child in self._children.items() if child == m.ref), None)
        if run_id is None:
            return
        del self._children[run_id]
        self._job(self._look(run_id, str(m.reason)))

    async def _look(self, run_id: RunId, reason: str) -> Note:
        summary = await self._desk.ledger.run(run_id)
        return Answered() if summary is None else Looked(summary=summary, reason=reason)

    @on(Looked)
    async def _looked(self, m: Looked) -> None:
        """Forget a run that is over; start a child again that died with its run unfinished."""
        run_id = m.summary.run_id
        if m.summary.status in FINAL_RUN:
            self._open.pop(run_id, None)
            self._crashes.pop(run_id, None)
            return
        self._open[run_id] = m.summary
        if m.summary.status is not RunStatus.RUNNING or run_id in self._children or self._halted:
            return
        self._crashes[run_id] += 1
        if self._crashes[run_id] <= CRASHES_MAX:
            self._start_child(run_id)
        else:
            self._job(self._give_up(m))

    async def _give_up(self, m: Looked) -> Note:
        reason = f"the run failed {CRASHES_MAX + 1} times; last: {m.reason}"
        async with self._locks.of(m.summary.run_id):
            await control.give_up(self._desk, self._stop_child, m.summary.run_id, reason)
        return await self._look(m.summary.run_id, m.reason)

    def _job(self, job: Awaitable[Note]) -> None:
        self.ctx.pipe(job, lambda note: note, lambda error: JobFailed(f"{type(error).__name__}: {error}"))

    @on(Answered)
    async def _answered(self, m: Answered) -> None:
        self._end_start(m.start)

    @on(JobFailed)
    async def _job_failed(self, m: JobFailed) -> None:
        raise EngineFault(m.error)
