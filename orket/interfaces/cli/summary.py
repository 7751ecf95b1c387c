"""What is said at the end of a run: cards, story, files, what waits for whom, where to look. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import islice

import attrs
from rich.console import RenderableType
from rich.text import Text

from orket.domain.cards import WAITING
from orket.domain.runs import CallState, RunState, RunStatus
from orket.interfaces.cli import story, view
from orket.interfaces.cli.wording import because, call_name, command_line, printable, size

_LINES_MAX, _DECISION_LINES_MAX = 20, 400
_WAITS = "Waits for a person"
_ISSUES_MAX = 200
_ARGUMENTS_CHARS = 4000


@attrs.frozen
class File:
    """A file of the workspace: its path in it and its size."""

    path: str
    bytes: int


@attrs.frozen(kw_only=True)
class Files:
    """What lies in a workspace; ``more`` says that there is more than was looked at."""

    workspace: str
    files: tuple[File, ...]
    more: bool = False


def summary(
    state: RunState, worked_s: float, *, files: Files, data_dir: str, has_engine: bool = False
) -> tuple[RenderableType, ...]:
    """Sum a run up.

    Args:
        state: The run.
        worked_s: How long it has worked, in seconds.
        files: What lies in its workspace.
        data_dir: Goes into the commands that are named, empty when it is the default one.
        has_engine: Whether an engine is at it, so that it goes on by itself.
    """
    parts: list[RenderableType] = [
        view.heading(state),
        view.CardTree(state=state, issues_max=_ISSUES_MAX),
        view.counts(state, worked_s),
    ]
    sections = (
        ("Denied", list(story.denied(state))),
        ("Failed or tried again", list(story.retried(state))),
        ("Verification", list(story.verified(state))),
        (f"Files in {files.workspace}", _files(files)),
        ("Stuck", list(_stuck(state))),
        (
            "Waits for a person",
            [text for call in state.waiting_calls() for text in _decision(call, data_dir)],
        ),
        ("What next", _next(state, data_dir, has_engine)),
    )
    for title, lines in sections:
        if lines:
            parts.append(_section(title, lines, _DECISION_LINES_MAX if title == _WAITS else _LINES_MAX))
    return tuple(parts)


def _section(title: str, lines: Sequence[str], lines_max: int) -> Text:
    text = Text(f"\n{title}", style="bold", no_wrap=False)
    shown = lines[:lines_max]
    more = [f"… and {len(lines) - len(shown)} more"] if len(lines) > len(shown) else []
    for one in (*shown, *more):
        text.append(f"\n  {one}", style="not bold")
    return text


def _files(files: Files) -> list[str]:
    width = max((len(one.path) for one in islice(files.files, _LINES_MAX)), default=0)
    lines = [f"{printable(one.path):<{width}}  {size(one.bytes)}" for one in files.files]
    return [*lines, "…"] if files.more else lines


def _stuck(state: RunState) -> Iterable[str]:
    decided_below = {call.call.card_id for call in state.waiting_calls()}
    for card in state.issues.values():
        if card.status in WAITING and card.id not in decided_below:
            why = ": ".join(printable(one) for one in (card.wait_reason, card.wait_note) if one)
            yield f"{printable(card.id)} {card.status}, {why}"


def _decision(call: CallState, data_dir: str) -> Iterable[str]:
    why = call.doubt or (call.decision.reason if call.decision is not None else "")
    answers = ("happened", "did_not_happen") if call.doubt else ("approve", "deny")
    yield f"{printable(call.call.card_id)} {call_name(call.call)}" + because(why)
    # Whoever decides must see what about: all of it, not the short name.
    yield f"  arguments: {printable(call.call.arguments_json, chars_max=_ARGUMENTS_CHARS)}"
    for answer in answers:
        yield "  " + command_line(("decide", call.call.id, "--as", answer), data_dir=data_dir)


def _next(state: RunState, data_dir: str, has_engine: bool) -> list[str]:
    commands: list[tuple[str, ...]] = []
    if state.status is RunStatus.RUNNING and has_engine:
        commands = [("events", state.run_id, "--follow"), ("pause", state.run_id)]
    elif state.status in (RunStatus.PAUSED, RunStatus.RUNNING):
        commands = [("resume", state.run_id)]
    if state.accepted is not None and state.accepted.isolation is not None and state.workspace.level:
        commands += [("diff", state.run_id), ("workspace", "apply", state.run_id)]
    if any(card.status in WAITING for card in state.issues.values()):
        commands.append(("why-blocked", state.run_id))
    commands.append(("ledger", "show", state.run_id))
    return [command_line(one, data_dir=data_dir) for one in commands]
