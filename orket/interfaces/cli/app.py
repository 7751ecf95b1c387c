"""The command line as a whole: its commands, and what every one of them ends with."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from io import TextIOWrapper

from cyclopts import App, CycloptsError

import orket
from actors import ActorsError
from orket.domain.errors import OrketError
from orket.interfaces.cli import control, doctor, ledger, look, run, system
from orket.interfaces.cli.complaints import complaint, leaves
from orket.interfaces.cli.exits import Exit, for_error

_GLOBAL = "--data-dir"


def build() -> App:
    """Join the commands."""
    app = App(
        name="orket",
        help="Run governed agent work: cards go in, recorded and sandboxed tool calls come out.",
        version=orket.__version__,
    )
    working = (run.run, run.demo, system.serve)
    looking = (look.runs, look.cards, look.events, system.nodes, doctor.doctor, system.version)
    deciding = (control.pause, control.resume, control.cancel, control.decide)
    for command in (*working, *looking, *deciding):
        app.command(command)
    app.command(ledger.app)
    return app


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command and return its exit code; every failure is one message on standard error."""
    given = _global_last(list(sys.argv[1:] if arguments is None else arguments))
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors="replace")  # not every terminal has every sign
    code: object = Exit.NOT_DONE
    try:
        code = build()(given, result_action="return_value", exit_on_error=False, print_error=False)
    except* CycloptsError as group:
        code = _complain(group, Exit.BAD_INPUT, hint=" (see: orket --help)")
    except* (OrketError, ActorsError, OSError) as group:
        wrong = {for_error(one) for one in leaves(group)}
        code = _complain(group, wrong.pop() if len(wrong) == 1 else Exit.NOT_DONE)
    except* KeyboardInterrupt:
        code = Exit.INTERRUPTED
    return code if isinstance(code, int) else Exit.DONE


def _complain(group: BaseException, code: Exit, *, hint: str = "") -> Exit:
    for text in dict.fromkeys(complaint(one) for one in leaves(group)):
        sys.stderr.write(f"orket: {text}{hint}\n")
    return code


def _global_last(words: list[str]) -> list[str]:
    """Move a leading ``--data-dir DIR`` behind the command, where it is parsed."""
    if words[:1] == [_GLOBAL] and len(words) > 2:
        return [*words[2:], *words[:2]]
    if words and words[0].startswith(f"{_GLOBAL}="):
        return [*words[1:], words[0]]
    return words
