"""Before a run exists: what is asked for is made complete, checked as a whole, and written as events."""

from __future__ import annotations

import os

import attrs

from orket.decision_nodes.registry import Nodes
from orket.domain import events as e
from orket.domain.assets import Workload
from orket.domain.cards import Card, CardType
from orket.domain.errors import RunDenied
from orket.domain.identifiers import RunId
from orket.domain.ports import Clock, Ids, RunSummary, WorkloadSource, Workspaces
from orket.domain.runs import RunStatus
from orket.domain.sandboxes import REACHING, SandboxSpec
from orket.domain.sprints import sprint_of
from orket.domain.workspaces import Isolation
from orket.orchestration.desk import Desk
from orket.orchestration.messages import StartRun
from orket.orchestration.prompt import assign


@attrs.frozen(kw_only=True)
class Intake:
    """What it takes to admit a run; relative workspaces start at ``cwd``, its own are in ``data_dir``.

    ``take_up`` says whether runs that the ledger leaves running go on when the engine starts.
    """

    source: WorkloadSource
    clock: Clock
    ids: Ids
    workspaces: Workspaces
    data_dir: str
    cwd: str
    take_up: bool = True


@attrs.frozen(kw_only=True)
class Candidate:
    """A run that may start: its id, where it would work, and the events that would begin it.

    ``files`` (path and content) are to be written into a fork's workspace first; None: it is no fork.
    """

    run_id: RunId
    workspace: str
    workload: Workload
    events: tuple[e.Event, ...]
    files: tuple[tuple[str, str], ...] | None = None


def prepare(desk: Desk, intake: Intake, asked: StartRun, workload: Workload) -> Candidate:
    """Select the nodes, check that every card can be worked on, and write the run's first events.

    Raises:
        SettingsError: A decision node or a model that the workload names is not known.
        RunDenied: A seat that would be needed is missing.
    """
    nodes = desk.nodes(workload.organization)
    run_id = intake.ids.run_id()
    limits = nodes.orchestration_loop.limits(workload.organization, asked.parallel)
    named = nodes.engine_runtime.workspace(run_id, asked.workspace, intake.data_dir)
    accepted = e.RunAccepted(
        workload=workload,
        workspace=os.path.realpath(os.path.join(intake.cwd, named)),  # the admission rule compares them
        model=asked.model,
        parallel=limits.parallel,
        budget=asked.budget,
        isolation=isolation(intake, asked),
        services=reached(nodes, workload, asked),
    )
    for epic in workload.epics:
        for card in epic.issues:
            check(desk, nodes, workload, card, asked.model)
    sprint = sprint_of(intake.clock.now().date()).label
    cards = tuple(e.CardAdded(card=_in_sprint(card, sprint)) for card in all_cards(workload))
    return Candidate(
        run_id=run_id,
        workspace=accepted.workspace,
        workload=workload,
        events=(accepted, *cards),
    )


def isolation(intake: Intake, asked: StartRun) -> Isolation | None:
    """Say which project a run works on a view of, and what of it is the engine's own affair.

    Raises:
        RunDenied: It is no folder, or one that cannot be a project.
    """
    if not asked.project:
        return None
    if asked.workspace:
        raise RunDenied(
            "a run works in a workspace that is named, or on a view of a project: name one of them"
        )
    project = os.path.realpath(os.path.join(intake.cwd, asked.project))
    data = os.path.realpath(os.path.join(intake.cwd, intake.data_dir))
    if not os.path.isdir(project):
        raise RunDenied(f"project {asked.project!r} is no folder")
    if project == "/" or os.path.commonpath([project, data]) == data:
        raise RunDenied(f"project {project} is no project: it is the whole system, or the engine's own data")
    inside = os.path.commonpath([project, data]) == project
    return Isolation(project=project, hidden=(os.path.relpath(data, project),) if inside else ())


def reached(nodes: Nodes, workload: Workload, asked: StartRun) -> str:
    """Name the project sandbox whose services a run's commands reach; empty: none.

    Raises:
        RunDenied: No level that the house allows could reach them.
    """
    if asked.services and not set(REACHING) & set(nodes.sandbox_policy.levels(workload.organization)):
        raise RunDenied(
            f"services of {asked.services!r}: commands reach them at the sandbox level {REACHING[0]} only, "
            "for everywhere else they have no network; name it in the organization's sandbox.levels"
        )
    return asked.services


def sandbox_spec(nodes: Nodes, run_id: RunId, accepted: e.RunAccepted) -> SandboxSpec:
    """Say what a run's sandbox is to be, as the policy node has it."""
    house, policy = accepted.workload.organization, nodes.sandbox_policy
    levels = policy.levels(house)
    return SandboxSpec(
        run_id=run_id,
        workspace=accepted.workspace,
        levels=tuple(one for one in levels if one in REACHING) if accepted.services else levels,
        limits=policy.limits(house),
        isolation=accepted.isolation,
        sandbox_id=policy.sandbox_id(run_id),
        services=accepted.services,
    )


def check(desk: Desk, nodes: Nodes, workload: Workload, card: Card, model: str) -> None:
    """Check that a card can be worked on and reviewed, and that the models exist.

    Raises:
        RunDenied: A seat is missing.
        SettingsError: A model is not known.
    """
    for review in (False, True):
        who = assign(nodes, workload, card, desk.tools, review=review, model=model)
        if who is None:
            need = "review it (with the role integrity_guard)" if review else f"take it: {card.seat!r}"
            raise RunDenied(f"card {card.id}: the team has no seat to {need}")
        desk.model(who.choice.model, nodes)


def _in_sprint(card: Card, sprint: str) -> Card:
    """Put an issue that names no sprint into the one that is on."""
    if card.type is not CardType.ISSUE or card.sprint or card.is_final:
        return card
    return attrs.evolve(card, sprint=sprint)


def all_cards(workload: Workload) -> tuple[Card, ...]:
    """List the cards that a run begins with: rock, epics, issues."""
    rock = () if workload.rock is None else (workload.rock,)
    epics = tuple(
        attrs.evolve(one.card, parent_id=workload.rock.id if workload.rock else None, type=CardType.EPIC)
        for one in workload.epics
    )
    return (*rock, *epics, *(card for epic in workload.epics for card in epic.issues))


async def judge(desk: Desk, candidate: Candidate, open_runs: tuple[RunSummary, ...]) -> str:
    """Say why a run may not start; empty: it may."""
    try:
        admit(desk.nodes(candidate.workload.organization), candidate, open_runs)
    except RunDenied as error:
        return error.detail
    return ""


def broken(error: BaseException) -> str:
    """Word the failure of a decision that a start needs; nothing was recorded."""
    return f"a decision about the start failed: {type(error).__name__}: {error}"


def listed(candidate: Candidate, clock: Clock) -> RunSummary:
    """Write the line of a run that is about to be recorded."""
    return RunSummary(
        run_id=candidate.run_id,
        target=candidate.workload.target,
        status=RunStatus.RUNNING,
        workspace=candidate.workspace,
        accepted_at=clock.now(),
        finished_at=None,
        last_seq=0,
    )


def admit(nodes: Nodes, candidate: Candidate, open_runs: tuple[RunSummary, ...]) -> None:
    """Ask the admission rule, and hold the bound on open runs.

    Raises:
        RunDenied: With the rule's reason.
    """
    bound = nodes.engine_runtime.runs_max(candidate.workload.organization)
    if len(open_runs) >= bound:
        raise RunDenied(f"{len(open_runs)} runs are open; at most {bound} may be")
    said = nodes.run_admission.admit(candidate.workload, candidate.workspace, open_runs)
    if said.refusal:
        raise RunDenied(said.refusal)
