"""A card's own past as a conversation: valid chat roles, newest turns kept, bounded in characters."""

from __future__ import annotations

import json
from collections.abc import Sequence

from orket.decision_nodes.prompt_sections import clip
from orket.domain.models import ChatMessage, ChatRole, ProposedCall
from orket.domain.runs import CallState, TurnState

HISTORY_CHARS_MAX = 48_000
TEXT_CHARS_MAX = 6_000
OUTPUT_CHARS_MAX = 4_000
ARGUMENT_CHARS_MAX = 4_000


def conversation(turns: Sequence[TurnState], seat: str, *, review: bool) -> tuple[ChatMessage, ...]:
    """Tell the turns of a card, oldest first, as ``seat`` remembers them.

    The seat's own turns of the same kind are its messages: the assistant with its calls, one tool answer per
    call, the note it got. What others did is told to it by the user, since nobody should review what it
    believes to have written itself. Whole turns are left out, oldest first, beyond ``HISTORY_CHARS_MAX``;
    the newest one always stays.
    """
    told: list[list[ChatMessage]] = []
    room = HISTORY_CHARS_MAX
    for turn in reversed(turns):
        own = turn.seat == seat and turn.review is review
        messages = _own(turn) if own else _others(turn)
        room -= sum(map(_chars, messages))
        if told and room < 0:
            break
        told.append(messages)
    return tuple(message for messages in reversed(told) for message in messages)


def joined(messages: Sequence[ChatMessage]) -> tuple[ChatMessage, ...]:
    """Merge neighbouring user messages, because many chat templates want the roles to alternate."""
    merged: list[ChatMessage] = []
    for one in messages:
        if merged and one.role is ChatRole.USER is merged[-1].role:
            one = ChatMessage(role=ChatRole.USER, content=f"{merged.pop().content}\n\n{one.content}")
        merged.append(one)
    return tuple(merged)


def _own(turn: TurnState) -> list[ChatMessage]:
    messages: list[ChatMessage] = []
    if turn.reply is not None:
        calls = tuple(
            ProposedCall(name=one.call.tool, arguments_json=_arguments(one), ref=_ref(one))
            for one in turn.calls
        )
        text = clip(turn.reply.text, TEXT_CHARS_MAX)
        messages.append(ChatMessage(role=ChatRole.ASSISTANT, content=text, calls=calls))
        messages += [
            ChatMessage(role=ChatRole.TOOL, content=_outcome(one), ref=_ref(one)) for one in turn.calls
        ]
    if turn.note:
        messages.append(ChatMessage(role=ChatRole.USER, content=clip(turn.note, TEXT_CHARS_MAX)))
    return messages


def _others(turn: TurnState) -> list[ChatMessage]:
    doing = "reviewed" if turn.review else "worked on"
    lines = [f"Turn {turn.turn}: seat {turn.seat} {doing} this card."]
    if turn.reply is not None and turn.reply.text.strip():
        lines.append(f"It said: {clip(turn.reply.text.strip(), TEXT_CHARS_MAX // 4)}")
    for one in turn.calls:
        outcome = clip(_outcome(one), OUTPUT_CHARS_MAX // 8)
        lines.append(
            f"It called {one.call.tool} {clip(one.call.arguments_json, OUTPUT_CHARS_MAX // 8)} → {outcome}"
        )
    return [ChatMessage(role=ChatRole.USER, content="\n".join(lines))]


def _outcome(state: CallState) -> str:
    result = state.result
    if result is None:
        return "no result"
    if result.ok:
        return clip(result.output, OUTPUT_CHARS_MAX)
    hint = f"\nHint: {result.hint}" if result.hint else ""
    return f"Error [{result.code or 'failed'}]: {clip(result.output, OUTPUT_CHARS_MAX)}{hint}"


def _ref(state: CallState) -> str:
    return state.call.ref or f"turn{state.call.turn}-call{state.call.index}"


def _arguments(state: CallState) -> str:
    """Repeat a call's arguments, always as a JSON object: a server may refuse anything else."""
    text = state.call.arguments_json
    try:
        arguments: object = json.loads(text)
    except (ValueError, RecursionError):
        arguments = None
    if not isinstance(arguments, dict):
        return _json({"unreadable": clip(text, ARGUMENT_CHARS_MAX)})
    if len(text) <= ARGUMENT_CHARS_MAX:
        return text
    share = ARGUMENT_CHARS_MAX // max(len(arguments), 1)
    return _json({key: _shortened(value, share) for key, value in arguments.items()})


def _shortened(value: object, chars_max: int) -> object:
    if isinstance(value, str):
        return clip(value, chars_max)
    text = _json(value)
    return value if len(text) <= chars_max else clip(text, chars_max)


def _json(value: object) -> str:
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)


def _chars(message: ChatMessage) -> int:
    return len(message.content) + sum(len(one.name) + len(one.arguments_json) for one in message.calls)
