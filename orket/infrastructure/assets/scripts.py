"""The script file: replies by card and turn, read with care and written whole.

::

    {"replies": [{"card": "LED-1", "turn": 1, "seat": "builder", "text": "…",
                  "tool_calls": [{"name": "write_file", "arguments": {"path": "…", "content": "…"}}],
                  "usage": {"input_tokens": 10, "output_tokens": 3}, "delay_s": 0.1}]}

``text``, ``tool_calls``, ``seat``, ``usage`` and ``delay_s`` may be left out. A recorder also writes what a
replay must give back exactly: ``finish``, ``model``, a call's ``ref``, and ``arguments_json`` in place of
``arguments`` where the model's own text was not canonical JSON.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Annotated

import attrs
import msgspec
from msgspec import UNSET, Meta, Struct, UnsetType

from orket.domain.identifiers import CardId
from orket.domain.models import FinishReason, ModelReply, ProposedCall, Usage
from orket.infrastructure.assets.documents import Document, canonical, pointer_to, read_document
from orket.infrastructure.assets.shapes import shape

SCRIPT_BYTES_MAX = 64 * 1024 * 1024
DELAY_S_MAX = 600.0
_DEPTH_MAX = 100

_Count = Annotated[int, Meta(ge=0, le=2**53)]


class CallShape(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """A tool call; ``arguments`` as JSON, or its raw text where that matters."""

    name: Annotated[str, Meta(min_length=1)]
    arguments: dict[str, object] | UnsetType = UNSET
    arguments_json: str | UnsetType = UNSET
    ref: str = ""


class UsageShape(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Tokens."""

    input_tokens: _Count = 0
    output_tokens: _Count = 0


class ReplyShape(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """One reply and the place it belongs to; without ``seat`` it answers any seat."""

    card: Annotated[str, Meta(min_length=1)]
    turn: Annotated[int, Meta(ge=1)]
    seat: str | None = None
    text: str = ""
    tool_calls: tuple[CallShape, ...] = ()
    usage: UsageShape | UnsetType = UNSET
    delay_s: Annotated[float, Meta(ge=0, le=DELAY_S_MAX)] = 0.0
    finish: FinishReason | UnsetType = UNSET
    model: str | UnsetType = UNSET


class ScriptShape(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The whole file."""

    replies: list[object]


@attrs.frozen(kw_only=True)
class ScriptedReply:
    """One line of a script; ``seat`` None answers any seat."""

    card: CardId
    turn: int
    seat: str | None
    reply: ModelReply
    delay_s: float = 0.0


def to_shape(line: ScriptedReply) -> ReplyShape:
    """Give a reply the shape in which reading gives back the same reply, to the byte."""
    reply = line.reply
    calls = tuple(_call_shape(one) for one in reply.calls)
    return ReplyShape(
        card=line.card,
        turn=line.turn,
        seat=line.seat,
        text=reply.text,
        tool_calls=calls,
        usage=UsageShape(input_tokens=reply.usage.input_tokens, output_tokens=reply.usage.output_tokens),
        delay_s=line.delay_s,
        finish=UNSET if reply.finish is _finish(calls) else reply.finish,
        model=reply.model or UNSET,
    )


def from_shape(shape: ReplyShape) -> ScriptedReply:
    """Make the reply that a shape describes; usage is estimated when the script does not tell it."""
    calls = tuple(_call(one) for one in shape.tool_calls)
    usage = shape.usage
    reply = ModelReply(
        text=shape.text,
        calls=calls,
        finish=_finish(shape.tool_calls) if shape.finish is UNSET else shape.finish,
        usage=_estimate(shape.text, calls)
        if usage is UNSET
        else Usage(input_tokens=usage.input_tokens, output_tokens=usage.output_tokens),
        model="" if shape.model is UNSET else shape.model,
    )
    return ScriptedReply(
        card=CardId(shape.card), turn=shape.turn, seat=shape.seat, reply=reply, delay_s=shape.delay_s
    )


def read_script(path: Path, file: str) -> tuple[ScriptedReply, ...]:
    """Read a script file.

    Args:
        path: Where it lies.
        file: Its name for messages.

    Raises:
        AssetError: It cannot be read, has another shape, or answers one question twice.
    """
    document = read_document(path, file, bytes_max=SCRIPT_BYTES_MAX)
    told = shape(document, "", document.value, ScriptShape)
    lines = tuple(
        from_shape(_checked(document, index, shape(document, pointer_to("replies", index), one, ReplyShape)))
        for index, one in enumerate(told.replies)
    )
    _check_unique(document, lines)
    return lines


def write_script(lines: Iterable[ScriptedReply]) -> bytes:
    """Write a script, one reply a line, so that versions can be compared."""
    rows = [json.dumps(msgspec.to_builtins(to_shape(one)), ensure_ascii=False) for one in lines]
    return '{{"replies": [{}]}}\n'.format(",".join(f"\n  {one}" for one in rows)).encode()


def _checked(document: Document, index: int, reply: ReplyShape) -> ReplyShape:
    for number, call in enumerate(reply.tool_calls):
        if call.arguments is not UNSET and call.arguments_json is not UNSET:
            pointer = pointer_to("replies", index, "tool_calls", number, "arguments_json")
            raise document.error(pointer, "says the same as 'arguments': give one of them")
    return reply


def _finish(calls: tuple[CallShape, ...]) -> FinishReason:
    return FinishReason.TOOL_CALLS if calls else FinishReason.STOP


def _call(shape: CallShape) -> ProposedCall:
    raw = shape.arguments_json
    text = raw if raw is not UNSET else canonical({} if shape.arguments is UNSET else shape.arguments)
    return ProposedCall(name=shape.name, arguments_json=text, ref=shape.ref)


def _call_shape(call: ProposedCall) -> CallShape:
    """Use ``arguments`` where reading it gives back the same text, the raw text elsewhere."""
    raw = CallShape(name=call.name, arguments_json=call.arguments_json, ref=call.ref)
    if call.arguments_json.count("{") + call.arguments_json.count("[") > _DEPTH_MAX:
        return raw
    try:
        value = json.loads(call.arguments_json)
        readable = isinstance(value, dict) and canonical(value) == call.arguments_json
    except ValueError:
        return raw
    return CallShape(name=call.name, arguments=value, ref=call.ref) if readable else raw


def _estimate(text: str, calls: tuple[ProposedCall, ...]) -> Usage:
    """About four characters a token: enough for a person to see numbers move."""
    written = len(text) + sum(len(one.name) + len(one.arguments_json) for one in calls)
    return Usage(input_tokens=0, output_tokens=-(-written // 4))


def _check_unique(document: Document, lines: tuple[ScriptedReply, ...]) -> None:
    seen: dict[tuple[str, int, str | None], int] = {}
    for index, line in enumerate(lines):
        first = seen.setdefault((line.card, line.turn, line.seat), index)
        if first != index:
            reason = f"{line.card} turn {line.turn} is already answered by /replies/{first}"
            raise document.error(pointer_to("replies", index), reason)
