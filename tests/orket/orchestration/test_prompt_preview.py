"""``orket prompt`` tells what is really sent: held against every turn of a real run."""

from __future__ import annotations

from pathlib import Path

import pytest

from orket.bootstrap.prompting import preview_prompt
from orket.domain import events as e
from orket.domain.errors import CardNotFound, RunConflict
from orket.domain.identifiers import CardId
from orket.domain.runs import RunState, RunStatus
from tests.orket.kit import call, issue, plain, reply, settled, status
from tests.orket.orchestration.test_notes import history, house

pytestmark = pytest.mark.anyio


async def test_the_preview_of_every_turn_has_the_hash_that_was_recorded(tmp_path: Path) -> None:
    lines = [
        reply("A", 1, call("send_note", text="mind the sign"), call("add_issue_comment", comment="hm")),
        reply("A", 2),
        reply("A", 3, status("ready_for_testing")),
        reply("A", 4, status("in_progress")),
        reply("A", 5, status("code_review")),
        reply("A", 6, call("read_file", path="nothing"), text="Let me see."),
        reply("A", 7, status("done")),
        *plain("B"),
    ]
    bench, epic = house(tmp_path, [issue("A", note="small"), issue("B", "A", requirements="r")], lines)
    async with bench.engine() as orket:
        state = await settled(orket, await bench.start(orket, epic))
        assert state.status is RunStatus.DONE, state.reason
        recorded = await history(orket, state.run_id)
    now, checked = RunState(run_id=state.run_id), 0
    for one in recorded:
        event = one.event
        moves = isinstance(event, e.CardStatusChanged) and event.by == "system" and event.card_id in "AB"
        if moves or isinstance(event, e.TurnStarted | e.NotesReceived):
            card = event.card_id
            said = await preview_prompt(bench.settings, now, card)
            started = next(
                later.event
                for later in recorded
                if later.seq >= one.seq
                and isinstance(later.event, e.TurnStarted)
                and later.event.card_id == card
            )
            assert (said.turn, said.seat, said.review) == (started.turn, started.seat, started.review)
            assert (said.prompt, said.prompt_version) == (started.prompt, started.prompt_version)
            checked += 1
        now.apply_recorded(one)
    assert checked > 9
    with pytest.raises(RunConflict, match=r"A is done.*--turn"):
        await preview_prompt(bench.settings, now, CardId("A"))
    with pytest.raises(CardNotFound, match="its issues: A, B"):
        await preview_prompt(bench.settings, now, CardId("Z"))


async def test_an_open_turn_shows_its_own_prompt_until_the_model_has_answered(tmp_path: Path) -> None:
    bench, epic = house(tmp_path, [issue("A")], plain("A"))
    async with bench.engine() as orket:
        state = await settled(orket, await bench.start(orket, epic))
        recorded = await history(orket, state.run_id)
    now = RunState(run_id=state.run_id)
    for one in recorded:
        now.apply_recorded(one)
        if isinstance(one.event, e.TurnStarted):
            said = await preview_prompt(bench.settings, now, CardId("A"))
            assert (said.turn, said.prompt) == (one.event.turn, one.event.prompt)
        if isinstance(one.event, e.ModelReplied):
            with pytest.raises(RunConflict, match="calls to carry out"):
                await preview_prompt(bench.settings, now, CardId("A"))


async def test_what_a_small_model_is_really_sent_is_shown_and_accounted_for(tmp_path: Path) -> None:
    bench, epic = house(tmp_path, [issue("A"), issue("B")], plain("A"))
    model = {"name": "work", "model": "scripted:scripts/work.json", "params": {"calling": "schema"}}
    bench.write("environments/work.json", model)
    state = await bench.drive(epic, only="A")
    said = await preview_prompt(bench.settings, state, CardId("B"))
    assert said.request.schema_json
    assert said.account.messages == said.request.messages
    (dialect,) = (one for one in said.account.parts if one.name == "Dialect")
    assert dialect.message == len(said.request.messages) - 1
    assert dialect.chars + dialect.chars_left_out > 0
