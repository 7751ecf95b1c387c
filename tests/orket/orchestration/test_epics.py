"""Whole epics through the whole engine: they end in the state the cards say."""

from __future__ import annotations

from pathlib import Path

import pytest

from orket.domain.cards import CardStatus, WaitReason
from orket.domain.errors import AssetError, DependencyCycle
from orket.domain.runs import RunState, RunStatus
from orket.orchestration.messages import Refused
from tests.orket.kit import TEAM, Bench, call, issue, plain, reply, status

pytestmark = pytest.mark.anyio


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path)


def statuses(state: RunState) -> dict[str, CardStatus]:
    return {key: card.status for key, card in state.issues.items()}


def assert_settled(state: RunState) -> None:
    """Every tool call has its intent and its receipt."""
    for turns in state.turns.values():
        for turn in turns:
            assert turn.outcome
            for one in turn.calls:
                assert one.decision is not None
                assert one.result is not None


async def test_a_chain_is_worked_off_in_order(bench: Bench) -> None:
    epic = bench.epic([issue("A"), issue("B", "A"), issue("C", "B")], [*plain("A"), *plain("B"), *plain("C")])
    state = await bench.drive(epic)
    assert state.status is RunStatus.DONE, state.reason
    assert set(statuses(state).values()) == {CardStatus.DONE}
    assert sorted(path.name for path in bench.workspace.iterdir()) == ["A.txt", "B.txt", "C.txt"]
    assert_settled(state)


async def test_a_diamond_joins_before_its_last_card(bench: Bench) -> None:
    cards = [issue("A"), issue("B", "A"), issue("C", "A"), issue("D", "B", "C")]
    state = await bench.drive(bench.epic(cards, [line for key in "ABCD" for line in plain(key)]))
    assert state.status is RunStatus.DONE, state.reason
    assert_settled(state)


async def test_a_hundred_independent_issues_all_end_done(bench: Bench) -> None:
    keys = [f"I{number}" for number in range(100)]
    epic = bench.epic(
        [issue(key) for key in keys],
        [line for key in keys for line in plain(key)],
        architecture={"idesign_threshold": 200},
    )
    state = await bench.drive(epic, parallel=8)
    assert state.status is RunStatus.DONE, state.reason
    assert len(list(bench.workspace.iterdir())) == 100
    assert_settled(state)


async def test_a_cycle_is_refused_before_anything_starts(bench: Bench) -> None:
    epic = bench.epic([issue("A", "B"), issue("B", "A")], [])
    with pytest.raises(Refused) as caught:
        await bench.drive(epic)
    assert isinstance(caught.value.error, DependencyCycle)
    assert caught.value.error.cycle == ("A", "B", "A")


async def test_an_unknown_seat_names_file_pointer_and_the_known_ones(bench: Bench) -> None:
    epic = bench.epic([issue("A"), issue("B", seat="nobody")], [])
    with pytest.raises(Refused) as caught:
        await bench.drive(epic)
    error = caught.value.error
    assert isinstance(error, AssetError)
    assert error.pointer == "/issues/1/seat"
    assert "builder" in error.reason


async def test_invalid_json_names_the_file_and_the_place(bench: Bench) -> None:
    bench.epic([issue("A")], [])
    broken = bench.write("epics/broken.json", '{"name": "x",\n oops}')
    with pytest.raises(Refused) as caught:
        await bench.drive(broken)
    error = caught.value.error
    assert isinstance(error, AssetError)
    assert "broken.json" in error.file
    assert "line 2" in error.reason


async def test_only_one_issue_of_an_epic_is_worked_on(bench: Bench) -> None:
    bench.epic([issue("A"), issue("B")], [*plain("A"), *plain("B")])
    state = await bench.drive("B")
    assert state.status is RunStatus.DONE, state.reason
    assert statuses(state)["B"] is CardStatus.DONE
    assert not (bench.workspace / "A.txt").exists()


async def test_a_denied_and_a_failed_call_are_retried_within_the_run(bench: Bench) -> None:
    script = [
        reply("A", 1, call("write_file", path="../out.txt", content="no")),
        reply("A", 2, call("run_command", argv=["python3", "-c", "raise SystemExit(3)"])),
        reply("A", 3, call("write_file", path="a.txt", content="yes"), status("code_review")),
        reply("A", 4, status("done")),
    ]
    state = await bench.drive(bench.epic([issue("A")], script))
    assert state.status is RunStatus.DONE, state.reason
    assert not (bench.root / "out.txt").exists()
    denied, crashed = (state.turns[state.issues["A"].id][turn].calls[0] for turn in (0, 1))
    assert denied.decision is not None
    assert denied.decision.verdict == "deny"
    assert crashed.result is not None
    assert crashed.result.code == "nonzero"
    assert_settled(state)


async def test_a_card_that_never_moves_is_blocked_with_a_reason_and_spares_its_siblings(bench: Bench) -> None:
    idle = [reply("A", turn, text="thinking") for turn in range(1, 9)]
    cards = [issue("A"), issue("B"), issue("C", "A")]
    state = await bench.drive(bench.epic(cards, [*idle, *plain("B"), *plain("C")]))
    assert state.status is RunStatus.BLOCKED
    assert statuses(state) == {
        "A": CardStatus.BLOCKED,
        "B": CardStatus.DONE,
        "C": CardStatus.BLOCKED,
    }
    assert state.issues["A"].wait_note
    assert state.issues["C"].wait_reason is WaitReason.DEPENDENCY


async def test_a_guard_sends_work_back_and_accepts_it_later(bench: Bench) -> None:
    script = [
        reply("A", 1, call("write_file", path="a.txt", content="1"), status("code_review")),
        reply("A", 2, call("add_issue_comment", comment="say two"), status("in_progress")),
        reply("A", 3, call("write_file", path="a.txt", content="2"), status("code_review")),
        reply("A", 4, status("done")),
    ]
    state = await bench.drive(bench.epic([issue("A")], script))
    assert state.status is RunStatus.DONE, state.reason
    assert (bench.workspace / "a.txt").read_text() == "2"
    assert [one.text for one in state.comments[state.issues["A"].id]] == ["say two"]


async def test_a_builder_cannot_finish_its_own_card(bench: Bench) -> None:
    script = [
        reply("A", 1, status("code_review"), status("done")),
        reply("A", 2, status("done")),
    ]
    state = await bench.drive(bench.epic([issue("A")], script))
    first = state.turns[state.issues["A"].id][0].calls[1]
    assert first.result is not None
    assert not first.result.ok
    assert state.status is RunStatus.DONE, state.reason


FIXTURE = """
import answer

def verify(data):
    return answer.double(data["n"])
"""


@pytest.mark.parametrize(("code", "ends"), [("n * 2", RunStatus.DONE), ("n * 3", RunStatus.BLOCKED)])
async def test_a_declared_verification_gates_done(bench: Bench, code: str, ends: RunStatus) -> None:
    scenario = {"id": "S1", "input_data": {"n": 4}, "expected_output": 8}
    checked = {"fixture_path": "verification/double.py", "scenarios": [scenario]}
    source = f"def double(n):\n    return {code}\n"
    script = [
        reply("A", 1, call("write_file", path="answer.py", content=source), status("code_review")),
        *[reply("A", turn, status("done")) for turn in range(2, 9)],
    ]
    epic = bench.epic([issue("A", verification=checked)], script)
    bench.write("verification/double.py", FIXTURE)
    state = await bench.drive(epic)
    assert state.status is ends, state.reason
    done = statuses(state)["A"] is CardStatus.DONE
    assert done is (ends is RunStatus.DONE)


async def test_a_created_issue_is_worked_on_in_the_same_run(bench: Bench) -> None:
    made = call("create_issue", seat="builder", summary="A second thing to do")
    script = [reply("A", 1, made, status("code_review")), reply("A", 2, status("done"))]
    state = await bench.drive(bench.epic([issue("A")], script))
    assert len(state.issues) == 2
    assert statuses(state)["A"] is CardStatus.DONE
    (other,) = [card for card in state.issues.values() if card.id != "A"]
    assert other.status is CardStatus.BLOCKED  # the script says nothing about it
    assert other.name == "A second thing to do"


async def test_a_rock_runs_its_epics_one_after_the_other(bench: Bench) -> None:
    bench.epic([issue("A")], plain("A"), name="one")
    bench.epic([issue("B")], plain("B"), name="two")
    rock = {
        "id": "ROCK",
        "name": "both",
        "type": "rock",
        "epics": [{"epic": "one", "department": "core"}, {"epic": "two", "department": "core"}],
    }
    state = await bench.drive(bench.write("rocks/both.json", rock))
    assert state.status is RunStatus.DONE, state.reason
    assert {card.status for card in state.cards.values()} == {CardStatus.DONE}
    assert TEAM["name"] == "pair"
