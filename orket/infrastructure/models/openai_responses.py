"""OpenAI's Responses: the younger of its two protocols; nothing is kept on the server."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import msgspec

from orket.domain.models import ChatMessage, ChatRole, FinishReason, ModelRequest, Usage
from orket.infrastructure.models.openai_chat import DONE, ErrorBody, bearer
from orket.infrastructure.models.params import laid_over
from orket.infrastructure.models.speech import Answer, JsonObject, complaint, raw, refused, understood


class _Item(msgspec.Struct):
    type: str = ""
    name: str = ""
    arguments: str = ""
    call_id: str = ""


class _Details(msgspec.Struct):
    reason: str | None = None


class _Usage(msgspec.Struct):
    input_tokens: int = 0
    output_tokens: int = 0


class _Response(msgspec.Struct):
    model: str = ""
    usage: _Usage | None = None
    error: ErrorBody | None = None
    incomplete_details: _Details | None = None


class _Event(msgspec.Struct):
    type: str = ""
    delta: object = None
    item: _Item | None = None
    response: _Response | None = None
    error: ErrorBody | None = None
    message: str | None = None
    code: str | int | None = None


class OpenAIResponses:
    """``POST …/responses``, streamed."""

    path = "/responses"
    lines = False

    def headers(self, key: str) -> Mapping[str, str]:
        """Write the bearer key."""
        return bearer(key)

    def body(self, model: str, request: ModelRequest) -> JsonObject:
        """Write the question; this protocol has no seed.

        Raises:
            ModelError: ``bad_request``: the parameters cannot be sent.
        """
        body: dict[str, object] = {
            "model": model,
            "input": [item for one in request.messages for item in _items(one)],
            "stream": True,
            "store": False,
            "temperature": request.temperature,
            "max_output_tokens": request.output_tokens_max,
        }
        if request.schema_json:
            form = {
                "type": "json_schema",
                "name": "answer",
                "strict": True,
                "schema": raw(request.schema_json),
            }
            body["text"] = {"format": form}
        elif request.tools:
            body["tools"] = [
                {
                    "type": "function",
                    "name": one.name,
                    "description": one.description,
                    "parameters": raw(one.parameters_json),
                    "strict": False,
                }
                for one in request.tools
            ]
        return laid_over(body, request.params_json)

    def listener(self, request: ModelRequest) -> ResponsesListener:
        """Begin to listen."""
        return ResponsesListener()


class ResponsesListener:
    """Hears the events of a response."""

    def __init__(self) -> None:
        self.answer = Answer()
        self._calls = 0
        self._tool = ""
        self._shown = False

    def hear(self, data: str) -> str:
        """Take an event.

        Raises:
            ModelError: The event is an error, or is no event.
        """
        if data.strip() == DONE:
            return ""
        event = understood(data, _Event)
        match event.type:
            case "response.output_text.delta" if isinstance(event.delta, str):
                return self.answer.say(event.delta)
            case "response.output_item.added" if event.item and event.item.type == "function_call":
                self._tool = event.item.name
            case "response.function_call_arguments.delta" if isinstance(event.delta, str):
                self._shown = True
                self.answer.show(self._calls, self._tool, event.delta)
            case "response.output_item.done" if event.item and event.item.type == "function_call":
                self._call(event.item)
            case "response.refusal.done":
                raise refused("refusal")
            case "response.completed" | "response.incomplete":
                self._end(event.response or _Response())
            case "response.failed" | "error":
                told = event.error or (event.response and event.response.error)
                told = told or ErrorBody(message=event.message or "", code=event.code)
                raise complaint(told.words, told.message)
        return ""

    def _call(self, item: _Item) -> None:
        call = self.answer.call(self._calls)
        call.name, call.ref = item.name, item.call_id
        self.answer.argue(self._calls, item.arguments, shown=self._shown)
        self._calls, self._shown = self._calls + 1, False

    def _end(self, response: _Response) -> None:
        answer, why = self.answer, response.incomplete_details
        answer.model = response.model
        if response.usage is not None:
            answer.usage = Usage(
                input_tokens=response.usage.input_tokens, output_tokens=response.usage.output_tokens
            )
        if why is not None and why.reason:
            if why.reason != "max_output_tokens":
                raise refused(why.reason)
            answer.finish = FinishReason.LENGTH
        answer.finished = answer.over = True


def _items(one: ChatMessage) -> Iterator[JsonObject]:
    if one.role is ChatRole.TOOL:
        yield {"type": "function_call_output", "call_id": one.ref, "output": one.content}
        return
    if one.content or not one.calls:
        yield {"type": "message", "role": one.role.value, "content": one.content}
    for call in one.calls:
        yield {
            "type": "function_call",
            "call_id": call.ref,
            "name": call.name,
            "arguments": call.arguments_json,
        }
