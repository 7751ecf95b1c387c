"""The world as a tool sees it: four actions in the workspace of its run, and the project's memory."""

from __future__ import annotations

from collections.abc import Awaitable
from typing import TypeVar

import attrs

from actors import Ref
from orket.domain.identifiers import CallId
from orket.domain.memory import Memory
from orket.domain.ports import LedgerReader
from orket.domain.sandboxes import Command, CommandResult, Limits, SandboxSpec
from orket.services.sandbox_messages import (
    ActionRefused,
    EndCommand,
    ListFolder,
    ReadFile,
    RunInSandbox,
    SandboxRefused,
    WriteFile,
)

R = TypeVar("R")
WorkbenchRef = Ref[RunInSandbox | ReadFile | WriteFile | ListFolder | EndCommand]


@attrs.frozen(kw_only=True)
class Workbench:
    """Acts for one call.

    Every method raises ``ToolError`` when the action cannot be done (nothing was changed), ``SandboxError``
    when the sandbox cannot be had (nothing acted), and lets ``DeliveryError`` (nothing acted) and
    ``ReplyError`` (it may have acted) of a lost sandbox through.
    """

    sandboxes: WorkbenchRef
    spec: SandboxSpec
    call_id: CallId
    memory: LedgerReader

    async def recall(self, query: str, *, limit: int) -> tuple[Memory, ...]:
        """Search what was remembered in all runs; see ``LedgerReader.recall``."""
        return await self.memory.recall(query, limit=limit)

    async def run(
        self, argv: tuple[str, ...], *, stdin: bytes = b"", limits: Limits | None = None
    ) -> CommandResult:
        """Run a command within the limits of the run, or tighter ones."""
        command = Command(argv=argv, stdin=stdin, limits=limits or self.spec.limits)
        return await _plain(
            self.sandboxes.ask(RunInSandbox(spec=self.spec, call_id=self.call_id, command=command))
        )

    async def read(self, path: str, *, bytes_max: int) -> bytes:
        """Read a workspace file of at most ``bytes_max`` bytes."""
        return await _plain(self.sandboxes.ask(ReadFile(spec=self.spec, path=path, bytes_max=bytes_max)))

    async def write(self, path: str, content: bytes) -> int:
        """Write a workspace file whole; return its size in bytes."""
        return await _plain(self.sandboxes.ask(WriteFile(spec=self.spec, path=path, content=content)))

    async def entries(self, path: str) -> tuple[str, ...]:
        """List a workspace folder, sorted; folders end in ``/``."""
        return await _plain(self.sandboxes.ask(ListFolder(spec=self.spec, path=path)))


async def _plain(answer: Awaitable[R]) -> R:
    """Turn a refusal back into the error it carries."""
    try:
        return await answer
    except (ActionRefused, SandboxRefused) as refusal:
        raise refusal.error from refusal
