"""Runs over a model server: what it says badly, what it costs, and who answers when it does not."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import attrs
import pytest

from orket.bootstrap.replaying import replay_run
from orket.domain import events as e
from orket.domain.cards import CardStatus, WaitReason
from orket.domain.events import Recorded
from orket.domain.identifiers import CardId
from orket.domain.models import FinishReason, ModelReply, ProposedCall, Usage
from orket.domain.runs import RunState, RunStatus
from tests.contracts.model_server import FRAMES, Fault, ModelServer, Refuse, Say, model_server
from tests.orket.kit import Bench, issue, plain, settled

pytestmark = pytest.mark.anyio


def says(text: str = "", *calls: tuple[str, dict[str, Any]], finish: FinishReason = FinishReason.STOP) -> Say:
    """One answer of the server."""
    proposed = tuple(
        ProposedCall(name=name, arguments_json=json.dumps(given), ref=f"c{number}")
        for number, (name, given) in enumerate(calls)
    )
    usage = Usage(input_tokens=100, output_tokens=10)
    reply = ModelReply(text=text, calls=proposed, finish=finish, usage=usage, model="any")
    return Say(list(FRAMES["openai"](reply, {})))


WRITE = ("write_file", {"path": "a.txt", "content": "a\n"})
REVIEW = ("update_issue_status", {"status": "code_review"})
DONE = ("update_issue_status", {"status": "done"})


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path)


async def run(
    bench: Bench, server: ModelServer, answers: Sequence[Fault], **environment: Any
) -> tuple[RunState, tuple[Recorded, ...]]:
    """Run one issue with a model of the server; its events come along."""
    epic = bench.epic([issue("A")], plain("A"))
    server.faults = list(answers)
    told = {"name": "work", "model": f"openai:any@{server.url('openai')}", "timeout": 20, **environment}
    bench.write("environments/work.json", told)
    async with bench.engine() as orket:
        run_id = await bench.start(orket, epic)
        state = await settled(orket, run_id)
        return state, await orket.ledger.read(run_id)


async def replays(bench: Bench, recorded: tuple[Recorded, ...]) -> bool:
    """Whether the run can be replayed without its model."""
    return (await replay_run(bench.settings, recorded)).difference is None


async def test_a_run_over_a_server(bench: Bench) -> None:
    async with model_server() as server:
        state, recorded = await run(bench, server, [says("", WRITE, REVIEW), says("Fine.", DONE)])
    assert state.status is RunStatus.DONE
    assert (bench.workspace / "a.txt").read_text(encoding="utf-8") == "a\n"
    assert state.spent.usage == Usage(input_tokens=200, output_tokens=20)
    assert [one["function"]["name"] for one in server.asked[0].body["tools"]][:2] == [
        "read_file",
        "write_file",
    ]
    assert await replays(bench, recorded)


async def test_calls_that_were_written_down_act_and_are_told_once(bench: Bench) -> None:
    told = json.dumps(
        {"tool_calls": [{"name": "write_file", "arguments": {"path": "a.txt", "content": "a"}}]}
    )
    fenced = f"So:\n```json\n{told}\n```"
    async with model_server() as server:
        answers = [says(fenced), says("", REVIEW), says("", DONE)]
        state, recorded = await run(bench, server, answers)
    assert state.status is RunStatus.DONE
    (message,) = [one for one in server.asked[1].body["messages"] if one["role"] == "assistant"]
    assert message["content"] == ""
    assert message["tool_calls"][0]["function"]["name"] == "write_file"
    assert await replays(bench, recorded)


async def test_what_was_cut_off_is_recorded_does_nothing_and_is_said(bench: Bench) -> None:
    half = says(
        '{"tool": "write_file", "arguments": {"path": "b.txt", "content": "b', finish=FinishReason.LENGTH
    )
    broken = says('{"tool": "write_file", "arguments": {"path" "b.txt"}}')
    async with model_server() as server:
        answers = [half, broken, says("", WRITE, REVIEW), says("", DONE)]
        state, recorded = await run(bench, server, answers)
    assert state.status is RunStatus.DONE
    assert not (bench.workspace / "b.txt").exists()
    failures = [one.event for one in recorded if isinstance(one.event, e.ModelFailed)]
    assert [one.code for one in failures] == ["truncated", "unreadable"]
    assert "cut off after 10 tokens" in server.asked[1].body["messages"][-1]["content"]
    assert "line 1 column" in server.asked[2].body["messages"][-1]["content"]
    assert state.spent.usage == Usage(input_tokens=400, output_tokens=40)
    assert await replays(bench, recorded)


async def test_an_unknown_tool_and_a_wrong_argument_are_named_in_the_next_turn(bench: Bench) -> None:
    wrong = ("write_file", {"path": 5, "content": "a"})
    async with model_server() as server:
        answers = [says("", ("paint", {})), says("", wrong), says("", WRITE, REVIEW), says("", DONE)]
        state, recorded = await run(bench, server, answers)
    assert state.status is RunStatus.DONE
    unknown, typed = (one.body["messages"][-1]["content"] for one in server.asked[1:3])
    assert "there is no tool 'paint'" in unknown
    assert "/path: must be string, not integer" in typed
    assert await replays(bench, recorded)


async def test_a_small_model_gets_a_schema_and_one_step_at_a_time(bench: Bench) -> None:
    def action(tool: str, **arguments: str) -> Say:
        return says(json.dumps({"tool": tool, "arguments": arguments}))

    async with model_server() as server:
        answers = [
            action("write_file", path="a.txt", content="a"),
            action("update_issue_status", status="code_review"),
            action("read_file", path="a.txt"),
            action("update_issue_status", reason="it is there", status="done"),
        ]
        state, recorded = await run(bench, server, answers, params={"calling": "schema"})
    assert state.status is RunStatus.DONE
    first = server.asked[0].body
    assert "tools" not in first
    assert first["response_format"]["json_schema"]["schema"]["anyOf"]
    assert await replays(bench, recorded)


async def test_an_answer_takes_no_more_than_is_left(bench: Bench) -> None:
    epic = bench.epic([issue("A", budget={"tokens": 150})], plain("A"))
    async with model_server(faults=[says("", WRITE), says("", REVIEW)]) as server:
        bench.write("environments/work.json", {"name": "work", "model": f"openai:any@{server.url('openai')}"})
        state = await bench.drive(epic)
    assert [one.body["max_tokens"] for one in server.asked] == [150, 40]
    assert state.status is RunStatus.PAUSED


async def test_what_a_failed_answer_cost_is_counted(bench: Bench) -> None:
    frames = says("hello " * 10).frames[:3]
    async with model_server() as server:
        answers = [Say(frames), Say(frames), Say(frames), says("", WRITE, REVIEW), says("", DONE)]
        server.faults = answers
        state, recorded = await run(bench, server, answers, price={"input": 1, "output": 1})
    assert state.status is RunStatus.DONE
    (failed,) = [one.event for one in recorded if isinstance(one.event, e.ModelFailed)]
    assert failed.code == "connection"
    assert failed.spent.usage.output_tokens > 0
    assert failed.spent.cost_micros == failed.spent.usage.input_tokens + failed.spent.usage.output_tokens
    assert state.spent.usage.output_tokens == 20 + failed.spent.usage.output_tokens
    assert await replays(bench, recorded)


async def test_another_model_answers_when_the_first_cannot(bench: Bench) -> None:
    script = f"scripted:{bench.core / 'scripts' / 'work.json'}"
    async with model_server() as server:
        refusals = [Refuse(401) for _ in range(2)]
        state, recorded = await run(bench, server, refusals, params={"fallback_models": [script]})
    assert state.status is RunStatus.DONE
    replies = [one.event for one in recorded if isinstance(one.event, e.ModelReplied)]
    assert [one.reply.model for one in replies] == [script, script]
    assert await replays(bench, recorded)


async def test_a_question_that_is_wrong_is_asked_of_nobody_else(bench: Bench) -> None:
    async with model_server() as server:
        script = f"scripted:{bench.core / 'scripts' / 'work.json'}"
        _, recorded = await run(bench, server, [Refuse(400)], params={"fallback_models": [script]})
    assert [one.event.code for one in recorded if isinstance(one.event, e.ModelFailed)] == ["bad_request"]
    assert len(server.asked) == 1


@pytest.mark.parametrize(("status", "code"), [(401, "auth"), (404, "not_found"), (400, "bad_request")])
async def test_what_no_attempt_mends_blocks_the_card_at_once(bench: Bench, status: int, code: str) -> None:
    async with model_server() as server:
        state, recorded = await run(bench, server, [Refuse(status)])
    card = state.cards[CardId("A")]
    assert (card.status, card.wait_reason) == (CardStatus.BLOCKED, WaitReason.SYSTEM)
    (why,) = [
        one.event.reason
        for one in recorded
        if isinstance(one.event, e.CardStatusChanged) and one.event.status is CardStatus.BLOCKED
    ]
    assert f"The model openai:any@{server.url('openai')} cannot be asked ({code})" in why
    assert card.retry_count == 0
    assert len(server.asked) == 1
    assert await replays(bench, recorded)


async def test_a_busy_model_is_asked_again_though_its_fallback_refuses(bench: Bench) -> None:
    async with model_server() as busy, model_server(faults=[Refuse(401)]) as closed:
        answers = [Refuse(500), Refuse(500), Refuse(500), says("", WRITE, REVIEW), says("", DONE)]
        others = {"fallback_models": [f"openai:other@{closed.url('openai')}"]}
        state, recorded = await run(bench, busy, answers, params=others)
    assert state.status is RunStatus.DONE
    assert [one.event.code for one in recorded if isinstance(one.event, e.ModelFailed)] == ["server"]
    assert len(closed.asked) == 1
    assert await replays(bench, recorded)


KEY = "key-0123456789-abcdef"


@pytest.mark.parametrize(("status", "ends"), [(401, CardStatus.BLOCKED), (500, CardStatus.DONE)])
async def test_keys_reach_neither_ledger_nor_workspace(bench: Bench, status: int, ends: CardStatus) -> None:
    async with model_server() as server:
        keys = {server.url("openai"): KEY}
        bench.settings = attrs.evolve(bench.settings, model_keys=keys, secrets=(KEY,))
        refusal = Refuse(status, f'{{"error":{{"message":"bad key {KEY}"}}}}'.encode())
        answers = [refusal, says(f"My key is {KEY}.", WRITE, REVIEW), says("", DONE)]
        state, recorded = await run(bench, server, answers)
    assert state.cards[CardId("A")].status is ends
    assert server.asked[0].headers["authorization"] == f"Bearer {KEY}"
    assert KEY not in repr(recorded)
    assert KEY.encode() not in bench.settings.db_path.read_bytes()
