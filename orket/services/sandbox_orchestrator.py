"""The sandbox orchestrator: one sandbox per run, started at need, and never a wait in a handler."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable
from typing import TypeVar

import attrs

from actors import Actor, ActorsError, Message, NotRunning, Ref, Reply, Terminated, on
from orket.domain.errors import SandboxError
from orket.domain.identifiers import RunId, sanitise
from orket.domain.ports import Ledger, SandboxDriver
from orket.domain.sandboxes import CommandResult, SandboxSpec
from orket.services.reconciliation import reconcile
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
    """

    def __init__(self, drivers: Iterable[SandboxDriver], ledger: Ledger) -> None:
        self._drivers, self._ledger = tuple(drivers), ledger
        self._sandboxes: dict[RunId, Ref[SandboxRequest]] = {}
        self._started = 0
        self._requests = 0

    async def on_start(self) -> None:
        """Put the record straight before anything is opened."""
        await reconcile(self._ledger)

    @on(RunInSandbox)
    async def run_in_sandbox(self, m: RunInSandbox) -> Reply[CommandResult]:
        """Hand on."""
        return self._hand_on(m.spec, self.ctx.defer(m), lambda child: child.ask(m))

    @on(ReadFile)
    async def read_file(self, m: ReadFile) -> Reply[bytes]:
        """Hand on."""
        return self._hand_on(m.spec, self.ctx.defer(m), lambda child: child.ask(m))

    @on(WriteFile)
    async def write_file(self, m: WriteFile) -> Reply[int]:
        """Hand on."""
        return self._hand_on(m.spec, self.ctx.defer(m), lambda child: child.ask(m))

    @on(ListFolder)
    async def list_folder(self, m: ListFolder) -> Reply[tuple[str, ...]]:
        """Hand on."""
        return self._hand_on(m.spec, self.ctx.defer(m), lambda child: child.ask(m))

    @on(EndCommand)
    async def end_command(self, m: EndCommand) -> bool | Reply[bool]:
        """Hand on; without a sandbox there is no command."""
        if (child := self._sandboxes.get(m.run_id)) is None:
            return False
        return self._end(child, self.ctx.defer(m), lambda: child.ask(m))

    @on(CloseSandbox)
    async def close_sandbox(self, m: CloseSandbox) -> bool | Reply[bool]:
        """Hand on; what is asked for this run from now on goes to a new sandbox."""
        if (child := self._sandboxes.pop(m.run_id, None)) is None:
            return False

        async def close() -> bool:
            was_open = await child.ask(m)
            await self.ctx.stop_child(child)
            return was_open

        return self._end(child, self.ctx.defer(m), close)

    @on(Terminated)
    async def _ended(self, m: Terminated) -> None:
        """Forget a sandbox that crashed; the next request of its run opens another."""
        self._forget(m.ref)

    @on(_Forwarded)
    async def _forwarded(self, m: _Forwarded) -> None:
        self._requests -= 1

    def _forget(self, gone: Ref[SandboxRequest]) -> None:
        for run_id, child in tuple(self._sandboxes.items()):
            if child == gone:
                del self._sandboxes[run_id]

    def _of(self, spec: SandboxSpec) -> Ref[SandboxRequest]:
        if (known := self._sandboxes.get(spec.run_id)) is not None:
            return known
        if len(self._sandboxes) >= SANDBOXES_MAX:
            raise SandboxRefused(SandboxError(f"{SANDBOXES_MAX} sandboxes are open already"))
        self._started += 1
        sandbox_id = spec.sandbox_id or default_sandbox_id(spec.run_id)
        named = self.ctx.named(f"{sanitise(sandbox_id)}-{self._started}")
        child = named.spawn(SandboxActor, spec, sandbox_id, self._drivers, self._ledger)
        self.ctx.watch(child)
        self._sandboxes[spec.run_id] = child
        return child

    def _hand_on(
        self, spec: SandboxSpec, to: Reply[R], ask: Callable[[Ref[SandboxRequest]], Awaitable[R]]
    ) -> Reply[R]:
        """Pass a request on; one that found its sandbox dying goes to the next."""
        if self._requests >= REQUESTS_MAX:
            to.fail(SandboxRefused(SandboxError(f"{REQUESTS_MAX} requests are under way already")))
            return to
        # Now, and not when the work beside begins: a request must not open a sandbox after a later close.
        try:
            child = self._of(spec)
        except SandboxRefused as refusal:
            to.fail(refusal)
            return to

        async def act() -> R:
            try:
                return await ask(child)
            except NotRunning:
                await self._gone(child)
                return await ask(self._of(spec))

        return self._beside(act, to)

    def _end(
        self, child: Ref[SandboxRequest], to: Reply[bool], ask: Callable[[], Awaitable[bool]]
    ) -> Reply[bool]:
        """Pass an end on; a sandbox that dies by itself is waited for."""

        async def act() -> bool:
            try:
                return await ask()
            except NotRunning:
                await self._gone(child)
                return True

        return self._beside(act, to)

    async def _gone(self, child: Ref[SandboxRequest]) -> None:
        self._forget(child)
        await self.ctx.stop_child(child)

    def _beside(self, act: Callable[[], Awaitable[R]], to: Reply[R]) -> Reply[R]:
        self._requests += 1

        async def answer() -> _Forwarded:
            try:
                to.reply(await act())
            except ActorsError as error:
                to.fail(error)
            return _Forwarded()

        self.ctx.pipe(answer, lambda done: done)
        return to
