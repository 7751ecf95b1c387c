"""``run_command``: a program in the workspace. Nobody but the house knows whether it may be run twice."""

from __future__ import annotations

from typing import Annotated

import attrs
from msgspec import Meta

from orket.domain.errors import ToolError
from orket.domain.sandboxes import CommandEnd, CommandResult, Limits
from orket.domain.tools import Permission, Recovery, ToolResult, failed
from orket.services.tools.tool import Arguments, ToolContext, bounded, declare, done
from orket.services.tools.workbench import Workbench

STDOUT_CHARS_MAX = 16_000
STDERR_CHARS_MAX = 8_000
FAILED_CHARS_MAX = 4_000

_SHELL = frozenset({"|", "||", "&", "&&", ";", "<", ">", ">>", "2>", "2>&1", "&>"})
_HINTS = {
    CommandEnd.NONZERO: "read what it said, mend the cause, then run it again",
    CommandEnd.TIMEOUT: "make it finish sooner; nothing may wait for input or run on in the background",
    CommandEnd.MEMORY: "it needed more memory than it may have: do less at a time",
    CommandEnd.LIMIT: "it took too much CPU, wrote too large a file or started too many processes: do less",
    CommandEnd.CANCELED: "it may have acted in part: look before you repeat it",
}


class RunCommandArguments(Arguments):
    """What to run."""

    argv: Annotated[
        list[str] | str,
        Meta(
            description="Program and arguments, as a list or as one line without shell syntax; "
            'for a shell: ["sh", "-c", "..."].'
        ),
    ]
    stdin: Annotated[str, Meta(description="Text for its standard input.")] = ""
    timeout_s: Annotated[
        Annotated[float, Meta(ge=1)] | None,
        Meta(description="Seconds it may take, within the limits of the house."),
    ] = None


async def run_command(args: RunCommandArguments, context: ToolContext, workbench: Workbench) -> ToolResult:
    """Run, and tell what it said and how it ended."""
    limits = _limits(args, workbench.spec.limits)
    told = await workbench.run(_argv(args.argv), stdin=args.stdin.encode(), limits=limits)
    return attrs.evolve(_result(told, limits), duration_ms=told.duration_ms)


def _argv(given: list[str] | str) -> tuple[str, ...]:
    if isinstance(given, list):
        words = given
    else:
        try:
            from shlex import split  # only some models send one line in place of words

            words = split(given)
        except ValueError as error:
            raise ToolError(f"argv cannot be split: {error}", code="bad_arguments") from error
        if used := sorted(_SHELL.intersection(words)):
            raise ToolError(
                f"argv holds shell syntax ({' '.join(used)}), and there is no shell",
                code="bad_arguments",
                hint='use ["sh", "-c", "..."]',
            )
    if not words or not words[0]:
        raise ToolError("argv names no program", code="bad_arguments")
    if any("\0" in word for word in words):
        raise ToolError("argv holds a NUL character", code="bad_arguments")
    return tuple(words)


def _limits(args: RunCommandArguments, house: Limits) -> Limits:
    if args.timeout_s is None:
        return house
    return attrs.evolve(house, wall_s=min(args.timeout_s, house.wall_s))


def _result(told: CommandResult, limits: Limits) -> ToolResult:
    stdout, stderr = _text(told.stdout), _text(told.stderr)
    if told.end is CommandEnd.OK:
        return done(
            exit_code=0,
            stdout=bounded(stdout, STDOUT_CHARS_MAX),
            stderr=bounded(stderr, STDERR_CHARS_MAX),
            truncated=told.truncated,
        )
    said = [_headline(told, limits)]
    for name, text in (("stderr", stderr), ("stdout", stdout)):
        if text.strip():
            said.append(f"{name}:\n{_tail(text)}")
    return failed("\n".join(said), code=told.end.value, hint=_HINTS[told.end])


def _headline(told: CommandResult, limits: Limits) -> str:
    match told.end:
        case CommandEnd.TIMEOUT:
            return f"stopped after {limits.wall_s:g} s, with everything it had started"
        case CommandEnd.LIMIT:
            bounds = (
                f"{limits.cpu_s} s of CPU, files of {limits.file_bytes} bytes, {limits.processes} processes"
            )
            return f"stopped at a limit ({told.limit or bounds}; allowed are {bounds})"
        case CommandEnd.MEMORY:
            return f"out of memory: {limits.memory_bytes} bytes are allowed (exit code {told.exit_code})"
        case CommandEnd.CANCELED:
            return "ended before it was done, because the run was stopped"
        case _:
            return f"exit code {told.exit_code}"


def _tail(text: str) -> str:
    left_out = len(text) - FAILED_CHARS_MAX
    return text if left_out <= 0 else f"[... {left_out} characters left out ...]\n{text[-FAILED_CHARS_MAX:]}"


def _text(output: bytes) -> str:
    return output.decode("utf-8", "replace")


TOOL = declare(
    run_command,
    RunCommandArguments,
    name="run_command",
    description="Run a program in the workspace and read what it prints.",
    permissions=(Permission.RUN_COMMANDS,),
    recovery=Recovery.ASK_HUMAN,
)
