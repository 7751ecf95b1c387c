"""What is said to a model and what comes back, whatever server answers."""

from __future__ import annotations

from enum import StrEnum

import attrs

from orket.domain.identifiers import CardId
from orket.domain.tools import ToolSpec


class ChatRole(StrEnum):
    """Who speaks; the four roles every chat model knows."""

    SYSTEM = "system"
    USER = "user"
    ASSISTANT = "assistant"
    TOOL = "tool"


class FinishReason(StrEnum):
    """Why the model stopped."""

    STOP = "stop"
    TOOL_CALLS = "tool_calls"
    LENGTH = "length"


class Calling(StrEnum):
    """How a model is given its tools: by its server's own tool calling, or as a schema its text keeps to."""

    NATIVE = "native"
    SCHEMA = "schema"


@attrs.frozen(kw_only=True)
class ProposedCall:
    """A tool call as the model wrote it; ``arguments_json`` is the raw JSON text of its arguments.

    ``ref`` is the model's own id of the call (may be empty), repeated in the answer to it.
    """

    name: str
    arguments_json: str
    ref: str = ""


@attrs.frozen(kw_only=True)
class ChatMessage:
    """One message of a conversation; ``calls`` only from the assistant, ``ref`` only from a tool."""

    role: ChatRole
    content: str
    calls: tuple[ProposedCall, ...] = ()
    ref: str = ""


@attrs.frozen(kw_only=True)
class Usage:
    """What a reply cost, in tokens; addable."""

    input_tokens: int = 0
    output_tokens: int = 0

    def __add__(self, other: Usage) -> Usage:
        """Sum two usages."""
        return Usage(
            input_tokens=self.input_tokens + other.input_tokens,
            output_tokens=self.output_tokens + other.output_tokens,
        )


@attrs.frozen(kw_only=True)
class ModelRequest:
    """One question to a model.

    ``card`` and ``turn`` (from 1, counted per card over the whole run) place the question in the run;
    a scripted model answers by them. ``timeout_s`` bounds the whole reply. A ``schema_json``, when not
    empty, is a JSON Schema to which the text of the reply must keep; the tools are not sent then.
    ``params_json`` is an object of what is sent along as it is, whatever the server makes of it.
    Who does not watch the answer being written says so with ``pieces``: an adapter may then leave out
    everything but the ``ReplyCompleted``.
    """

    card: CardId
    turn: int
    seat: str
    model: str
    messages: tuple[ChatMessage, ...]
    tools: tuple[ToolSpec, ...] = ()
    schema_json: str = ""
    temperature: float = 0.0
    seed: int | None = None
    output_tokens_max: int = 4096
    timeout_s: float = 300.0
    params_json: str = "{}"
    pieces: bool = True


@attrs.frozen(kw_only=True)
class ModelReply:
    """A complete reply; ``duration_ms`` is how long it took, measured by who asked."""

    text: str
    calls: tuple[ProposedCall, ...] = ()
    finish: FinishReason = FinishReason.STOP
    usage: Usage = attrs.field(factory=Usage)
    model: str = ""
    duration_ms: int = 0


@attrs.frozen
class TextDelta:
    """A piece of the reply's text, while it is being written."""

    text: str


@attrs.frozen
class CallDelta:
    """A piece of the arguments of the reply's call number ``index`` (from 0), while it is being written.

    Pieces are for watching: only the calls of the ``ReplyCompleted`` count.
    """

    index: int
    tool: str
    text: str


@attrs.frozen
class AskedAgain:
    """What came so far counts no more: the attempt failed, and the model is asked once more."""


@attrs.frozen
class ReplyCompleted:
    """The last chunk of every stream: the whole reply."""

    reply: ModelReply


ModelChunk = TextDelta | CallDelta | AskedAgain | ReplyCompleted


# A token of English or code is about four characters; used only where no server has counted.
_CHARS_PER_TOKEN = 4


def rough_usage(request: ModelRequest, chars: int) -> Usage:
    """Count the tokens of a question and of ``chars`` characters of its answer, roughly."""
    asked = sum(
        len(one.content) + sum(len(call.arguments_json) for call in one.calls) for one in request.messages
    )
    offered = sum(len(one.description) + len(one.parameters_json) for one in request.tools)
    return Usage(
        input_tokens=-(-(asked + offered) // _CHARS_PER_TOKEN), output_tokens=-(-chars // _CHARS_PER_TOKEN)
    )
