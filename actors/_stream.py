"""Streaming replies: the bounded hand-off between an async generator and its one consumer."""

import math
from collections import deque
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import aclosing, asynccontextmanager
from typing import Any, Generic, TypeVar

import attrs

from actors._cell import TURN, Cell
from actors._envelope import DONE, Envelope
from actors._waits import find_cycle
from actors.errors import AskCycle

T = TypeVar("T")


@attrs.define(eq=False)
class HandOff:
    """A generator's wait for its consumer; ``target`` is the turn that consumes."""

    target: Any
    message: Any
    waiter: Any = None


class Channel:
    """Items on their way, at most ``capacity``; the envelope is the place where the consumer waits."""

    __slots__ = ("capacity", "envelope", "items", "space")

    def __init__(self, envelope: Envelope, capacity: int, consumer: Any) -> None:
        self.envelope = envelope
        self.capacity = capacity
        self.items: deque[Any] = deque()
        self.space = HandOff(consumer, envelope.message)

    async def put(self, item: Any, turn: Any) -> None:
        """Hand an item over, waiting while the consumer is behind."""
        loop = self.envelope.target.kernel.loop
        if len(self.items) >= self.capacity and self.space.target is not None:
            turn.waits = [*(turn.waits or ()), self.space]
        try:
            while len(self.items) >= self.capacity:
                await loop.park(self.space)
        finally:
            self.space.waiter = None
            if turn.waits:
                turn.waits = [wait for wait in turn.waits if wait is not self.space] or None
        self.items.append(item)
        if self.envelope.waiter is not None:
            loop.wake(self.envelope.waiter)

    async def take(self) -> Any:
        """The next item; ``StopAsyncIteration`` after the last, or the stream's failure."""
        envelope, loop = self.envelope, self.envelope.target.kernel.loop
        try:
            while not self.items and envelope.state < DONE:
                await loop.park(envelope)
        finally:
            envelope.waiter = None
        if self.items:
            item = self.items.popleft()
            if self.space.waiter is not None:
                loop.wake(self.space.waiter)
            return item
        if envelope.error is not None:
            raise envelope.error
        raise StopAsyncIteration


class Items(Generic[T]):
    """What a stream's consumer iterates over."""

    __slots__ = ("_channel",)

    def __init__(self, channel: Channel) -> None:
        self._channel = channel

    def __aiter__(self) -> "Items[T]":
        return self

    async def __anext__(self) -> T:
        item: T = await self._channel.take()
        return item


def pumped(function: Callable[[Any, Any], AsyncGenerator[Any, None]]) -> Callable[[Any, Any], Any]:
    """Make an async generator a handler that hands its items to whoever asked for the stream."""

    async def pump(instance: Any, message: Any) -> None:
        turn = TURN.get()
        channel = turn.current.channel if turn.current.__class__ is Envelope else None
        async with aclosing(function(instance, message)) as items:
            async for item in items:
                if channel is not None:
                    await channel.put(item, turn)

    return pump


@asynccontextmanager
async def open_stream(
    cell: Cell, message: Any, capacity: int, send: Callable[[Envelope], None]
) -> AsyncIterator[Items[Any]]:
    """Ask for a stream; leaving the block cuts the generator off."""
    if capacity < 1:
        raise ValueError(f"a stream's buffer holds at least 1 item, not {capacity}")
    kernel, turn = cell.kernel, TURN.get()
    cycle = find_cycle(turn, cell, message) if turn is not None else None
    if cycle is not None:
        raise AskCycle(*cycle)
    deadline = kernel.effective_deadline()
    # Minus infinity is no deadline: the consumer has been cancelled, and will hear of it.
    envelope = Envelope(cell, message, deadline if deadline != -math.inf else math.inf)
    envelope.cancel_with_asker = True
    channel = envelope.channel = Channel(envelope, capacity, turn)
    if turn is not None:
        turn.waits = [*(turn.waits or ()), envelope]
    send(envelope)
    try:
        yield Items(channel)
    finally:
        if turn is not None and turn.waits:
            turn.waits = [wait for wait in turn.waits if wait is not envelope] or None
        kernel.abandon(envelope)
