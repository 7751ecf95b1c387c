"""Standard input and output of a server that is a command, as the SDK wants them: messages, line by line."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import anyio
import attrs
from anyio.streams.memory import MemoryObjectReceiveStream, MemoryObjectSendStream
from mcp.shared.message import SessionMessage
from mcp_types import jsonrpc_message_adapter

from orket.domain.errors import SandboxError
from orket.domain.sandboxes import Command, CommandResult
from orket.domain.text import cleaned

LINE_BYTES_MAX = 4 * 1024 * 1024
WORDS_CHARS_MAX = 400
END_S = 5.0

Start = Callable[[Command], Awaitable[CommandResult]]
Streams = tuple[Any, Any]


@attrs.define
class Over:
    """Whether a server has ended, and what is known of why."""

    event: anyio.Event = attrs.field(factory=anyio.Event)
    reason: str = ""

    def because(self, reason: str) -> None:
        """Note the end; the first reason counts."""
        self.reason = self.reason or reason
        self.event.set()


class Line:
    """The talk with the command: what is said to it and what it says, never more than a little at a time."""

    def __init__(self) -> None:
        self.say, self._saying = anyio.create_memory_object_stream[bytes](0)
        self._hearing, self.heard = anyio.create_memory_object_stream[bytes](0)

    async def next(self) -> bytes:
        """Return what to write to it next; empty when there will be no more."""
        try:
            return await self._saying.receive()
        except (anyio.EndOfStream, anyio.ClosedResourceError):
            return b""

    async def hear(self, said: bytes) -> None:
        """Take what it has said; what nobody waits for any more is dropped."""
        try:
            if said:
                await self._hearing.send(said)
            else:
                self._hearing.close()
        except (anyio.BrokenResourceError, anyio.ClosedResourceError):
            return

    def close(self) -> None:
        """Let go of all four ends."""
        for one in (self.say, self._saying, self._hearing, self.heard):
            one.close()


@asynccontextmanager
async def talking(start: Start, command: Command, over: Over) -> AsyncIterator[Streams]:
    """Run the command while the block lasts, and give the two streams that the SDK reads and writes."""
    line = Line()
    to_us, reading = anyio.create_memory_object_stream[SessionMessage | Exception](0)
    writing, from_us = anyio.create_memory_object_stream[SessionMessage](0)
    async with anyio.create_task_group() as group:
        group.start_soon(_run, start, attrs.evolve(command, talk=line), over)
        group.start_soon(_read, line, to_us, over)
        group.start_soon(_write, from_us, line)
        try:
            yield reading, writing
        finally:
            group.cancel_scope.cancel()
            line.close()
            for one in (to_us, reading, writing, from_us):
                one.close()


async def _run(start: Start, command: Command, over: Over) -> None:
    try:
        told = await start(command)
    except SandboxError as error:
        over.because(error.detail)
    else:
        words = cleaned(told.stderr.decode("utf-8", "replace")[-WORDS_CHARS_MAX:], WORDS_CHARS_MAX)
        over.because(f"it ended ({told.end}, exit code {told.exit_code}): {words or 'it said nothing'}")


async def _read(line: Line, to_us: MemoryObjectSendStream[Any], over: Over) -> None:
    """Cut what the server says into messages; what is none of the protocol's is the SDK's to complain of."""
    rest = bytearray()
    with to_us:
        try:
            async for said in line.heard:
                *lines, tail = (rest + said).split(b"\n")
                rest = tail
                for one in filter(None, map(bytes.strip, map(bytes, lines))):
                    await to_us.send(_message(one))
                if len(rest) > LINE_BYTES_MAX:
                    over.because(f"it said more than {LINE_BYTES_MAX} bytes in one line")
                    return
            with anyio.move_on_after(END_S):  # a moment later it is known why it says no more
                await over.event.wait()
        except (anyio.BrokenResourceError, anyio.ClosedResourceError):
            return


def _message(line: bytes) -> object:
    try:
        return SessionMessage(jsonrpc_message_adapter.validate_json(line, by_name=False))
    except ValueError as error:
        return error


async def _write(from_us: MemoryObjectReceiveStream[Any], line: Line) -> None:
    try:
        async for one in from_us:
            text = one.message.model_dump_json(by_alias=True, exclude_unset=True)
            await line.say.send(text.encode() + b"\n")
    except (anyio.BrokenResourceError, anyio.ClosedResourceError):
        return
    finally:
        line.say.close()
