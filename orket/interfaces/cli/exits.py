"""Exit codes: what a shell learns from a command."""

from __future__ import annotations

from enum import IntEnum

from cyclopts import CycloptsError

from orket.domain.errors import (
    AssetError,
    CardNotFound,
    DependencyCycle,
    MemoryNotFound,
    OrketError,
    RunNotFound,
    SandboxNotFound,
    SettingsError,
    StackUnsupported,
)
from orket.domain.runs import RunState, RunStatus


class Exit(IntEnum):
    """0 all done; 1 not all done, or it could not be done; 2 bad input; 130 Ctrl-C; 143 SIGTERM."""

    DONE = 0
    NOT_DONE = 1
    BAD_INPUT = 2
    INTERRUPTED = 130
    TERMINATED = 143


class BadInput(OrketError):
    """What was typed cannot be meant; the message says what would be right."""


_BAD_INPUT = (
    *(CycloptsError, BadInput, SettingsError, AssetError, CardNotFound, DependencyCycle, RunNotFound),
    *(SandboxNotFound, StackUnsupported, MemoryNotFound),
)


def for_run(state: RunState) -> Exit:
    """Tell the truth about a run that is not followed any more: done only when it says so itself."""
    return Exit.DONE if state.status is RunStatus.DONE else Exit.NOT_DONE


def for_error(error: BaseException) -> Exit:
    """Blame the input only for what the input can mend."""
    return Exit.BAD_INPUT if isinstance(error, _BAD_INPUT) else Exit.NOT_DONE
