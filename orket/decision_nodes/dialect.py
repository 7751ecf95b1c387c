"""``dialect_node``: how a model is given its tools, and how its answer is read."""

from __future__ import annotations

import json

from orket.decision_nodes.actions import STATUS_TOOL, action_schema, as_text, repeated, with_next_step
from orket.decision_nodes.decisions import Offer, OfferInput, Reading
from orket.decision_nodes.evaluator import options
from orket.decision_nodes.reply_parser import read_reply
from orket.domain.cards import WAITING, CardStatus
from orket.domain.models import Calling, ChatMessage, ChatRole, ModelReply, ProposedCall
from orket.domain.tools import Permission, ToolSpec

# What a small model does its work with. What it could ask for is in its prompt already, and a plan that it
# makes is not worth having.
_WORK = frozenset(
    {Permission.READ_FILES, Permission.WRITE_FILES, Permission.RUN_COMMANDS},
)
_TALK = frozenset({STATUS_TOOL})
_BUILDS = frozenset({Permission.WRITE_FILES, Permission.RUN_COMMANDS})


class DefaultDialect:
    """Native calls as the server has them; for small models one action an answer, by schema.

    A small model is offered fewer tools, and its card's status only after it has done something for it: files
    written or commands run before a review is asked for, files read before one is decided. What it did twice
    in a row it is not offered a third time. However a model was asked, its answer is read in the same way.
    """

    def narrow(self, tools: tuple[ToolSpec, ...], calling: Calling) -> tuple[ToolSpec, ...]:
        """Leave a small model the tools of the work itself."""
        if calling is not Calling.SCHEMA:
            return tools
        chosen = tuple(one for one in tools if _WORK & set(one.permissions) or one.name in _TALK)
        return tuple(sorted(chosen, key=lambda one: not _BUILDS & set(one.permissions))) or tools

    def offer(self, given: OfferInput) -> Offer:
        """Write the conversation and the schema."""
        if given.calling is not Calling.SCHEMA or not given.tools:
            return Offer(messages=given.messages)
        done = _done(given)
        tools = [one for one in given.tools if one.name not in repeated(given.messages)]
        if not done:
            tools = [one for one in tools if one.name not in _TALK]
        tools = tools or list(given.tools)
        statuses = _statuses(given)
        messages = with_next_step(as_text(given.messages), done, statuses, review=given.review)
        return Offer(messages=messages, schema_json=action_schema(tools, statuses, review=given.review))

    def read(self, reply: ModelReply, tools: tuple[ToolSpec, ...]) -> Reading:
        """Find the calls, or the reason why none can be read."""
        return read_reply(reply, (one.name for one in tools))


def _statuses(given: OfferInput) -> tuple[str, ...]:
    """The ways on: forward, and back from a review; giving up is decided for a small model, not by it."""
    ways = [
        one
        for one in options(given.card, review=given.review)
        if one not in WAITING and one not in (CardStatus.CANCELED, CardStatus.READY_FOR_TESTING)
    ]
    if given.review and given.verification is not None and not given.verification.ok:
        ways = [one for one in ways if one is not CardStatus.DONE]
    return tuple(one.value for one in ways)


def _done(given: OfferInput) -> tuple[str, ...]:
    """What was done for the card in this conversation, as far as it entitles to a verdict about it."""
    wanted = _WORK if given.review else _BUILDS
    names = {one.name: one for one in given.tools if wanted & set(one.permissions)}
    failed = {one.ref for one in given.messages if _is_failure(one)}
    return tuple(
        _told(call, names[call.name])
        for one in given.messages
        for call in one.calls
        if call.name in names and call.ref not in failed
    )


def _told(call: ProposedCall, tool: ToolSpec) -> str:
    try:
        given: object = json.loads(call.arguments_json)
    except (ValueError, RecursionError):
        given = {}
    arguments = given if isinstance(given, dict) else {}
    where = [str(arguments[one]) for one in tool.path_arguments if one in arguments]
    return " ".join((call.name, *(where or [str(one)[:60] for one in arguments.values()])))


def _is_failure(message: ChatMessage) -> bool:
    return message.role is ChatRole.TOOL and message.content.startswith("Error [")
