"""Defects of the earlier Orket that no other test would notice; the whole list is in the documentation.

``docs/explanation/warning-signs.md`` names for each of them the test that would.
"""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from orket.bootstrap.prompting import preview_prompt
from orket.domain import events as e
from orket.domain.cards import CardStatus, CardType
from orket.domain.identifiers import CardId
from orket.domain.runs import RunState, RunStatus
from orket.domain.state_machine import SYSTEM, allowed
from tests.orket.histories import load, names
from tests.orket.kit import Bench, call, issue, plain, reply, settled, status
from tests.orket.orchestration.test_notes import history, house


@pytest.mark.parametrize("name", names())
def test_every_recorded_change_of_status_is_lawful(name: str) -> None:
    state, seen = RunState(run_id=load(name)[0].run_id), 0
    for one in load(name):
        if isinstance(one.event, e.CardStatusChanged):
            card = state.cards[one.event.card_id]
            assert one.event.previous is card.status
            assert one.event.status in allowed(card.type, card.status, system=one.event.by == SYSTEM)
            seen += 1
        state.apply_recorded(one)
    assert seen > 3
    assert {card.status for card in state.cards.values()} == {CardStatus.DONE}
    assert {card.type for card in state.cards.values()} >= {CardType.EPIC, CardType.ISSUE}


def snapshot(folder: Path) -> dict[str, tuple[bytes, int]]:
    """Every file below a folder with its content and the time of its last change."""
    files = (one for one in sorted(folder.rglob("*")) if one.is_file())
    return {str(one): (one.read_bytes(), one.stat().st_mtime_ns) for one in files}


@pytest.mark.anyio
async def test_a_run_leaves_the_card_files_as_they_are(tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    new = call("create_issue", seat="builder", summary="Write more")
    epic = bench.epic(
        [issue("A")], [reply("A", 1, new, status("code_review")), reply("A", 2, status("done"))]
    )
    bench.write("issues/alone.json", issue("ALONE"))  # once swallowed by a catch-all epic
    before = snapshot(bench.model)
    await bench.drive(epic)
    assert snapshot(bench.model) == before


@pytest.mark.anyio
async def test_a_second_run_leaves_the_first_alone(tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    epic = bench.epic([issue("A"), issue("B", "A")], [*plain("A"), *plain("B")])
    async with bench.engine() as orket:
        first = await bench.start(orket, epic)
        await settled(orket, first)
        before = await history(orket, first)
        second = await bench.start(orket, epic, only="A")
        state = await settled(orket, second)
        assert await history(orket, first) == before
        assert {card.status for card in await orket.ledger.cards(first)} == {CardStatus.DONE}
    assert state.status is RunStatus.DONE
    assert state.cards[CardId("B")].status is CardStatus.READY


@pytest.mark.anyio
async def test_an_environment_is_what_is_sent(tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    epic = bench.epic([issue("A"), issue("B")], plain("A"))
    told = {"temperature": 0.7, "seed": 11, "timeout": 5, "params": {"top_p": 0.5}}
    model = "scripted:scripts/work.json"
    bench.write("environments/work.json", {"name": "work", "model": model, **told})
    state = await bench.drive(epic, only="A")
    request = (await preview_prompt(bench.settings, state, CardId("B"))).request
    assert (request.temperature, request.seed, request.timeout_s) == (0.7, 11, 5)
    assert json.loads(request.params_json) == {"top_p": 0.5}
    assert request.model.endswith("scripts/work.json")


@pytest.mark.anyio
async def test_the_model_of_the_command_line_answers(tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    epic = bench.epic([issue("A")], [])
    bench.write("scripts/other.json", {"replies": plain("A")})
    other = f"scripted:{bench.core / 'scripts/other.json'}"
    async with bench.engine() as orket:
        state = await settled(orket, await bench.start(orket, epic, model=other))
        recorded = await history(orket, state.run_id)
    assert state.status is RunStatus.DONE
    turns = [one.event for one in recorded if isinstance(one.event, e.TurnStarted)]
    assert {one.model for one in turns} == {other}


@pytest.mark.anyio
async def test_secrets_are_not_remembered(tmp_path: Path) -> None:
    token = "ghp_" + "a1B2" * 10
    lines = [
        reply("A", 1, call("remember", text=f"The deploy token is {token}."), status("code_review")),
        reply("A", 2, status("done")),
    ]
    bench, epic = house(tmp_path, [issue("A")], lines)
    async with bench.engine() as orket:
        state = await settled(orket, await bench.start(orket, epic))
        assert await orket.ledger.recall("deploy token") == ()
    (denied, _) = state.turns[CardId("A")][0].calls
    assert denied.decision is not None
    assert denied.decision.rule == "secret"
    assert token.encode() not in bench.settings.db_path.read_bytes()
