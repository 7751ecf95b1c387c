"""The scripted model keeps the port's word, matches by card, turn and seat, and refuses a bad script."""

from __future__ import annotations

import itertools
import json
import os
from pathlib import Path
from typing import Any

import pytest

from orket.domain.errors import AssetError, ModelError
from orket.domain.models import FinishReason
from orket.infrastructure.assets.scripts import ScriptedReply, read_script, write_script
from orket.infrastructure.models.scripted import ScriptedModel
from tests.contracts.models import ModelContract, Opening, ask, reply_of
from tests.orket.infrastructure.assets.pointers import resolves

# small files; the loop may wait for them


def script(path: Path, *replies: dict[str, Any]) -> Path:
    """Write a script by hand."""
    path.write_text(json.dumps({"replies": replies}), encoding="utf-8")
    return path


class TestScriptedModel(ModelContract):
    @pytest.fixture
    def opening(self, tmp_path: Path) -> Opening:
        numbers = itertools.count()

        def opening(replies: list[ScriptedReply]) -> ScriptedModel:
            path = tmp_path / f"{next(numbers)}.json"
            path.write_bytes(write_script(replies))
            return ScriptedModel(path)

        return opening  # type: ignore[return-value]  # a list where any sequence is offered


@pytest.mark.anyio
async def test_the_seat_decides_between_two_replies(tmp_path: Path) -> None:
    path = script(
        tmp_path / "s.json",
        {"card": "A", "turn": 1, "text": "anybody"},
        {"card": "A", "turn": 1, "seat": "guard", "text": "the guard"},
    )
    model = ScriptedModel(path)
    assert (await reply_of(model, ask(seat="guard"))).text == "the guard"
    assert (await reply_of(model, ask(seat="builder"))).text == "anybody"


@pytest.mark.anyio
async def test_arguments_become_canonical_json(tmp_path: Path) -> None:
    call = {"name": "write_file", "arguments": {"path": "é.txt", "content": "1\n"}}
    model = ScriptedModel(script(tmp_path / "s.json", {"card": "A", "turn": 1, "tool_calls": [call]}))
    reply = await reply_of(model, ask())
    assert reply.calls[0].arguments_json == '{"content":"1\\n","path":"é.txt"}'
    assert reply.finish is FinishReason.TOOL_CALLS
    assert reply.usage.output_tokens > 0


@pytest.mark.anyio
async def test_what_is_missing_is_named_with_what_there_is(tmp_path: Path) -> None:
    path = script(tmp_path / "s.json", {"card": "A", "turn": 1}, {"card": "A", "turn": 2, "seat": "guard"})
    with pytest.raises(ModelError, match=r"card A, turn 3, seat builder.*turn 1, turn 2 \(guard\)") as told:
        await reply_of(ScriptedModel(path), ask(turn=3))
    assert told.value.code == "script_exhausted"


@pytest.mark.anyio
async def test_a_changed_script_is_read_again(tmp_path: Path) -> None:
    path = script(tmp_path / "s.json", {"card": "A", "turn": 1, "text": "old"})
    model = ScriptedModel(path)
    assert (await reply_of(model, ask())).text == "old"
    script(tmp_path / "t.json", {"card": "A", "turn": 1, "text": "new"})
    os.replace(tmp_path / "t.json", path)
    assert (await reply_of(model, ask())).text == "new"


@pytest.mark.anyio
@pytest.mark.parametrize("content", [None, "{", '{"replies": 3}', '{"replies": [{"card": "A"}]}'])
async def test_a_bad_script_is_a_lasting_model_error(tmp_path: Path, content: str | None) -> None:
    path = tmp_path / "s.json"
    if content is not None:
        path.write_text(content, encoding="utf-8")
    with pytest.raises(ModelError, match=r"s\.json") as told:
        await reply_of(ScriptedModel(path), ask())
    assert (told.value.code, told.value.retryable) == ("protocol", False)


@pytest.mark.parametrize(
    ("reply", "pointer", "reason"),
    [
        ({"turn": 1}, "", "card"),
        ({"card": "A", "turn": 0}, "/turn", ">= 1"),
        ({"card": "A", "turn": "1"}, "/turn", "int"),
        ({"card": "A", "turn": 1, "delay_s": -1}, "/delay_s", ">= 0"),
        ({"card": "A", "turn": 1, "tool_call": []}, "/tool_call", "tool_calls"),
        ({"card": "A", "turn": 1, "tool_calls": [{"name": ""}]}, "/tool_calls/0/name", "length"),
        (
            {"card": "A", "turn": 1, "tool_calls": [{"name": "a", "arguments": []}]},
            "/tool_calls/0/arguments",
            "object",
        ),
        (
            {"card": "A", "turn": 1, "tool_calls": [{"name": "a", "arguments": {}, "arguments_json": "{}"}]},
            "/tool_calls/0/arguments_json",
            "one of them",
        ),
        ({"card": "A", "turn": 1, "usage": {"input_tokens": -1}}, "/usage/input_tokens", ">= 0"),
    ],
)
def test_each_mistake_has_a_place(tmp_path: Path, reply: dict[str, Any], pointer: str, reason: str) -> None:
    path = script(tmp_path / "s.json", {"card": "A", "turn": 9}, reply)
    with pytest.raises(AssetError, match=reason) as told:
        read_script(path, "s.json")
    assert told.value.file == "s.json"
    assert told.value.pointer == f"/replies/1{pointer}"
    assert resolves(told.value.pointer, json.loads(path.read_text(encoding="utf-8")))


def test_one_question_has_one_answer(tmp_path: Path) -> None:
    one = {"card": "A", "turn": 1}
    with pytest.raises(AssetError, match="already answered by /replies/0") as told:
        read_script(script(tmp_path / "s.json", one, one), "s.json")
    assert told.value.pointer == "/replies/1"
