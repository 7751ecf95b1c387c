"""What becomes of a run's workspace: applied to the project, taken back, discarded; each as one job.

The ledger knows of each before a file is touched. One that was cut off is under way until the same command is
given again, which carries it out to its end.
"""

from __future__ import annotations

import os

from orket.domain import workspace_events as w
from orket.domain.errors import RunConflict
from orket.domain.identifiers import RunId
from orket.domain.places import OWN_DIR, place_of
from orket.domain.runs import RunState, RunStatus
from orket.domain.workspaces import Application, ApplyStatus, Place, Plan, named
from orket.orchestration.admission import Intake
from orket.orchestration.control import fold
from orket.orchestration.desk import Desk
from orket.orchestration.messages import RunTicket, TendWorkspace, WorkspaceAct


async def tend(desk: Desk, intake: Intake, m: TendWorkspace) -> RunTicket:
    """Carry a command out.

    Raises:
        RunNotFound, RunConflict, SandboxUnavailable: With the reason; what was begun is under way still.
    """
    match m.act:
        case WorkspaceAct.APPLY:
            return await _apply(desk, intake, m)
        case WorkspaceAct.ROLLBACK:
            return await _roll_back(desk, intake, m)
        case WorkspaceAct.DISCARD:
            return await _discard(desk, intake, m)


async def _apply(desk: Desk, intake: Intake, m: TendWorkspace) -> RunTicket:
    """Write a run's changes into the project, or go on with that."""
    state = await resting(desk, m.run_id)
    half = state.workspace.under_way
    if half is None:
        place = place_of(state, own_dir(intake), m.into)
        if not place.isolation.project:
            raise RunConflict("the run works on no view of a project: name the folder that its files go into")
        number = len(state.workspace.applications) + 1
        plan = await intake.workspaces.plan(place, number)
        if not plan.changes:
            return RunTicket(run_id=m.run_id, status=state.status)
        name = plan.name
        await desk.ledger.append(m.run_id, [_begun(m, number, place, plan)])
    elif half.status is ApplyStatus.APPLYING:
        place, number, name = place_of(state, own_dir(intake), half.project), half.number, half.plan
    else:
        raise RunConflict("a rollback of this run is under way: finish that first", allowed=("rollback",))
    await intake.workspaces.apply(place, number, name)
    await desk.ledger.append(m.run_id, [w.WorkspaceApplied(number=number)])
    return RunTicket(run_id=m.run_id, status=state.status)


def _begun(m: TendWorkspace, number: int, place: Place, plan: Plan) -> w.WorkspaceApplying:
    return w.WorkspaceApplying(
        number=number,
        project=place.isolation.project,
        plan=plan.name,
        added=plan.count("added"),
        changed=plan.count("changed", "mode", "kind"),
        removed=plan.count("removed"),
        by=m.by,
    )


async def _roll_back(desk: Desk, intake: Intake, m: TendWorkspace) -> RunTicket:
    """Take back the newest application that stands, or all after event ``to``; or go on with that."""
    state = await resting(desk, m.run_id)
    chosen = _to_take_back(state.workspace.applications, m.to)
    if not chosen:
        since = "" if m.to is None else f" after event {m.to}"
        raise RunConflict(f"nothing of run {m.run_id} was applied{since} that has not been taken back")
    for one in chosen:
        place = place_of(state, own_dir(intake), one.project)
        if one.status is not ApplyStatus.ROLLING_BACK:
            if changed := await intake.workspaces.hindrances(place, one.number, one.plan):
                raise RunConflict(f"changed since application {one.number}: {named(changed)}")
            await desk.ledger.append(m.run_id, [w.WorkspaceRollingBack(number=one.number, by=m.by)])
        await intake.workspaces.take_back(place, one.number, one.plan)
        await desk.ledger.append(m.run_id, [w.WorkspaceRolledBack(number=one.number)])
    return RunTicket(run_id=m.run_id, status=state.status)


def _to_take_back(known: tuple[Application, ...], to: int | None) -> tuple[Application, ...]:
    """Choose applications, the newest first; a rollback that was cut off comes before all."""
    standing = [one for one in reversed(known) if one.status is not ApplyStatus.ROLLED_BACK]
    return tuple(standing[:1] if to is None else (one for one in standing if one.seq > to))


async def _discard(desk: Desk, intake: Intake, m: TendWorkspace) -> RunTicket:
    """Delete the workspace of a run that has ended."""
    state = await fold(desk.ledger, m.run_id)
    if not state.is_final:
        raise RunConflict(f"run {m.run_id} is {state.status} and needs its workspace", allowed=("cancel",))
    if state.workspace.under_way is not None:
        raise RunConflict(
            "its changes are half applied: finish that, or roll it back", allowed=("apply", "rollback")
        )
    place = place_of(state, own_dir(intake))
    if not state.workspace.discarded:
        await desk.ledger.append(m.run_id, [w.WorkspaceDiscarded(by=m.by)])
    await intake.workspaces.discard(place)
    return RunTicket(run_id=m.run_id, status=state.status)


def own_dir(intake: Intake) -> str:
    """Name the folder of the workspaces that are the engine's own."""
    return os.path.realpath(os.path.join(intake.cwd, intake.data_dir, OWN_DIR))


async def resting(desk: Desk, run_id: RunId) -> RunState:
    """Fold a run that is not at work.

    Raises:
        RunNotFound, RunConflict: There is none, or it is.
    """
    state = await fold(desk.ledger, run_id)
    if state.status is RunStatus.RUNNING:
        raise RunConflict(f"run {run_id} is at work", allowed=("pause", "cancel"))
    return state
