"""A fork begins with another run's history, in a fresh workspace, under other rules if wanted."""

from __future__ import annotations

from pathlib import Path

import pytest

from orket.bootstrap import Orket, replay_run
from orket.domain import events as e
from orket.domain.errors import OrketError, RunConflict, RunDenied, RunNotFound, SettingsError
from orket.domain.identifiers import RunId
from orket.domain.runs import RunStatus
from orket.orchestration.messages import Fork, Refused, StartRun
from tests.orket.kit import Bench, call, issue, plain, settled

pytestmark = pytest.mark.anyio


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path)


async def fork(orket: Orket, run_id: RunId, at: int, workspace: Path, model: str = "", **nodes: str) -> RunId:
    wanted = Fork(run_id=run_id, at=at, nodes=tuple(nodes.items()))
    asked = StartRun(target="", workspace=str(workspace), model=model, fork=wanted)
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
