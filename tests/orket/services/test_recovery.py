"""A call that was started and has no receipt: looked into, undone, repeated, or put to a person."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import anyio
import pytest

from orket.domain.assets import Organization, PolicyRule
from orket.domain.errors import ToolError
from orket.domain.events import ToolCallIntended
from orket.domain.tools import Finding, HumanVerdict, Permission, Recovered, Recovery, ToolResult, Verdict
from orket.services.tool_messages import CallOutcome
from orket.services.tools import recovering
from orket.services.tools.tool import Arguments, Effect, Probed, Tool, ToolContext, declare, done
from orket.services.tools.toolbox import TOOLBOX, Toolbox, make_toolbox
from orket.services.tools.workbench import Workbench
from tests.orket.services.rooms import Rooms, rooms

pytestmark = pytest.mark.anyio

LOG = "log"


class NoArguments(Arguments):
    """None."""


async def lines(bench: Workbench) -> str:
    try:
        return (await bench.read(LOG, bytes_max=10_000)).decode()
    except ToolError:
        return ""


async def act(args: NoArguments, context: ToolContext, bench: Workbench) -> ToolResult:
    await bench.write(LOG, (await lines(bench) + f"{context.call.id}\n").encode())
    return done(acted=True)


async def look(args: NoArguments, context: ToolContext, bench: Workbench) -> Probed:
    acted = context.call.id in (text := await lines(bench)).split()
    return Probed(finding=Finding.HAPPENED if acted else Finding.DID_NOT_HAPPEN, evidence=f"log: {text!r}")


async def clear(args: NoArguments, context: ToolContext, bench: Workbench) -> None:
    left = [one for one in (await lines(bench)).splitlines() if one != context.call.id]
    await bench.write(LOG, "".join(f"{one}\n" for one in left).encode())


async def cannot(args: NoArguments, context: ToolContext, bench: Workbench) -> Any:
    raise ToolError("the other side does not answer", code="failed")


async def hangs(args: NoArguments, context: ToolContext, bench: Workbench) -> Any:
    await anyio.sleep_forever()


def tool(recovery: Recovery, effect: Effect[NoArguments] = act, **functions: Any) -> Tool[NoArguments]:
    return declare(
        effect,
        NoArguments,
        name="mark",
        description="Mark.",
        permissions=(Permission.WRITE_FILES,),
        recovery=recovery,
        **functions,
    )


def box(one: Tool[NoArguments]) -> Toolbox:
    return make_toolbox((*TOOLBOX.values(), one))


async def again(room: Rooms, *, before: str = "", **more: Any) -> CallOutcome:
    """Ask for a call that was intended once before this engine began; ``before`` is what it left."""
    if before:
        room.work.mkdir(exist_ok=True)
        (room.work / LOG).write_text(before)
    return await room.executor.ask(room.ask_for("mark", attempts=1, offered=("mark",), **more))


async def intent(room: Rooms) -> ToolCallIntended:
    (found,) = [one for one in await room.events() if isinstance(one, ToolCallIntended)]
    return found


async def test_a_probe_that_saw_the_effect_ends_the_call(tmp_path: Path) -> None:
    async with rooms(tmp_path, toolbox=box(tool(Recovery.PROBE, probe=look))) as room:
        outcome = await again(room, before="r1/C-1/1/0\n")
        assert not [one for one in await room.events() if isinstance(one, ToolCallIntended)]
    assert outcome.result is not None
    assert outcome.result.ok
    assert "confirmed by the tool's probe" in outcome.result.output
    assert "r1/C-1/1/0" in outcome.result.output
    assert (room.work / LOG).read_text() == "r1/C-1/1/0\n"


async def test_a_probe_that_saw_nothing_entitles_to_another_attempt(tmp_path: Path) -> None:
    async with rooms(tmp_path, toolbox=box(tool(Recovery.PROBE, probe=look))) as room:
        outcome = await again(room, before="other\n")
        recorded = await intent(room)
    assert outcome.result is not None
    assert outcome.result.ok
    assert recorded.attempt == 2
    expected = Recovered(by="probe", finding=Finding.DID_NOT_HAPPEN, evidence="log: 'other\\n'")
    assert recorded.recovered == expected
    assert (room.work / LOG).read_text() == "other\nr1/C-1/1/0\n"


@pytest.mark.parametrize(("probe", "told"), [(cannot, "does not answer"), (hangs, "did not end within")])
async def test_a_probe_that_cannot_tell_leaves_it_to_a_person(
    tmp_path: Path, probe: Any, told: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(recovering, "PROBE_S", 0.01)
    async with rooms(tmp_path, toolbox=box(tool(Recovery.PROBE, probe=probe))) as room:
        outcome = await again(room, before="x\n")
    assert outcome.result is None
    assert told in outcome.doubt
    assert (room.work / LOG).read_text() == "x\n"


async def test_compensation_is_recorded_before_it_undoes_and_then_acts(tmp_path: Path) -> None:
    async with rooms(tmp_path, toolbox=box(tool(Recovery.COMPENSATE, compensate=clear))) as room:
        outcome = await again(room, before="x\nr1/C-1/1/0\n")
        recorded = await intent(room)
    assert outcome.result is not None
    assert outcome.result.ok
    assert recorded.recovered is not None
    assert recorded.recovered.by == "compensate"
    assert (room.work / LOG).read_text() == "x\nr1/C-1/1/0\n"


@pytest.mark.parametrize(("compensate", "told"), [(cannot, "does not answer"), (hangs, "did not end within")])
async def test_a_compensation_that_fails_leaves_it_to_a_person_and_does_not_act(
    tmp_path: Path, compensate: Any, told: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(recovering, "COMPENSATE_S", 0.01)
    async with rooms(tmp_path, toolbox=box(tool(Recovery.COMPENSATE, compensate=compensate))) as room:
        outcome = await again(room, before="x\n")
        recorded = await intent(room)
    assert outcome.result is None
    assert told in outcome.doubt
    assert recorded.attempt == 2
    assert (room.work / LOG).read_text() == "x\n"


async def test_nothing_is_undone_before_a_person_has_approved(tmp_path: Path) -> None:
    house = Organization(policy=(PolicyRule(effect="ask", tool="mark"),))
    async with rooms(tmp_path, toolbox=box(tool(Recovery.COMPENSATE, compensate=clear))) as room:
        outcome = await again(room, before="r1/C-1/1/0\n", organization=house)
    assert outcome.result is None
    assert outcome.decision.verdict is Verdict.ASK
    assert (room.work / LOG).read_text() == "r1/C-1/1/0\n"


async def test_a_persons_word_stands_on_the_intent(tmp_path: Path) -> None:
    async with rooms(tmp_path, toolbox=box(tool(Recovery.ASK_HUMAN))) as room:
        outcome = await again(room, verdict=HumanVerdict.DID_NOT_HAPPEN)
        recorded = await intent(room)
    assert outcome.result is not None
    assert recorded.recovered is not None
    assert (recorded.recovered.by, recorded.recovered.finding) == ("person", Finding.DID_NOT_HAPPEN)


async def test_an_idempotent_call_says_so_on_its_next_intent(tmp_path: Path) -> None:
    async with rooms(tmp_path, toolbox=box(tool(Recovery.IDEMPOTENT))) as room:
        await again(room)
        recorded = await intent(room)
    assert recorded.recovered is not None
    assert recorded.recovered.by == "idempotent"


@pytest.mark.parametrize("recovery", [Recovery.PROBE, Recovery.COMPENSATE])
def test_a_declared_recovery_needs_its_function(recovery: Recovery) -> None:
    with pytest.raises(ValueError, match="brings no function"):
        tool(recovery)
