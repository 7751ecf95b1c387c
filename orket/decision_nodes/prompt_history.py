"""A card's own past as a conversation: valid chat roles, newest turns kept, bounded in tokens."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import NamedTuple

from orket.decision_nodes.memo import Memo
from orket.decision_nodes.prompt_size import MESSAGE_TOKENS, clip, tokens
from orket.domain.models import ChatMessage, ChatRole, ProposedCall
from orket.domain.runs import CallState, TurnState

TEXT_CHARS_MAX = 6_000
OUTPUT_CHARS_MAX = 4_000
ARGUMENT_CHARS_MAX = 4_000
PIECE_CHARS_MIN = 100
TIGHTEST = 64
ENDLESS = 10**9


class Told(NamedTuple):
    """A turn as it is told, ``tightness`` times shorter than usual; one that is not ``kept`` was left out."""

    turn: TurnState
    own: bool
    messages: tuple[ChatMessage, ...]
    tightness: int = 1
    kept: bool = True


def conversation(
    turns: Sequence[TurnState], seat: str, *, review: bool, tokens_max: int, memo: Memo
) -> tuple[ChatMessage, ...]:
    """Tell the turns of a card, oldest first, as ``seat`` remembers them; see ``told_turns``."""
    told = told_turns(turns, seat, review=review, tokens_max=tokens_max, memo=memo)
    return tuple(message for one in told for message in one.messages)


def told_turns(
    turns: Sequence[TurnState], seat: str, *, review: bool, tokens_max: int, memo: Memo
) -> tuple[Told, ...]:
    """Say how each turn of a card is told, oldest first, the ones left out included.

    The seat's own turns of the same kind are its messages: the assistant with its calls, one tool answer per
    call, the note it got. What others did is told to it by the user, since nobody should review what it
    believes to have written itself. Whole turns are left out, oldest first, beyond ``tokens_max``; the
    newest one always stays, cut shorter as needed. How a turn is told, uncut, is kept in ``memo``.
    """
    found: list[Told] = []
    room = tokens_max
    for turn in reversed(turns):
        own = turn.seat == seat and turn.review is review
        if found and not found[-1].kept:
            found.append(Told(turn, own, (), kept=False))
            continue
        told, size = _remembered(turn, own, memo)
        while not found and told.tightness < TIGHTEST and size > room:
            told = _tell(turn, own, told.tightness * 2)
            size = _size(told.messages)
        room -= size
        found.append(told if room >= 0 or not found else Told(turn, own, (), kept=False))
    return tuple(reversed(found))


def chars_of(messages: Sequence[ChatMessage]) -> int:
    """Count what stands in messages: their words, and the names and arguments of their calls."""
    return sum(map(_chars, messages))


def untold_chars(one: Told) -> int:
    """Count what a turn holds and its telling leaves out."""
    whole = _tell(one.turn, one.own, 0)
    return max(0, chars_of(whole.messages) - chars_of(one.messages))


def message_tokens(message: ChatMessage) -> int:
    """Estimate what a message costs."""
    found = MESSAGE_TOKENS + tokens(message.content)
    for one in message.calls:
        found += tokens(one.name) + tokens(one.arguments_json)
    return found


def joined(messages: Sequence[ChatMessage]) -> tuple[ChatMessage, ...]:
    """Merge neighbouring user messages, because many chat templates want the roles to alternate."""
    merged: list[ChatMessage] = []
    for one in messages:
        if merged and one.role is ChatRole.USER is merged[-1].role:
            one = ChatMessage(role=ChatRole.USER, content=f"{merged.pop().content}\n\n{one.content}")
        merged.append(one)
    return tuple(merged)


def _size(messages: Sequence[ChatMessage]) -> int:
    return sum(map(message_tokens, messages))


def _limit(chars_max: int, tightness: int) -> int:
    """How long a piece may be; nothing is cut at tightness 0."""
    if tightness == 1:
        return chars_max
    return ENDLESS if tightness == 0 else max(PIECE_CHARS_MIN, chars_max // tightness)


def _remembered(turn: TurnState, own: bool, memo: Memo) -> tuple[Told, int]:
    """Tell a turn in its usual length, and say how large that is; as before, if it was told before."""
    known: tuple[Told, int] | None = memo.get((id(turn), own))
    if known is None or known[0].turn is not turn:  # an address may be used again
        told = _tell(turn, own, 1)
        known = memo[id(turn), own] = told, _size(told.messages)
    return known


def _tell(turn: TurnState, own: bool, tightness: int) -> Told:
    messages = _own(turn, tightness) if own else _others(turn, tightness)
    return Told(turn, own, tuple(messages), tightness)


def _own(turn: TurnState, tightness: int) -> list[ChatMessage]:
    text_max, output_max = _limit(TEXT_CHARS_MAX, tightness), _limit(OUTPUT_CHARS_MAX, tightness)
    messages: list[ChatMessage] = []
    if turn.reply is not None:
        calls = tuple(
            ProposedCall(name=one.call.tool, arguments_json=_arguments(one, tightness), ref=_ref(one))
            for one in turn.calls
        )
        # Calls that were found in the text are told as calls, and not a second time as text.
        written = calls and not turn.reply.calls
        text = "" if written else clip(turn.reply.text, text_max)
        messages.append(ChatMessage(role=ChatRole.ASSISTANT, content=text, calls=calls))
        messages += [
            ChatMessage(role=ChatRole.TOOL, content=_outcome(one, output_max), ref=_ref(one))
            for one in turn.calls
        ]
    if turn.note:
        messages.append(ChatMessage(role=ChatRole.USER, content=clip(turn.note, text_max)))
    return messages


def _others(turn: TurnState, tightness: int) -> list[ChatMessage]:
    text_max = _limit(TEXT_CHARS_MAX // 4, tightness)
    piece_max = _limit(OUTPUT_CHARS_MAX // 8, tightness)
    doing = "reviewed" if turn.review else "worked on"
    lines = [f"Turn {turn.turn}: seat {turn.seat} {doing} this card."]
    if turn.reply is not None and turn.reply.text.strip():
        lines.append(f"It said: {clip(turn.reply.text.strip(), text_max)}")
    for one in turn.calls:
        outcome = clip(_outcome(one, _limit(OUTPUT_CHARS_MAX, tightness)), piece_max)
        lines.append(f"It called {one.call.tool} {clip(one.call.arguments_json, piece_max)} → {outcome}")
    return [ChatMessage(role=ChatRole.USER, content="\n".join(lines))]


def _outcome(state: CallState, chars_max: int) -> str:
    result = state.result
    if result is None:
        return "no result"
    if result.ok:
        return clip(result.output, chars_max)
    hint = f"\nHint: {result.hint}" if result.hint else ""
    return f"Error [{result.code or 'failed'}]: {clip(result.output, chars_max)}{hint}"


def _ref(state: CallState) -> str:
    return state.call.ref or f"turn{state.call.turn}-call{state.call.index}"


def _arguments(state: CallState, tightness: int) -> str:
    """Repeat a call's arguments, always as a JSON object: a server may refuse anything else."""
    text, chars_max = state.call.arguments_json, _limit(ARGUMENT_CHARS_MAX, tightness)
    try:
        arguments: object = json.loads(text)
    except (ValueError, RecursionError):
        arguments = None
    if not isinstance(arguments, dict):
        return _json({"unreadable": clip(text, chars_max)})
    if len(text) <= chars_max:
        return text
    share = chars_max // max(len(arguments), 1)
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
