"""Starting a run: from the command to a candidate, and from an admitted candidate to its record.

These are the jobs of a start. What is decided in one step, whether the run may begin, is the engine's.
"""

from __future__ import annotations

import attrs

from actors import Reply
from orket.domain.errors import OrketError, RunDenied
from orket.domain.identifiers import RunId
from orket.domain.projects import UP
from orket.domain.runs import RunStatus
from orket.orchestration import control, forking
from orket.orchestration.admission import Candidate, Intake, broken, prepare
from orket.orchestration.desk import Desk
from orket.orchestration.messages import Refused, RunTicket, StartRun
from orket.orchestration.notes import Answered, Note, Prepared, Recorded
from orket.services.project_record import recorded_projects

TWINS_MAX = 64

Waiting = tuple[StartRun, Reply[RunTicket]]


class Twins:
    """Commands with one idempotency key: the first is carried out, the others wait for what comes of it."""

    def __init__(self) -> None:
        self._waiting: dict[str, list[Waiting]] = {}

    def is_first(self, m: StartRun, to: Reply[RunTicket]) -> bool:
        """Whether a start is to begin now; another one waits from here on, or is refused."""
        if m.key is None:
            return True
        if (twins := self._waiting.get(m.key.key)) is None:
            self._waiting[m.key.key] = []
            return True
        if len(twins) < TWINS_MAX:
            twins.append((m, to))
        else:
            to.fail(Refused(RunDenied(f"{TWINS_MAX} commands with this idempotency key are waiting")))
        return False

    def after(self, m: StartRun | None) -> tuple[Waiting, ...]:
        """Take out those that waited for a start that is over."""
        return () if m is None or m.key is None else tuple(self._waiting.pop(m.key.key, ()))


async def prepared(desk: Desk, intake: Intake, m: StartRun, to: Reply[RunTicket]) -> Note:
    """Load and check what is asked for, or answer at once: with the run of the same key, or why not."""
    try:
        if (known := await _replay(desk, m)) is not None:
            to.reply(known)
            return Answered(m)
        return Prepared(asked=m, to=to, candidate=await _candidate(desk, intake, m))
    except OrketError as error:
        to.fail(Refused(error))
        return Answered(m)


def refused(m: StartRun, to: Reply[RunTicket], error: BaseException) -> Note:
    """Refuse a start for which something failed that was to decide about it; nothing was recorded."""
    to.fail(Refused(RunDenied(broken(error))))
    return Answered(m)


async def see_who_is_over(desk: Desk, m: Prepared, open_runs: tuple[RunId, ...]) -> Note:
    """Ask the ledger which of the runs in the way have just ended."""
    return attrs.evolve(m, over=await control.over(desk.ledger, open_runs))


async def recorded(desk: Desk, locks: control.Locks, m: Prepared) -> Note:
    """Record that a run is accepted; a fork's workspace is made again."""
    run_id, ok, status = m.candidate.run_id, True, RunStatus.RUNNING
    try:
        await desk.ledger.append(run_id, m.candidate.events, key=m.asked.key)
        if m.candidate.files is not None:
            status = await forking.finish(desk, locks, run_id)
    except OrketError as error:
        m.to.fail(Refused(error))
        ok = False
    return Recorded(run_id=run_id, asked=m.asked, to=m.to, ok=ok, status=status)


async def _candidate(desk: Desk, intake: Intake, m: StartRun) -> Candidate:
    if m.fork is not None:
        return await forking.prepare_fork(desk, intake, m, m.fork)
    workload = await intake.source.load(m.target, only=m.only)
    if m.services:
        await _refuse_services_that_are_not_up(desk, m.services)
    return prepare(desk, intake, m, workload)


async def _refuse_services_that_are_not_up(desk: Desk, services: str) -> None:
    found = (await recorded_projects(desk.ledger)).get(services)
    if found is None or found.status not in UP:
        stands = "there is none" if found is None else f"it is {found.status}"
        raise RunDenied(f"project sandbox {services!r}: {stands}; see orket sandbox list")


async def _replay(desk: Desk, m: StartRun) -> RunTicket | None:
    if m.key is None or (run_id := await desk.ledger.run_for_key(m.key)) is None:
        return None
    summary = await desk.ledger.run(run_id)
    status = RunStatus.RUNNING if summary is None else summary.status
    return RunTicket(run_id=run_id, status=status, replayed=True)
