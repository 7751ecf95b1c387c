"""Our Ollama protocol, and the stand-in that the tests talk to, against the types of Ollama's own client.

A check for developers: it needs the package ``ollama``, which nothing else here does.
"""

from __future__ import annotations

import json

import attrs
import pytest

from orket.domain.models import ChatMessage, ChatRole, FinishReason, ProposedCall
from orket.domain.tools import ToolSpec
from orket.infrastructure.models.ollama import Ollama
from tests.contracts.model_server import FRAMES, LISTS
from tests.contracts.models import ask, line

ollama = pytest.importorskip("ollama", reason="the package 'ollama' is not installed: pip install ollama")

CALL = ProposedCall(name="paint", arguments_json='{"colour":"red"}', ref="c1")
PAINT = ToolSpec(
    name="paint",
    description="Paint.",
    parameters_json='{"type":"object","properties":{"colour":{"type":"string"}},"required":["colour"]}',
)
TALK = (
    ChatMessage(role=ChatRole.SYSTEM, content="Be good."),
    ChatMessage(role=ChatRole.USER, content="Paint."),
    ChatMessage(role=ChatRole.ASSISTANT, content="", calls=(CALL,)),
    ChatMessage(role=ChatRole.TOOL, content="done", ref="c1"),
)


@pytest.mark.parametrize("schema", ["", '{"type":"object","properties":{"a":{"type":"string"}}}'])
def test_what_we_send_is_a_chat_request(schema: str) -> None:
    from ollama._types import ChatRequest

    request = attrs.evolve(ask(), messages=TALK, tools=(PAINT,), seed=7, schema_json=schema)
    body = json.loads(_encoded(Ollama().body("any", request)))
    read = ChatRequest.model_validate(body)
    assert (read.model, read.stream) == ("any", True)
    options = ollama.Options.model_validate(body["options"])
    assert (options.seed, options.num_predict) == (7, request.output_tokens_max)
    messages = [ollama.Message.model_validate(one) for one in body["messages"]]
    assert messages[2].tool_calls[0].function.arguments == {"colour": "red"}
    assert messages[3].tool_name == "paint"
    if schema:
        assert read.format == json.loads(schema)
    else:
        assert read.tools[0].function.parameters.required == ["colour"]


def test_what_the_stand_in_says_is_a_chat_response() -> None:
    wanted = attrs.evolve(line().reply, calls=(CALL,), finish=FinishReason.LENGTH)
    lines = [json.loads(one) for one in FRAMES["ollama"](wanted, {})]
    read = [ollama.ChatResponse.model_validate(one) for one in lines]
    assert "".join(one.message.content or "" for one in read) == wanted.text
    assert read[-2].message.tool_calls[0].function.arguments == {"colour": "red"}
    assert (read[-1].done, read[-1].done_reason) == (True, "length")
    assert (read[-1].prompt_eval_count, read[-1].eval_count) == (9, 3)


def test_what_the_stand_in_lists_is_a_list() -> None:
    (one,) = ollama.ListResponse.model_validate(LISTS["/api/tags"](["tiny:latest"])).models
    assert one.model == "tiny:latest"


def _encoded(body: object) -> bytes:
    import msgspec

    return msgspec.json.encode(body)
