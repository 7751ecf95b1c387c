"""Project sandboxes at a real container engine: a tiny stack of an image made here, up and down."""

import io
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tarfile
import time
import urllib.request
from collections.abc import AsyncIterator
from contextlib import aclosing, asynccontextmanager
from pathlib import Path
from typing import Any

import anyio
import anyio.to_thread
import attrs
import pytest

from orket.bootstrap import Orket, open_orket
from orket.bootstrap.house import owner_of
from orket.decision_nodes.registry import NodeRegistry
from orket.decision_nodes.sandbox_policy import DefaultSandboxPolicy
from orket.decision_nodes.stacks import STACKS
from orket.domain.assets import Organization
from orket.domain.errors import SandboxConflict, SandboxError, SandboxNotFound, SandboxUnavailable
from orket.domain.events import RunAccepted, SandboxChanged
from orket.domain.identifiers import PROJECTS, RunId
from orket.domain.projects import ProjectLimits, Service, Stack
from orket.domain.runs import RunStatus
from orket.domain.sandboxes import Command, CommandEnd, Limits, SandboxSpec, SandboxStatus
from orket.infrastructure.sandboxes.compose import ComposeDriver
from orket.infrastructure.sandboxes.compose_program import find_compose, run_compose
from orket.infrastructure.sandboxes.engine_api import EngineApi
from orket.infrastructure.sandboxes.project_driver import ComposeProjects
from orket.services.project_messages import (
    CreateProject,
    DeleteProject,
    ListProjects,
    LookAtProject,
    ProjectLogs,
    ProjectRefused,
    RunInProject,
    StopProject,
)
from orket.settings import Settings
from tests.contracts.sandbox_drivers import Herald, named_engine, opened
from tests.orket.kit import Bench, call, issue, plain, settled

pytestmark = pytest.mark.anyio
IMAGE = "orket-test/tiny:1"
DB = "echo db has $$POSTGRES_PASSWORD; exec sleep 1000"
SERVE = "echo serving; exec httpd -f -p 8000 -h /www"
TINY = Stack(
    name="tiny",
    services=(
        Service(
            name="api",
            build="backend",
            environment=(("DATABASE_URL", "postgresql://app:${DB_PASSWORD}@db/app"),),
            ports=(8000,),
            needs=("db",),
            probe="/index.html",
        ),
        Service(
            name="db",
            image=IMAGE,
            command=("sh", "-c", DB),
            environment=(("POSTGRES_PASSWORD", "${DB_PASSWORD}"),),
            volume="/data",
        ),
    ),
    credentials=("DB_PASSWORD",),
)


class TinyPolicy(DefaultSandboxPolicy):
    """The default, with the one stack that needs no registry."""

    def __init__(self) -> None:
        super().__init__((TINY,))

    def project_limits(self, organization: Organization) -> ProjectLimits:
        return ProjectLimits(create_s=60.0, ready_s=20.0, stop_s=1.0)


@pytest.fixture
async def engine() -> str:
    """The socket of the container engine, with the tiny image."""
    named = named_engine()
    try:
        await find_compose()
    except SandboxUnavailable as error:
        pytest.skip(error.detail)
    busybox = shutil.which("busybox")
    if busybox is None:
        pytest.skip("there is no busybox to make an image of (apt-get install busybox-static)")
    made = {"fromSrc": "-", "repo": "orket-test/tiny", "tag": "1", "changes": "ENV PATH=/bin"}
    await EngineApi(named).call("POST", "/images/create", kind=bytes, query=made, content=_root(busybox))
    return named


def _root(busybox: str) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        archive.add(os.path.realpath(busybox), "bin/busybox")
        for name in ("sh", "echo", "httpd", "sleep", "mkdir", "env", "cat", "touch"):
            link = tarfile.TarInfo(f"bin/{name}")
            link.type, link.linkname = tarfile.SYMTYPE, "busybox"
            archive.addfile(link)
    return buffer.getvalue()


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A project with a backend to be built."""
    backend = tmp_path / "project" / "backend"
    backend.mkdir(parents=True)
    (backend / "Dockerfile").write_text(
        f'FROM {IMAGE}\nCOPY index.html /www/index.html\nCMD ["sh", "-c", "{SERVE}"]\n'
    )
    (backend / "index.html").write_text("hello from the project\n")
    return backend.parent


@asynccontextmanager
async def orket(folder: Path, named: str) -> AsyncIterator[Orket]:
    """An engine whose sandbox policy is the tiny one, selected by the environment."""
    registry = NodeRegistry()
    registry.register("sandbox_policy_node", "tiny", TinyPolicy())
    settings = Settings(
        data_dir=folder / "data",
        model_dir=folder / "model",
        cwd=folder,
        environ={"ORKET_SANDBOX_POLICY_NODE": "tiny"},
    )
    driver = ComposeProjects(socket=named, owner=folder.name)
    async with open_orket(settings, registry=registry, project_driver=driver) as one:
        yield one


def get(address: str) -> str:
    with urllib.request.urlopen(f"http://{address}/index.html", timeout=5) as told:
        content: bytes = told.read()
    return content.decode()


async def test_a_stack_is_brought_up_used_taken_up_again_and_deleted(
    engine: str, project: Path, tmp_path: Path
) -> None:
    driver = ComposeProjects(socket=engine, owner=tmp_path.name)
    try:
        async with orket(tmp_path, engine) as one:
            made = await one.projects.ask(CreateProject(name="Rock", workspace=str(project)), timeout=90)
            assert (made.status, made.stack) == (SandboxStatus.RUNNING, "tiny")
            (api,) = [each for each in made.services if each.service == "api"]
            assert api.answers
            ((inside, outside),) = api.ports
            assert inside == 8000
            assert await anyio.to_thread.run_sync(get, f"127.0.0.1:{outside}") == "hello from the project\n"
            sandbox_id = made.sandbox_id
            logs = await one.projects.ask(ProjectLogs(sandbox_id=sandbox_id))
            assert "api | serving" in logs
            assert "db | db has [redacted:environment]" in logs
            told = await one.projects.ask(_run(sandbox_id, "env"))
            assert (told.end, told.exit_code) == (CommandEnd.OK, 0)
            assert b"POSTGRES_PASSWORD=[redacted:environment]" in told.stdout
            secret = await _secret(engine, made.project)
            recorded = repr(await one.ledger.read(PROJECTS)) + repr(made) + logs + told.stdout.decode()
            file = (project / "agent_output" / "docker-compose.sandbox.yml").read_text()
            assert secret not in recorded + file
            assert json.loads(file)["services"]["api"]["ports"] == ["127.0.0.1::8000"]
            with pytest.raises(ProjectRefused) as caught:
                await one.projects.ask(CreateProject(name="Rock", workspace=str(project)))
            assert isinstance(caught.value.error, SandboxConflict)
        async with orket(tmp_path, engine) as one:
            (again,) = await one.projects.ask(ListProjects())
            standing = await one.projects.ask(LookAtProject(sandbox_id=again.sandbox_id))
            assert (standing.status, standing.services) == (SandboxStatus.RUNNING, made.services)
            stopped = await one.projects.ask(StopProject(sandbox_id=sandbox_id), timeout=60)
            assert stopped.status is SandboxStatus.STOPPED
            assert {each.state for each in stopped.services} == {"exited"}
            deleted = await one.projects.ask(DeleteProject(sandbox_id=sandbox_id), timeout=60)
            assert deleted.status is SandboxStatus.DELETED
        assert await driver.left() == frozenset()
    finally:
        for left in await driver.left():
            await driver.remove(left)


async def test_a_command_has_the_bounds_that_are_stated(tmp_path: Path) -> None:
    """What the container engine was told, asked of it while the command runs."""
    named = named_engine()
    driver = ComposeDriver(socket=named, owner=tmp_path.name)
    limits = Limits(wall_s=30.0, memory_bytes=300_000_000, processes=40, cpu_s=7)
    herald = Herald(tmp_path / "work")
    async with opened(driver, tmp_path / "work") as sandbox, anyio.create_task_group() as group:
        argv = ("sh", "-c", f"echo up > {herald.path}; sleep 20")
        group.start_soon(sandbox.run, Command(argv=argv, limits=limits))
        assert await herald.word() == "up"
        api = EngineApi(named)
        asked = {"all": "1", "filters": json.dumps({"label": [f"orket.owner={tmp_path.name}"]})}
        (one,) = await api.call("GET", "/containers/json", kind=list, query=asked)
        told: dict[str, Any] = await api.call("GET", f"/containers/{one['Id']}/json", kind=dict)
        info: dict[str, Any] = await api.call("GET", "/info", kind=dict)
        group.cancel_scope.cancel()
    host = told["HostConfig"]
    assert host["Memory"] == host["MemorySwap"] == 300_000_000
    assert host["PidsLimit"] == 41
    assert host["NanoCpus"] == int(min(2.0, info["NCPU"]) * 1e9)
    assert host["NetworkMode"] == "none"
    assert host["ReadonlyRootfs"]
    assert {"Name": "cpu", "Soft": 7, "Hard": 12} in host["Ulimits"]


LOOK = """
import socket, sys, urllib.request
print(urllib.request.urlopen("http://api:8000/index.html", timeout=5).read().decode(), end="")
open("seen", "w").write("from inside")
for name, (host, port) in {"host": (sys.argv[1], int(sys.argv[2])), "far": ("192.0.2.7", 80)}.items():
    try:
        socket.create_connection((host, port), timeout=2)
        print(name, "reached")
    except OSError:
        print(name, "kept")
try:
    print("name found", socket.getaddrinfo("example.com", 80))
except OSError:
    print("name kept")
"""


async def test_commands_of_a_run_reach_its_services_and_nothing_else(
    engine: str, project: Path, tmp_path: Path
) -> None:
    driver = ComposeProjects(socket=engine, owner=tmp_path.name)
    commands = ComposeDriver(socket=engine, owner=tmp_path.name)
    try:
        async with orket(tmp_path, engine) as one:
            made = await one.projects.ask(CreateProject(name="r", workspace=str(project)), timeout=90)
            spec = SandboxSpec(
                run_id=RunId("r1"),
                workspace=str(tmp_path / "work"),
                levels=("compose",),
                services=made.sandbox_id,
            )
            with socket.create_server(("0.0.0.0", 0)) as listening:
                port = listening.getsockname()[1]
                address = await _gateway(engine, made.sandbox_id)
                sandbox = await commands.open(spec)
                try:
                    argv = (sys.executable, "-c", LOOK, address, str(port))
                    told = await sandbox.run(Command(argv=argv, limits=Limits(wall_s=30.0)))
                finally:
                    await sandbox.close()
            assert told.stderr == b""
            assert told.stdout == b"hello from the project\nhost kept\nfar kept\nname kept\n"
            assert await anyio.Path(tmp_path / "work" / "seen").read_text() == "from inside"
            with pytest.raises(SandboxUnavailable, match="no network of the project sandbox 'sandbox-none'"):
                await commands.open(attrs.evolve(spec, services="sandbox-none"))
    finally:
        for left in await driver.left():
            await driver.remove(left)


async def test_a_whole_run_uses_the_services(
    engine: str, project: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """From the command to the ledger, with an engine that finds everything by itself."""
    monkeypatch.setenv("DOCKER_HOST", f"unix://{engine}")
    registry = NodeRegistry()
    registry.register("sandbox_policy_node", "tiny", TinyPolicy())
    bench = Bench(tmp_path)
    bench.settings = attrs.evolve(bench.settings, environ={"ORKET_SANDBOX_POLICY_NODE": "tiny"})
    fetch = (
        "import urllib.request as u; open('got', 'wb').write(u.urlopen('http://api:8000/index.html').read())"
    )
    work = call("run_command", argv=[sys.executable, "-c", fetch])
    house = {"levels": ["bubblewrap", "compose"], "command_recovery": "idempotent"}
    target = bench.epic([issue("A")], plain("A", work), sandbox=house)
    driver = ComposeProjects(socket=engine, owner=owner_of(bench.settings))
    try:
        async with bench.engine(registry) as one:
            made = await one.projects.ask(CreateProject(name="r", workspace=str(project)), timeout=90)
            run_id = await bench.start(one, target, services=made.sandbox_id)
            with anyio.fail_after(60):
                assert (await settled(one, run_id)).status is RunStatus.DONE
            events = [each.event for each in await one.ledger.read(run_id)]
            (accepted,) = [each for each in events if isinstance(each, RunAccepted)]
            assert accepted.services == made.sandbox_id
            assert {each.driver for each in events if isinstance(each, SandboxChanged)} == {"compose"}
            assert await anyio.Path(bench.workspace, "got").read_text() == "hello from the project\n"
            await one.projects.ask(DeleteProject(sandbox_id=made.sandbox_id), timeout=60)
    finally:
        for left in await driver.left():
            await driver.remove(left)


async def _gateway(engine: str, sandbox_id: str) -> str:
    """The address that this machine would have in the network of the services."""
    found: list[dict[str, Any]] = await EngineApi(engine).call("GET", "/networks", kind=list)
    (inside,) = [
        one for one in found if one["Internal"] and (one["Labels"] or {}).get("orket.sandbox") == sandbox_id
    ]
    config: list[dict[str, str]] = inside["IPAM"]["Config"]
    return config[0].get("Gateway") or config[0]["Subnet"].replace(".0/16", ".1")


def _run(sandbox_id: str, *argv: str, wall_s: float = 20.0) -> RunInProject:
    return RunInProject(
        sandbox_id=sandbox_id, service="db", command=Command(argv=argv, limits=Limits(wall_s=wall_s))
    )


async def _secret(engine: str, project: str) -> str:
    told: dict[str, dict[str, list[str]]] = await EngineApi(engine).call(
        "GET", f"/containers/{project}-db-1/json", kind=dict
    )
    (entry,) = [one for one in told["Config"]["Env"] if one.startswith("POSTGRES_PASSWORD=")]
    return entry.partition("=")[2]


async def test_commands_in_a_service_end_in_every_way(engine: str, project: Path, tmp_path: Path) -> None:
    driver = ComposeProjects(socket=engine, owner=tmp_path.name)
    try:
        async with orket(tmp_path, engine) as one:
            made = await one.projects.ask(CreateProject(name="r", workspace=str(project)), timeout=90)
            sandbox_id, ask = made.sandbox_id, one.projects.ask
            told = await ask(_run(sandbox_id, "sh", "-c", "echo out; echo err >&2; exit 3"))
            assert (told.end, told.exit_code) == (CommandEnd.NONZERO, 3)
            assert (told.stdout, told.stderr) == (b"out\n", b"err\n")
            assert (await ask(_run(sandbox_id, "no-such-program"))).exit_code in (126, 127)
            late = await ask(_run(sandbox_id, "sh", "-c", "echo first; sleep 301", wall_s=0.5))
            assert (late.end, late.stdout) == (CommandEnd.TIMEOUT, b"first\n")
            left = await ask(_run(sandbox_id, "sh", "-c", "cat /proc/[0-9]*/cmdline"))
            assert b"301" not in left.stdout.replace(b"/proc/[0-9]*", b"")
            for asked in (ProjectLogs(sandbox_id=sandbox_id, service="web"), _web(sandbox_id)):
                with pytest.raises(ProjectRefused) as caught:
                    await ask(asked)  # type: ignore[call-overload]  # either of them
                assert isinstance(caught.value.error, SandboxNotFound)
    finally:
        for one_left in await driver.left():
            await driver.remove(one_left)


def _web(sandbox_id: str) -> RunInProject:
    return RunInProject(sandbox_id=sandbox_id, service="web", command=Command(argv=("env",)))


async def test_what_cannot_be_built_is_refused_or_unhealthy(
    engine: str, project: Path, tmp_path: Path
) -> None:
    driver = ComposeProjects(socket=engine, owner=tmp_path.name)
    async with orket(tmp_path, engine) as one:
        for broken in ("Dockerfile", "link"):
            other = tmp_path / f"other-{broken}"
            other.mkdir()
            if broken == "link":
                (other / "backend").symlink_to(project / "backend")
            with pytest.raises(ProjectRefused) as caught:
                await one.projects.ask(CreateProject(name="r", workspace=str(other)))
            assert isinstance(caught.value.error, SandboxUnavailable)
        assert await one.projects.ask(ListProjects()) == ()
        (project / "backend" / "Dockerfile").write_text(f"FROM {IMAGE}\nRUN exit 7\n")
        with pytest.raises(ProjectRefused, match="compose failed"):
            await one.projects.ask(CreateProject(name="r", workspace=str(project)), timeout=90)
        (standing,) = await one.projects.ask(ListProjects())
        assert standing.status is SandboxStatus.UNHEALTHY
        await one.projects.ask(DeleteProject(sandbox_id=standing.sandbox_id))
    assert await driver.left() == frozenset()


KILLED = """
import sys, anyio
from pathlib import Path
from orket.services.project_messages import CreateProject
from tests.contracts.test_compose_projects import orket
async def main():
    async with orket(Path(sys.argv[1]), sys.argv[2]) as one:
        await one.projects.ask(CreateProject(name="r", workspace=sys.argv[3]), timeout=90)
anyio.run(main, backend=sys.argv[4])
"""


async def test_an_engine_killed_while_it_creates_leaves_nothing_after_the_next_start(
    engine: str, project: Path, tmp_path: Path, anyio_backend: str
) -> None:
    started, since = anyio.Event(), f"{time.time():.9f}"
    (project / "backend" / "Dockerfile").write_text(f"FROM {IMAGE}\nRUN echo begun && sleep 300\n")
    argv = [sys.executable, "-c", KILLED, str(tmp_path), engine, str(project), anyio_backend]
    process = subprocess.Popen(argv)  # noqa: ASYNC220  # a short call
    try:
        async with anyio.create_task_group() as group:
            group.start_soon(_until_building, engine, since, started)
            await started.wait()
    finally:
        process.send_signal(signal.SIGKILL)
        process.wait()
    async with orket(tmp_path, engine) as one:
        with pytest.raises(ProjectRefused):  # answered when everything has been put in order
            await one.projects.ask(CreateProject(name="x", workspace="relative"))
        assert await one.projects.ask(ListProjects()) == ()
    assert await ComposeProjects(socket=engine, owner=tmp_path.name).left() == frozenset()


async def _until_building(engine: str, since: str, started: anyio.Event) -> None:
    """Wait for the container of a build's step; the engine tells when one starts."""
    api = EngineApi(engine)
    query = {"filters": '{"event":["start"]}', "since": since}
    async with aclosing(api.lines("/events", query=query)) as lines:
        async for line in lines:
            image = json.loads(line)["Actor"]["Attributes"].get("image", "")
            if image.startswith("sha256:") or ":" not in image:
                started.set()
                return


async def test_leftovers_of_commands_are_removed_at_the_start(engine: str, tmp_path: Path) -> None:
    api, owner = EngineApi(engine), tmp_path.name
    labels = {"orket.owner": owner, "orket.kind": "command"}
    for mine in (labels, {**labels, "orket.owner": "somebody-else"}):
        await api.call(
            "POST", "/containers/create", kind=dict, body={"Image": IMAGE, "Cmd": ["env"], "Labels": mine}
        )
    async with orket(tmp_path, engine) as one:
        with pytest.raises(ProjectRefused):
            await one.projects.ask(CreateProject(name="x", workspace="relative"))
    left = ComposeProjects(socket=engine, owner="somebody-else")
    assert await ComposeProjects(socket=engine, owner=owner).clear_commands() == 0
    assert await left.clear_commands() == 1


@pytest.mark.parametrize("stack", STACKS, ids=lambda one: one.name)
async def test_compose_takes_the_file_of_each_stack(engine: str, stack: Stack, tmp_path: Path) -> None:
    policy = DefaultSandboxPolicy()
    program = await find_compose()
    given = {one.name: one.value for one in policy.credentials(stack, b"x" * 32)}
    document = json.dumps(policy.compose(stack, "sandbox-x", {"orket.owner": "me"}))
    argv = (*program, "--project-directory", str(tmp_path), "-f", "-", "config", "--quiet")
    await run_compose(argv, document=document, environment={**given, "PATH": os.environ["PATH"]}, secrets=())
    with pytest.raises(SandboxError, match="compose failed with exit code"):
        await run_compose(argv, document=document[:-1], environment=given, secrets=())
