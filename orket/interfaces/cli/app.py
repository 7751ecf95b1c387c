"""The command line as a whole: its commands, and what every one of them ends with."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from io import TextIOWrapper
from pathlib import Path
from types import MappingProxyType

from cyclopts import App, CycloptsError, Group

import orket

_URL = "--url"
_GLOBALS = ("--data-dir", _URL)
_HERE = "orket.interfaces.cli"

# Imported when they are called: a list of commands should not wait for the engine.
_COMMANDS = MappingProxyType(
    {
        "Work": {
            "run": ("run:run", "Run a rock, an epic or a single issue, and follow it to its end."),
            "demo": ("run:demo", "Run the shipped demo: no network, no model, nothing to set up."),
            "fork": ("fork:fork", "Begin a new run with the recorded history of another one."),
            "serve": ("system:serve", "Run the engine and serve the HTTP bridge."),
        },
        "Look": {
            "runs": ("look:runs", "List the runs, newest first."),
            "cards": ("look:cards", "Show a run's cards, what waits for whom, and its files."),
            "card": ("card:card", "Show one card: fields, history, comments, calls, and why it waits."),
            "why-blocked": (
                "why_blocked:why_blocked",
                "Say why cards do not move, and what would free most.",
            ),
            "bugs": ("bugs:bugs", "Show the bug-fix phase of rocks that are done, and their bugs."),
            "calendar": ("calendar:calendar", "Show the sprint of a day, with its year, and those after it."),
            "prompt": ("prompt:prompt", "Show exactly what a card's turn sends to the model, and why."),
            "memory": ("memory:app", "Look at the project's memory: decisions kept over all runs."),
            "events": ("look:events", "Show the events of a run, or follow them."),
            "watch": ("look:watch", "Watch a run, with what its models are writing."),
            "diff": ("diff:diff", "Show what a run changed, beside the project it works on a view of."),
            "explain": ("explain:explain", "Say why a tool call was allowed or denied, and what came of it."),
            "replay": ("replay:replay", "Replay a recorded run without a model; name the first difference."),
            "ledger": ("ledger:app", "Look at the record of everything that happened."),
            "nodes": ("system:nodes", "List the decision nodes, which are selected, and by whom."),
            "tools": ("tools:tools", "List the installed tools, and say why one is absent."),
            "db": ("database:app", "Look after the database: check, back up, migrate."),
            "sandbox": (
                "sandbox:app",
                "What works here, what became of each sandbox, and stacks for projects.",
            ),
            "keys": ("keys:app", "Keys of the bridge: make, list, revoke."),
            "mcp": ("mcp:app", "MCP servers: what they offer, approving it, and being one."),
            "models": ("models:app", "Look at models: which can run on this machine, get them, try one."),
            "doctor": ("doctor:doctor", "Say what this machine offers, found out by trying."),
            "version": ("system:version", "Print the version."),
        },
        "Decide": {
            "pause": ("control:pause", "Stop a run's work now; it can be resumed."),
            "resume": ("control:resume", "Let a paused run go on from where its ledger ends."),
            "cancel": ("control:cancel", "End a run for good."),
            "approvals": ("approvals:approvals", "List what waits for a person."),
            "approve": ("approvals:approve", "Let a call that asks act, once, as it is."),
            "deny": ("approvals:deny", "Tell a seat that a call may not act."),
            "workspace": ("workspace:app", "Apply what a run changed, take it back, or throw it away."),
            "archive": ("archive:archive", "Archive cards of a run that has ended: lists leave them out."),
            "restore": ("archive:restore", "Bring archived cards back to where they were."),
            "halt": ("halting:halt", "End all work of the engine now; nothing starts until its release."),
            "release": ("halting:release", "Let a halted engine work again."),
            "decide": ("control:decide", "Decide about a tool call that waits for a person."),
        },
    }
)


def build() -> App:
    """Join the commands."""
    app = App(
        name="orket",
        help="Run agent work under rules: cards go in, checked and recorded work comes out.",
        version=orket.__version__,
        version_flags=("--version",),
    )
    for order, (title, commands) in enumerate(_COMMANDS.items()):
        group = Group(title, sort_key=order)
        for name, (place, told) in commands.items():
            app.command(f"{_HERE}.{place}", name=name, help=told, group=group)
    return app


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command and return its exit code; every failure is one message on standard error."""
    given = _global_last(list(sys.argv[1:] if arguments is None else arguments))
    _open_streams()
    code: object = 1
    try:
        _refuse_url(given)
        code = build()(given, result_action="return_value", exit_on_error=False, print_error=False)
    except* CycloptsError as group:
        code = _complain(group, hint=" (see: orket --help)")
    except* _expected() as group:
        code = _complain(group)
    except* KeyboardInterrupt:
        code = 130
    return code if isinstance(code, int) else 0


def _open_streams() -> None:
    """Have an output even when the caller closed it, and one that takes every sign."""
    for name in ("stdout", "stderr"):
        stream = getattr(sys, name)
        if stream is None:
            setattr(sys, name, Path(os.devnull).open("w"))  # noqa: SIM115 - as long as the process
        elif isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors="replace")


def _expected() -> tuple[type[Exception], ...]:
    from actors import ActorsError
    from orket.domain.errors import OrketError

    return (OrketError, ActorsError, OSError)


def _complain(group: BaseException, *, hint: str = "") -> int:
    from orket.interfaces.cli.complaints import complaint, leaves
    from orket.interfaces.cli.exits import Exit, for_error

    errors = list(leaves(group))
    for text in dict.fromkeys(complaint(one) for one in errors):
        sys.stderr.write(f"orket: {text}{hint}\n")
    codes = {for_error(one) for one in errors}
    return codes.pop() if len(codes) == 1 else Exit.NOT_DONE


def _global_last(words: list[str]) -> list[str]:
    """Move leading ``--data-dir DIR`` and ``--url URL`` behind the command, where they are parsed."""
    moved: list[str] = []
    while words:
        name, equals, _ = words[0].partition("=")
        taken = 1 if equals else 2
        if name not in _GLOBALS or len(words) <= taken:
            break
        moved, words = [*moved, *words[:taken]], words[taken:]
    return [*words, *moved]


def _refuse_url(words: Sequence[str]) -> None:
    """Say so when a command cannot be carried out elsewhere, instead of carrying it out here.

    Raises:
        BadInput: A bridge was named, and the command does not go there.
    """
    if not any(one == _URL or one.startswith(f"{_URL}=") for one in words):
        return
    from orket.interfaces.cli.exits import BadInput
    from orket.interfaces.cli.remotely import here_because

    if (found := here_because(tuple(words))) is not None:
        name, because = found
        raise BadInput(f"orket {name} works on this machine only ({because}); leave out {_URL}")
