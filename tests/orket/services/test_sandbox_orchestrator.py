"""The sandbox orchestrator over the process driver: one sandbox per run, several commands at a time."""

from pathlib import Path

import anyio
import attrs
import pytest

from orket.domain.errors import SandboxError, SandboxUnavailable
from orket.domain.events import SandboxChanged
from orket.domain.identifiers import CallId, RunId
from orket.domain.ports import OpenSandbox
from orket.domain.sandboxes import (
    Command,
    CommandEnd,
    CommandResult,
    Limits,
    ProbeReport,
    SandboxSpec,
    SandboxStatus,
)
from orket.infrastructure.sandboxes.process import ProcessDriver
from orket.services import sandbox_orchestrator
from orket.services.sandbox import COMMANDS_MAX, choose_driver
from orket.services.sandbox_messages import (
    ActionRefused,
    CloseSandbox,
    EndCommand,
    ListFolder,
    ReadFile,
    RunInSandbox,
    SandboxRefused,
    WriteFile,
)
from tests.contracts.sandbox_drivers import Herald, carrying, token
from tests.orket.services.rooms import RUN, Rooms, rooms

pytestmark = pytest.mark.anyio


class LameDriver:
    """A rung that is installed and does not work here."""

    name = "lame"
    level = 9

    async def probe(self) -> ProbeReport:
        return ProbeReport(driver=self.name, level=self.level, ok=False, reason="no legs", remedy="grow some")

    async def open(self, spec: SandboxSpec) -> OpenSandbox:
        raise SandboxUnavailable("no legs")


class ShutDriver:
    """A rung whose probe is well and whose sandboxes cannot be opened."""

    name = "shut"
    level = 8

    async def probe(self) -> ProbeReport:
        return ProbeReport(driver=self.name, level=self.level, ok=True)

    async def open(self, spec: SandboxSpec) -> OpenSandbox:
        raise SandboxUnavailable("the door is shut", remedy="knock")


def running(room: Rooms, call: str, *argv: str, limits: Limits | None = None) -> RunInSandbox:
    command = Command(argv=argv, limits=limits or Limits(wall_s=20.0))
    return RunInSandbox(spec=room.spec, call_id=CallId(call), command=command)


async def changes(room: Rooms) -> list[SandboxChanged]:
    return [one for one in await room.events() if isinstance(one, SandboxChanged)]


async def test_a_sandbox_lives_from_the_first_request_to_its_closing(tmp_path: Path) -> None:
    async with rooms(tmp_path) as room:
        told = await room.sandboxes.ask(running(room, "c1", "sh", "-c", "echo hello"))
        assert (told.end, told.stdout) == (CommandEnd.OK, b"hello\n")
        assert await room.sandboxes.ask(CloseSandbox(run_id=RUN))
        assert not await room.sandboxes.ask(CloseSandbox(run_id=RUN))
        statuses = [(one.driver, one.level, one.status) for one in await changes(room)]
    assert statuses == [
        ("process", 0, SandboxStatus.CREATING),
        ("process", 0, SandboxStatus.RUNNING),
        ("process", 0, SandboxStatus.DELETED),
    ]


async def test_files_and_commands_meet_in_the_workspace(tmp_path: Path) -> None:
    async with rooms(tmp_path) as room:
        assert await room.sandboxes.ask(WriteFile(spec=room.spec, path="a/x", content=b"12345")) == 5
        assert (await room.sandboxes.ask(running(room, "c1", "cat", "a/x"))).stdout == b"12345"
        assert await room.sandboxes.ask(ReadFile(spec=room.spec, path="a/x", bytes_max=5)) == b"12345"
        assert await room.sandboxes.ask(ListFolder(spec=room.spec, path=".")) == ("a/",)
        with pytest.raises(ActionRefused) as refused:
            await room.sandboxes.ask(ReadFile(spec=room.spec, path="../x", bytes_max=5))
        assert refused.value.error.code == "outside_workspace"


async def test_commands_of_one_run_run_at_the_same_time(tmp_path: Path) -> None:
    """Two commands that wait for each other come to an end only side by side."""
    async with rooms(tmp_path) as room:
        first, second = Herald(tmp_path), Herald(tmp_path)
        told: list[CommandResult] = []

        async def act(call: str, script: str) -> None:
            told.append(await room.sandboxes.ask(running(room, call, "sh", "-c", script)))

        async with anyio.create_task_group() as group:
            group.start_soon(act, "c1", f"echo a > {first.path}; cat {second.path}")
            group.start_soon(act, "c2", f"cat {first.path}; echo b > {second.path}")
    assert sorted(one.stdout for one in told) == [b"a\n", b"b\n"]


async def test_more_commands_than_allowed_are_refused(tmp_path: Path) -> None:
    async with rooms(tmp_path) as room, anyio.create_task_group() as group:
        await room.sandboxes.ask(running(room, "warm", "true"))
        herald = Herald(tmp_path)
        for number in range(COMMANDS_MAX - 1):
            group.start_soon(room.sandboxes.ask, running(room, f"c{number}", "sleep", "300"))
        group.start_soon(
            room.sandboxes.ask, running(room, "last", "sh", "-c", f"echo x > {herald.path}; sleep 300")
        )
        await herald.word()
        with pytest.raises(SandboxRefused, match="under way"):
            await room.sandboxes.ask(running(room, "more", "true"))
        await room.sandboxes.ask(CloseSandbox(run_id=RUN))


async def test_an_ended_command_is_gone_and_its_asker_is_told(tmp_path: Path) -> None:
    async with rooms(tmp_path) as room:
        word, herald, told = token(), Herald(tmp_path), list[CommandResult]()

        async def act() -> None:
            script = f"setsid sh -c 'echo up > {herald.path}; sleep 300; : {word}' & sleep 300; : {word}"
            told.append(await room.sandboxes.ask(running(room, "c1", "sh", "-c", script)))

        async with anyio.create_task_group() as group:
            group.start_soon(act)
            await herald.word()
            assert not await room.sandboxes.ask(EndCommand(run_id=RUN, call_id=CallId("other")))
            assert carrying(word)
            assert await room.sandboxes.ask(EndCommand(run_id=RUN, call_id=CallId("c1")))
            assert not carrying(word)
        assert [one.end for one in told] == [CommandEnd.CANCELED]
        assert not await room.sandboxes.ask(EndCommand(run_id=RUN, call_id=CallId("c1")))
        assert (await room.sandboxes.ask(running(room, "c1", "true"))).end is CommandEnd.OK


async def test_a_call_never_has_two_commands_at_a_time(tmp_path: Path) -> None:
    async with rooms(tmp_path) as room:
        word, herald, told = token(), Herald(tmp_path), list[CommandResult]()

        async def act() -> None:
            script = f"echo up > {herald.path}; sleep 300; : {word}"
            told.append(await room.sandboxes.ask(running(room, "c1", "sh", "-c", script)))

        async with anyio.create_task_group() as group:
            group.start_soon(act)
            await herald.word()
            second = await room.sandboxes.ask(
                running(room, "c1", "sh", "-c", f"pgrep -f {word[:-1]}[{word[-1]}]")
            )
        assert [one.end for one in told] == [CommandEnd.CANCELED]
        assert second.exit_code == 1, "the first command was still there"


async def test_closing_ends_what_runs(tmp_path: Path) -> None:
    async with rooms(tmp_path) as room:
        word, herald, told = token(), Herald(tmp_path), list[CommandResult]()

        async def act() -> None:
            script = f"echo up > {herald.path}; sleep 300; : {word}"
            told.append(await room.sandboxes.ask(running(room, "c1", "sh", "-c", script)))

        async with anyio.create_task_group() as group:
            group.start_soon(act)
            await herald.word()
            assert await room.sandboxes.ask(CloseSandbox(run_id=RUN))
            assert not carrying(word)
        assert [one.end for one in told] == [CommandEnd.CANCELED]


async def test_stopping_the_orchestrator_leaves_nothing(tmp_path: Path) -> None:
    async with rooms(tmp_path) as room, anyio.create_task_group() as group:
        word, herald = token(), Herald(tmp_path)
        room.sandboxes.tell(running(room, "c1", "sh", "-c", f"echo up > {herald.path}; sleep 300; : {word}"))
        await herald.word()
        await room.system.stop_actor(room.sandboxes)
        assert not carrying(word)
        assert (await changes(room))[-1].status is SandboxStatus.DELETED
        group.cancel_scope.cancel()


async def test_the_first_level_that_works_is_taken_and_recorded(tmp_path: Path) -> None:
    async with rooms(
        tmp_path, drivers=(LameDriver(), ProcessDriver()), levels=("bubblewrap", "lame", "process")
    ) as room:
        assert (await room.sandboxes.ask(running(room, "c1", "true"))).end is CommandEnd.OK
        assert {one.driver for one in await changes(room)} == {"process"}


async def test_no_weaker_level_is_taken_than_those_allowed(tmp_path: Path) -> None:
    async with rooms(
        tmp_path, drivers=(LameDriver(), ProcessDriver()), levels=("bubblewrap", "lame")
    ) as room:
        with pytest.raises(SandboxRefused) as refused:
            await room.sandboxes.ask(running(room, "c1", "true"))
        assert isinstance(refused.value.error, SandboxUnavailable)
        text = refused.value.error.detail
        assert "bubblewrap: not installed" in text
        assert "lame: no legs" in text
        assert "lame: grow some" in text
        assert "installed: lame, process" in text
        assert await changes(room) == []


async def test_a_sandbox_that_cannot_be_opened_is_on_the_ledger_and_tried_again(tmp_path: Path) -> None:
    async with rooms(tmp_path, drivers=(ShutDriver(),), levels=("shut",)) as room:
        for _ in range(2):
            with pytest.raises(SandboxRefused, match="the door is shut; knock"):
                await room.sandboxes.ask(running(room, "c1", "true"))
        seen = [(one.status, one.reason) for one in await changes(room)]
    assert seen == [(SandboxStatus.CREATING, ""), (SandboxStatus.UNHEALTHY, "the door is shut; knock")] * 2


async def test_choosing_without_any_level_says_so() -> None:
    with pytest.raises(SandboxUnavailable, match="no level is allowed"):
        await choose_driver((ProcessDriver(),), ())


async def test_runs_do_not_share_a_sandbox(tmp_path: Path) -> None:
    async with rooms(tmp_path) as room:
        await room.sandboxes.ask(WriteFile(spec=room.spec, path="x", content=b"1"))
        other = SandboxSpec(run_id=RunId("r2"), workspace=str(tmp_path / "other"), levels=("process",))
        await room.ledger.append(RunId("r2"), [(await room.ledger.read(RUN, limit=1))[0].event])
        assert await room.sandboxes.ask(ListFolder(spec=other, path=".")) == ()
        assert not await room.sandboxes.ask(EndCommand(run_id=RunId("r3"), call_id=CallId("c")))


async def test_a_killed_orchestrator_leaves_nothing_and_goes_on(tmp_path: Path) -> None:
    async with rooms(tmp_path) as room, anyio.create_task_group() as group:
        word, herald = token(), Herald(tmp_path)
        room.sandboxes.tell(running(room, "c1", "sh", "-c", f"echo up > {herald.path}; sleep 300; : {word}"))
        await herald.word()
        room.system.kill(room.sandboxes)
        assert (await room.sandboxes.ask(running(room, "c2", "true"))).end is CommandEnd.OK
        assert not carrying(word)
        group.cancel_scope.cancel()


async def test_more_sandboxes_than_allowed_are_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sandbox_orchestrator, "SANDBOXES_MAX", 1)
    async with rooms(tmp_path) as room:
        await room.sandboxes.ask(running(room, "c1", "true"))
        other = attrs.evolve(room.spec, run_id=RunId("r2"))
        with pytest.raises(SandboxRefused, match="open already"):
            await room.sandboxes.ask(ListFolder(spec=other, path="."))
        await room.sandboxes.ask(CloseSandbox(run_id=RUN))
        await room.ledger.append(RunId("r2"), [(await room.ledger.read(RUN, limit=1))[0].event])
        assert await room.sandboxes.ask(ListFolder(spec=other, path=".")) == ()


async def test_a_killed_sandbox_is_opened_anew(tmp_path: Path) -> None:
    """The sandbox of a run crashes: what it ran is gone, and the next request opens another."""
    async with rooms(tmp_path) as room, anyio.create_task_group() as group:
        word, herald = token(), Herald(tmp_path)
        room.sandboxes.tell(running(room, "c1", "sh", "-c", f"echo up > {herald.path}; sleep 300; : {word}"))
        await herald.word()
        child = room.sandboxes._cell.offspring()[0]
        room.system.kill(type(room.sandboxes)(child))
        assert (await room.sandboxes.ask(running(room, "c2", "true"))).end is CommandEnd.OK
        assert not carrying(word)
        group.cancel_scope.cancel()


def test_a_refusal_carries_the_error() -> None:
    assert SandboxRefused(SandboxError("x")).error.detail == "x"
