"""How values are worded for a person; nothing here lets foreign text steer the terminal."""

from __future__ import annotations

import json
import shlex
from collections.abc import Iterable

from orket.domain.models import Usage
from orket.domain.runs import CallState
from orket.domain.tools import ToolCall, Verdict

_SUBJECTS = ("path", "argv", "command", "status", "name", "summary", "content", "text", "comment")


def printable(text: str, *, chars_max: int = 0) -> str:
    """Make one line of foreign text: control characters become spaces, a longer text ends in ``…``.

    Names, notes and outputs come from files and models: an escape sequence in them must not reach the
    terminal.
    """
    line = " ".join("".join(one if one.isprintable() else " " for one in text).split())
    return line[: chars_max - 1] + "…" if 0 < chars_max < len(line) else line


def first_line(text: str, *, chars_max: int = 160) -> str:
    """Take the first line that says something out of foreign text; outputs tell the gist there."""
    lines = (printable(line, chars_max=chars_max) for line in text.splitlines())
    return next((line for line in lines if line), "")


def because(text: str) -> str:
    """Append a reason to a sentence, when there is one."""
    gist = first_line(text)
    return f": {gist}" if gist else ""


def duration(seconds: float) -> str:
    """Word a duration: ``3.2 s``, ``4 min 05 s``, ``2 h 03 min``."""
    whole = int(seconds)
    if whole < 60:
        return f"{max(seconds, 0.0):.1f} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60:02} s"
    return f"{whole // 3600} h {whole % 3600 // 60:02} min"


def counted(number: int, noun: str) -> str:
    """Word a count with its noun: ``1 issue``, ``4 issues``."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def tokens(usage: Usage) -> str:
    """Word what the models have cost."""
    return f"{usage.input_tokens:,} tokens in, {usage.output_tokens:,} out"


def size(count_bytes: int) -> str:
    """Word a file's size."""
    return f"{count_bytes} B" if count_bytes < 1024 else f"{count_bytes / 1024:,.1f} KiB"


def subject(call: ToolCall) -> str:
    """Name what a call is about: the first telling argument, shortened; empty when there is none."""
    try:
        arguments = json.loads(call.arguments_json)
    except ValueError:
        return ""
    if not isinstance(arguments, dict):
        return ""
    found = next((arguments[key] for key in _SUBJECTS if arguments.get(key)), "")
    return printable(_as_text(found), chars_max=48)


def _as_text(value: object) -> str:
    if isinstance(value, list):
        return shlex.join(str(one) for one in value)
    return str(value)


def call_name(call: ToolCall) -> str:
    """Name a call: the tool and what it is about."""
    return f"{printable(call.tool)} {subject(call)}".strip()


def call_standing(call: CallState) -> str:
    """Word how far a call has come."""
    if call.result is not None:
        return "ok" if call.result.ok else (printable(call.result.code) or "failed")
    if call.doubt and call.verdict is None:
        return "in doubt"
    if call.decision is None:
        return "proposed"
    if call.waits_for_person:
        return "asks a person"
    if call.decision.verdict is Verdict.DENY:
        return "denied"
    return "running"


def command_line(words: Iterable[str], *, data_dir: str = "") -> str:
    """Write a command that can be pasted into a shell.

    ``data_dir`` is the data directory when it is not the default one, or the address of a bridge.
    """
    option = "--url" if data_dir.startswith(("http://", "https://")) else "--data-dir"
    where = (option, data_dir) if data_dir else ()
    return shlex.join(("orket", *words, *where))
