"""A prompt gives account of itself: every part with its source, its size, and what was left out of it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import attrs

from orket.decision_nodes.decisions import PromptAccount, PromptInput, PromptPart
from orket.decision_nodes.prompt_history import Told, chars_of, message_tokens, told_turns, untold_chars
from orket.decision_nodes.prompt_sections import (
    COMMENTS_MAX,
    card_parts,
    card_text,
    field_chars_max,
    system_parts,
    system_text,
)
from orket.decision_nodes.prompt_size import tokens
from orket.domain.identifiers import BlobId, CardId
from orket.domain.models import ChatMessage, ChatRole, ModelRequest

SYSTEM, CARD = 0, 1


@attrs.frozen(kw_only=True)
class PromptPreview:
    """What the card's turn ``turn`` would send, and why; ``prompt`` is the hash of what would be sent.

    ``account`` has parts only when the prompt strategy explains itself; ``remarks`` say what is not known.
    """

    card_id: CardId
    turn: int
    seat: str
    role: str
    review: bool
    request: ModelRequest
    prompt: BlobId
    prompt_version: str
    account: PromptAccount
    remarks: tuple[str, ...]


def account_for(given: PromptInput, messages: tuple[ChatMessage, ...]) -> PromptAccount:
    """Account for the messages that were compiled from ``given``."""
    return PromptAccount(
        messages=messages,
        parts=(*_system(given), *_card(given), *_past(given, messages)),
        tokens=sum(map(message_tokens, messages)),
        tokens_max=given.tokens_max,
    )


def in_dialect(account: PromptAccount, messages: tuple[ChatMessage, ...]) -> PromptAccount:
    """Account for what the dialect node has made of a prompt: ``messages`` are those that are really sent."""
    if messages == account.messages:
        return account
    before, after = chars_of(account.messages), chars_of(messages)
    used = sum(map(message_tokens, messages))
    changed = PromptPart(
        message=len(messages) - 1,
        name="Dialect",
        source="dialect node: past and next step in the words of this kind of model",
        chars=max(0, after - before),
        tokens=max(0, used - account.tokens),
        chars_left_out=max(0, before - after),
        note="it may have joined the messages that the parts above are numbered by",
    )
    return PromptAccount(
        messages=messages,
        parts=(*account.parts, changed),
        tokens=used,
        tokens_max=account.tokens_max,
    )


def _system(given: PromptInput) -> Iterator[PromptPart]:
    for one in system_parts(given):
        yield _part(SYSTEM, one.name, one.source, one.text)


def _card(given: PromptInput) -> Iterator[PromptPart]:
    chars_max = field_chars_max(given)
    for one in card_parts(given):
        is_field = one.name not in ("Card", "Task")
        left_out = max(0, len(one.text) - chars_max) if is_field else 0
        note = ""
        if one.name == "Comments" and len(given.comments) > COMMENTS_MAX:
            note = f"{len(given.comments) - COMMENTS_MAX} older comments left out"
        yield PromptPart(
            message=CARD,
            name=one.name,
            source=one.source,
            chars=len(one.text) - left_out,
            tokens=tokens(one.text[: len(one.text) - left_out]),
            chars_left_out=left_out,
            note=note,
        )


def _past(given: PromptInput, messages: tuple[ChatMessage, ...]) -> Iterator[PromptPart]:
    room = given.tokens_max - tokens(system_text(given)) - tokens(card_text(given))
    told = told_turns(given.history, given.seat.key, review=given.review, tokens_max=room, memo=given.memo)
    dropped = [one for one in told if not one.kept]
    if dropped:
        first, last = dropped[0].turn.turn, dropped[-1].turn.turn
        named = f"turn {first}" if first == last else f"turns {first} to {last}"
        yield PromptPart(
            message=CARD,
            name=named,
            source="history of this card",
            chars=0,
            tokens=0,
            chars_left_out=sum(map(untold_chars, dropped)),
            note="the oldest are left out when the prompt is full (prompt_tokens_max)",
        )
    kept = [one for one in told if one.kept]
    at, before = CARD, ChatRole.USER
    for one in kept:
        at, before, place = _place(one.messages, at, before)
        yield _turn(one, place)
    if len(messages) > at + 1:
        yield _part(len(messages) - 1, "Go on", "engine: the model has the last word", messages[-1].content)


def _place(messages: Sequence[ChatMessage], at: int, before: ChatRole) -> tuple[int, ChatRole, int]:
    """Find the message in which a turn begins: neighbouring user messages are one."""
    place = -1  # a turn may have left nothing: then it stands where the next one begins
    for one in messages:
        if not (one.role is before is ChatRole.USER):
            at += 1
        before = one.role
        place = at if place < 0 else place
    return at, before, max(place, CARD)


def _turn(one: Told, place: int) -> PromptPart:
    doing = "review" if one.turn.review else "work"
    whose = "its own" if one.own else f"told about seat {one.turn.seat}'s"
    return PromptPart(
        message=place,
        name=f"turn {one.turn.turn}",
        source=f"history of this card: {whose} {doing}",
        chars=chars_of(one.messages),
        tokens=sum(map(message_tokens, one.messages)),
        chars_left_out=untold_chars(one),
        note="" if one.tightness == 1 else f"cut {one.tightness} times shorter to fit",
    )


def _part(message: int, name: str, source: str, text: str) -> PromptPart:
    return PromptPart(message=message, name=name, source=source, chars=len(text), tokens=tokens(text))
