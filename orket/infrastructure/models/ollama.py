"""Ollama's own chat: one JSON object a line."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from orket.domain.models import ChatMessage, ChatRole, FinishReason, ModelRequest, Usage
from orket.infrastructure.models.openai_chat import bearer
from orket.infrastructure.models.params import extras
from orket.infrastructure.models.speech import Answer, JsonObject, complaint, raw, understood

# These are the request's own; every other parameter is an option of the model.
_TOP = frozenset({"keep_alive", "think"})


class _Function(msgspec.Struct):
    name: str = ""
    arguments: msgspec.Raw = msgspec.Raw(b"{}")


class _Call(msgspec.Struct):
    function: _Function
    id: str = ""


class _Message(msgspec.Struct):
    content: str | None = None
    tool_calls: list[_Call] | None = None


class _Line(msgspec.Struct):
    model: str = ""
    message: _Message | None = None
    done: bool = False
    done_reason: str | None = None
    prompt_eval_count: int | None = None
    eval_count: int | None = None
    error: str | None = None


class Ollama:
    """``POST …/api/chat``, streamed."""

    path = "/api/chat"
    lines = True

    def headers(self, key: str) -> Mapping[str, str]:
        """Write the bearer key, which a proxy before Ollama may want."""
        return bearer(key)

    def body(self, model: str, request: ModelRequest) -> JsonObject:
        """Write the question.

        Raises:
            ModelError: ``bad_request``: the parameters cannot be sent.
        """
        params = extras(request.params_json)
        options: dict[str, object] = {
            "temperature": request.temperature,
            "seed": request.seed,
            "num_predict": request.output_tokens_max,
            **{name: value for name, value in params.items() if name not in _TOP},
        }
        body: dict[str, object] = {
            "model": model,
            "messages": [_message(one, request.messages) for one in request.messages],
            "stream": True,
            "options": {name: value for name, value in options.items() if value is not None},
            **{name: value for name, value in params.items() if name in _TOP},
        }
        if request.schema_json:
            body["format"] = raw(request.schema_json)
        elif request.tools:
            body["tools"] = [
                {
                    "type": "function",
                    "function": {
                        "name": one.name,
                        "description": one.description,
                        "parameters": raw(one.parameters_json),
                    },
                }
                for one in request.tools
            ]
        return body

    def listener(self, request: ModelRequest) -> OllamaListener:
        """Begin to listen."""
        return OllamaListener()


class OllamaListener:
    """Hears the lines of an answer."""

    def __init__(self) -> None:
        self.answer = Answer()
        self._calls = 0

    def hear(self, data: str) -> str:
        """Take a line.

        Raises:
            ModelError: The line is an error, or is no line of an answer.
        """
        line, answer = understood(data, _Line), self.answer
        if line.error is not None:
            raise complaint((), line.error)
        answer.model = line.model or answer.model
        for one in (line.message and line.message.tool_calls) or ():
            call = answer.call(self._calls)
            call.name, call.ref = one.function.name, one.id
            answer.argue(self._calls, bytes(one.function.arguments).decode())
            self._calls += 1
        if line.done:
            self._end(line)
        return answer.say((line.message and line.message.content) or "")

    def _end(self, line: _Line) -> None:
        self.answer.finish = FinishReason.LENGTH if line.done_reason == "length" else FinishReason.STOP
        if line.eval_count is not None:
            self.answer.usage = Usage(input_tokens=line.prompt_eval_count or 0, output_tokens=line.eval_count)
        self.answer.finished = self.answer.over = True


def _message(one: ChatMessage, all_: tuple[ChatMessage, ...]) -> JsonObject:
    message: dict[str, object] = {"role": one.role.value, "content": one.content}
    if one.calls:
        message["tool_calls"] = [
            {"function": {"name": call.name, "arguments": raw(call.arguments_json)}} for call in one.calls
        ]
    if one.role is ChatRole.TOOL:
        names = {call.ref: call.name for told in all_ for call in told.calls}
        message["tool_name"] = names.get(one.ref, "")
    return message
