"""OpenAI's chat completions, as llama.cpp, vLLM, LM Studio and many others speak them too."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from orket.domain.models import ChatMessage, ChatRole, FinishReason, ModelRequest, Usage
from orket.infrastructure.models.params import laid_over
from orket.infrastructure.models.speech import Answer, JsonObject, complaint, raw, refused, understood

DONE = "[DONE]"
_FINISHES: Mapping[str, FinishReason] = {
    "stop": FinishReason.STOP,
    "tool_calls": FinishReason.TOOL_CALLS,
    "function_call": FinishReason.TOOL_CALLS,
    "length": FinishReason.LENGTH,
}


class _Function(msgspec.Struct):
    name: str | None = None
    arguments: str | None = None


class _Call(msgspec.Struct):
    index: int = 0
    id: str | None = None
    function: _Function | None = None


class _Delta(msgspec.Struct):
    content: str | None = None
    tool_calls: list[_Call] | None = None


class _Choice(msgspec.Struct):
    delta: _Delta | None = None
    finish_reason: str | None = None
    index: int = 0


class _Usage(msgspec.Struct):
    prompt_tokens: int = 0
    completion_tokens: int = 0


class ErrorBody(msgspec.Struct):
    """The error of this protocol, as far as it matters."""

    message: str = ""
    type: str | None = None
    code: str | int | None = None

    @property
    def words(self) -> tuple[str, ...]:
        """What the error is called."""
        return tuple(str(one) for one in (self.code, self.type) if one is not None)


class _Chunk(msgspec.Struct):
    choices: list[_Choice] | None = None
    model: str | None = None
    usage: _Usage | None = None
    error: ErrorBody | str | None = None


class OpenAIChat:
    """``POST …/chat/completions``, streamed."""

    path = "/chat/completions"
    lines = False

    def __init__(self, *, house_of_openai: bool = False) -> None:
        # OpenAI's own newer models refuse max_tokens; other servers do not know what replaced it.
        self._length = "max_completion_tokens" if house_of_openai else "max_tokens"

    def headers(self, key: str) -> Mapping[str, str]:
        """Write the bearer key."""
        return bearer(key)

    def body(self, model: str, request: ModelRequest) -> JsonObject:
        """Write the question.

        Raises:
            ModelError: ``bad_request``: the parameters cannot be sent.
        """
        body: dict[str, object] = {
            "model": model,
            "messages": [_message(one) for one in request.messages],
            "stream": True,
            "stream_options": {"include_usage": True},
            "temperature": request.temperature,
            "seed": request.seed,
            self._length: request.output_tokens_max,
        }
        if request.schema_json:
            form = {"name": "answer", "strict": True, "schema": raw(request.schema_json)}
            body["response_format"] = {"type": "json_schema", "json_schema": form}
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
        return laid_over(body, request.params_json)

    def listener(self, request: ModelRequest) -> ChatListener:
        """Begin to listen."""
        return ChatListener()


class ChatListener:
    """Hears the chunks of a chat completion."""

    def __init__(self) -> None:
        self.answer = Answer()

    def hear(self, data: str) -> str:
        """Take a chunk.

        Raises:
            ModelError: The chunk is an error, or is no chunk.
        """
        answer = self.answer
        if data.strip() == DONE:
            answer.over = True
            return ""
        chunk = understood(data, _Chunk)
        if chunk.error is not None:
            told = chunk.error if isinstance(chunk.error, ErrorBody) else ErrorBody(message=chunk.error)
            raise complaint(told.words, told.message)
        answer.model = chunk.model or answer.model
        if chunk.usage is not None:
            answer.usage = Usage(
                input_tokens=chunk.usage.prompt_tokens, output_tokens=chunk.usage.completion_tokens
            )
        return "".join(self._choice(one) for one in chunk.choices or () if one.index == 0)

    def _choice(self, choice: _Choice) -> str:
        if (why := choice.finish_reason) is not None:
            if why == "content_filter":
                raise refused(why)
            self.answer.finish = _FINISHES.get(why, FinishReason.STOP)
            self.answer.finished = True
        if choice.delta is None:
            return ""
        for one in choice.delta.tool_calls or ():
            self._call(one)
        return self.answer.say(choice.delta.content or "")

    def _call(self, told: _Call) -> None:
        call = self.answer.call(told.index)
        call.ref = call.ref or told.id or ""
        if told.function is not None:
            call.name += told.function.name or ""
            self.answer.argue(told.index, told.function.arguments or "")


def bearer(key: str) -> Mapping[str, str]:
    """Write a bearer key, if there is one."""
    return {"authorization": f"Bearer {key}"} if key else {}


def _message(one: ChatMessage) -> JsonObject:
    message: dict[str, object] = {"role": one.role.value, "content": one.content}
    if one.calls:
        message["tool_calls"] = [
            {
                "id": call.ref,
                "type": "function",
                "function": {"name": call.name, "arguments": call.arguments_json},
            }
            for call in one.calls
        ]
    if one.role is ChatRole.TOOL:
        message["tool_call_id"] = one.ref
    return message
