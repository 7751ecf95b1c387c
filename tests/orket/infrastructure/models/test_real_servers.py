"""Our clients of three protocols against llama.cpp's real server, with the smallest weights there are."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

import anyio
import attrs
import pytest

from orket.decision_nodes.decisions import RetryPolicy
from orket.domain.errors import ModelError
from orket.domain.models import ChatMessage, ChatRole, FinishReason, ModelRequest, TextDelta
from orket.domain.ports import ModelClient
from orket.domain.tools import ToolSpec
from orket.infrastructure.models.local import CHILD, PACKAGE
from orket.infrastructure.models.selection import open_model
from orket.infrastructure.models.serving import Servers
from orket.settings import load_settings
from tests.contracts.models import ask, collect, reply_of

pytestmark = pytest.mark.model

NAME, KEY = "smollm2-135m", "key-of-the-test"
ONCE = RetryPolicy(attempts_max=1, first_delay_s=0.0, delay_max_s=0.0)
PROTOCOLS = ("openai", "responses", "anthropic")
COLOUR = ToolSpec(
    name="paint",
    description="Paint the wall.",
    parameters_json='{"type":"object","properties":{"colour":{"type":"string"}},"required":["colour"]}',
)
ACTION = {
    "type": "object",
    "properties": {"tool": {"const": "paint"}, "colour": {"enum": ["red", "blue"]}},
    "required": ["tool", "colour"],
    "additionalProperties": False,
}


def _weights() -> Path:
    import os

    return load_settings(os.environ, Path.cwd()).weights_dir / f"{NAME}.gguf"


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    """A running server, as Orket runs it."""
    if find_spec(PACKAGE) is None:
        pytest.skip("the extra 'local' is not installed: pip install 'orket[local]'")
    if not _weights().is_file():
        pytest.skip(f"the weights are not here: orket models pull {NAME}")
    given = {"weights": str(_weights()), "name": NAME, "key": KEY, "threads": 1, "context_tokens": 2048}
    command = [sys.executable, "-I", str(CHILD)]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, stdin=pipe, stdout=pipe, stderr=subprocess.DEVNULL) as child:
        assert child.stdin is not None
        assert child.stdout is not None
        child.stdin.write(json.dumps({**given, "cache_mib": 0}).encode() + b"\n")
        child.stdin.flush()
        yield child.stdout.readline().decode().strip() + "/v1"
        child.stdin.close()


@pytest.fixture(params=PROTOCOLS)
def protocol(request: pytest.FixtureRequest) -> str:
    """Each protocol that this server speaks."""
    return str(request.param)


@pytest.fixture
def model(url: str, protocol: str) -> ModelClient:
    """The model behind one of its protocols."""
    servers = Servers(keys={url: KEY})
    return open_model(f"{protocol}:{NAME}@{url}", ONCE, adapter=protocol, servers=lambda: servers)


def question(text: str, **more: object) -> ModelRequest:
    """A short question."""
    message = ChatMessage(role=ChatRole.USER, content=text)
    given = {"messages": (message,), "output_tokens_max": 24, "timeout_s": 50.0, **more}
    return attrs.evolve(ask(), **given)  # type: ignore[arg-type]  # fields of a request


@pytest.mark.anyio
async def test_it_answers_in_pieces_and_counts(model: ModelClient) -> None:
    chunks = await collect(model, question("Say hello."))
    reply = await reply_of(model, question("Say hello."))
    texts = "".join(one.text for one in chunks if isinstance(one, TextDelta))
    assert len(chunks) > 2
    assert texts == reply.text != "", "the same question, at temperature 0, the same answer"
    assert reply.usage.input_tokens > 5
    assert 1 <= reply.usage.output_tokens <= 24


@pytest.mark.anyio
async def test_an_answer_that_is_too_long_is_cut(model: ModelClient) -> None:
    reply = await reply_of(model, question("Count from 1 to 1000.", output_tokens_max=8))
    assert reply.finish is FinishReason.LENGTH
    assert reply.usage.output_tokens <= 8


@pytest.mark.anyio
async def test_a_schema_is_enforced_whatever_is_asked(model: ModelClient, protocol: str) -> None:
    if protocol != "openai":
        pytest.skip("tried: this server keeps to a schema in chat completions only")
    asked = question("Tell me a joke about the moon.", schema_json=json.dumps(ACTION), output_tokens_max=60)
    said = json.loads((await reply_of(model, asked)).text)
    assert said["tool"] == "paint"
    assert said["colour"] in ("red", "blue")


@pytest.mark.anyio
async def test_tools_are_understood(model: ModelClient) -> None:
    reply = await reply_of(model, question("Paint it red.", tools=(COLOUR,), output_tokens_max=40))
    assert reply.text or reply.calls, "whether so small a model calls it is another matter"


@pytest.mark.anyio
async def test_a_wrong_key_is_told(url: str, protocol: str) -> None:
    servers = Servers(keys={url: "another"})
    model = open_model(f"{protocol}:{NAME}@{url}", ONCE, adapter=protocol, servers=lambda: servers)
    with pytest.raises(ModelError) as told:
        await reply_of(model, question("Hello?"))
    assert told.value.code == "auth"


@pytest.mark.anyio
async def test_a_question_that_is_too_long_is_told(model: ModelClient) -> None:
    with pytest.raises(ModelError) as told:
        await reply_of(model, question("word " * 4000))
    assert (told.value.code, told.value.retryable) == ("bad_request", False)


@pytest.mark.anyio
async def test_whoever_leaves_stops_the_work(model: ModelClient) -> None:
    async with model.stream(question("Count from 1 to 1000.", output_tokens_max=2000)) as chunks:
        await anext(chunks)
    with anyio.fail_after(20):  # there is one place in this server, and it is free again
        assert (await reply_of(model, question("Say hello.", output_tokens_max=4))).usage.output_tokens
