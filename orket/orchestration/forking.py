"""A run that begins with the recorded history of another one."""

from __future__ import annotations

import os
from collections.abc import Iterable

import attrs

from actors import ActorsError
from orket.domain import events as e
from orket.domain.errors import RunDenied, RunNotFound
from orket.domain.forking import ForkPlan, is_half, plan_fork, reidentified, written_files
from orket.domain.identifiers import RunId
from orket.domain.ports import RunSummary
from orket.domain.runs import RunState, RunStatus
from orket.domain.state_machine import SYSTEM
from orket.orchestration import control
from orket.orchestration.admission import Candidate, Intake, check, sandbox_spec
from orket.orchestration.desk import Desk
from orket.orchestration.messages import Fork, ResumeRun, RunTicket, StartRun
from orket.services.sandbox_messages import WriteFile

PAGE = 1000
REBUILDING = "its workspace is being rebuilt"


async def prepare_fork(desk: Desk, intake: Intake, asked: StartRun, fork: Fork) -> Candidate:
    """Plan a fork and write the new run's first events; it is paused until its workspace is rebuilt.

    Raises:
        RunNotFound, RunConflict: There is no such run, or nothing of it to begin with.
        SettingsError: A decision node or model is not known.
        RunDenied: The workspace is not a fresh one, or a seat is missing.
    """
    plan = plan_fork(await _history(desk, fork.run_id), fork.at)
    house = plan.accepted.workload.organization
    organization = attrs.evolve(house, process_rules=(*house.process_rules, *fork.nodes))
    workload = attrs.evolve(plan.accepted.workload, organization=organization)
    nodes, run_id = desk.nodes(organization), intake.ids.run_id()
    named = nodes.engine_runtime.workspace(run_id, asked.workspace, intake.data_dir)
    accepted = attrs.evolve(
        plan.accepted,
        workload=workload,
        workspace=_fresh(os.path.join(intake.cwd, named)),
        model=asked.model or plan.accepted.model,
        forked_from=fork.run_id,
        forked_at=plan.at,
        not_repeated=plan.commands,
    )
    for epic in workload.epics:
        for card in epic.issues:
            check(desk, nodes, workload, card, accepted.model)
    return Candidate(
        run_id=run_id,
        workspace=accepted.workspace,
        workload=workload,
        events=_events(accepted, plan, run_id),
        files=plan.files,
    )


def _events(accepted: e.RunAccepted, plan: ForkPlan, run_id: RunId) -> tuple[e.Event, ...]:
    history = tuple(reidentified(one, run_id) for one in plan.history)
    return (accepted, *history, e.RunPaused(by=SYSTEM, reason=REBUILDING))


async def finish(desk: Desk, locks: control.Locks, run_id: RunId) -> RunStatus:
    """Write the files of a fork that waits for them, and let it go on.

    Files are written whole, so that a rebuild that was cut off is simply done again: what is to be written
    stands on the fork's own ledger. A fork whose files cannot be written has failed. A run that waits for
    nothing of the kind is left as it is.

    Raises:
        StoreError: The ledger does not answer, or does not take the record.
    """
    async with locks.of(run_id):
        return await _finish(desk, run_id)


async def finish_all(desk: Desk, locks: control.Locks, open_runs: Iterable[RunSummary]) -> tuple[RunId, ...]:
    """Finish the forks whose workspace is not rebuilt yet, and name them."""
    paused = (one for one in open_runs if one.status is RunStatus.PAUSED)
    asked = [one.run_id for one in paused if one.reason == REBUILDING]
    found = tuple([run_id for run_id in asked if await _waits(desk, run_id)])
    for run_id in found:
        await finish(desk, locks, run_id)
    return found


async def _finish(desk: Desk, run_id: RunId) -> RunStatus:
    recorded = await _history(desk, run_id)
    state = RunState.fold(run_id, recorded)
    if state.accepted is None or not is_half(recorded):
        return state.status
    nodes = desk.nodes(state.accepted.workload.organization)
    spec = sandbox_spec(nodes, run_id, state.accepted)
    try:
        for path, content in written_files(recorded):
            await desk.sandboxes.ask(WriteFile(spec=spec, path=path, content=content.encode()))
    except ActorsError as error:
        reason = f"its workspace could not be rebuilt: {error}"
        await desk.ledger.append(run_id, [e.RunFinished(status=RunStatus.FAILED, reason=reason)])
        return RunStatus.FAILED
    await desk.ledger.append(run_id, [e.RunResumed(by=SYSTEM)])
    return RunStatus.RUNNING


async def resume(desk: Desk, m: ResumeRun) -> RunTicket:
    """Let a paused run go on, under its lock; a fork whose rebuild was cut off is rebuilt first.

    Raises:
        RunNotFound, RunConflict, CardNotFound: Nothing was recorded.
        StoreError: As for ``finish``.
    """
    summary = await desk.ledger.run(m.run_id)
    if summary is not None and summary.reason == REBUILDING and await _waits(desk, m.run_id):
        return RunTicket(run_id=m.run_id, status=await _finish(desk, m.run_id))
    return await control.resume(desk, m)


async def _waits(desk: Desk, run_id: RunId) -> bool:
    return is_half(await _history(desk, run_id))


async def _history(desk: Desk, run_id: RunId) -> list[e.Recorded]:
    found: list[e.Recorded] = []
    while page := await desk.ledger.read(run_id, after=found[-1].seq if found else 0, limit=PAGE):
        found.extend(page)
    if not found or not isinstance(found[0].event, e.RunAccepted):
        raise RunNotFound(f"no run {run_id!r}")
    return found


def _fresh(workspace: str) -> str:
    path = os.path.realpath(workspace)
    if os.path.exists(path) and (not os.path.isdir(path) or os.listdir(path)):
        raise RunDenied(f"the workspace of a fork must be fresh, and {path} is not empty")
    return path
