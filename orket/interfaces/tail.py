"""The events of a run from one log: those there are, then the new ones, without a seam between them.

The ledger wakes the tail; nothing is queued, so a client that is slow costs a page of memory. Who asks for it
is also told what models are writing, in between: that is on no log, and is looked up when it can be sent.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from contextlib import suppress
from typing import Protocol

import anyio
import anyio.lowlevel
import attrs
from starlette.types import Message, Receive, Send
from starlette.websockets import WebSocketDisconnect

from orket.domain.errors import StoreError
from orket.domain.events import Recorded, RunFinished
from orket.domain.identifiers import RunId
from orket.domain.pieces import Piece
from orket.domain.ports import LedgerReader
from orket.interfaces.limits import HttpLimits
from orket.interfaces.streams import Streams
from orket.orchestration.live import Live

# What a client sees first is there soon, however long the run is; what follows is read in ever larger pages.
FIRST_PAGE = 4
PAGE_GROWS = 8

_LOG = logging.getLogger(__name__)


class Line:
    """The way to a client.

    Args:
        send: The server's.
        stall_s: How long messages that are sent together may take.
    """

    def __init__(self, send: Send, stall_s: float) -> None:
        self._send, self._stall_s = send, stall_s
        self.broken = False

    async def send(self, *messages: Message) -> None:
        """Send messages; then others get a turn, even if the server takes them at once.

        Raises:
            BrokenPipeError: The client takes nothing any more.
        """
        with anyio.move_on_after(self._stall_s):
            try:
                for message in messages:
                    await self._send(message)
            except WebSocketDisconnect:  # what the framework makes of a client that has left
                self.broken = True
                raise BrokenPipeError("the client has left") from None
            await anyio.lowlevel.checkpoint()
            return
        self.broken = True
        raise BrokenPipeError("the client takes nothing any more")


class Told(Protocol):
    """Whoever is told the events."""

    async def events(self, page: Sequence[Recorded]) -> None:
        """Take some more events; how many have been taken is counted when it returns."""
        ...

    async def pieces(self, pieces: Sequence[Piece]) -> None:
        """Take what models have written since the last time."""
        ...

    async def alive(self) -> None:
        """Take a sign of life: nothing has happened for a while."""
        ...


@attrs.define
class Tail:
    """The events of one run after sequence ``after``, up to its end; ``over`` once that has been told.

    With ``live`` it is also told what models are writing. That of a turn comes before the event in which the
    turn's answer is, never after it.
    """

    ledger: LedgerReader
    run_id: RunId
    after: int
    limits: HttpLimits
    over: bool
    live: Live | None = None
    _line: anyio.Lock = attrs.field(factory=lambda: anyio.Lock(fast_acquire=True))

    async def follow(self, told: Told, receive: Receive, streams: Streams) -> None:
        """Tell the events until the run is over, the client has left, or nothing can be told any more."""
        async with anyio.create_task_group() as group:
            group.start_soon(_until_gone, receive, group.cancel_scope)
            if self.live is not None:
                group.start_soon(self._watch, self.live, told, group.cancel_scope)
            streams.enter(group.cancel_scope)
            try:
                with suppress(OSError):
                    await self._pump(told)
            except StoreError as error:
                # The client comes back and is told then; in the middle of a stream nobody can be told.
                _LOG.warning("the event stream of run %s ended: %s", self.run_id, error.detail)
            finally:
                streams.leave(group.cancel_scope)
            group.cancel_scope.cancel()

    async def _pump(self, told: Told) -> None:
        newest, limit = 0, min(FIRST_PAGE, self.limits.stream_page)
        while True:
            page = await self.ledger.read(self.run_id, after=self.after, limit=limit)
            full, limit = len(page) == limit, min(limit * PAGE_GROWS, self.limits.stream_page)
            if page:
                async with self._line:
                    await told.events(page)
                self.after = page[-1].seq
                self.over = self.over or any(isinstance(one.event, RunFinished) for one in page)
            if full:
                continue
            if self.over:
                return
            newest = await self._newer(max(newest, self.after), told)

    async def _newer(self, newest: int, told: Told) -> int:
        """Wait until the ledger is beyond ``newest``, with a sign of life now and then."""
        while True:
            with anyio.move_on_after(self.limits.heartbeat_s):
                return await self.ledger.wait(newest, self.run_id)
            async with self._line:
                await told.alive()

    async def _watch(self, live: Live, told: Told, scope: anyio.CancelScope) -> None:
        """Tell what is being written; what a slow client could not be told in time comes in larger pieces."""
        with suppress(OSError), live.watch(self.run_id) as watcher:
            while True:
                await watcher.changed()
                # Looked up while nothing else can be sent: an answer that is on the ledger is not there.
                async with self._line:
                    if pieces := watcher.take():
                        await told.pieces(pieces)
                await anyio.sleep(self.limits.piece_gap_s)
        scope.cancel()


async def _until_gone(receive: Receive, scope: anyio.CancelScope) -> None:
    while (await receive())["type"] not in ("http.disconnect", "websocket.disconnect"):
        pass
    scope.cancel()
