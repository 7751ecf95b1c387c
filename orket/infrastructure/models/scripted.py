"""The scripted model: replies from a file, matched by card, turn and, where the script says so, seat."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing, asynccontextmanager
from pathlib import Path

import anyio
import anyio.to_thread

from orket.domain.errors import AssetError, ModelError
from orket.domain.models import ModelChunk, ModelRequest, ReplyCompleted, TextDelta
from orket.infrastructure.assets.scripts import ScriptedReply, read_script

_DELTA_CHARS = 40
_DELTAS_MAX = 200


class ScriptedModel:
    """A model that says what a file says; it needs no network and is the same every time.

    Args:
        path: The script file; it is read at the first question, in a worker thread, and then kept.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._replies: dict[tuple[str, int, str | None], ScriptedReply] | None = None

    @asynccontextmanager
    async def stream(self, request: ModelRequest) -> AsyncIterator[AsyncIterator[ModelChunk]]:
        """Answer as the script says: pieces of the text, then the whole reply.

        Raises:
            ModelError: ``script_exhausted`` when there is no reply for this card and turn, ``protocol``
                when the file is invalid, ``timeout`` when the scripted delay is longer than allowed;
                only the last is retryable.
        """
        line = self._match(request, await self._script())
        async with aclosing(_chunks(line, request.timeout_s)) as chunks:
            yield chunks

    async def _script(self) -> dict[tuple[str, int, str | None], ScriptedReply]:
        if self._replies is None:
            try:
                lines = await anyio.to_thread.run_sync(read_script, self._path, str(self._path))
            except AssetError as error:
                raise ModelError(error.detail, code="protocol", retryable=False) from error
            self._replies = {(one.card, one.turn, one.seat): one for one in lines}
        return self._replies

    def _match(
        self, request: ModelRequest, replies: dict[tuple[str, int, str | None], ScriptedReply]
    ) -> ScriptedReply:
        for seat in (request.seat, None):
            if (line := replies.get((request.card, request.turn, seat))) is not None:
                return line
        there = ", ".join(
            f"{turn}{f' ({seat})' if seat else ''}" for card, turn, seat in replies if card == request.card
        )
        detail = (
            f"the script {self._path} has no reply for card {request.card}, turn {request.turn}, "
            f"seat {request.seat}; turns of this card: {there or 'none'}"
        )
        raise ModelError(detail, code="script_exhausted", retryable=False)


async def _chunks(line: ScriptedReply, timeout_s: float) -> AsyncGenerator[ModelChunk]:
    """Stream a reply after its delay, which the time limit may cut short."""
    await anyio.sleep(min(line.delay_s, timeout_s))
    if line.delay_s > timeout_s:
        raise ModelError(f"no reply within {timeout_s} s", code="timeout", retryable=True)
    text = line.reply.text
    # At least two pieces of any text worth cutting, and never a flood of them.
    size = max(1, min(_DELTA_CHARS, -(-len(text) // 2)), -(-len(text) // _DELTAS_MAX))
    for start in range(0, len(text), size):
        yield TextDelta(text[start : start + size])
    yield ReplyCompleted(line.reply)
