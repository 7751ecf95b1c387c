"""What can be asked of the sandbox orchestrator; it hands each request to the run's own sandbox.

Every request carries the ``SandboxSpec`` of its run: the first one opens the sandbox. All refusals are
``SandboxRefused`` (infrastructure) or ``ActionRefused`` (the action itself: missing file, path outside …).
"""

from __future__ import annotations

import attrs

from actors import Reject, Request
from orket.domain.errors import SandboxError, ToolError
from orket.domain.identifiers import CallId, RunId
from orket.domain.sandboxes import Command, CommandResult, SandboxSpec


class SandboxRefused(Reject):
    """The sandbox could not be set up or reached; nothing acted."""

    def __init__(self, error: SandboxError) -> None:
        super().__init__(error.detail)
        self.error = error


class ActionRefused(Reject):
    """The action cannot be done in this workspace; nothing was changed."""

    def __init__(self, error: ToolError) -> None:
        super().__init__(error.detail)
        self.error = error


@attrs.frozen(kw_only=True)
class RunInSandbox(Request[CommandResult]):
    """Run a command to its end. ``call_id`` names who it is for, so that it can be ended."""

    spec: SandboxSpec
    call_id: CallId
    command: Command


@attrs.frozen(kw_only=True)
class ReadFile(Request[bytes]):
    """Read a workspace file of at most ``bytes_max`` bytes."""

    spec: SandboxSpec
    path: str
    bytes_max: int


@attrs.frozen(kw_only=True)
class WriteFile(Request[int]):
    """Write a workspace file whole; answered with the number of bytes."""

    spec: SandboxSpec
    path: str
    content: bytes


@attrs.frozen(kw_only=True)
class ListFolder(Request[tuple[str, ...]]):
    """List a workspace folder, sorted, folders with a trailing ``/``."""

    spec: SandboxSpec
    path: str


@attrs.frozen(kw_only=True)
class EndCommand(Request[bool]):
    """Kill the process tree of one call's command; answered when it is gone, with whether there was one."""

    run_id: RunId
    call_id: CallId


@attrs.frozen(kw_only=True)
class CloseSandbox(Request[bool]):
    """End everything of a run and close its sandbox; answered when it is gone, with whether there was one."""

    run_id: RunId


SandboxRequest = RunInSandbox | ReadFile | WriteFile | ListFolder | EndCommand | CloseSandbox
