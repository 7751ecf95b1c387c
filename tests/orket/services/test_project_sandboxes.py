"""Project sandboxes over a container engine in memory: what is recorded, refused, kept and ended."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta

import anyio
import attrs
import pytest

from actors import ActorSystem, Ref, Supervisor, child, late
from orket.decision_nodes.sandbox_policy import DefaultSandboxPolicy
from orket.domain.assets import Organization, Workload
from orket.domain.errors import (
    OrketError,
    SandboxConflict,
    SandboxNotFound,
    SandboxUnavailable,
    SettingsError,
    StackUnsupported,
)
from orket.domain.events import RunAccepted, RunFinished
from orket.domain.identifiers import PROJECTS, RunId
from orket.domain.projects import ProjectLimits, ProjectPlan, ProjectSandboxChanged
from orket.domain.sandboxes import Command, SandboxStatus
from orket.infrastructure.clock import SystemClock
from orket.infrastructure.memory import MemoryLedger, open_ledger
from orket.services import project_sandboxes
from orket.services.project import ProjectRoom
from orket.services.project_messages import (
    CreateProject,
    DeleteProject,
    ListProjects,
    LookAtProject,
    ProjectLogs,
    ProjectRefused,
    ProjectRequest,
    RenewProject,
    RunInProject,
    StopProject,
)
from orket.services.project_sandboxes import ProjectSandboxes
from tests.orket.services.containers import Engine

pytestmark = pytest.mark.anyio
NOW = datetime(2030, 1, 1, tzinfo=UTC)
CREATING, RUNNING, UNHEALTHY = SandboxStatus.CREATING, SandboxStatus.RUNNING, SandboxStatus.UNHEALTHY
STOPPING, STOPPED, DELETED = SandboxStatus.STOPPING, SandboxStatus.STOPPED, SandboxStatus.DELETED
MADE = "sandbox-rock"


class Clockwork:
    """A clock that a test turns."""

    def __init__(self) -> None:
        self.time = NOW

    def now(self) -> datetime:
        return self.time


class Hurried(DefaultSandboxPolicy):
    """The house's policy with short deadlines."""

    def project_limits(self, organization: Organization) -> ProjectLimits:
        return attrs.evolve(super().project_limits(organization), create_s=0.05, ready_s=0.05)


class Root(Supervisor, strategy="one_for_one"):
    def __init__(self, room: ProjectRoom) -> None:
        self.room = room

    keeper = child(ProjectSandboxes)(late(lambda root: root.room))


@attrs.frozen(kw_only=True)
class Bench:
    keeper: Ref[ProjectRequest]
    ledger: MemoryLedger
    engine: Engine
    clock: Clockwork

    async def statuses(self) -> list[SandboxStatus]:
        events = [one.event for one in await self.ledger.read(PROJECTS)]
        return [one.status for one in events if isinstance(one, ProjectSandboxChanged)]

    async def create(self, name: str = "rock", **more: object) -> str:
        given: dict[str, object] = {"workspace": "/w", **more}
        return (await self.keeper.ask(CreateProject(name=name, **given))).sandbox_id  # type: ignore[arg-type]  # fields of one message


@asynccontextmanager
async def keeping(
    ledger: MemoryLedger, engine: Engine, clock: Clockwork, policy: DefaultSandboxPolicy | None = None
) -> AsyncIterator[Bench]:
    room = ProjectRoom(
        driver=engine,
        ledger=ledger,
        clock=clock,
        policy=policy or DefaultSandboxPolicy(),
        organization=Organization(),
    )
    async with ActorSystem("test") as system:
        root = system.named("root").supervise(Root, room)
        await system.started(root.keeper)
        yield Bench(keeper=root.keeper, ledger=ledger, engine=engine, clock=clock)


@pytest.fixture
async def bench() -> AsyncIterator[Bench]:
    async with open_ledger(SystemClock()) as ledger, keeping(ledger, Engine(), Clockwork()) as one:
        yield one


async def refused(asked: object) -> OrketError:
    with pytest.raises(ProjectRefused) as caught:
        await asked  # type: ignore[misc]  # every caller passes an ask
    return caught.value.error


async def test_a_life_is_recorded_before_it_is_lived(bench: Bench) -> None:
    standing = await bench.keeper.ask(CreateProject(name="rock", workspace="/w"))
    assert (standing.sandbox_id, standing.project) == (MADE, f"orket-{MADE}")
    assert (standing.stack, standing.status) == ("fastapi-react-postgres", RUNNING)
    assert standing.lease_until == NOW + timedelta(hours=8)
    assert standing.services[0].ports == ((80, 4711),)
    assert await bench.keeper.ask(ListProjects()) == (standing,)
    assert (await bench.keeper.ask(StopProject(sandbox_id=MADE))).status is STOPPED
    assert (await bench.keeper.ask(StopProject(sandbox_id=MADE))).status is STOPPED
    assert (await bench.keeper.ask(DeleteProject(sandbox_id=MADE))).status is DELETED
    assert await bench.keeper.ask(ListProjects()) == ()
    assert await bench.statuses() == [CREATING, RUNNING, STOPPING, STOPPED, STOPPING, DELETED]
    assert bench.engine.did == [f"stop {MADE}", f"remove {MADE}"]
    assert await bench.create() == MADE


async def test_no_secret_is_in_what_is_answered_or_recorded(bench: Bench) -> None:
    standing = await bench.keeper.ask(CreateProject(name="rock", workspace="/w"))
    plan = bench.engine.plans[MADE]
    told = repr(standing) + repr(await bench.ledger.read(PROJECTS)) + repr(plan) + plan.document
    assert len(plan.credentials) == 2
    assert not [one for one in plan.credentials if one.value in told]


async def test_what_cannot_be_is_refused_before_anything_is_registered(bench: Bench) -> None:
    ask = bench.keeper.ask
    error = await refused(ask(CreateProject(name="rock", workspace="/w", stack="cobol")))
    assert isinstance(error, StackUnsupported)
    assert "django-react-postgres" in error.detail
    for name, workspace, lease_s in (
        ("", "/w", None),
        ("n" * 65, "/w", None),
        ("r", "w", None),
        ("r", "/w", 1),
    ):
        asked = CreateProject(name=name, workspace=workspace, lease_s=lease_s)
        assert isinstance(await refused(ask(asked)), SettingsError)
    bench.engine.away = True
    assert isinstance(await refused(ask(CreateProject(name="r", workspace="/w"))), SandboxUnavailable)
    assert await bench.statuses() == []
    assert await ask(ListProjects()) == ()


async def test_an_unknown_id_is_not_found(bench: Bench) -> None:
    command = Command(argv=("true",))
    for one in (
        LookAtProject(sandbox_id="x"),
        StopProject(sandbox_id="x"),
        DeleteProject(sandbox_id="x"),
        RenewProject(sandbox_id="x"),
        ProjectLogs(sandbox_id="x"),
        RunInProject(sandbox_id="x", service="api", command=command),
    ):
        assert isinstance(await refused(bench.keeper.ask(one)), SandboxNotFound)  # type: ignore[call-overload]  # each of them


async def test_a_project_has_one_sandbox(bench: Bench) -> None:
    await bench.create()
    assert isinstance(await refused(bench.create()), SandboxConflict)
    assert await bench.create("Rock") != MADE  # another name, though it reads the same


async def test_there_are_not_too_many(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(project_sandboxes, "PROJECTS_MAX", 1)
    await bench.create()
    assert isinstance(await refused(bench.create("second")), SandboxConflict)


async def test_what_does_not_come_up_is_unhealthy_with_its_reason(bench: Bench) -> None:
    bench.engine.broken = True
    assert "no such image" in (await refused(bench.create())).detail
    (standing,) = await bench.keeper.ask(ListProjects())
    assert (standing.status, standing.reason) == (
        UNHEALTHY,
        "compose failed with exit code 17: no such image",
    )
    assert (await bench.keeper.ask(DeleteProject(sandbox_id=MADE))).status is DELETED


async def test_health_is_found_out_by_looking(bench: Bench) -> None:
    await bench.create()
    bench.engine.state = "exited"
    standing = await bench.keeper.ask(LookAtProject(sandbox_id=MADE))
    assert standing.status is UNHEALTHY
    assert "api is exited" in standing.reason
    await bench.keeper.ask(LookAtProject(sandbox_id=MADE))
    bench.engine.state = "running"
    assert (await bench.keeper.ask(LookAtProject(sandbox_id=MADE))).status is RUNNING
    bench.engine.away = True
    assert (await bench.keeper.ask(LookAtProject(sandbox_id=MADE))).reason == "the engine is away"
    assert await bench.statuses() == [CREATING, RUNNING, UNHEALTHY, RUNNING, UNHEALTHY]


async def test_a_lease_ends_unless_it_is_renewed(bench: Bench) -> None:
    await bench.create(lease_s=600.0)
    bench.clock.time += timedelta(seconds=599)
    assert (await bench.keeper.ask(RenewProject(sandbox_id=MADE, lease_s=300.0))).lease_until == (
        bench.clock.time + timedelta(seconds=300)
    )
    bench.clock.time += timedelta(seconds=299)
    assert (await bench.keeper.ask(LookAtProject(sandbox_id=MADE))).status is RUNNING
    bench.clock.time += timedelta(seconds=1)
    standing = await bench.keeper.ask(LookAtProject(sandbox_id=MADE))
    assert (standing.status, standing.reason) == (STOPPED, "its lease ended")
    assert isinstance(await refused(bench.keeper.ask(RenewProject(sandbox_id=MADE))), SandboxConflict)


async def test_an_open_run_that_needs_the_services_holds_the_lease(bench: Bench) -> None:
    await bench.create(lease_s=600.0)
    house = DefaultSandboxPolicy().project_limits(Organization())
    for name, services in (("r0", "sandbox-other"), ("r1", MADE)):
        workload = Workload(target="t", organization=Organization(), epics=(), roles=(), dialects=())
        accepted = RunAccepted(workload=workload, workspace=f"/w/{name}", services=services)
        await bench.ledger.append(RunId(name), [accepted])
    bench.clock.time += timedelta(seconds=600)
    standing = await bench.keeper.ask(LookAtProject(sandbox_id=MADE))
    assert (standing.status, standing.lease_until) == (
        RUNNING,
        bench.clock.time + timedelta(seconds=house.lease_s),
    )
    await bench.ledger.append(RunId("r1"), [RunFinished(status="done")])
    bench.clock.time += timedelta(seconds=house.lease_s)
    standing = await bench.keeper.ask(LookAtProject(sandbox_id=MADE))
    assert (standing.status, standing.reason) == (STOPPED, "its lease ended")


@pytest.mark.parametrize("how", [StopProject, DeleteProject])
async def test_one_that_is_being_created_can_be_given_up(
    bench: Bench, how: type[StopProject | DeleteProject]
) -> None:
    bench.engine.hold = anyio.Event()
    async with anyio.create_task_group() as group:
        group.start_soon(refused, bench.create())
        await bench.engine.begun.wait()
        assert [one.status for one in await bench.keeper.ask(ListProjects())] == [CREATING]
        standing = await bench.keeper.ask(how(sandbox_id=MADE))
    assert standing.status is (STOPPED if how is StopProject else DELETED)


@pytest.mark.parametrize("held", [True, False])
async def test_creating_and_getting_well_have_deadlines_of_their_own(held: bool) -> None:
    engine = Engine()
    engine.hold = anyio.Event() if held else None
    async with open_ledger(SystemClock()) as ledger, keeping(ledger, engine, Clockwork(), Hurried()) as bench:
        if held:
            assert "within 0.05 s" in (await refused(bench.create())).detail
        else:
            engine.at_first = "restarting"
            await bench.create()
        (standing,) = await bench.keeper.ask(ListProjects())
        assert standing.status is UNHEALTHY
        assert "within 0.05 s" in standing.reason


async def test_logs_and_commands_go_to_a_service(bench: Bench) -> None:
    await bench.create()
    assert await bench.keeper.ask(ProjectLogs(sandbox_id=MADE)) == f"{MADE}  100"
    assert await bench.keeper.ask(ProjectLogs(sandbox_id=MADE, service="db", lines=3)) == f"{MADE} db 3"
    told = await bench.keeper.ask(
        RunInProject(sandbox_id=MADE, service="db", command=Command(argv=("true",)))
    )
    assert told.stdout == b"db"
    for lines in (0, 10_001):
        asked = ProjectLogs(sandbox_id=MADE, lines=lines)
        assert isinstance(await refused(bench.keeper.ask(asked)), SettingsError)


def recorded(status: SandboxStatus, until: datetime = NOW + timedelta(hours=1)) -> ProjectSandboxChanged:
    return ProjectSandboxChanged(
        sandbox_id=MADE,
        name="rock",
        project=f"orket-{MADE}",
        stack="fastapi-react-postgres",
        workspace="/w",
        status=status,
        lease_until=until,
    )


@pytest.mark.parametrize(
    ("status", "there", "until", "becomes"),
    [
        (CREATING, True, NOW + timedelta(hours=1), DELETED),
        (RUNNING, True, NOW + timedelta(hours=1), RUNNING),
        (UNHEALTHY, True, NOW + timedelta(hours=1), RUNNING),
        (RUNNING, True, NOW, STOPPED),
        (RUNNING, False, NOW + timedelta(hours=1), DELETED),
        (STOPPING, True, NOW + timedelta(hours=1), STOPPED),
        (STOPPED, True, NOW, STOPPED),
        (STOPPED, False, NOW, DELETED),
    ],
)
async def test_after_a_restart_each_is_adopted_or_ended(
    status: SandboxStatus, there: bool, until: datetime, becomes: SandboxStatus
) -> None:
    engine = Engine()
    plan = ProjectPlan(
        sandbox_id="",
        project="",
        stack="",
        workspace="",
        document="",
        builds=(),
        credentials=(),
        limits=ProjectLimits(),
    )
    engine.plans = {MADE: plan, "stray": plan} if there else {"stray": plan}
    async with open_ledger(SystemClock()) as ledger:
        await ledger.append(PROJECTS, [recorded(status, until)])
        async with keeping(ledger, engine, Clockwork()) as bench:
            with pytest.raises(ProjectRefused):  # answered when everything has been put in order
                await bench.keeper.ask(CreateProject(name="x", workspace="relative"))
            statuses = await bench.statuses()
            assert statuses[-1] is becomes
            assert "stray" not in engine.plans
            assert (MADE in engine.plans) is (becomes is not DELETED)
            assert engine.cleared == 1
            assert len(await bench.keeper.ask(ListProjects())) == (becomes is not DELETED)


async def test_an_engine_that_is_away_at_the_start_is_asked_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(project_sandboxes, "LOOK_S", 0.01)
    engine = Engine()
    engine.away = True
    async with open_ledger(SystemClock()) as ledger:
        await ledger.append(PROJECTS, [recorded(CREATING)])
        async with keeping(ledger, engine, Clockwork()) as bench:
            assert len(await bench.keeper.ask(ListProjects())) == 1
            engine.away = False
            newest = 1
            while (await bench.statuses())[-1] is not DELETED:
                newest = await ledger.wait(newest)
            assert engine.did == [f"remove {MADE}"]
