"""Reaching what answers: the engine of this process, the engine of another one, or just the database."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import AbstractAsyncContextManager, aclosing, asynccontextmanager
from typing import Protocol

import attrs

from actors import Ref
from orket.domain.events import Recorded
from orket.domain.identifiers import RunId
from orket.domain.memory import Memory
from orket.domain.ports import LedgerReader, RunSummary
from orket.orchestration.live import Live, Watcher
from orket.orchestration.messages import (
    EngineCommand,
    EngineTicket,
    HaltCommand,
    MemoryCommand,
    Refused,
    RunTicket,
    SystemCommand,
)
from orket.wire.pieces import PieceView
from orket.wire.views import piece_view

PAGE = 1000
Pieces = AbstractAsyncContextManager[AsyncIterator[PieceView]]


class Reach(Protocol):
    """What the commands ask, whoever answers."""

    async def run(self, run_id: RunId) -> RunSummary | None:
        """Find one run, or None."""
        ...

    async def runs(self, *, limit: int) -> tuple[RunSummary, ...]:
        """List runs, newest first."""
        ...

    async def read(self, run_id: RunId | None, *, after: int, limit: int) -> tuple[Recorded, ...]:
        """Read a page of events, ascending, of one run or of all."""
        ...

    def events(
        self, run_id: RunId, *, after: int = 0
    ) -> AbstractAsyncContextManager[AsyncIterator[Recorded]]:
        """Follow a run's events for as long as more can come."""
        ...


class Control(Reach, Protocol):
    """A reach that has an engine behind it."""

    def pieces(self, run_id: RunId) -> Pieces:
        """See what the models of a run are writing, without an end."""
        ...

    async def command(self, command: EngineCommand) -> RunTicket:
        """Have the engine carry out a command.

        Raises:
            OrketError: It was refused; nothing was recorded.
        """
        ...

    async def system(self, command: HaltCommand) -> EngineTicket:
        """Have the engine carry out a command about itself.

        Raises:
            OrketError: It was refused; nothing was recorded.
        """
        ...

    async def memory(self, command: MemoryCommand) -> Memory:
        """Have the engine change the project's memory.

        Raises:
            OrketError: It was refused; nothing was recorded.
        """
        ...


@attrs.frozen
class Database:
    """The ledger's read side alone: nothing happens, so nothing more comes."""

    ledger: LedgerReader

    async def run(self, run_id: RunId) -> RunSummary | None:
        """Find one run, or None."""
        return await self.ledger.run(run_id)

    async def runs(self, *, limit: int) -> tuple[RunSummary, ...]:
        """List runs, newest first."""
        return await self.ledger.runs(limit=limit)

    async def read(self, run_id: RunId | None, *, after: int, limit: int) -> tuple[Recorded, ...]:
        """Read a page of events."""
        return await self.ledger.read(run_id, after=after, limit=limit)

    @asynccontextmanager
    async def events(self, run_id: RunId, *, after: int = 0) -> AsyncGenerator[AsyncIterator[Recorded]]:
        """Read a run's events to their end."""
        async with aclosing(pages(self.ledger, run_id, after)) as stream:
            yield stream


@attrs.frozen
class Own(Database):
    """The engine of this process."""

    engine: Ref[EngineCommand | SystemCommand]
    live: Live

    @asynccontextmanager
    async def pieces(self, run_id: RunId) -> AsyncGenerator[AsyncIterator[PieceView]]:
        """See what the models of a run are writing, without an end."""
        with self.live.watch(run_id) as watcher:
            async with aclosing(_looked_at(watcher)) as stream:
                yield stream

    async def command(self, command: EngineCommand) -> RunTicket:
        """Ask the engine's mailbox."""
        try:
            return await self.engine.ask(command)
        except Refused as refusal:
            raise refusal.error from None

    async def system(self, command: HaltCommand) -> EngineTicket:
        """Ask the engine's mailbox."""
        try:
            return await self.engine.ask(command)
        except Refused as refusal:
            raise refusal.error from None

    async def memory(self, command: MemoryCommand) -> Memory:
        """Ask the engine's mailbox."""
        try:
            return await self.engine.ask(command)
        except Refused as refusal:
            raise refusal.error from None

    @asynccontextmanager
    async def events(self, run_id: RunId, *, after: int = 0) -> AsyncGenerator[AsyncIterator[Recorded]]:
        """Follow a run's events without an end."""
        async with aclosing(tail(self.ledger, run_id, after)) as stream:
            yield stream


async def pages(ledger: LedgerReader, run_id: RunId, after: int) -> AsyncGenerator[Recorded]:
    """Read the events of a run above a sequence number to their end."""
    while page := await ledger.read(run_id, after=after, limit=PAGE):
        for recorded in page:
            yield recorded
        after = page[-1].seq


async def tail(ledger: LedgerReader, run_id: RunId, after: int) -> AsyncGenerator[Recorded]:
    """Read the events of a run above a sequence number, and wait for more, without an end."""
    newest = after
    while True:
        async with aclosing(pages(ledger, run_id, after)) as stream:
            async for recorded in stream:
                yield recorded
                after = recorded.seq
        newest = await ledger.wait(max(newest, after))


async def _looked_at(watcher: Watcher) -> AsyncGenerator[PieceView]:
    while True:
        await watcher.changed()
        for piece in watcher.take():
            yield piece_view(piece)
