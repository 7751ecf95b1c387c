"""``prompt_strategy_node``: which model, which dialect, which words."""

from __future__ import annotations

from collections.abc import Callable

import attrs

from orket.decision_nodes.decisions import ModelChoice, PromptAccount, PromptInput
from orket.decision_nodes.model_choice import calling_of, dialect_of, fallbacks_for, model_for
from orket.decision_nodes.prompt_account import account_for
from orket.decision_nodes.prompt_history import conversation, joined
from orket.decision_nodes.prompt_sections import card_text, system_text
from orket.decision_nodes.prompt_size import tokens
from orket.domain.assets import Epic, Organization, Role
from orket.domain.models import ChatMessage, ChatRole, ProposedCall

GO_ON = "Go on with the card."
# What decides about the words of a message; a field that is new counts until somebody knows better.
CARD = tuple(one.name for one in attrs.fields(PromptInput) if one.name not in ("history", "memo"))
SYSTEM = tuple(name for name in CARD if name not in ("comments", "verification", "notes", "memories"))


class DefaultPromptStrategy:
    """Precedence of ``model_choice``, sections of ``prompt_sections``, the past of ``prompt_history``.

    Equal inputs give equal messages, byte for byte. The last message is never the assistant's, so that it
    is always the model's turn to speak.
    """

    version = "default/2"

    def choose_model(
        self, role: Role, epic: Epic, organization: Organization, *, override: str
    ) -> ModelChoice:
        """Choose the model by precedence and its dialect by its name."""
        model = model_for(role, epic, organization, override=override)
        calling = calling_of(model, epic.environment.params_json)
        others = () if override.strip() else fallbacks_for(model, epic, organization)
        return ModelChoice(model=model, dialect=dialect_of(model), calling=calling, fallbacks=others)

    def compile(self, given: PromptInput) -> tuple[ChatMessage, ...]:
        """Write the conversation: one system message, then the card, then this card's own history."""
        system, card = kept(given, SYSTEM, system_text), kept(given, CARD, card_text)
        room = given.tokens_max - tokens(system) - tokens(card)
        messages = (
            ChatMessage(role=ChatRole.SYSTEM, content=system),
            ChatMessage(role=ChatRole.USER, content=card),
            *conversation(
                given.history, given.seat.key, review=given.review, tokens_max=room, memo=given.memo
            ),
        )
        if messages[-1].role is ChatRole.ASSISTANT:
            messages = (*messages, ChatMessage(role=ChatRole.USER, content=GO_ON))
        return tuple(map(_sendable, joined(messages)))

    def explain(self, given: PromptInput) -> PromptAccount:
        """Write the same conversation, and say of each part where it comes from and what was left out."""
        return account_for(given, self.compile(given))


def kept(given: PromptInput, fields: tuple[str, ...], write: Callable[[PromptInput], str]) -> str:
    """Write a text, or return the one that was written in this assignment from the very same ``fields``."""
    inputs = [getattr(given, name) for name in fields]
    known: tuple[list[object], str] | None = given.memo.get(write)
    if known is None or any(one is not other for one, other in zip(inputs, known[0], strict=True)):
        known = given.memo[write] = inputs, write(given)
    return known[1]


def _sendable(message: ChatMessage) -> ChatMessage:
    """Replace halves of characters, which a model may have escaped and nobody can send or store."""
    # A flag of the text, where evolving costs 0.1 ms a prompt.
    if message.content.isascii() and (not message.calls or all(map(_is_ascii, message.calls))):
        return message
    calls = tuple(
        attrs.evolve(one, name=_whole(one.name), arguments_json=_whole(one.arguments_json))
        for one in message.calls
    )
    return attrs.evolve(message, content=_whole(message.content), calls=calls)


def _is_ascii(call: ProposedCall) -> bool:
    return call.name.isascii() and call.arguments_json.isascii()


def _whole(text: str) -> str:
    return text.encode("utf-8", "replace").decode()
