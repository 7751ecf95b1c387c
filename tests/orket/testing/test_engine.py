"""A whole engine in simulations: what it keeps under crashes, and what it finds in a user's node or tool."""

from __future__ import annotations

from typing import Annotated

import anyio
import attrs
import pytest
from msgspec import Meta

from actors.testing import Faults, InvariantBroken, Schedule, Simulation, World, simulate
from actors.testing._schedule import Backend
from actors.testing._simulate import Exploration, Program, run_program
from orket.decision_nodes.decisions import PlanInput, RecoveryAction
from orket.decision_nodes.registry import NodeRegistry
from orket.domain import events as e
from orket.domain.cards import Card, CardStatus
from orket.domain.identifiers import CardId
from orket.domain.models import ModelReply, ModelRequest
from orket.domain.runs import RunState, RunStatus
from orket.domain.tools import HumanVerdict, Permission, Recovery, ToolResult
from orket.domain.verification import Scenario, Verification
from orket.services.tools.tool import Arguments, ToolContext, declare, done
from orket.services.tools.toolbox import TOOLBOX, make_toolbox
from orket.services.tools.workbench import Workbench
from orket.testing import (
    Shell,
    SimulatedModel,
    SimulatedSandbox,
    call,
    diligent,
    issue,
    says,
    simulated_engine,
    workload,
)

BACKENDS: tuple[Backend, ...] = ("asyncio", "trio")
both = pytest.mark.parametrize("backend", BACKENDS)
ACTORS = ("engine", "executor", "orchestrator")
PORTS = ("model", "sandbox", "simulatedledger")


async def beep(shell: Shell) -> str:
    await anyio.sleep(1)
    shell.files["beeps"] = shell.files.get("beeps", b"") + b"."
    return "beep"


def beeping(request: ModelRequest) -> ModelReply:
    """Each card first runs a command that must not be repeated."""
    if request.turn == 1:
        return says(call("run_command", argv=["beep", request.card]))
    return diligent(request)


async def three_cards(sim: Simulation) -> RunState:
    """A person says of every call in doubt that it did not happen."""
    sandbox = SimulatedSandbox({"beep": beep})
    async with simulated_engine(sim, model=SimulatedModel(beeping), sandbox=sandbox) as engine:
        state = await engine.run(workload(issue("A"), issue("B", "A"), issue("C")))
        while state.status is RunStatus.WAITING_FOR_APPROVAL:
            state = await engine.decide(state.run_id, HumanVerdict.DID_NOT_HAPPEN)
    return state


@both
def test_a_run_comes_to_its_end_in_virtual_time_and_is_the_same_again(backend: Backend) -> None:
    ran = [run_program(three_cards, World(Schedule(3), backend=backend), own_system=True) for _ in range(2)]
    assert [one.error for one in ran] == [None, None]
    assert {card.status for card in ran[0].value.issues.values()} == {CardStatus.DONE}
    assert ran[0].trace == ran[1].trace
    assert ran[0].time_s >= 2


@both
@pytest.mark.parametrize(
    "faults",
    [
        Faults(crash=ACTORS, delay=PORTS, drop=["model"], rate=0.25),
        Faults(crash=True, start=ACTORS, stop=ACTORS, rate=0.03),
    ],
    ids=["crash", "hooks"],
)
def test_the_laws_hold_while_actors_die(backend: Backend, faults: Faults) -> None:
    finding = Exploration(World(faults=faults), 10, (backend,)).explore(three_cards, own_system=True)
    assert finding is None, finding.report()


#: Schedules that found something once: a call that was begun twice as its first attempt.
FOUND = [(Schedule(4), Faults(crash=True, start=ACTORS, stop=ACTORS, rate=0.03), "asyncio")]


@pytest.mark.parametrize(("schedule", "faults", "backend"), FOUND)
def test_what_was_found_stays_mended(schedule: Schedule, faults: Faults, backend: Backend) -> None:
    ran = run_program(three_cards, World(schedule, faults, backend), own_system=True)
    assert ran.error is None, repr(ran.error)


class Impatient:
    """A planner that does not look at dependencies."""

    def plan(self, given: PlanInput) -> tuple[CardId, ...]:
        return tuple(key for key, card in given.cards.items() if not card.is_final)


async def dependent(sim: Simulation) -> None:
    """With the planner ``mine``, the second card finds what the first has written."""
    registry = NodeRegistry()
    registry.register("planner_node", "mine", Impatient())
    async with simulated_engine(sim, nodes=registry) as engine:

        def in_order() -> bool:
            return all("A.txt" in one for one in engine.sandbox.workspaces.values() if "B.txt" in one)

        sim.invariant(in_order)
        await engine.run(workload(issue("A"), issue("B", "A"), rules=(("planner_node", "mine"),)))


def test_a_wrong_planner_of_a_user_is_found() -> None:
    finding = Exploration(World(), 30, shrink=False).explore(dependent, own_system=True)
    assert finding is not None
    assert isinstance(finding.shortest.error, InvariantBroken)
    assert "in_order" in finding.report()


class PayArguments(Arguments):
    """How much."""

    cents: Annotated[int, Meta(ge=1)]


async def pay(args: PayArguments, context: ToolContext, workbench: Workbench) -> ToolResult:
    await workbench.run(("pay", str(args.cents)))
    return done(paid=args.cents)


def paying(recovery: Recovery) -> Program:
    """A program with a tool that pays, under a declaration which may be wrong."""
    tool = declare(
        pay,
        PayArguments,
        name="pay",
        description="Pay.",
        permissions=(Permission.RUN_COMMANDS,),
        recovery=recovery,
    )

    async def transfer(shell: Shell) -> int:
        await anyio.sleep(1)
        shell.files["paid"] = shell.files.get("paid", b"") + b"1"
        await anyio.sleep(1)
        return 0

    def answer(request: ModelRequest) -> ModelReply:
        return says(call("pay", cents=5)) if request.turn == 1 else diligent(request)

    async def program(sim: Simulation) -> None:
        sandbox = SimulatedSandbox({"pay": transfer})
        tools = make_toolbox([*TOOLBOX.values(), tool])
        async with simulated_engine(
            sim, model=SimulatedModel(answer), sandbox=sandbox, tools=tools
        ) as engine:
            await engine.run(workload(issue("A"), tools=("write_file", "update_issue_status", "pay")))
            paid = [files.get("paid", b"") for files in sandbox.workspaces.values()]
            assert max(paid, default=b"") in (b"", b"1"), "paid twice"

    return program


def test_a_tool_that_says_it_may_be_repeated_and_may_not_is_found() -> None:
    faults = Faults(crash=["executor"], rate=0.5)
    careless = Exploration(World(faults=faults), 60, ("asyncio",), shrink=False)
    finding = careless.explore(paying(Recovery.IDEMPOTENT), own_system=True)
    assert finding is not None
    assert "paid twice" in str(finding.shortest.error)
    careful = attrs.evolve(careless, schedules=15)
    assert careful.explore(paying(Recovery.ASK_HUMAN), own_system=True) is None


@simulate(schedules=12, faults=Faults(drop=["model"], rate=0.5, most=2), overtake=False)
async def test_a_lost_reply_is_asked_for_again(sim: Simulation) -> None:
    model = SimulatedModel()
    async with simulated_engine(sim, model=model) as engine:
        state = await engine.run(workload(issue("A")))
        assert state.status is RunStatus.DONE
        lost = sum(moment.kind == "fault" for moment in sim.moments)
        assert len(model.requests) == 2 + lost


async def asked_of_a_person(sim: Simulation, verdict: HumanVerdict) -> int:
    sandbox = SimulatedSandbox({"beep": beep})
    async with simulated_engine(sim, model=SimulatedModel(beeping), sandbox=sandbox) as engine:
        state = await engine.run(workload(issue("A")))
        while state.status is RunStatus.WAITING_FOR_APPROVAL:
            state = await engine.decide(state.run_id, verdict)
        assert state.status is RunStatus.DONE
        return len(sandbox.started)


@both
def test_only_a_person_repeats_a_command_in_doubt(backend: Backend) -> None:
    faults, starts = Faults(crash=["executor"], rate=0.4), {verdict: set[int]() for verdict in HumanVerdict}
    for verdict in (HumanVerdict.HAPPENED, HumanVerdict.DID_NOT_HAPPEN):
        for seed in range(25):
            world = World(Schedule(seed), faults, backend)
            ran = run_program(lambda sim, said=verdict: asked_of_a_person(sim, said), world, own_system=True)
            assert ran.error is None, repr(ran.error)
            starts[verdict].add(ran.value)
    assert max(starts[HumanVerdict.HAPPENED]) == 1
    assert max(starts[HumanVerdict.DID_NOT_HAPPEN]) > 1


class Speechless:
    """A recovery node that fails whenever a call is in doubt."""

    def recover(self, spec: object, recovery: Recovery, attempts: int) -> RecoveryAction:
        raise LookupError("no idea")


async def given_up(sim: Simulation) -> tuple[RunState, list[e.Event]]:
    """A card whose call is lost, and that is given up because nobody can say what to do about that."""
    registry, sandbox = NodeRegistry(), SimulatedSandbox({"beep": beep})
    registry.register("recovery_node", "speechless", Speechless())
    rules = (("recovery_node", "speechless"),)
    async with simulated_engine(
        sim, model=SimulatedModel(beeping), sandbox=sandbox, nodes=registry
    ) as engine:
        state = await engine.run(workload(issue("A"), issue("B"), rules=rules))
        return state, [one.event for one in await engine.ledger.read(state.run_id)]


def test_a_card_that_is_given_up_leaves_no_call_without_a_word() -> None:
    """The laws say so after each of these runs; here is what they say it about."""
    faults, told = Faults(crash=["executor"], rate=0.4), set()
    for seed in range(25):
        ran = run_program(given_up, World(Schedule(seed), faults), own_system=True)
        assert ran.error is None, repr(ran.error)
        state, events = ran.value
        told |= {(state.status, type(one)) for one in events if "the card was given up" in str(one)}
    assert (RunStatus.WAITING_FOR_APPROVAL, e.ToolCallInDoubt) in told


def proven(expected: str) -> Card:
    scenario = Scenario(id="sum", input_json='{"a": 1}', expected_json=expected)
    fixture = Verification(fixture_path="fixture.py", fixture_source="pass", scenarios=(scenario,))
    return issue("A", verification=fixture)


@simulate(schedules=3)
async def test_a_verification_is_answered_by_a_function(sim: Simulation) -> None:
    def verified(scenario: str, given: object, files: dict[str, bytes]) -> object:
        return [scenario, given, sorted(files)]

    async with simulated_engine(sim, sandbox=SimulatedSandbox(verified=verified)) as engine:
        good = await engine.run(workload(proven('["sum", {"a": 1}, ["A.txt"]]'), name="good"))
        bad = await engine.run(workload(proven("2"), name="bad"))
    assert (good.status, good.verifications[CardId("A")].passed) == (RunStatus.DONE, 1)
    assert bad.status is not RunStatus.DONE
