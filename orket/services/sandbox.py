"""One run's sandbox: opened at the first request, closed with the run."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable
from typing import TypeVar

import anyio
import attrs

from actors import Actor, Exit, Message, Reject, Reply, on
from orket.domain.errors import SandboxError, SandboxUnavailable, ToolError
from orket.domain.events import SandboxChanged
from orket.domain.identifiers import CallId
from orket.domain.ports import Ledger, OpenSandbox, SandboxDriver
from orket.domain.sandboxes import CommandEnd, CommandResult, SandboxSpec, SandboxStatus, Terms
from orket.services.sandbox_messages import (
    ActionRefused,
    CloseSandbox,
    EndCommand,
    ListFolder,
    ReadFile,
    RunInSandbox,
    SandboxRefused,
    WriteFile,
)

R = TypeVar("R")

COMMANDS_MAX = 32
ACTIONS_MAX = 256
CLOSE_S = 60.0


async def choose_driver(drivers: Iterable[SandboxDriver], levels: Iterable[str]) -> SandboxDriver:
    """Find the first of the allowed levels that is installed and keeps its word here.

    Raises:
        SandboxUnavailable: None does; says why for each, and what would help.
    """
    installed = {driver.name: driver for driver in drivers}
    reasons, remedies = [], []
    for level in levels:
        if (driver := installed.get(level)) is None:
            reasons.append(f"{level}: not installed in this version")
            continue
        report = await driver.probe()
        if report.ok:
            return driver
        reasons.append(f"{level}: {report.reason}")
        remedies.append(f"{level}: {report.remedy}")
    known = ", ".join(installed) or "none"
    remedies.append(
        f"or allow another level by name in the organization's sandbox.levels (installed: {known})"
    )
    raise SandboxUnavailable(
        f"no allowed sandbox level works here ({'; '.join(reasons) or 'no level is allowed'})",
        remedy="; ".join(remedies),
    )


@attrs.frozen
class _Done(Message):
    """A piece of work beside the handlers is over; its asker has been answered."""


@attrs.frozen
class _Running:
    """A command under way: how to cut it off, and how to learn that it is gone."""

    scope: anyio.CancelScope = attrs.field(factory=anyio.CancelScope)
    gone: anyio.Event = attrs.field(factory=anyio.Event)


class SandboxActor(
    Actor[RunInSandbox | ReadFile | WriteFile | ListFolder | EndCommand | CloseSandbox | _Done],
    restart="temporary",
    shutdown=CLOSE_S,
):
    """Owns one open sandbox.

    Commands and file accesses run beside the handlers, so that the cards of a run do not wait for each other;
    opening and closing happen inside a handler, so that nothing overtakes them.
    """

    def __init__(
        self, spec: SandboxSpec, sandbox_id: str, drivers: tuple[SandboxDriver, ...], ledger: Ledger
    ) -> None:
        self._spec, self._id, self._drivers, self._ledger = spec, sandbox_id, drivers, ledger
        self._driver: SandboxDriver | None = None
        self._sandbox: OpenSandbox | None = None
        self._commands: dict[CallId, _Running] = {}
        self._actions: set[anyio.Event] = set()
        self._closed = False

    @on(RunInSandbox)
    async def run_in_sandbox(self, m: RunInSandbox) -> Reply[CommandResult]:
        """Start a command; a call that still has one under way loses that first."""
        sandbox = await self._opened()
        if len(self._commands) >= COMMANDS_MAX:
            raise SandboxRefused(SandboxError(f"{COMMANDS_MAX} commands are under way in this sandbox"))
        previous, running = self._commands.get(m.call_id), _Running()
        self._commands[m.call_id] = running

        async def act() -> CommandResult:
            try:
                if previous is not None:
                    previous.scope.cancel()
                    await previous.gone.wait()
                with running.scope:
                    return await sandbox.run(m.command)
                return CommandResult(
                    end=CommandEnd.CANCELED, exit_code=-9, stdout=b"", stderr=b"", duration_ms=0
                )
            finally:
                if self._commands.get(m.call_id) is running:
                    del self._commands[m.call_id]
                running.gone.set()

        to = self.ctx.defer(m)
        self._beside(act, to)
        return to

    @on(ReadFile)
    async def read_file(self, m: ReadFile) -> Reply[bytes]:
        """Read a workspace file."""
        sandbox, to = await self._opened(), self.ctx.defer(m)
        self._act(lambda: sandbox.read(m.path, bytes_max=m.bytes_max), to)
        return to

    @on(WriteFile)
    async def write_file(self, m: WriteFile) -> Reply[int]:
        """Write a workspace file whole."""
        sandbox, to = await self._opened(), self.ctx.defer(m)

        async def act() -> int:
            await sandbox.write(m.path, m.content)
            return len(m.content)

        self._act(act, to)
        return to

    @on(ListFolder)
    async def list_folder(self, m: ListFolder) -> Reply[tuple[str, ...]]:
        """List a workspace folder."""
        sandbox, to = await self._opened(), self.ctx.defer(m)
        self._act(lambda: sandbox.entries(m.path), to)
        return to

    @on(EndCommand)
    async def end_command(self, m: EndCommand) -> Reply[bool]:
        """Kill a call's command, and let the file accesses that are under way now come to their end."""
        running, to = self._commands.get(m.call_id), self.ctx.defer(m)
        actions = tuple(self._actions)

        async def act() -> bool:
            if running is not None:
                running.scope.cancel()
                await running.gone.wait()
            for action in actions:
                await action.wait()
            return running is not None

        self._beside(act, to)
        return to

    @on(CloseSandbox)
    async def close_sandbox(self, m: CloseSandbox) -> bool:
        """Close; whatever is asked after this is refused, until the orchestrator stops this actor."""
        was_open, self._closed = self._sandbox is not None, True
        await self._close("the run let go of it")
        return was_open

    @on(_Done)
    async def _done(self, m: _Done) -> None:
        """Nothing is left to do."""

    async def on_stop(self, reason: Exit) -> None:
        """Leave nothing running, whatever the reason."""
        await self._close(reason.kind)

    async def _opened(self) -> OpenSandbox:
        if self._sandbox is not None:
            return self._sandbox
        if self._closed:
            raise SandboxRefused(SandboxError("the run has let go of its sandbox"))
        try:
            driver = await choose_driver(self._drivers, self._spec.levels)
            await self._record(driver, SandboxStatus.CREATING)
            try:
                self._sandbox = await driver.open(self._spec)
            except SandboxError as error:
                await self._record(driver, SandboxStatus.UNHEALTHY, error.detail)
                raise
        except SandboxError as error:
            raise SandboxRefused(error) from error
        self._driver = driver
        await self._record(driver, SandboxStatus.RUNNING, terms=self._sandbox.terms)
        return self._sandbox

    async def _close(self, reason: str) -> None:
        sandbox, self._sandbox = self._sandbox, None
        if sandbox is not None and self._driver is not None:
            await sandbox.close()
            await self._record(self._driver, SandboxStatus.DELETED, reason)

    async def _record(
        self, driver: SandboxDriver, status: SandboxStatus, reason: str = "", terms: Terms | None = None
    ) -> None:
        changed = SandboxChanged(
            sandbox_id=self._id,
            driver=driver.name,
            level=driver.level,
            status=status,
            reason=reason,
            workspace="" if terms is None else terms.workspace,
            memory="" if terms is None else terms.memory,
        )
        await self._ledger.append(self._spec.run_id, [changed])

    def _act(self, act: Callable[[], Awaitable[R]], to: Reply[R]) -> None:
        """Access files beside the handlers, kept in mind so that an end can wait for them."""
        if len(self._actions) >= ACTIONS_MAX:
            to.fail(SandboxRefused(SandboxError(f"{ACTIONS_MAX} file accesses are under way")))
            return
        over = anyio.Event()
        self._actions.add(over)

        async def counted() -> R:
            try:
                return await act()
            finally:
                self._actions.discard(over)
                over.set()

        self._beside(counted, to)

    def _beside(self, act: Callable[[], Awaitable[R]], to: Reply[R]) -> None:
        async def answer() -> _Done:
            try:
                to.reply(await act())
            except ToolError as error:
                to.fail(ActionRefused(error))
            except SandboxError as error:
                to.fail(SandboxRefused(error))
            except Reject as error:
                to.fail(error)
            return _Done()

        self.ctx.pipe(answer, lambda done: done)
