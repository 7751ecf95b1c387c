"""Any of the three actors may die in the middle of a run: the run goes on, and nothing acts twice unasked."""

from __future__ import annotations

from pathlib import Path

import pytest

from orket.bootstrap import Orket
from orket.domain.cards import CardStatus, WaitReason
from orket.domain.runs import RunStatus
from orket.domain.tools import HumanVerdict
from orket.orchestration.messages import DecideCall
from tests.orket.kit import JSON, Bench, call, issue, plain, reply, settled, status

pytestmark = pytest.mark.anyio

# Leaves a line per start, rings the bell if somebody listens, and waits for the test to let it end.
WAITING = """
import os, pathlib, time
with open("starts", "a") as file:
    file.write("start\\n")
try:
    os.write(os.open("bell", os.O_WRONLY | os.O_NONBLOCK), b"!")
except OSError:
    pass
while not os.path.exists("go"):
    time.sleep(0.01)
pathlib.Path("end").touch()
"""


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path)


def script() -> list[JSON]:
    work = call("run_command", argv=["python3", "-c", WAITING])
    return [reply("A", 1, work), reply("A", 2, status("code_review")), reply("A", 3, status("done"))]


def victim(orket: Orket, name: str) -> None:
    orket.system.kill({"orchestrator": orket.root.orchestrator, "executor": orket.root.executor}[name])


@pytest.mark.parametrize("name", ["orchestrator", "executor", "engine"])
async def test_a_run_outlives_the_death_of_an_actor(bench: Bench, name: str) -> None:
    epic = bench.epic([issue("A"), issue("B", "A")], [*script(), *plain("B")])
    async with bench.listening() as (orket, bell):
        run_id = await bench.start(orket, epic)
        await bell.rung()
        if name == "engine":
            orket.system.kill(orket.engine)
        else:
            victim(orket, name)
        (bench.workspace / "go").touch()
        state = await settled(orket, run_id)
    assert state.status is RunStatus.DONE, state.reason
    assert {card.status for card in state.issues.values()} == {CardStatus.DONE}


async def test_the_death_of_the_engine_alone_repeats_nothing(bench: Bench) -> None:
    """The executor outlives the engine and still knows the call: it is joined, not run again."""
    epic = bench.epic([issue("A")], script(), sandbox={"levels": ["process"]})
    async with bench.listening() as (orket, bell):
        run_id = await bench.start(orket, epic)
        await bell.rung()
        orket.system.kill(orket.engine)
        (bench.workspace / "go").touch()
        state = await settled(orket, run_id)
    assert state.status is RunStatus.DONE, state.reason
    assert (bench.workspace / "starts").read_text() == "start\n"


@pytest.mark.parametrize("verdict", [HumanVerdict.HAPPENED, HumanVerdict.DID_NOT_HAPPEN])
async def test_a_command_in_doubt_waits_for_a_person(bench: Bench, verdict: HumanVerdict) -> None:
    epic = bench.epic([issue("A"), issue("B")], [*script(), *plain("B")], sandbox={"levels": ["process"]})
    async with bench.listening() as (orket, bell):
        run_id = await bench.start(orket, epic)
        await bell.rung()
        victim(orket, "executor")
        state = await settled(orket, run_id)
        assert state.status is RunStatus.WAITING_FOR_APPROVAL
        card = state.issues[next(iter(state.issues))]
        assert card.status is CardStatus.WAITING_FOR_DEVELOPER
        assert card.wait_reason is WaitReason.INPUT
        assert "run_command" in card.wait_note
        (call_in_doubt,) = state.waiting_calls()
        before = (bench.workspace / "starts").read_text()
        (bench.workspace / "go").touch()
        decision = DecideCall(run_id=run_id, call_id=call_in_doubt.call.id, verdict=verdict, by="tester")
        await orket.engine.ask(decision, timeout=10)
        state = await settled(orket, run_id)
    assert state.status is RunStatus.DONE, state.reason
    again = (bench.workspace / "starts").read_text().count("start") - before.count("start")
    assert again == (1 if verdict is HumanVerdict.DID_NOT_HAPPEN else 0)
