"""A fork begins with another run's history, in a fresh workspace, under other rules if wanted."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import attrs
import pytest

from orket.bootstrap import Orket, open_orket
from orket.bootstrap.replaying import replay_run
from orket.domain import events as e
from orket.domain.errors import OrketError, RunConflict, RunDenied, RunNotFound, SettingsError
from orket.domain.identifiers import ENGINE, RunId
from orket.domain.ports import CommandKey
from orket.domain.runs import RunStatus
from orket.infrastructure.clock import SystemClock
from orket.infrastructure.sqlite import open_ledger
from orket.orchestration.messages import (
    CancelRun,
    Fork,
    PauseRun,
    Refused,
    ReleaseEngine,
    ResumeRun,
    StartRun,
)
from tests.orket.kit import Bench, call, issue, plain, reached, settled

pytestmark = pytest.mark.anyio


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path)


async def fork(
    orket: Orket,
    run_id: RunId,
    at: int,
    workspace: Path,
    model: str = "",
    key: CommandKey | None = None,
    **nodes: str,
) -> RunId:
    wanted = Fork(run_id=run_id, at=at, nodes=tuple(nodes.items()))
    asked = StartRun(target="", workspace=str(workspace), model=model, fork=wanted, key=key)
    return (await orket.engine.ask(asked, timeout=20)).run_id


async def history(orket: Orket, run_id: RunId) -> tuple[e.Recorded, ...]:
    return await orket.ledger.read(run_id, limit=10_000)


async def test_a_fork_goes_another_way_from_the_same_beginning(bench: Bench) -> None:
    writes = call("write_file", path="A.txt", content="first")
    commands = call("run_command", argv=["sh", "-c", "echo made > made.txt"])
    epic = bench.epic([issue("A"), issue("B", "A")], [*plain("A", writes, commands), *plain("B")])
    other = plain("B", call("write_file", path="B.txt", content="other"))
    bench.write("scripts/other.json", {"replies": other})
    async with bench.engine() as orket:
        run_id = await bench.start(orket, epic)
        assert (await settled(orket, run_id)).status is RunStatus.DONE
        recorded = await history(orket, run_id)
        at = next(
            one.seq for one in recorded if isinstance(one.event, e.TurnStarted) and one.event.card_id == "B"
        )
        model = f"scripted:{bench.core / 'scripts/other.json'}"
        forked = await fork(orket, run_id, at, bench.root / "forked", model, planner_node="default")
        state = await settled(orket, forked)
        assert state.status is RunStatus.DONE, state.reason
        told = await history(orket, forked)
    assert (bench.root / "forked" / "A.txt").read_text() == "first"
    assert (bench.root / "forked" / "B.txt").read_text() == "other"
    assert not (bench.root / "forked" / "made.txt").exists()
    accepted = told[0].event
    assert isinstance(accepted, e.RunAccepted)
    assert (accepted.forked_from, accepted.model) == (run_id, model)
    assert accepted.forked_at < at  # in the middle of a turn there is no beginning
    assert accepted.not_repeated == (f"{run_id}/A/1/1",)
    assert accepted.workload.organization.rule("planner_node") == "default"
    assert all(run_id not in str(one.event) for one in told[1:])
    assert state.spent.turns == 4
    report = await replay_run(bench.settings, told)
    assert report.difference is None, report.difference


@pytest.mark.parametrize(
    ("run", "at", "where", "nodes", "kind"),
    [
        ("", 1, "forked", {}, RunConflict),
        ("nope", 99, "forked", {}, RunNotFound),
        ("", 99, "work", {}, RunDenied),
        ("", 99, "forked", {"planner_node": "none"}, SettingsError),
    ],
    ids=["too early", "no run", "used workspace", "no node"],
)
async def test_what_cannot_be_forked_is_refused(
    bench: Bench, run: str, at: int, where: str, nodes: dict[str, str], kind: type[OrketError]
) -> None:
    epic = bench.epic([issue("A")], plain("A"))
    async with bench.engine() as orket:
        run_id = await bench.start(orket, epic)
        await settled(orket, run_id)
        with pytest.raises(Refused) as caught:
            await fork(orket, RunId(run) if run else run_id, at, bench.root / where, **nodes)
        assert isinstance(caught.value.error, kind)
        assert len(await orket.ledger.runs()) == 1


async def half_fork(bench: Bench) -> tuple[RunId, Path]:
    """Leave a ledger as an engine does that was killed while it rebuilt a fork: one of two files is there."""
    writes = [call("write_file", path=f"{name}.txt", content=name) for name in ("one", "two")]
    epic = bench.epic([issue("A"), issue("B", "A")], [*plain("A", *writes), *plain("B")])
    workspace = bench.root / "forked"
    async with bench.engine() as orket:
        run_id = await bench.start(orket, epic)
        await settled(orket, run_id)
        recorded = await history(orket, run_id)
        at = next(
            one.seq for one in recorded if isinstance(one.event, e.TurnStarted) and one.event.card_id == "B"
        )
        forked = await fork(orket, run_id, at, workspace)
        await settled(orket, forked)
        told = await history(orket, forked)
    until = next(n for n, one in enumerate(told, start=1) if isinstance(one.event, e.RunPaused))
    shutil.rmtree(bench.settings.data_dir)
    shutil.rmtree(workspace)
    workspace.mkdir()
    (workspace / "one.txt").write_text("half")
    async with open_ledger(bench.settings.db_path, SystemClock()) as ledger:
        await ledger.append(forked, [one.event for one in told[:until]])
    return forked, workspace


async def test_a_rebuild_that_was_cut_off_is_done_again_when_an_engine_starts(bench: Bench) -> None:
    forked, workspace = await half_fork(bench)
    async with bench.engine() as orket:
        state = await reached(orket, forked, lambda state: state.is_final)
    assert state.status is RunStatus.DONE, state.reason
    assert [(workspace / f"{name}.txt").read_text() for name in ("one", "two", "B")] == ["one", "two", "B\n"]


async def test_an_engine_that_takes_nothing_up_rebuilds_when_the_fork_is_resumed(bench: Bench) -> None:
    forked, workspace = await half_fork(bench)
    settings = attrs.evolve(bench.settings, take_up=False)
    async with open_orket(settings) as orket:
        assert not (workspace / "two.txt").exists()
        ticket = await orket.engine.ask(ResumeRun(run_id=forked, by="ada"), timeout=20)
        assert ticket.status is RunStatus.RUNNING
        state = await reached(orket, forked, lambda state: state.is_final)
        resumed = [one for one in await history(orket, forked) if isinstance(one.event, e.RunResumed)]
    assert state.status is RunStatus.DONE, state.reason
    assert (workspace / "two.txt").read_text() == "two"
    assert len(resumed) == 1


async def test_a_halted_engine_rebuilds_when_it_is_released(bench: Bench) -> None:
    forked, workspace = await half_fork(bench)
    async with open_ledger(bench.settings.db_path, SystemClock()) as ledger:
        await ledger.append(ENGINE, [e.EngineHalted(by="ada")])
    async with bench.engine() as orket:
        assert not (workspace / "two.txt").exists()
        await orket.engine.ask(ReleaseEngine(by="ada"), timeout=20)
        state = await reached(orket, forked, lambda state: state.is_final)
    assert state.status is RunStatus.DONE, state.reason
    assert (workspace / "two.txt").read_text() == "two"


async def test_nobody_can_talk_a_run_into_being_rebuilt(bench: Bench) -> None:
    """A pause whose reason reads like a rebuild is a pause."""
    wait = call("run_command", argv=["sh", "-c", "echo here > bell; read word < gate"])
    epic = bench.epic([issue("A")], plain("A", call("write_file", path="a.txt", content="old"), wait))
    os.mkfifo(bench.workspace / "gate")
    async with bench.listening() as (orket, bell):
        run_id = await bench.start(orket, epic)
        await bell.rung()
        (bench.workspace / "a.txt").write_text("new")
        pause = PauseRun(run_id=run_id, by="system", reason="its workspace is being rebuilt")
        await orket.engine.ask(pause, timeout=20)
    async with bench.engine() as orket:
        run = await orket.ledger.run(run_id)
        assert run is not None
        assert run.status is RunStatus.PAUSED
        await orket.engine.ask(CancelRun(run_id=run_id, by="ada"), timeout=20)
    assert (bench.workspace / "a.txt").read_text() == "new"


async def test_the_same_fork_with_the_same_key_is_one_run(bench: Bench) -> None:
    epic = bench.epic([issue("A")], plain("A"))
    key = CommandKey(key="once", fingerprint="f")
    async with bench.engine() as orket:
        run_id = await bench.start(orket, epic)
        end = (await settled(orket, run_id)).last_seq
        first = await fork(orket, run_id, end, bench.root / "forked", key=key)
        assert await fork(orket, run_id, end, bench.root / "forked", key=key) == first
        with pytest.raises(Refused, match="another command"):
            await fork(orket, run_id, end, bench.root / "else", key=attrs.evolve(key, fingerprint="g"))
        assert len(await orket.ledger.runs()) == 2


async def test_a_fork_whose_files_cannot_be_written_has_failed_and_says_so(bench: Bench) -> None:
    epic = bench.epic([issue("A")], plain("A"))
    (bench.root / "file").write_text("in the way")
    async with bench.engine() as orket:
        run_id = await bench.start(orket, epic)
        end = (await settled(orket, run_id)).last_seq
        wanted = Fork(run_id=run_id, at=end)
        asked = StartRun(target="", workspace=str(bench.root / "file" / "x"), fork=wanted)
        ticket = await orket.engine.ask(asked, timeout=20)
        assert ticket.status is RunStatus.FAILED
        state = await settled(orket, ticket.run_id)
    assert state.status is RunStatus.FAILED
    assert "could not be rebuilt" in state.reason
