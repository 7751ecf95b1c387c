"""A run on a view of a project: apart until it is applied, taken back whole, and all of it on the ledger."""

from __future__ import annotations

from pathlib import Path

import pytest

from orket.bootstrap import Orket
from orket.bootstrap.replaying import replay_run
from orket.domain import events as e
from orket.domain import workspace_events as w
from orket.domain.errors import OrketError, RunConflict, RunDenied
from orket.domain.identifiers import RunId
from orket.domain.runs import RunState, RunStatus
from orket.domain.tools import HumanVerdict
from orket.domain.workspaces import ApplyStatus, Isolation, Place
from orket.infrastructure.clock import SystemClock
from orket.infrastructure.sqlite import open_ledger
from orket.infrastructure.workspaces.port import FileWorkspaces
from orket.orchestration.messages import (
    CancelRun,
    DecideCall,
    Fork,
    PauseRun,
    Refused,
    StartRun,
    TendWorkspace,
    WorkspaceAct,
)
from tests.orket.kit import Bench, call, issue, plain, reached, reply, settled, status

# short file calls; the loop may wait for them
pytestmark = pytest.mark.anyio
APPLY, ROLLBACK, DISCARD = WorkspaceAct.APPLY, WorkspaceAct.ROLLBACK, WorkspaceAct.DISCARD


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    bench = Bench(tmp_path)
    bench.workspace.joinpath("kept.txt").write_text("kept")
    bench.workspace.joinpath("old.txt").write_text("old\n")
    return bench


def epic(bench: Bench) -> Path:
    work = (
        call("run_command", argv=["sh", "-c", "cat kept.txt && rm old.txt"]),
        call("write_file", path="new.txt", content="new\n"),
    )
    return bench.epic([issue("A")], plain("A", *work))


async def begun(bench: Bench, orket: Orket, target: Path) -> RunId:
    asked = StartRun(target=str(target), project=str(bench.workspace))
    return (await orket.engine.ask(asked, timeout=20)).run_id


async def done(bench: Bench, orket: Orket) -> RunId:
    run_id = await begun(bench, orket, epic(bench))
    assert (await settled(orket, run_id)).status is RunStatus.DONE
    return run_id


async def tend(
    orket: Orket, run_id: RunId, act: WorkspaceAct, into: str = "", to: int | None = None
) -> RunState:
    asked = TendWorkspace(run_id=run_id, by="ada", act=act, into=into, to=to)
    await orket.engine.ask(asked, timeout=20)
    return await reached(orket, run_id, lambda _: True)


async def refusal(orket: Orket, run_id: RunId, act: WorkspaceAct, **more: object) -> OrketError:
    with pytest.raises(Refused) as caught:
        await tend(orket, run_id, act, **more)  # type: ignore[arg-type]  # passed through
    return caught.value.error


async def recorded(bench: Bench, run_id: RunId, event: e.Event) -> None:
    async with open_ledger(bench.settings.db_path, SystemClock()) as ledger:
        await ledger.append(run_id, [event])


def files(bench: Bench) -> dict[str, str]:
    return {one.name: one.read_text() for one in bench.workspace.iterdir()}


BEFORE = {"kept.txt": "kept", "old.txt": "old\n"}
AFTER = {"kept.txt": "kept", "new.txt": "new\n"}


async def test_a_run_leaves_its_project_alone_until_it_is_applied(bench: Bench) -> None:
    async with bench.engine() as orket:
        run_id = await done(bench, orket)
        assert files(bench) == BEFORE
        state = await tend(orket, run_id, APPLY)
        assert state.workspace.level in ("overlay", "reflink", "copy")
        assert [one.status for one in state.workspace.applications] == [ApplyStatus.APPLIED]
        assert files(bench) == AFTER
        assert "nothing" in (await refusal(orket, run_id, ROLLBACK, to=state.last_seq)).detail
        state = await tend(orket, run_id, ROLLBACK)
        assert files(bench) == BEFORE
        state = await tend(orket, run_id, APPLY)
        state = await tend(orket, run_id, DISCARD)
        assert state.workspace.discarded
        await tend(orket, run_id, DISCARD)
        assert isinstance(await refusal(orket, run_id, APPLY), RunConflict)
        await tend(orket, run_id, ROLLBACK, to=0)
        assert files(bench) == BEFORE
        history = await orket.ledger.read(run_id, limit=10_000)
    told = [one.event for one in history if type(one.event).__name__.startswith("Workspace")]
    applied, back = [w.WorkspaceApplying, w.WorkspaceApplied], [w.WorkspaceRollingBack, w.WorkspaceRolledBack]
    assert [type(one) for one in told] == [*applied, *back, *applied, w.WorkspaceDiscarded, *back]
    first = told[0]
    assert isinstance(first, w.WorkspaceApplying)
    assert (first.added, first.changed, first.removed, first.by) == (1, 0, 1, "ada")
    assert (await replay_run(bench.settings, history)).difference is None


async def test_what_changed_underneath_is_named_and_nothing_is_recorded(bench: Bench) -> None:
    async with bench.engine() as orket:
        run_id = await done(bench, orket)
        bench.workspace.joinpath("old.txt").write_text("mine")
        before = await reached(orket, run_id, lambda _: True)
        told = await refusal(orket, run_id, APPLY)
        assert isinstance(told, RunConflict)
        assert "old.txt (it was changed since the run began)" in told.detail
        assert (await reached(orket, run_id, lambda _: True)).last_seq == before.last_seq
        bench.workspace.joinpath("old.txt").unlink()  # as the run wants it: no clash any more
        await tend(orket, run_id, APPLY)
        bench.workspace.joinpath("new.txt").write_text("mine")
        state = await reached(orket, run_id, lambda _: True)
        assert "new.txt" in (await refusal(orket, run_id, ROLLBACK)).detail
        assert (await reached(orket, run_id, lambda _: True)).last_seq == state.last_seq


async def test_an_application_that_was_cut_off_is_finished_by_the_same_command(bench: Bench) -> None:
    async with bench.engine() as orket:
        run_id = await done(bench, orket)
        state = await reached(orket, run_id, lambda _: True)
    assert state.accepted is not None
    assert state.accepted.isolation is not None
    place = Place(workspace=state.accepted.workspace, isolation=state.accepted.isolation)
    plan = await FileWorkspaces().plan(place, 1)
    begun = w.WorkspaceApplying(
        number=1, project=str(bench.workspace), plan=plan.name, added=1, changed=0, removed=1, by="ada"
    )
    await recorded(bench, run_id, begun)  # as a process leaves it that is killed before it acts
    async with bench.engine() as orket:
        assert "half applied" in (await refusal(orket, run_id, DISCARD)).detail
        state = await tend(orket, run_id, APPLY)
        assert [one.status for one in state.workspace.applications] == [ApplyStatus.APPLIED]
        assert files(bench) == AFTER
    await recorded(bench, run_id, w.WorkspaceRollingBack(number=1, by="ada"))
    async with bench.engine() as orket:
        assert "rollback" in (await refusal(orket, run_id, APPLY)).detail
        await tend(orket, run_id, ROLLBACK)
        assert files(bench) == BEFORE


async def test_a_run_at_work_is_not_applied_nor_an_open_one_discarded(bench: Bench) -> None:
    bench.write("nothing.json", {})
    slow = call("run_command", argv=["sh", "-c", "echo here > made.txt; sleep 60"])
    target = bench.epic([issue("A")], [reply("A", 1, slow, status("code_review"))])
    async with bench.engine() as orket:
        run_id = await begun(bench, orket, target)
        await reached(orket, run_id, lambda state: bool(state.workspace.level))
        told = await refusal(orket, run_id, APPLY)
        assert isinstance(told, RunConflict)
        assert "pause" in told.allowed
        await orket.engine.ask(PauseRun(run_id=run_id, by="ada"), timeout=20)
        assert "needs its workspace" in (await refusal(orket, run_id, DISCARD)).detail
        await orket.engine.ask(CancelRun(run_id=run_id, by="ada"), timeout=20)
        await tend(orket, run_id, DISCARD)


async def test_a_run_goes_on_in_its_workspace_after_a_restart(bench: Bench) -> None:
    work = [
        *plain("A", call("write_file", path="a.txt", content="a")),
        *plain("B", call("run_command", argv=["cat", "a.txt", "kept.txt"])),
    ]
    asks = [{"tool": "run_command", "effect": "ask"}]
    target = bench.epic([issue("A"), issue("B", "A")], work, policy=asks)
    async with bench.engine() as orket:
        run_id = await begun(bench, orket, target)
        state = await settled(orket, run_id)
    (waiting,) = state.waiting_calls()
    async with bench.engine() as orket:
        approve = DecideCall(run_id=run_id, call_id=waiting.call.id, verdict=HumanVerdict.APPROVE, by="ada")
        await orket.engine.ask(approve, timeout=20)
        assert (await settled(orket, run_id)).status is RunStatus.DONE
        assert not bench.workspace.joinpath("a.txt").exists()
        await tend(orket, run_id, APPLY)
    assert bench.workspace.joinpath("a.txt").read_text() == "a"


async def test_a_workspace_of_its_own_goes_where_it_is_told(bench: Bench, tmp_path: Path) -> None:
    target = bench.epic([issue("A")], plain("A"))
    async with bench.engine() as orket:
        run_id = (await orket.engine.ask(StartRun(target=str(target)), timeout=20)).run_id
        await settled(orket, run_id)
        assert "name the folder" in (await refusal(orket, run_id, APPLY)).detail
        assert "is no folder" in (await refusal(orket, run_id, APPLY, into=str(tmp_path / "none"))).detail
        await tend(orket, run_id, APPLY, into=str(bench.workspace))
        assert bench.workspace.joinpath("A.txt").read_text() == "A\n"
        await tend(orket, run_id, ROLLBACK)
        assert files(bench) == BEFORE


async def test_a_run_in_a_folder_itself_has_nothing_to_compare_with(bench: Bench) -> None:
    target = bench.epic([issue("A")], plain("A"))
    async with bench.engine() as orket:
        run_id = await bench.start(orket, target)
        await settled(orket, run_id)
        for act in WorkspaceAct:
            if act is not ROLLBACK:
                assert "--project" in (await refusal(orket, run_id, act)).detail


async def test_a_fork_has_a_view_of_the_same_project(bench: Bench) -> None:
    async with bench.engine() as orket:
        run_id = await done(bench, orket)
        at = (await reached(orket, run_id, lambda _: True)).last_seq
        wanted = Fork(run_id=run_id, at=at)
        forked = (await orket.engine.ask(StartRun(target="", fork=wanted), timeout=20)).run_id
        state = await settled(orket, forked)
        assert state.accepted is not None
        assert state.accepted.isolation == Isolation(project=str(bench.workspace))
        await tend(orket, forked, APPLY)
    assert files(bench) == BEFORE | AFTER  # commands are not repeated in a fork


@pytest.mark.parametrize(
    ("project", "workspace", "told"),
    [
        ("nowhere", "", "is no folder"),
        ("work", "other", "name one of them"),
        ("/", "", "is no project"),
        ("data", "", "is no project"),
    ],
)
async def test_a_project_that_cannot_be_one_is_refused(
    bench: Bench, project: str, workspace: str, told: str
) -> None:
    target = bench.epic([issue("A")], plain("A"))
    async with bench.engine() as orket:
        asked = StartRun(target=str(target), project=project, workspace=workspace)
        with pytest.raises(Refused) as caught:
            await orket.engine.ask(asked, timeout=20)
    assert isinstance(caught.value.error, RunDenied)
    assert told in caught.value.error.detail


async def test_the_engines_own_data_in_a_project_is_not_shown(bench: Bench) -> None:
    target = bench.epic(
        [issue("A")], plain("A", call("run_command", argv=["sh", "-c", "ls -a > seen.txt; test ! -e data"]))
    )
    async with bench.engine() as orket:
        asked = StartRun(target=str(target), project=".")
        run_id = (await orket.engine.ask(asked, timeout=20)).run_id
        assert (await settled(orket, run_id)).status is RunStatus.DONE
        await tend(orket, run_id, APPLY)
    assert "data" not in (bench.root / "seen.txt").read_text().split()
