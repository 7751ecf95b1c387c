"""Notes between seats and the project's memory, in real runs: recorded, delivered, bounded, replayed."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from orket.bootstrap import Orket
from orket.bootstrap.replaying import replay_run
from orket.domain import events as e
from orket.domain.events import Recorded
from orket.domain.identifiers import CardId, RunId
from orket.domain.runs import RunStatus
from tests.orket.kit import TOOLS, Bench, call, issue, plain, reply, role, settled, status

pytestmark = pytest.mark.anyio

MORE = [*TOOLS, "send_note", "remember", "search_memory", "report_credits"]


def house(
    root: Path, issues: list[dict[str, object]], replies: list[dict[str, object]], **more: object
) -> tuple[Bench, Path]:
    """Write an epic whose seats may leave notes, remember, search and report."""
    bench = Bench(root)
    epic = bench.epic(issues, replies, **more)
    for name in ("builder_role", "integrity_guard"):
        bench.write(f"roles/{name}.json", role(name, MORE))
    return bench, epic


async def history(orket: Orket, run_id: RunId) -> list[Recorded]:
    return list(await orket.ledger.read(run_id, limit=10_000))


async def prompts(orket: Orket, recorded: list[Recorded]) -> dict[tuple[str, int], str]:
    """What the card message said in each turn."""
    found = {}
    for one in recorded:
        if isinstance(one.event, e.TurnStarted):
            body = await orket.ledger.blob(one.event.prompt)
            assert body is not None
            found[str(one.event.card_id), one.event.turn] = json.loads(body)["messages"][1]["content"]
    return found


async def test_notes_reach_the_next_prompt_of_their_seat_and_only_that(tmp_path: Path) -> None:
    lines = [
        reply(
            "A",
            1,
            call("send_note", text="mind the sign", to="guard"),
            call("send_note", text="for everybody"),
        ),
        reply("A", 2, status("code_review")),
        reply("A", 3, call("send_note", text="well done", to="builder"), status("done")),
        *plain("B"),
    ]
    bench, epic = house(tmp_path, [issue("A"), issue("B", "A")], lines)
    async with bench.engine() as orket:
        state = await settled(orket, await bench.start(orket, epic))
        assert state.status is RunStatus.DONE
        recorded = await history(orket, state.run_id)
        said = await prompts(orket, recorded)
    marks = ("mind the sign", "for everybody", "well done")
    heading = "Notes from other seats:"
    told = {key: [mark for mark in marks if mark in text.partition(heading)[2]] for key, text in said.items()}
    assert told == {
        ("A", 1): [],
        ("A", 2): [],
        ("A", 3): ["mind the sign", "for everybody"],
        ("B", 1): ["well done"],
        ("B", 2): ["mind the sign", "for everybody"],
    }
    report = await replay_run(bench.settings, recorded)
    assert report.difference is None


async def test_a_note_crosses_to_a_card_that_is_being_worked_on(tmp_path: Path) -> None:
    """B's builder has begun its assignment when A's guard writes: it reads the note in its next turn."""
    wait = call("run_command", argv=["sh", "-c", "read word < gate"])
    lines = [
        reply("A", 1, status("code_review")),
        reply("A", 2, call("send_note", text="use cents", to="builder")),
        reply("A", 3, call("run_command", argv=["sh", "-c", "echo sent > gate"])),
        reply("A", 4, status("done")),
        reply("B", 1, wait),
        reply("B", 2, status("code_review")),
        reply("B", 3, status("done")),
    ]
    bench, epic = house(tmp_path, [issue("A"), issue("B")], lines)
    os.mkfifo(bench.workspace / "gate")
    async with bench.engine() as orket:
        state = await settled(orket, await bench.start(orket, epic))
        recorded = await history(orket, state.run_id)
        said = await prompts(orket, recorded)
    assert state.status is RunStatus.DONE, state.reason
    assert "use cents" not in said["B", 1]
    assert "use cents" in said["B", 2]
    assert (await replay_run(bench.settings, recorded)).difference is None


async def test_a_note_to_nobody_is_refused_and_the_model_reads_why(tmp_path: Path) -> None:
    lines = [
        reply("A", 1, call("send_note", text="x", to="nobody"), call("send_note", text="x", to="builder")),
        reply("A", 2, status("code_review")),
        reply("A", 3, status("done")),
    ]
    bench, epic = house(tmp_path, [issue("A")], lines)
    state = await bench.drive(epic)
    told = [(one.result.code, one.result.output) for one in state.turns[CardId("A")][0].calls if one.result]
    assert [code for code, _ in told] == ["not_allowed", "not_allowed"]
    assert "its seats: builder, guard" in told[0][1]
    assert "reaches nobody" in told[1][1]
    assert state.notes == ()


async def test_what_one_run_remembers_the_next_one_is_told(tmp_path: Path) -> None:
    lines = [
        reply("A", 1, call("remember", text="Amounts are whole cents."), status("code_review")),
        reply("A", 2, call("search_memory", query="amounts"), status("done")),
        *plain("B"),
    ]
    issues = [issue("A"), issue("B", description="Print the amounts."), issue("C", description="Else.")]
    bench, epic = house(tmp_path, issues, [*lines, *plain("C")])
    async with bench.engine() as orket:
        first = await settled(orket, await bench.start(orket, epic, only="A"))
        second = await bench.start(orket, epic, only="B")
        await settled(orket, second)
        third = await bench.start(orket, epic, only="C")
        await settled(orket, third)
        recorded = await history(orket, second)
        said = await prompts(orket, recorded)
        quiet = await prompts(orket, await history(orket, third))
    searched = first.turns[CardId("A")][1].calls[0].result
    assert searched is not None
    assert json.loads(searched.output)["found"][0]["text"] == "Amounts are whole cents."
    assert "past decisions" in said["B", 1]
    assert "Amounts are whole cents. (builder, card A)" in said["B", 1]
    assert not [one for one in quiet.values() if "past decisions" in one]
    kinds = [type(one.event).__name__ for one in recorded]
    assert kinds.index("MemoriesRecalled") < kinds.index("TurnStarted")
    assert kinds.count("MemoriesRecalled") == 1  # it told the same at the review
    assert (await replay_run(bench.settings, recorded)).difference is None


async def test_the_house_may_want_nothing_recalled(tmp_path: Path) -> None:
    lines = [
        reply("A", 1, call("remember", text="Write A with care."), status("code_review")),
        reply("A", 2, status("done")),
    ]
    bench, epic = house(tmp_path, [issue("A")], lines, process_rules={"memories_recalled_max": 0})
    async with bench.engine() as orket:
        state = await settled(orket, await bench.start(orket, epic))
        assert state.status is RunStatus.DONE
        assert len(await orket.ledger.recall("care")) == 1
        said = await prompts(orket, await history(orket, state.run_id))
        assert not [one for one in said.values() if "past decisions" in one]


async def test_credits_add_up_per_card_to_the_millionth(tmp_path: Path) -> None:
    lines = [
        reply("A", 1, *(call("report_credits", amount=0.1, reason="calls") for _ in range(3))),
        reply("A", 2, call("report_credits", amount=1e-7), call("report_credits", amount=-1)),
        reply("A", 3, status("code_review")),
        reply("A", 4, call("report_credits", amount=2), status("done")),
    ]
    bench, epic = house(tmp_path, [issue("A")], lines)
    state = await bench.drive(epic)
    assert state.credits == {"A": 2_300_000}
    assert [one.result.code for one in state.turns[CardId("A")][1].calls if one.result] == ["denied"] * 2
