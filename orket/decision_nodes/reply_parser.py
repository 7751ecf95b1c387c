"""What a model's reply asks for, however it was written.

Native tool calls are taken as they are, and then nothing that the text quotes is: it may be an example, a
file or what somebody else wrote. Only a reply without native calls is searched for calls that were written
down: the whole text, what stands between the tags that model families use, in fences, or alone on its lines.
JSON in the middle of a sentence is talk.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping

from orket.decision_nodes.decisions import Reading
from orket.decision_nodes.reply_json import begins_whole, fenced, is_cut_off, loads, mended, standing_alone
from orket.domain.models import FinishReason, ModelReply, ProposedCall

CALLS_MAX = 64
DEPTH_MAX = 3
_ARGUMENTS = ("arguments", "args", "parameters", "params", "input", "action_input", "tool_input", "kwargs")
_NAMES = ("tool", "name", "tool_name", "function", "function_name", "action", "recipient_name")
_WRAPPERS = ("tool_calls", "calls", "actions", "tools", "tool_call", "function_call", "tool_use")
_IDS = ("id", "call_id", "tool_call_id")
_THOUGHTS = ("thought", "thoughts", "reasoning", "explanation", "comment_to_self")
_THINKING = re.compile(r"<(think|thinking|thought|reasoning)>.*?(</\1>|\Z)", re.DOTALL | re.IGNORECASE)
_TAGGED = re.compile(
    r"<(?P<tag>tool_call|tool_calls|function_call|tools|tool_use)>\s*(?P<body>.*?)\s*(?:</(?P=tag)>|\Z)",
    re.DOTALL | re.IGNORECASE,
)
_NAMED = re.compile(r"<function=(?P<name>[\w.:-]+)>\s*(?P<body>.*?)\s*(?:</function>|\Z)", re.DOTALL)
_MARKED = re.compile(
    r"(?:\[TOOL_CALLS\]|<\|python_tag\|>|<\|tool_calls?(?:_begin)?\|>)\s*(?P<body>.*)", re.DOTALL
)
_ENDS = re.compile(r"(?:<\|[\w ]+\|>|</s>|<end_of_turn>)\s*\Z")

Found = list[ProposedCall]


def read_reply(reply: ModelReply, offered: Iterable[str]) -> Reading:
    """Find the calls of a reply, or say what is wrong with how they were written.

    Args:
        reply: The reply.
        offered: Names of the tools that the model was offered.
    """
    names = frozenset(offered)
    if reply.calls:
        return _native(reply, names)
    text = _ENDS.sub("", _THINKING.sub("", reply.text)).strip()
    if not text:
        return _cut_off(reply) if reply.finish is FinishReason.LENGTH and reply.text.strip() else Reading()
    cut = reply.finish is FinishReason.LENGTH
    begun, written = _written(text, names, cut=cut)
    if cut and begun:
        return _cut_off(reply)
    if written:
        return Reading(calls=tuple(written[:CALLS_MAX]))
    return _unreadable(begun, names)


def _native(reply: ModelReply, names: frozenset[str]) -> Reading:
    calls = tuple(
        ProposedCall(name=_known(one.name, names), arguments_json=_plain(one.arguments_json), ref=one.ref)
        for one in reply.calls
    )
    if reply.finish is FinishReason.LENGTH and _complaint(calls[-1].arguments_json):
        return _cut_off(reply)
    return Reading(calls=calls)


def _written(text: str, names: frozenset[str], *, cut: bool) -> tuple[list[str], Found]:
    """Return what begins like a call and is none that can be read, and the calls that can."""
    begun: list[str] = []
    found: Found = []
    for candidate, name in _candidates(text):
        try:
            value = _whole(candidate) if cut else mended(candidate)
        except ValueError:
            if _looks_like_a_call(candidate, names):
                begun.append(candidate)
            continue
        found += _calls(value, names) if name is None else _by_name(name, value, names)
    return begun, found


def _whole(text: str) -> object:
    """Read an answer that was cut off: what is not closed is not closed for it.

    Raises:
        ValueError: It is not whole.
    """
    if is_cut_off(text):
        raise ValueError("it is not closed at its end")
    return mended(text)


def _candidates(text: str) -> Iterator[tuple[str, str | None]]:
    """Find what may be a call, by where it stands, with its name where the place tells it."""
    if text[0] in "{[" and not _MARKED.match(text):
        blocks = [text] if _is_one(text) else list(standing_alone(text))
        if not blocks and not begins_whole(text):
            blocks = _lines(text)
        yield from ((one, None) for one in blocks)
        return
    if tagged := [one["body"] for one in _TAGGED.finditer(text)]:
        for body in tagged:
            inner, _ = fenced(body)
            yield from ((one.strip(), None) for one in inner or _lines(body))
        return
    if named := list(_NAMED.finditer(text)):
        yield from ((one["body"] or "{}", one["name"]) for one in named)
        return
    if (marked := _MARKED.search(text)) is not None:
        yield _ENDS.sub("", marked["body"]).strip(), None
        return
    blocks, rest = fenced(text)
    inside = [one.strip() for one in blocks if one.strip()[:1] in ("{", "[")]
    yield from ((one, None) for block in inside for one in _lines(block))
    if not inside:
        alone = list(standing_alone(rest))
        yield from ((one, None) for one in alone)
        if not alone and (last := re.search(r"^[ \t]*([{\[].*)\Z", rest, re.DOTALL | re.MULTILINE)):
            yield last[1].strip(), None


def _is_one(text: str) -> bool:
    try:
        mended(text)
    except ValueError:
        return False
    return True


def _lines(block: str) -> list[str]:
    """Cut a block with an object a line into its lines; any other block is one piece."""
    lines = [one.strip() for one in block.splitlines() if one.strip()]
    whole = len(lines) > 1 and all(one[0] == "{" and one.rstrip(",")[-1] == "}" for one in lines)
    return [one.rstrip(",") for one in lines] if whole and not _is_one(block) else [block]


def _calls(value: object, names: frozenset[str], depth: int = 0) -> Found:
    if depth > DEPTH_MAX:
        return []
    if isinstance(value, list):
        return [call for one in value for call in _calls(one, names, depth + 1)]
    if not isinstance(value, Mapping):
        return []
    for wrapper in _WRAPPERS:
        inner = value.get(wrapper)
        if isinstance(inner, list | Mapping) and (found := _calls(inner, names, depth + 1)):
            return found
    one = _call(value, names)
    return [] if one is None else [one]


def _call(value: Mapping[str, object], names: frozenset[str]) -> ProposedCall | None:
    function = value.get("function")
    if isinstance(function, Mapping):
        inner = _call(function, names)
        return None if inner is None else _proposed(inner.name, _given(function) or {}, value)
    for key in _NAMES:
        name = value.get(key)
        if not isinstance(name, str) or not name.strip():
            continue
        known, given = _known(name.strip(), names), _given(value)
        if given is None and known in names:
            rest = {one: told for one, told in value.items() if one not in (key, *_IDS, *_THOUGHTS, "type")}
            given = rest
        if given is not None:
            return _proposed(known, given, value)
    keys = [one for one in value if one not in _THOUGHTS]
    if len(keys) == 1 and (known := _known(keys[0], names)) in names:
        given_by_key = value[keys[0]]
        if isinstance(given_by_key, Mapping):
            return _proposed(known, given_by_key, {})
    return None


def _given(value: Mapping[str, object]) -> Mapping[str, object] | str | None:
    """Take the arguments out of a call; None when it has none of the keys that hold them."""
    for key in _ARGUMENTS:
        if key in value:
            told = value[key]
            if told is None:
                return {}
            return told if isinstance(told, Mapping | str) else json.dumps(told)
    return None


def _by_name(name: str, value: object, names: frozenset[str]) -> Found:
    given = value if isinstance(value, Mapping) else json.dumps(value)
    return [_proposed(_known(name, names), given, {})]


def _proposed(name: str, given: Mapping[str, object] | str, told: Mapping[str, object]) -> ProposedCall:
    text = _plain(given) if isinstance(given, str) else json.dumps(given, ensure_ascii=False)
    ref = next((one for key in _IDS if isinstance(one := told.get(key), str)), "")
    return ProposedCall(name=name, arguments_json=text, ref=ref)


def _plain(arguments: str) -> str:
    """Take arguments out of the string that they were wrapped in, and mend what can be mended."""
    if not arguments.strip():
        return "{}"
    try:
        value = loads(arguments)
        if isinstance(value, str):
            value = mended(value) if value.strip() else {}
        elif value is None:
            value = {}
        else:
            return arguments
    except ValueError:
        try:
            value = mended(arguments)
        except ValueError:
            return arguments
    return json.dumps(value, ensure_ascii=False) if isinstance(value, Mapping) else arguments


def _known(name: str, names: frozenset[str]) -> str:
    """Find the tool that is meant: models add a namespace, and do not keep to the case."""
    if name in names:
        return name
    short = re.split(r"[.:/]", re.sub(r":\d+\Z", "", name))[-1].replace("-", "_").lower()
    return short if short in names else name


def _looks_like_a_call(text: str, names: frozenset[str]) -> bool:
    """Whether a text that is no JSON was meant as a call: it names a tool, or uses the words of one."""
    head = text[:400]
    quoted = set(re.findall(r"""["']([\w.:-]{1,80})["']""", head))
    return (
        bool(quoted & names)
        or bool(quoted & set(_WRAPPERS))
        or bool(quoted & set(_NAMES) and quoted & set(_ARGUMENTS))
    )


def _complaint(text: str) -> str:
    try:
        loads(text)
    except ValueError as error:
        return str(error)
    return ""


def _cut_off(reply: ModelReply) -> Reading:
    text = (
        f"The answer was cut off after {reply.usage.output_tokens} tokens, in the middle of a tool call, so "
        "nothing was carried out. Answer with one call, and write long files in several smaller ones."
    )
    return Reading(code="truncated", problem=text)


def _unreadable(begun: list[str], names: frozenset[str]) -> Reading:
    if not begun:
        return Reading()
    where = _complaint(begun[0])
    cut = " It is not closed at its end." if is_cut_off(begun[0]) else ""
    text = (
        f"The answer looks like a tool call and cannot be read as JSON: {where}.{cut} Nothing was carried "
        'out. Write {"tool": NAME, "arguments": {…}} and nothing else; in strings write line breaks as \\n '
        'and quotes as \\".'
    )
    return Reading(code="unreadable", problem=text)
