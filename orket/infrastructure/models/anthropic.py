"""Anthropic's messages, as llama.cpp speaks them too."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import msgspec

from orket.domain.models import ChatMessage, ChatRole, FinishReason, ModelRequest, Usage
from orket.infrastructure.models.openai_chat import ErrorBody
from orket.infrastructure.models.params import laid_over
from orket.infrastructure.models.speech import (
    Answer,
    JsonObject,
    complaint,
    garbled,
    raw,
    refused,
    understood,
)

VERSION = "2023-06-01"
# A schema is kept to by a tool that must be called, whose one argument is the answer: the protocol allows
# alternatives below an argument, and not at the top.
ANSWER = "answer"
_FINISHES: Mapping[str, FinishReason] = {
    "end_turn": FinishReason.STOP,
    "stop_sequence": FinishReason.STOP,
    "pause_turn": FinishReason.STOP,
    "tool_use": FinishReason.TOOL_CALLS,
    "max_tokens": FinishReason.LENGTH,
    "model_context_window_exceeded": FinishReason.LENGTH,
}


class _Usage(msgspec.Struct):
    input_tokens: int | None = None
    output_tokens: int | None = None
    cache_creation_input_tokens: int | None = None
    cache_read_input_tokens: int | None = None


class _Message(msgspec.Struct):
    model: str = ""
    usage: _Usage | None = None


class _Block(msgspec.Struct):
    type: str = ""
    id: str = ""
    name: str = ""
    text: str = ""


class _Delta(msgspec.Struct):
    type: str = ""
    text: str = ""
    partial_json: str = ""
    stop_reason: str | None = None


class _Event(msgspec.Struct):
    type: str = ""
    index: int = 0
    message: _Message | None = None
    content_block: _Block | None = None
    delta: _Delta | None = None
    usage: _Usage | None = None
    error: ErrorBody | None = None


class _Wrapped(msgspec.Struct):
    answer: msgspec.Raw


class Anthropic:
    """``POST …/messages``, streamed."""

    path = "/messages"
    lines = False

    def headers(self, key: str) -> Mapping[str, str]:
        """Write the version, and the key."""
        return {"anthropic-version": VERSION} | ({"x-api-key": key} if key else {})

    def body(self, model: str, request: ModelRequest) -> JsonObject:
        """Write the question; this protocol has no seed.

        Raises:
            ModelError: ``bad_request``: the parameters cannot be sent.
        """
        system = "\n\n".join(one.content for one in request.messages if one.role is ChatRole.SYSTEM)
        body: dict[str, object] = {
            "model": model,
            "system": system or None,
            "messages": _turns(one for one in request.messages if one.role is not ChatRole.SYSTEM),
            "stream": True,
            "temperature": request.temperature,
            "max_tokens": request.output_tokens_max,
        }
        if request.schema_json:
            body["tools"] = [_tool(ANSWER, "Give your answer.", _wrapping(request.schema_json))]
            body["tool_choice"] = {"type": "tool", "name": ANSWER}
        elif request.tools:
            body["tools"] = [
                _tool(one.name, one.description, raw(one.parameters_json)) for one in request.tools
            ]
        return laid_over(body, request.params_json)

    def listener(self, request: ModelRequest) -> MessagesListener:
        """Begin to listen."""
        return MessagesListener(schema=bool(request.schema_json))


class MessagesListener:
    """Hears the events of a message.

    Args:
        schema: Whether the answer comes as the argument of the tool that must be called.
    """

    def __init__(self, *, schema: bool) -> None:
        self.answer = Answer()
        self._schema = schema
        self._calls: dict[int, int] = {}
        self._wrapped: list[str] = []
        self._beside: list[str] = []
        self._used = Usage()

    def hear(self, data: str) -> str:
        """Take an event.

        Raises:
            ModelError: The event is an error, or is no event.
        """
        event = understood(data, _Event)
        match event.type:
            case "message_start" if event.message is not None:
                self.answer.model = event.message.model
                self._count(event.message.usage)
            case "content_block_start" if event.content_block is not None:
                return self._begin(event.index, event.content_block)
            case "content_block_delta" if event.delta is not None:
                return self._add(event.index, event.delta)
            case "message_delta":
                self._count(event.usage)
                self._finish((event.delta and event.delta.stop_reason) or "end_turn")
            case "message_stop":
                return self._end()
            case "error":
                told = event.error or ErrorBody()
                raise complaint(told.words, told.message)
        return ""

    def _begin(self, index: int, block: _Block) -> str:
        if block.type == "tool_use" and not self._schema:
            self._calls[index] = len(self._calls)
            call = self.answer.call(self._calls[index])
            call.name, call.ref = block.name, block.id
        return self.answer.say(block.text) if block.type == "text" and not self._schema else ""

    def _add(self, index: int, delta: _Delta) -> str:
        if delta.type == "text_delta":
            if not self._schema:
                return self.answer.say(delta.text)
            self._beside.append(delta.text)
        if delta.type == "input_json_delta":
            if self._schema:
                self._wrapped.append(delta.partial_json)
                self.answer.show(0, ANSWER, delta.partial_json)
            elif index not in self._calls:
                raise garbled("arguments of a tool call that was not begun")
            else:
                self.answer.argue(self._calls[index], delta.partial_json)
        return ""

    def _count(self, told: _Usage | None) -> None:
        if told is None:
            return
        read = (told.input_tokens, told.cache_creation_input_tokens, told.cache_read_input_tokens)
        # Both events may tell a number; the later one is the whole, and does not always have all of them.
        self._used = Usage(
            input_tokens=max(self._used.input_tokens, sum(one or 0 for one in read)),
            output_tokens=max(self._used.output_tokens, told.output_tokens or 0),
        )
        self.answer.usage = self._used

    def _finish(self, why: str) -> None:
        if why == "refusal":
            raise refused(why)
        self.answer.finish = _FINISHES.get(why, FinishReason.STOP)
        self.answer.finished = True

    def _end(self) -> str:
        self.answer.over = True
        if not self._schema:
            return ""
        if self.answer.finish is FinishReason.TOOL_CALLS:
            self.answer.finish = FinishReason.STOP
        if not self._wrapped:  # a server that does not force the tool; what was said may still be the answer
            return self.answer.say("".join(self._beside))
        wrapped = "".join(self._wrapped)
        try:
            return self.answer.say(bytes(msgspec.json.decode(wrapped, type=_Wrapped).answer).decode())
        except msgspec.MsgspecError:
            return self.answer.say(
                wrapped
            )  # cut off, or not what was asked for: whoever reads it will say so


def _wrapping(schema_json: str) -> msgspec.Raw:
    wrapped = {"type": "object", "properties": {ANSWER: raw(schema_json)}, "required": [ANSWER]}
    return msgspec.Raw(msgspec.json.encode(wrapped))


def _tool(name: str, description: str, schema: msgspec.Raw) -> JsonObject:
    return {"name": name, "description": description, "input_schema": schema}


def _turns(messages: Iterable[ChatMessage]) -> list[JsonObject]:
    """Merge neighbours of one side into one message: tool results are the user's here."""
    turns: list[tuple[str, list[JsonObject]]] = []
    for one in messages:
        side = "assistant" if one.role is ChatRole.ASSISTANT else "user"
        if not turns or turns[-1][0] != side:
            turns.append((side, []))
        turns[-1][1].extend(_blocks(one))
    return [{"role": side, "content": blocks} for side, blocks in turns if blocks]


def _blocks(one: ChatMessage) -> list[JsonObject]:
    if one.role is ChatRole.TOOL:
        return [{"type": "tool_result", "tool_use_id": one.ref, "content": one.content}]
    # A block of text must not be empty, nor only spaces.
    blocks: list[JsonObject] = [{"type": "text", "text": one.content}] if one.content.strip() else []
    for call in one.calls:
        given = raw(call.arguments_json)
        blocks.append({"type": "tool_use", "id": call.ref, "name": call.name, "input": given})
    return blocks
