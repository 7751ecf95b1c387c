"""``dialect_node``: how a model is given its tools, and how its answer is read."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from itertools import pairwise

import attrs

from orket.decision_nodes.actions import STATUS_TOOL, action_schema, as_text, with_next_step
from orket.decision_nodes.decisions import Offer, PromptInput, Reading
from orket.decision_nodes.evaluator import options
from orket.decision_nodes.reply_parser import read_reply
from orket.decision_nodes.workspace_paths import VERIFICATION_DIR
from orket.domain.cards import WAITING, Card, CardStatus
from orket.domain.mcp import SEPARATOR
from orket.domain.models import Calling, ChatMessage, ModelReply
from orket.domain.tools import Permission, ToolCall, ToolSpec
from orket.domain.verification import ScenarioStatus

# What a small model does its work with. What it could ask for is in its prompt already, and a plan that it
# makes is not worth having.
_WORK = frozenset({Permission.READ_FILES, Permission.WRITE_FILES, Permission.RUN_COMMANDS})
_BUILDS = frozenset({Permission.WRITE_FILES, Permission.RUN_COMMANDS})
TEMPERATURE_STEP, TEMPERATURE_MAX = 0.3, 0.9
_FILE = re.compile(
    r"(?<![\w/.:-])(?:[\w-]+/)*[\w-]+\.(?:css|csv|html|ini|js|json|md|py|sh|sql|toml|ts|txt|xml|ya?ml)(?![\w/])"
)


class DefaultDialect:
    """Native calls as the server has them; for small models one action an answer, by schema.

    A small model is offered less, so that it cannot but go on: its card's status only after it has written
    every file that the card names (or has done any work, when it names none), and then nothing else; a
    verdict only after it has looked, and then nothing else; nothing a third time that it did twice in a row.
    It writes no files but those that the card names and that are not written yet. What it is asked again it
    is asked with more freedom (a higher temperature, another seed), since an answer that was wrong would
    come a second time otherwise, and with what verification found.
    However a model was asked, its answer is read in the same way.
    """

    def narrow(self, tools: tuple[ToolSpec, ...], calling: Calling) -> tuple[ToolSpec, ...]:
        """Leave a small model the tools of the work itself."""
        if calling is not Calling.SCHEMA:
            return tools
        chosen = tuple(one for one in tools if _WORK & set(one.permissions) or one.name == STATUS_TOOL)
        return tuple(sorted(chosen, key=lambda one: not _BUILDS & set(one.permissions))) or tools

    def offer(self, messages: tuple[ChatMessage, ...], given: PromptInput) -> Offer:
        """Write the conversation and the schema."""
        if given.calling is not Calling.SCHEMA or not given.tools:
            return Offer(messages=messages)
        done, missing = _done(given), _missing(given)
        first = _asked_for(given)
        tools = _now(given, first, finished=bool(done) and not missing)
        statuses = _statuses(given)
        told = tuple(_told(call, spec) for call, spec in done)
        review, wrong = given.review, _wrong(given)
        told_now = with_next_step(
            as_text(messages), told, missing, statuses, review=review, wrong=wrong, first=first
        )
        places = {} if review else {one.name: missing for one in tools if _writes(one)}
        schema = action_schema(tools, statuses, review=review, places=places)
        return _freer(Offer(messages=told_now, schema_json=schema), given)

    def read(self, reply: ModelReply, tools: tuple[ToolSpec, ...]) -> Reading:
        """Find the calls, or the reason why none can be read."""
        return read_reply(reply, (one.name for one in tools))


def _now(given: PromptInput, first: str, *, finished: bool) -> tuple[ToolSpec, ...]:
    """Choose what may be done next."""
    if first:
        return tuple(one for one in given.tools if one.name == first)
    if finished and (verdict := [one for one in given.tools if one.name == STATUS_TOOL]):
        named = given.review or _named(given.card)
        return tuple(verdict) if named else (*verdict, *(one for one in given.tools if one not in verdict))
    work = [one for one in given.tools if one.name != STATUS_TOOL]
    again = _repeated(given)
    return tuple(one for one in work if one.name != again) or tuple(work) or given.tools


def _asked_for(given: PromptInput) -> str:
    """Name the first tool of an MCP server that the card asks for by its name and that was not tried yet.

    A small model would rather make up what such a tool could have told it.
    """
    if given.review or given.sent_back is not None:
        return ""
    used = {call.tool for call, _ in _recent(given)}
    text = f"{given.card.requirements}\n{given.card.description}"
    named = (one.name for one in given.tools if SEPARATOR in one.name and one.name in text)
    return next((one for one in sorted(named, key=text.find) if one not in used), "")


def _writes(tool: ToolSpec) -> bool:
    return Permission.WRITE_FILES in tool.permissions


def _wrong(given: PromptInput) -> str:
    """Say what is wrong with the work that was sent back: the first thing, as verification has it."""
    found = () if given.sent_back is None or given.review else given.sent_back.results
    declared = given.card.verification
    failed = next((one for one in found if one.status is not ScenarioStatus.PASS), None)
    if failed is None or declared is None:
        return ""
    told = next((f" for {one.input_json}" for one in declared.scenarios if one.id == failed.id), "")
    return f"Verification{told}: {failed.reason}."


def _again(given: PromptInput) -> int:
    """Count how often the work was sent back, or answered with nothing that could be done."""
    sides = [one.review for one in given.history] + [given.review]
    back = sum(1 for before, now in pairwise(sides) if before and not now)
    return back + given.card.retry_count


def _freer(offer: Offer, given: PromptInput) -> Offer:
    """Ask for work that was wrong with another seed and a higher temperature than before."""
    if given.review or not (again := _again(given)):
        return offer
    environment = given.epic.environment
    hotter = min(TEMPERATURE_MAX, environment.temperature + TEMPERATURE_STEP * again)
    temperature = max(environment.temperature, round(hotter, 2))
    return attrs.evolve(offer, temperature=temperature, seed=(environment.seed or 0) + again)


def _statuses(given: PromptInput) -> tuple[str, ...]:
    """The ways on: forward, and back from a review; giving up is decided for a small model, not by it."""
    ways = [
        one
        for one in options(given.card, review=given.review)
        if one not in WAITING and one not in (CardStatus.CANCELED, CardStatus.READY_FOR_TESTING)
    ]
    if given.review and given.verification is not None and not given.verification.ok:
        ways = [one for one in ways if one is not CardStatus.DONE]
    return tuple(one.value for one in ways)


def _recent(given: PromptInput) -> Iterator[tuple[ToolCall, bool]]:
    """The calls since the other side, who builds or who reviews, had its turn; and whether each went well."""
    turns = given.history
    since = max((at for at, one in enumerate(turns, 1) if one.review is not given.review), default=0)
    for turn in turns[since:]:
        for state in turn.calls:
            yield state.call, state.result is not None and state.result.ok


def _done(given: PromptInput) -> tuple[tuple[ToolCall, ToolSpec], ...]:
    """What was done for the card as far as it entitles to a verdict about it."""
    wanted = _WORK if given.review else _BUILDS
    specs = {one.name: one for one in given.tools if wanted & set(one.permissions)}
    return tuple((call, specs[call.tool]) for call, ok in _recent(given) if ok and call.tool in specs)


def _named(card: Card) -> tuple[str, ...]:
    """The files that a card names, in its order; not those that nobody may write."""
    found = _FILE.findall(f"{card.requirements}\n{card.description}")
    return tuple(dict.fromkeys(one for one in found if not one.startswith(f"{VERIFICATION_DIR}/")))


def _missing(given: PromptInput) -> tuple[str, ...]:
    """The files that the card names and that were not touched yet: written, or read for a review."""
    touched = {path for call, spec in _done(given) for path in _paths(call, spec)}
    return tuple(one for one in _named(given.card) if one not in touched)


def _repeated(given: PromptInput) -> str:
    """Name the tool that was used twice in a row for the same thing."""
    specs = {one.name: one for one in given.tools}
    last = [(call.tool, _told(call, specs[call.tool])) for call, _ in _recent(given) if call.tool in specs][
        -2:
    ]
    return last[0][0] if len(last) == 2 and last[0] == last[1] else ""


def _arguments(call: ToolCall) -> Mapping[str, object]:
    try:
        given: object = json.loads(call.arguments_json)
    except (ValueError, RecursionError):
        return {}
    return given if isinstance(given, dict) else {}


def _paths(call: ToolCall, tool: ToolSpec) -> tuple[str, ...]:
    arguments = _arguments(call)
    told = (str(arguments[one]) for one in tool.path_arguments if one in arguments)
    return tuple(one.removeprefix("./") for one in told)


def _told(call: ToolCall, tool: ToolSpec) -> str:
    what = _paths(call, tool) or tuple(str(one)[:60] for one in _arguments(call).values())
    return " ".join((call.tool, *what))
