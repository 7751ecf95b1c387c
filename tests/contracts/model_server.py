"""A model server on loopback that speaks four protocols, fails as told, and sees who hangs up."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Callable, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from typing import Any

import anyio
import anyio.abc
import attrs

from orket.domain.models import FinishReason, ModelReply
from orket.infrastructure.assets.scripts import ScriptedReply

JSON = dict[str, Any]
PATHS = {
    "openai": "/v1/chat/completions",
    "responses": "/v1/responses",
    "anthropic": "/v1/messages",
    "ollama": "/api/chat",
}
LISTS: Mapping[str, Callable[[Sequence[str]], JSON]] = {
    "/v1/models": lambda names: {"object": "list", "data": [{"id": one} for one in names]},
    "/v1/models?limit=1000": lambda names: {"data": [{"type": "model", "id": one} for one in names]},
    "/api/tags": lambda names: {"models": [{"name": one, "model": one, "size": 1} for one in names]},
}
PIECES = 4


@attrs.frozen
class Refuse:
    """Answer with an HTTP status."""

    status: int
    body: bytes = b'{"error":{"message":"no","type":"some_error"}}'
    headers: Mapping[str, str] = attrs.field(factory=dict)


@attrs.frozen
class Break:
    """Stop after so many frames: ``drop`` the connection, be ``silent``, say ``garbage``, or just ``end``."""

    frames: int
    how: str


@attrs.frozen
class Say:
    """Say these frames and nothing else."""

    frames: Sequence[bytes]
    kind: str = ""


@attrs.frozen
class Hold:
    """Stop after so many frames, and go on when told."""

    frames: int
    go_on: anyio.Event


Fault = Refuse | Break | Say | Hold


@attrs.define
class Asked:
    """A request as it came."""

    path: str
    headers: Mapping[str, str]
    body: JSON


@attrs.define
class ModelServer:
    """What it knows, what it was asked, and how often somebody hung up before the end.

    ``everything`` is what it answers whatever it is asked.
    """

    replies: Sequence[ScriptedReply] = ()
    everything: ModelReply | None = None
    names: Sequence[str] = ()
    faults: list[Fault] = attrs.field(factory=list)
    asked: list[Asked] = attrs.field(factory=list)
    hung_up: int = 0
    port: int = 0
    _bell: anyio.Event = attrs.field(factory=anyio.Event)

    def url(self, protocol: str) -> str:
        """The base URL of a protocol."""
        return f"http://127.0.0.1:{self.port}" + ("" if protocol == "ollama" else "/v1")

    async def someone_hung_up(self) -> None:
        """Wait until somebody closed a connection before the answer's end."""
        await self._bell.wait()

    async def serve(self, stream: anyio.abc.SocketStream) -> None:
        """Answer one request."""
        async with stream:
            try:
                request = await _read(stream)
            except anyio.EndOfStream:
                return
            self.asked.append(request)
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(self._watch, stream, tasks.cancel_scope)
                with suppress(anyio.BrokenResourceError):
                    await self._answer(stream, request)
                tasks.cancel_scope.cancel()

    async def _watch(self, stream: anyio.abc.SocketStream, scope: anyio.CancelScope) -> None:
        with suppress(anyio.EndOfStream, anyio.BrokenResourceError):
            await stream.receive()
        self.hung_up += 1
        self._bell.set()
        scope.cancel()

    async def _answer(self, stream: anyio.abc.SocketStream, request: Asked) -> None:
        if request.path in LISTS:
            fault = self.faults.pop(0) if self.faults else None
            refusal = fault if isinstance(fault, Refuse) else None
            body = refusal.body if refusal else json.dumps(LISTS[request.path](self.names)).encode()
            status = refusal.status if refusal else 200
            await stream.send(_head(status, {"content-length": str(len(body))}, "application/json") + body)
            return
        protocol = next(name for name, path in PATHS.items() if path == request.path)
        fault = self.faults.pop(0) if self.faults else None
        if isinstance(fault, Refuse):
            await stream.send(_head(fault.status, fault.headers, "application/json") + fault.body)
            return
        if isinstance(fault, Say):
            await _send(stream, protocol, fault.frames, kind=fault.kind)
            return
        wanted = place(request.body)
        if self.everything is not None:
            await _send(stream, protocol, list(FRAMES[protocol](self.everything, request.body)), fault)
            return
        line = next((one for one in self.replies if f"{one.card}/{one.turn}" == wanted), None)
        if line is None:
            told = {"error": {"message": f"nobody knows {wanted}", "type": "invalid_request_error"}}
            await stream.send(_head(400, {}, "application/json") + json.dumps(told).encode())
            return
        if line.delay_s:
            await anyio.sleep_forever()
        frames = list(FRAMES[protocol](line.reply, request.body))
        await _send(stream, protocol, frames, fault)


@asynccontextmanager
async def model_server(
    replies: Sequence[ScriptedReply] = (), faults: Iterable[Fault] = ()
) -> AsyncIterator[ModelServer]:
    """Serve on a free port."""
    server = ModelServer(replies=replies, faults=list(faults))
    listener = await anyio.create_tcp_listener(local_host="127.0.0.1")
    server.port = listener.extra(anyio.abc.SocketAttribute.local_port)
    async with listener, anyio.create_task_group() as tasks:
        tasks.start_soon(listener.serve, server.serve)
        yield server
        tasks.cancel_scope.cancel()


def place(body: JSON) -> str:
    """Find the text of the first user message, in which the tests write which answer they want."""
    for one in body.get("messages") or body["input"]:
        if one.get("role") == "user":
            content = one["content"]
            return str(content if isinstance(content, str) else content[0]["text"])
    return ""


async def _read(stream: anyio.abc.SocketStream) -> Asked:
    received = b""
    while b"\r\n\r\n" not in received:
        received += await stream.receive()
    head, _, body = received.partition(b"\r\n\r\n")
    first, *lines = head.decode().split("\r\n")
    headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in lines)}
    while len(body) < int(headers.get("content-length", 0)):
        body += await stream.receive()
    return Asked(first.split()[1], headers, json.loads(body or b"{}"))


async def _send(
    stream: anyio.abc.SocketStream,
    protocol: str,
    frames: Sequence[bytes],
    fault: Break | Hold | None = None,
    kind: str = "",
) -> None:
    kind = kind or ("application/x-ndjson" if protocol == "ollama" else "text/event-stream")
    await stream.send(_head(200, {"transfer-encoding": "chunked"}, kind))
    for number, frame in enumerate(frames):
        if isinstance(fault, Hold) and number == fault.frames:
            await fault.go_on.wait()
        elif fault is not None and number == fault.frames:
            break
        await stream.send(_chunk(frame))
    match fault:
        case Break(how="drop"):
            return
        case Break(how="silent"):
            await anyio.sleep_forever()
        case Break(how="garbage"):
            await stream.send(_chunk(b"{{{\n" if protocol == "ollama" else b"data: {{{\n\n"))
    await stream.send(b"0\r\n\r\n")


def _head(status: int, headers: Mapping[str, str], kind: str) -> bytes:
    lines = [f"HTTP/1.1 {status} Whatever", f"content-type: {kind}", "connection: close"]
    return "\r\n".join((*lines, *(f"{name}: {value}" for name, value in headers.items()), "", "")).encode()


def _chunk(frame: bytes) -> bytes:
    return f"{len(frame):x}\r\n".encode() + frame + b"\r\n"


def sse(value: JSON | str, event: str = "") -> bytes:
    """One server-sent event."""
    data = value if isinstance(value, str) else json.dumps(value)
    return (f"event: {event}\n" if event else "").encode() + f"data: {data}\n\n".encode()


def pieces(text: str) -> list[str]:
    """Cut a text into a few pieces."""
    size = max(1, -(-len(text) // PIECES))
    return [text[start : start + size] for start in range(0, len(text), size)]


def _openai(reply: ModelReply, body: JSON) -> Iterable[bytes]:
    def chunk(delta: JSON, finish: str | None = None) -> bytes:
        choice = {"index": 0, "delta": delta, "finish_reason": finish}
        return sse({"object": "chat.completion.chunk", "model": reply.model, "choices": [choice]})

    yield chunk({"role": "assistant", "content": None})
    for text in pieces(reply.text):
        yield chunk({"content": text})
    for index, one in enumerate(reply.calls):
        start = {"index": index, "id": one.ref or None, "type": "function"}
        yield chunk({"tool_calls": [{**start, "function": {"name": one.name, "arguments": ""}}]})
        for part in pieces(one.arguments_json):
            yield chunk({"tool_calls": [{"index": index, "function": {"arguments": part}}]})
    yield chunk({}, reply.finish.value)
    usage = {"prompt_tokens": reply.usage.input_tokens, "completion_tokens": reply.usage.output_tokens}
    yield sse({"model": reply.model, "choices": [], "usage": usage})
    yield sse("[DONE]")


def _responses(reply: ModelReply, body: JSON) -> Iterable[bytes]:
    def event(kind: str, **more: Any) -> bytes:
        return sse({"type": kind, **more}, kind)

    yield event("response.created", response={"model": reply.model, "usage": None})
    for text in pieces(reply.text):
        yield event("response.output_text.delta", delta=text)
    for one in reply.calls:
        begun = {"type": "function_call", "name": one.name, "arguments": "", "call_id": one.ref}
        yield event("response.output_item.added", item=begun)
        for part in pieces(one.arguments_json):
            yield event("response.function_call_arguments.delta", delta=part)
        item = {"type": "function_call", "name": one.name, "arguments": one.arguments_json}
        yield event("response.output_item.done", item={**item, "call_id": one.ref})
    usage = {"input_tokens": reply.usage.input_tokens, "output_tokens": reply.usage.output_tokens}
    whole: JSON = {"model": reply.model, "usage": usage}
    if reply.finish is FinishReason.LENGTH:
        details = {"reason": "max_output_tokens"}
        yield event("response.incomplete", response={**whole, "incomplete_details": details})
    else:
        yield event("response.completed", response=whole)


def _anthropic(reply: ModelReply, body: JSON) -> Iterable[bytes]:
    def event(kind: str, **more: Any) -> bytes:
        return sse({"type": kind, **more}, kind)

    start = {"input_tokens": reply.usage.input_tokens, "output_tokens": 1}
    yield event("message_start", message={"model": reply.model, "usage": start})
    yield event("ping")
    index = 0
    if "tool_choice" in body:
        block = {"type": "tool_use", "id": "t", "name": body["tool_choice"]["name"], "input": {}}
        yield event("content_block_start", index=0, content_block=block)
        for part in pieces(f'{{"answer":{reply.text}}}'):
            delta = {"type": "input_json_delta", "partial_json": part}
            yield event("content_block_delta", index=0, delta=delta)
    elif reply.text:
        yield event("content_block_start", index=0, content_block={"type": "text", "text": ""})
        for text in pieces(reply.text):
            yield event("content_block_delta", index=0, delta={"type": "text_delta", "text": text})
        index = 1
    for number, one in enumerate(reply.calls, index):
        block = {"type": "tool_use", "id": one.ref, "name": one.name, "input": {}}
        yield event("content_block_start", index=number, content_block=block)
        for part in pieces(one.arguments_json):
            delta = {"type": "input_json_delta", "partial_json": part}
            yield event("content_block_delta", index=number, delta=delta)
    why = {
        FinishReason.STOP: "end_turn",
        FinishReason.TOOL_CALLS: "tool_use",
        FinishReason.LENGTH: "max_tokens",
    }
    usage = {"output_tokens": reply.usage.output_tokens}
    yield event("message_delta", delta={"stop_reason": why[reply.finish]}, usage=usage)
    yield event("message_stop")


def _ollama(reply: ModelReply, body: JSON) -> Iterable[bytes]:
    def line(message: JSON, **more: Any) -> bytes:
        told = {"model": reply.model, "message": {"role": "assistant", **message}, "done": False, **more}
        return json.dumps(told, separators=(",", ":")).encode() + b"\n"

    for text in pieces(reply.text):
        yield line({"content": text})
    if reply.calls:
        calls = [
            {"function": {"name": one.name, "arguments": json.loads(one.arguments_json)}}
            for one in reply.calls
        ]
        yield line({"content": "", "tool_calls": calls})
    why = "length" if reply.finish is FinishReason.LENGTH else "stop"
    counts = {"prompt_eval_count": reply.usage.input_tokens, "eval_count": reply.usage.output_tokens}
    yield line({"content": ""}, done=True, done_reason=why, **counts)


FRAMES = {"openai": _openai, "responses": _responses, "anthropic": _anthropic, "ollama": _ollama}
