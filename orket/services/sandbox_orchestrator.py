"""The sandbox orchestrator: one sandbox per run, started at need, and never a wait in a handler."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable
from typing import TypeVar

import attrs

from actors import Actor, ActorsError, Message, Ref, Reply, Terminated, on
from orket.domain.errors import SandboxError
from orket.domain.identifiers import RunId, sanitise
from orket.domain.ports import Ledger, SandboxDriver
from orket.domain.sandboxes import CommandResult, SandboxSpec
from orket.services.sandbox import SandboxActor
from orket.services.sandbox_messages import (
    CloseSandbox,
    EndCommand,
    ListFolder,
    ReadFile,
    RunInSandbox,
    SandboxRefused,
    SandboxRequest,
    WriteFile,
)

R = TypeVar("R")

SANDBOXES_MAX = 64
REQUESTS_MAX = 512


def default_sandbox_id(run_id: str) -> str:
    """Name the sandbox of a run."""
    return f"sandbox-{sanitise(run_id)}"


@attrs.frozen
class _Forwarded(Message):
    """A request was answered by the sandbox it went to."""


class SandboxOrchestrator(
    Actor[
        RunInSandbox | ReadFile | WriteFile | ListFolder | EndCommand | CloseSandbox | _Forwarded | Terminated
    ],
    restart="permanent",
    shutdown=90.0,
):
    """Admits requests and hands each to the sandbox of its run.

    Args:
        drivers: The installed rungs of the ladder.
        ledger: Where sandboxes record what becomes of them.
        sandbox_id: Names the sandbox of a run (the sandbox policy node's choice).
    """

    def __init__(
        self,
        drivers: Iterable[SandboxDriver],
        ledger: Ledger,
        sandbox_id: Callable[[str], str] = default_sandbox_id,
    ) -> None:
        self._drivers, self._ledger, self._sandbox_id = tuple(drivers), ledger, sandbox_id
        self._sandboxes: dict[RunId, Ref[SandboxRequest]] = {}
        self._started = 0
        self._requests = 0

    @on(RunInSandbox)
    async def run_in_sandbox(self, m: RunInSandbox) -> Reply[CommandResult]:
        """Hand on."""
        child = self._of(m.spec)
        return self._hand_on(self.ctx.defer(m), lambda: child.ask(m))

    @on(ReadFile)
    async def read_file(self, m: ReadFile) -> Reply[bytes]:
        """Hand on."""
        child = self._of(m.spec)
        return self._hand_on(self.ctx.defer(m), lambda: child.ask(m))

    @on(WriteFile)
    async def write_file(self, m: WriteFile) -> Reply[int]:
        """Hand on."""
        child = self._of(m.spec)
        return self._hand_on(self.ctx.defer(m), lambda: child.ask(m))

    @on(ListFolder)
    async def list_folder(self, m: ListFolder) -> Reply[tuple[str, ...]]:
        """Hand on."""
        child = self._of(m.spec)
        return self._hand_on(self.ctx.defer(m), lambda: child.ask(m))

    @on(EndCommand)
    async def end_command(self, m: EndCommand) -> bool | Reply[bool]:
        """Hand on; without a sandbox there is no command."""
        if (child := self._sandboxes.get(m.run_id)) is None:
            return False
        return self._hand_on(self.ctx.defer(m), lambda: child.ask(m))

    @on(CloseSandbox)
    async def close_sandbox(self, m: CloseSandbox) -> bool | Reply[bool]:
        """Hand on; what is asked for this run from now on goes to a new sandbox."""
        if (child := self._sandboxes.pop(m.run_id, None)) is None:
            return False
        return self._hand_on(self.ctx.defer(m), lambda: child.ask(m))

    @on(Terminated)
    async def _ended(self, m: Terminated) -> None:
        """Forget a sandbox that crashed; the next request of its run opens another."""
        gone = next((key for key, child in self._sandboxes.items() if child == m.ref), None)
        if gone is not None:
            del self._sandboxes[gone]

    @on(_Forwarded)
    async def _forwarded(self, m: _Forwarded) -> None:
        self._requests -= 1

    def _of(self, spec: SandboxSpec) -> Ref[SandboxRequest]:
        if self._requests >= REQUESTS_MAX:
            raise SandboxRefused(SandboxError(f"{REQUESTS_MAX} requests are under way already"))
        if (known := self._sandboxes.get(spec.run_id)) is not None:
            return known
        if len(self._sandboxes) >= SANDBOXES_MAX:
            raise SandboxRefused(SandboxError(f"{SANDBOXES_MAX} sandboxes are open already"))
        self._started += 1
        sandbox_id = self._sandbox_id(spec.run_id)
        named = self.ctx.named(f"{sandbox_id}-{self._started}")
        child = named.spawn(SandboxActor, spec, sandbox_id, self._drivers, self._ledger)
        self.ctx.watch(child)
        self._sandboxes[spec.run_id] = child
        return child

    def _hand_on(self, to: Reply[R], ask: Callable[[], Awaitable[R]]) -> Reply[R]:
        self._requests += 1

        async def answer() -> _Forwarded:
            try:
                to.reply(await ask())
            except ActorsError as error:
                to.fail(error)
            return _Forwarded()

        self.ctx.pipe(answer, lambda done: done)
        return to
