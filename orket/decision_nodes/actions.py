"""Tools for models too small for native calls: every answer is one action, kept to by a JSON Schema.

A server enforces the schema while the model writes, so that even a model that would rather chat names a tool
that exists and gives it the arguments it wants.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from types import MappingProxyType

from orket.domain.models import ChatMessage, ChatRole, ProposedCall
from orket.domain.tools import ToolSpec

STATUS_TOOL, STATUS, REASON = "update_issue_status", "status", "reason"
RULE = (
    'Answer with one JSON object {"tool": NAME, "arguments": {…}} and nothing else: the one thing you do '
    "next. You will be told what came of it, and then do the next thing."
)
SMALL_RULES = (
    "Do exactly what the card asks for, file by file, with the names that it gives.",
    "Write every file whole, with code that works. Never write a placeholder: no pass, no TODO, no '...'.",
    "When an answer says that something is wrong, change it before you try again.",
)
NO_PLACES: Mapping[str, Sequence[str]] = MappingProxyType({})
# Bounds of strings and lists make the grammar of a schema huge, and are checked at the gate anyway.
_DROPPED = frozenset({"minLength", "maxLength", "minItems", "maxItems", "title", "default", "description"})


def action_schema(
    tools: Sequence[ToolSpec],
    statuses: Sequence[str],
    *,
    review: bool = False,
    places: Mapping[str, Sequence[str]] = NO_PLACES,
) -> str:
    """Write the schema of an action: one of the tools with its arguments.

    Args:
        tools: The tools that are offered.
        statuses: What the card's status may be set to now; nothing else can be written.
        review: Whether a status is a verdict, for which a reason must be given.
        places: The paths that a tool may be given now, for each tool that may not be given any.
    """
    actions = [_action(one, statuses, places.get(one.name, ()), review=review) for one in tools]
    return json.dumps({"anyOf": actions}, separators=(",", ":"))


def with_next_step(
    messages: tuple[ChatMessage, ...],
    done: Sequence[str],
    missing: Sequence[str],
    statuses: Sequence[str],
    *,
    review: bool,
    wrong: str = "",
    first: str = "",
) -> tuple[ChatMessage, ...]:
    """End a conversation with what comes next, because a small model forgets how its question began.

    Args:
        messages: The conversation.
        done: What was done so far.
        missing: The files that the card names and that were not written, or for a review not read, yet.
        statuses: What the card's status may be set to.
        review: Whether the card is reviewed.
        wrong: What verification found wrong with the work as it is.
        first: A tool that the card names and that was not used yet.
    """
    verb = "read" if review else "write"
    finish = f"{STATUS_TOOL} with {' or '.join(statuses)}"
    if first:
        step = f"Next: call {first}."
    elif missing:
        step = f"Next: {verb} the file {missing[0]}{'' if review else ', whole'}."
        if wrong:
            step = f"The file {missing[0]} is wrong. {wrong}\nNext: write it again, whole and corrected."
    elif not done:
        step = f"Next: {verb} the file that the card asks for."
    elif review:
        step = f"Next: decide, {finish}; say in reason what is right or wrong."
    else:
        step = f"Next: {finish}, when nothing of the card is missing."
    so_far = f"Done so far: {'; '.join(done[-5:])}. " if done else ""
    return _alternating((*messages, ChatMessage(role=ChatRole.USER, content=so_far + step)))


def signature(tool: ToolSpec) -> str:
    """Write a tool in one line, as a small model can read it."""
    required = _names(_object(json.loads(tool.parameters_json)).get("required"))
    told = ", ".join(_ordered(tool, required))
    return f"- {tool.name}({told}): {tool.description}"


def as_text(messages: Sequence[ChatMessage]) -> tuple[ChatMessage, ...]:
    """Tell a conversation with calls as one of actions and what came of them."""
    said: list[ChatMessage] = []
    names: dict[str, str] = {}
    for one in messages:
        if one.calls:
            names |= {call.ref: call.name for call in one.calls}
            actions = "\n".join(_written(call) for call in one.calls)
            said.append(ChatMessage(role=ChatRole.ASSISTANT, content=actions))
        elif one.role is ChatRole.TOOL:
            told = f"{names.get(one.ref, 'The tool')} answered: {one.content}"
            said.append(ChatMessage(role=ChatRole.USER, content=told))
        else:
            said.append(one)
    return _alternating(said)


def _alternating(messages: Sequence[ChatMessage]) -> tuple[ChatMessage, ...]:
    joined: list[ChatMessage] = []
    for one in messages:
        if joined and one.role is not ChatRole.SYSTEM and one.role is joined[-1].role:
            before = joined.pop()
            one = ChatMessage(role=one.role, content=f"{before.content}\n\n{one.content}".strip())
        joined.append(one)
    return tuple(joined)


def _written(call: ProposedCall) -> str:
    try:
        arguments: object = json.loads(call.arguments_json)
    except (ValueError, RecursionError):
        arguments = call.arguments_json
    if isinstance(arguments, Mapping):  # short ones first, as they shall be written: where before what
        arguments = dict(sorted(arguments.items(), key=lambda one: len(str(one[1]))))
    return json.dumps({"tool": call.name, "arguments": arguments}, ensure_ascii=False)


def _action(
    tool: ToolSpec, statuses: Sequence[str], places: Sequence[str], *, review: bool
) -> Mapping[str, object]:
    declared = _object(json.loads(tool.parameters_json))
    properties = dict(_object(declared.get("properties")))
    required = list(_names(declared.get("required")))
    if tool.name == STATUS_TOOL and statuses:
        properties[STATUS] = {"enum": list(statuses)}
        if review and REASON in properties:  # thought first, decided then
            properties[REASON], required = {"type": "string"}, [REASON, *required]
    if places:
        properties |= {one: {"enum": list(places)} for one in tool.path_arguments if one in properties}
    # What may be left out, such as another card's id, a small model fills with whatever comes to its mind.
    names = _ordered(tool, required)
    arguments = {
        "type": "object",
        "properties": {one: _bare(properties[one]) for one in names if one in properties},
        "required": list(_ordered(tool, required)),
        "additionalProperties": False,
    }
    return {
        "type": "object",
        "properties": {"tool": {"const": tool.name}, "arguments": arguments},
        "required": ["tool", "arguments"],
        "additionalProperties": False,
    }


def _ordered(tool: ToolSpec, names: Sequence[str]) -> tuple[str, ...]:
    """Put paths first: who has to say where before what has thought about it."""
    return tuple(sorted(names, key=lambda one: (one not in tool.path_arguments, names.index(one))))


def _bare(schema: object) -> object:
    if isinstance(schema, Mapping):
        return {key: _bare(one) for key, one in schema.items() if key not in _DROPPED}
    return [_bare(one) for one in schema] if isinstance(schema, list) else schema


def _object(value: object) -> Mapping[str, object]:
    return value if isinstance(value, Mapping) else {}


def _names(value: object) -> Sequence[str]:
    return [one for one in value if isinstance(one, str)] if isinstance(value, list) else []
