"""Every protocol of model servers is held to the port, and to what servers do to their clients."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

import anyio
import attrs
import pytest

from orket.decision_nodes.decisions import RetryPolicy
from orket.domain.errors import ModelError, SettingsError
from orket.domain.models import (
    ChatMessage,
    ChatRole,
    FinishReason,
    ProposedCall,
    TextDelta,
    Usage,
)
from orket.domain.ports import ModelClient
from orket.domain.tools import ToolSpec
from orket.infrastructure.assets.scripts import ScriptedReply
from orket.infrastructure.models.selection import open_model
from orket.infrastructure.models.serving import Servers
from tests.contracts.model_server import (
    FRAMES,
    PATHS,
    Break,
    Fault,
    ModelServer,
    Refuse,
    Say,
    model_server,
    sse,
)
from tests.contracts.models import ModelContract, Opening, ask, collect, line, reply_of

ONCE = RetryPolicy(attempts_max=1, first_delay_s=0.0, delay_max_s=0.0)
PROTOCOLS = tuple(PATHS)
SECRET = "key-0123456789-abcdef"
WRITE = ToolSpec(
    name="write_file",
    description="Write a file.",
    parameters_json='{"type":"object","properties":{"path":{"type":"string"}},"required":["path"]}',
)


def opened(
    server: ModelServer, protocol: str, policy: RetryPolicy = ONCE, *, idle_s: float = 5.0, key: str = SECRET
) -> ModelClient:
    """The model of a protocol, as the engine opens it."""
    servers = Servers(keys={server.url(protocol): key}, idle_s=idle_s)
    name = f"{protocol}:any@{server.url(protocol)}"
    return open_model(name, policy, adapter=protocol, servers=lambda: servers)


@pytest.fixture(params=PROTOCOLS)
def protocol(request: pytest.FixtureRequest) -> str:
    """Each protocol, by its adapter's name."""
    return str(request.param)


class TestServedModels(ModelContract):
    @pytest.fixture
    async def opening(self, anyio_backend: str, protocol: str) -> AsyncIterator[Opening]:
        async with model_server() as server:

            def opening(replies: Sequence[ScriptedReply]) -> ModelClient:
                server.replies = replies
                return opened(server, protocol)

            yield opening


@asynccontextmanager
async def failing(
    protocol: str, *faults: Fault, policy: RetryPolicy = ONCE, idle_s: float = 5.0
) -> AsyncIterator[tuple[ModelServer, ModelClient]]:
    """A server with one answer and these faults before it."""
    async with model_server([line()], faults) as server:
        yield server, opened(server, protocol, policy, idle_s=idle_s)


async def failure_of(protocol: str, *faults: Fault, idle_s: float = 5.0) -> ModelError:
    """How a question fails."""
    async with failing(protocol, *faults, idle_s=idle_s) as (_, model):
        with anyio.fail_after(10), pytest.raises(ModelError) as told:
            await collect(model, ask())
    assert SECRET not in told.value.detail
    return told.value


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("fault", "code", "retryable"),
    [
        (Refuse(401), "auth", False),
        (Refuse(403, b"<html>go away</html>"), "auth", False),
        (Refuse(404, b'{"error":"model \\"any\\" not found"}'), "not_found", False),
        (Refuse(400), "bad_request", False),
        (Refuse(413), "bad_request", False),
        (Refuse(429), "rate_limit", True),
        (Refuse(429, b'{"error":{"message":"pay","code":"insufficient_quota"}}'), "quota", False),
        (Refuse(500, b""), "server", True),
        (Refuse(503), "overloaded", True),
        (Refuse(529, b'{"type":"error","error":{"type":"overloaded_error"}}'), "overloaded", True),
        (Refuse(302, headers={"location": "http://127.0.0.1:1/"}), "protocol", False),
    ],
)
async def test_a_refusal_has_a_type(protocol: str, fault: Refuse, code: str, retryable: bool) -> None:
    error = await failure_of(protocol, fault)
    assert (error.code, error.retryable, error.usage) == (code, retryable, (0, 0))
    assert f"HTTP {fault.status}" in error.detail


@pytest.mark.anyio
async def test_a_refusal_that_quotes_the_key_does_not_tell_it(protocol: str) -> None:
    told = json.dumps({"error": {"message": f"wrong key: {SECRET}"}}).encode()
    assert "wrong key: [redacted" in (await failure_of(protocol, Refuse(401, told))).detail


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("how", "code"),
    [("drop", "connection"), ("end", "connection"), ("garbage", "protocol"), ("silent", "idle_timeout")],
)
async def test_an_answer_that_breaks_in_the_middle(protocol: str, how: str, code: str) -> None:
    error = await failure_of(protocol, Break(3, how), idle_s=0.1)
    assert (error.code, error.retryable) == (code, True)
    assert error.usage[0] > 0 < error.usage[1], "what was heard was paid for"


@pytest.mark.anyio
@pytest.mark.parametrize("kind", ["application/json", "text/html"])
async def test_an_answer_that_is_no_answer(protocol: str, kind: str) -> None:
    assert (await failure_of(protocol, Say([b"<html>hello"], kind))).code == "protocol"


@pytest.mark.anyio
async def test_nobody_there(protocol: str) -> None:
    async with model_server() as server:
        model = opened(server, protocol)
    with pytest.raises(ModelError, match=f"127.0.0.1:{server.port} cannot be reached") as told:
        await collect(model, ask())
    assert (told.value.code, told.value.retryable) == ("connection", True)


@pytest.mark.anyio
async def test_whoever_leaves_is_seen_to_leave(protocol: str) -> None:
    async with model_server([line()], [Break(5, "silent")]) as server:
        with anyio.fail_after(10):
            async with opened(server, protocol).stream(ask()) as chunks:
                assert isinstance(await anext(chunks), TextDelta)
                assert server.hung_up == 0
            await server.someone_hung_up()


@pytest.mark.anyio
async def test_whoever_is_cancelled_hangs_up(protocol: str) -> None:
    async with model_server([line(delay_s=600.0)]) as server:
        with anyio.fail_after(10):
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(collect, opened(server, protocol), ask(timeout_s=600.0))
                while not server.asked:
                    await anyio.wait_all_tasks_blocked()
                tasks.cancel_scope.cancel()
            await server.someone_hung_up()


@pytest.mark.anyio
async def test_a_server_that_wants_a_rest_gets_it(protocol: str) -> None:
    patient = RetryPolicy(attempts_max=3, first_delay_s=0.0, delay_max_s=0.0)
    busy = Refuse(429, headers={"retry-after": "0.2"})
    async with failing(protocol, busy, Break(3, "drop"), policy=patient) as (server, model):
        began = anyio.current_time()
        reply = await reply_of(model, ask())
        assert anyio.current_time() - began >= 0.2
    assert len(server.asked) == 3
    assert reply.text == line().reply.text
    assert reply.usage.input_tokens > line().reply.usage.input_tokens, "the second attempt cost something"


@pytest.mark.anyio
async def test_a_server_that_wants_a_long_rest_is_not_waited_for(protocol: str) -> None:
    patient = RetryPolicy(attempts_max=3, first_delay_s=0.0, delay_max_s=0.0)
    async with failing(protocol, Refuse(503, headers={"retry-after": "3600"}), policy=patient) as (_, model):
        with anyio.fail_after(10), pytest.raises(ModelError) as told:
            await collect(model, ask())
    assert (told.value.code, told.value.retry_after_s) == ("overloaded", 3600.0)


CALL = ProposedCall(name="read_file", arguments_json='{"path":"a.txt"}', ref="c1")
TALK = (
    ChatMessage(role=ChatRole.SYSTEM, content="Be good."),
    ChatMessage(role=ChatRole.USER, content="A/1"),
    ChatMessage(role=ChatRole.ASSISTANT, content="", calls=(CALL,)),
    ChatMessage(role=ChatRole.TOOL, content="hello", ref="c1"),
    ChatMessage(role=ChatRole.USER, content="Go on."),
)


async def sent(protocol: str, **more: Any) -> tuple[dict[str, Any], Mapping[str, str]]:
    """What a server is sent."""
    async with model_server([line(text="{}" if more.get("schema_json") else "hi")]) as server:
        request = attrs.evolve(ask(), messages=TALK, tools=(WRITE,), seed=7, output_tokens_max=50, **more)
        await reply_of(opened(server, protocol), request)
        return server.asked[0].body, server.asked[0].headers


@pytest.mark.anyio
async def test_what_is_sent(protocol: str) -> None:
    body, headers = await sent(protocol, params_json='{"top_p":0.5,"calling":"native"}')
    schema = json.loads(WRITE.parameters_json)
    whole = json.dumps(body)
    assert SECRET not in whole
    assert "calling" not in whole
    assert body["model"] == "any"
    assert body["stream"] is True
    match protocol:
        case "openai":
            assert headers["authorization"] == f"Bearer {SECRET}"
            assert (body["seed"], body["max_tokens"], body["top_p"]) == (7, 50, 0.5)
            function = {"name": "read_file", "arguments": '{"path":"a.txt"}'}
            assert body["messages"][2]["tool_calls"] == [
                {"id": "c1", "type": "function", "function": function}
            ]
            assert body["messages"][3] == {"role": "tool", "content": "hello", "tool_call_id": "c1"}
            assert body["tools"][0]["function"]["parameters"] == schema
        case "responses":
            assert headers["authorization"] == f"Bearer {SECRET}"
            assert (body["store"], body["max_output_tokens"], body["top_p"]) == (False, 50, 0.5)
            call = {"type": "function_call", "call_id": "c1", "name": "read_file"}
            assert body["input"][2] == {**call, "arguments": '{"path":"a.txt"}'}
            assert body["input"][3] == {"type": "function_call_output", "call_id": "c1", "output": "hello"}
            assert body["tools"][0]["parameters"] == schema
        case "anthropic":
            assert (headers["x-api-key"], headers["anthropic-version"]) == (SECRET, "2023-06-01")
            assert (body["system"], body["max_tokens"], body["top_p"]) == ("Be good.", 50, 0.5)
            assert [one["role"] for one in body["messages"]] == ["user", "assistant", "user"]
            assert body["messages"][1]["content"][0]["input"] == {"path": "a.txt"}
            result = {"type": "tool_result", "tool_use_id": "c1", "content": "hello"}
            assert body["messages"][2]["content"][0] == result
            assert body["tools"][0]["input_schema"] == schema
        case _:
            assert body["options"] == {"temperature": 0.0, "seed": 7, "num_predict": 50, "top_p": 0.5}
            assert body["messages"][2]["tool_calls"][0]["function"]["arguments"] == {"path": "a.txt"}
            assert body["messages"][3]["tool_name"] == "read_file"
            assert body["tools"][0]["function"]["parameters"] == schema


@pytest.mark.anyio
async def test_a_schema_takes_the_place_of_the_tools(protocol: str) -> None:
    wanted = {"anyOf": [{"type": "object"}]}
    body, _ = await sent(protocol, schema_json=json.dumps(wanted))
    match protocol:
        case "openai":
            assert body["response_format"]["json_schema"]["schema"] == wanted
        case "responses":
            assert body["text"]["format"]["schema"] == wanted
        case "anthropic":
            assert body["tools"][0]["input_schema"]["properties"]["answer"] == wanted
            body.pop("tools")
        case _:
            assert body["format"] == wanted
    assert "tools" not in body


@pytest.mark.anyio
async def test_an_answer_by_schema_comes_as_text(protocol: str) -> None:
    wanted = line(text='{"tool":"read_file"}').reply
    wanted = attrs.evolve(wanted, calls=())
    async with model_server([attrs.evolve(line(), reply=wanted)]) as server:
        request = attrs.evolve(ask(), schema_json='{"type":"object"}')
        assert await reply_of(opened(server, protocol), request) == wanted


@pytest.mark.anyio
@pytest.mark.parametrize("finish", FinishReason)
async def test_the_reason_to_stop_and_several_calls(protocol: str, finish: FinishReason) -> None:
    calls = tuple(attrs.evolve(CALL, ref="" if protocol == "ollama" else f"c{n}") for n in range(3))
    wanted = attrs.evolve(line().reply, calls=calls, finish=finish)
    async with model_server([attrs.evolve(line(), reply=wanted)]) as server:
        reply = await reply_of(opened(server, protocol), ask())
    if protocol in ("responses", "ollama") and finish is FinishReason.TOOL_CALLS:
        finish = FinishReason.STOP  # they do not tell these two apart
    assert reply == attrs.evolve(wanted, finish=finish)


@pytest.mark.anyio
@pytest.mark.parametrize("params", ['{"model":"other"}', '{"stream":false}', '{"tools":[]}', "[]"])
async def test_parameters_do_not_change_what_is_asked(protocol: str, params: str) -> None:
    async with model_server([line()]) as server:
        with pytest.raises(ModelError, match="environment#/params") as told:
            await collect(opened(server, protocol), attrs.evolve(ask(), params_json=params))
    assert (told.value.code, server.asked) == ("bad_request", [])


@pytest.mark.anyio
async def test_an_endless_repetition_is_cut_off(protocol: str) -> None:
    wanted = attrs.evolve(line(text="\n    " * 5_000).reply, calls=())
    async with model_server([attrs.evolve(line(), reply=wanted)]) as server:
        with pytest.raises(ModelError) as told:
            await collect(opened(server, protocol), ask())
    assert (told.value.code, told.value.retryable) == ("repetition", False)
    assert told.value.usage[1] > 0


@pytest.mark.anyio
async def test_a_server_that_does_not_force_the_answer_is_heard_all_the_same() -> None:
    said = attrs.evolve(line(text='{"a":1}').reply, calls=())
    frames = list(FRAMES["anthropic"](said, {}))
    async with model_server([], [Say(frames)]) as server:
        request = attrs.evolve(ask(), schema_json='{"type":"object"}')
        assert (await reply_of(opened(server, "anthropic"), request)).text == '{"a":1}'


ERRORS: Mapping[str, bytes] = {
    "openai": sse({"error": {"message": "too many", "type": "overloaded_error", "code": 503}}),
    "responses": sse({"type": "response.failed", "response": {"error": {"code": "server_is_overloaded"}}}),
    "anthropic": sse({"type": "error", "error": {"type": "overloaded_error", "message": "too many"}}),
    "ollama": b'{"error":"too many"}\n',
}
REFUSALS: Mapping[str, bytes] = {
    "openai": sse({"choices": [{"index": 0, "delta": {}, "finish_reason": "content_filter"}]}),
    "responses": sse({"type": "response.refusal.done", "refusal": "no"}),
    "anthropic": sse({"type": "message_delta", "delta": {"stop_reason": "refusal"}}),
}


@pytest.mark.anyio
async def test_an_error_in_the_middle_of_the_answer_has_a_type(protocol: str) -> None:
    error = await failure_of(protocol, Say([ERRORS[protocol]]))
    assert (error.code, error.retryable) == ("server" if protocol == "ollama" else "overloaded", True)


@pytest.mark.anyio
@pytest.mark.parametrize("protocol", REFUSALS)
async def test_an_answer_that_is_withheld(protocol: str) -> None:
    error = await failure_of(protocol, Say([REFUSALS[protocol]]))
    assert (error.code, error.retryable) == ("refused", False)


@pytest.mark.anyio
async def test_a_server_that_does_not_count_is_counted_for(protocol: str) -> None:
    frames = list(FRAMES[protocol](line().reply, {}))
    uncounted = [one for one in frames if b"usage" not in one and b"eval_count" not in one]
    ends: Mapping[str, Sequence[bytes]] = {
        "openai": (),
        "responses": [sse({"type": "response.completed", "response": {}})],
        "anthropic": (),
        "ollama": [b'{"done":true}\n'],
    }
    async with failing(protocol, Say([*uncounted, *ends[protocol]])) as (_, model):
        usage = (await reply_of(model, ask())).usage
    assert usage == Usage(input_tokens=1, output_tokens=-(-(len(line().reply.text) + 16) // 4))


@pytest.mark.anyio
async def test_a_server_that_fails_and_fails_is_left_alone() -> None:
    async with AsyncExitStack() as stack:
        faults = [Refuse(500) for _ in range(5)]
        server, model = await stack.enter_async_context(failing("openai", *faults))
        codes = [await _code(model) for _ in range(7)]
    assert codes == ["server"] * 5 + ["circuit_open"] * 2
    assert len(server.asked) == 5


@pytest.mark.anyio
async def test_a_server_whose_answers_never_end_is_left_alone() -> None:
    async with model_server([line(delay_s=600.0)]) as server:
        model = opened(server, "openai")
        with anyio.fail_after(10):
            codes = [await _code(model, timeout_s=0.05) for _ in range(7)]
    assert codes == ["timeout"] * 5 + ["circuit_open"] * 2
    assert len(server.asked) == 5


async def _code(model: ModelClient, timeout_s: float = 30.0) -> str:
    with pytest.raises(ModelError) as told:
        await collect(model, ask(timeout_s=timeout_s))
    return told.value.code


@pytest.mark.parametrize(
    ("name", "urls", "keys", "told"),
    [
        ("openai:", {}, {}, "names no model"),
        ("openai:x@http://", {}, {}, "not the URL of a server"),
        ("openai:x@http://me:pw@host/v1", {}, {}, "do not belong into a URL"),
        ("openai:x@http://example.test/v1", {}, {"http://example.test": SECRET}, "use https"),
        ("openai:x", {"openai": "localhost:80"}, {}, "ORKET_OPENAI_URL"),
        ("ollama:x@http://h:99999999", {}, {}, "not a URL"),
    ],
)
def test_names_and_settings_that_cannot_be_meant(
    name: str, urls: Mapping[str, str], keys: Mapping[str, str], told: str
) -> None:
    with pytest.raises(SettingsError, match=told) as error:
        Servers(urls, keys).open(name, name.partition(":")[0])
    assert SECRET not in str(error.value)


@pytest.mark.anyio
async def test_a_key_goes_to_its_own_server_and_nowhere_else() -> None:
    async with model_server([line()]) as own, model_server([line()]) as other:
        servers = Servers({"openai": own.url("openai")}, {"openai": SECRET})
        for name in ("openai:any", f"openai:any@{other.url('openai')}", "responses:any"):
            adapter = name.partition(":")[0]
            await collect(open_model(name, ONCE, adapter=adapter, servers=lambda: servers), ask())
    assert [one.headers.get("authorization") for one in own.asked] == [f"Bearer {SECRET}"] * 2
    assert [one.headers.get("authorization") for one in other.asked] == [None]
    assert SECRET not in repr(servers)
