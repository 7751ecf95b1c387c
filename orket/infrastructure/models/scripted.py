"""The scripted model: replies from a file, matched by card, turn and, where the script says so, seat."""

from __future__ import annotations

import os
from collections.abc import AsyncGenerator, AsyncIterator, Iterator
from contextlib import aclosing, asynccontextmanager
from pathlib import Path

import anyio
import anyio.lowlevel
import anyio.to_thread

from orket.domain.asking import Answering
from orket.domain.errors import AssetError, ModelError
from orket.domain.identifiers import CardId
from orket.domain.models import CallDelta, ModelChunk, ModelReply, ModelRequest, ReplyCompleted, TextDelta
from orket.infrastructure.assets.scripts import ScriptedReply, read_script

_DELTA_CHARS = 40
_DELTAS_MAX = 200

Replies = dict[tuple[CardId, int, str | None], ScriptedReply]


class ScriptedModel(Answering):
    """A model that says what a file says; it needs no network and is the same every time.

    Args:
        path: The script file; it is read in a worker thread, at the first question and when it has changed.
            Whether it has is looked up in the event loop: two microseconds, where a thread would take 150.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._version: tuple[int, ...] = ()
        self._replies: Replies = {}
        self._reading = anyio.Lock()  # many first questions at a time are one reading

    async def reply(self, request: ModelRequest) -> ModelReply:
        """Answer as ``stream`` does, at once and whole."""
        line = self._match(await self._current(), request)
        await _delayed(line, request)
        return line.reply

    @asynccontextmanager
    async def stream(self, request: ModelRequest) -> AsyncIterator[AsyncIterator[ModelChunk]]:
        """Answer as the script says: pieces of the text, then the whole reply.

        Raises:
            ModelError: ``script_exhausted`` when there is no reply for this card and turn, ``protocol``
                when the file is invalid, ``timeout`` when the scripted delay is longer than allowed;
                only the last is retryable.
        """
        line = self._match(await self._current(), request)
        async with aclosing(_chunks(line, request)) as chunks:
            yield chunks

    def _match(self, replies: Replies, request: ModelRequest) -> ScriptedReply:
        for seat in (request.seat, None):
            if (line := replies.get((request.card, request.turn, seat))) is not None:
                return line
        turns = [_turn(turn, seat) for card, turn, seat in replies if card == request.card]
        detail = (
            f"the script {self._path} has no reply for card {request.card}, turn {request.turn}, "
            f"seat {request.seat}; it has for this card: {', '.join(turns) or 'nothing'}"
        )
        raise ModelError(detail, code="script_exhausted", retryable=False)

    async def _current(self) -> Replies:
        await anyio.lowlevel.checkpoint_if_cancelled()
        try:
            if self._seen() != self._version:
                async with self._reading:
                    if (version := self._seen()) != self._version:
                        self._replies = await anyio.to_thread.run_sync(self._read)
                        self._version = version
        except AssetError as error:
            raise ModelError(error.detail, code="protocol", retryable=False) from error
        except (OSError, ValueError) as error:
            detail = f"{self._path}: cannot be read: {error}"
            raise ModelError(detail, code="protocol", retryable=False) from error
        return self._replies

    def _seen(self) -> tuple[int, ...]:
        told = os.stat(self._path)
        return told.st_ino, told.st_size, told.st_mtime_ns

    def _read(self) -> Replies:
        return {(one.card, one.turn, one.seat): one for one in read_script(self._path, str(self._path))}


def _turn(turn: int, seat: str | None) -> str:
    return f"turn {turn} ({seat})" if seat else f"turn {turn}"


async def _delayed(line: ScriptedReply, request: ModelRequest) -> None:
    if line.delay_s > 0:
        await anyio.sleep(min(line.delay_s, request.timeout_s))
    if line.delay_s > request.timeout_s:
        raise ModelError(f"no reply within {request.timeout_s} s", code="timeout", retryable=True)


async def _chunks(line: ScriptedReply, request: ModelRequest) -> AsyncGenerator[ModelChunk]:
    """Stream a reply after its delay, which the time limit may cut short."""
    await _delayed(line, request)
    if request.pieces:
        for piece in _cut(line.reply.text):
            yield TextDelta(piece)
            await anyio.lowlevel.checkpoint()  # or nobody could see it before it is all there
        for index, call in enumerate(line.reply.calls):
            for piece in _cut(call.arguments_json):
                yield CallDelta(index, call.name, piece)
    yield ReplyCompleted(line.reply)


def _cut(text: str) -> Iterator[str]:
    """Cut a text into at least two pieces if it is worth cutting, and never into a flood of them."""
    size = max(1, min(_DELTA_CHARS, -(-len(text) // 2)), -(-len(text) // _DELTAS_MAX))
    return (text[start : start + size] for start in range(0, len(text), size))
