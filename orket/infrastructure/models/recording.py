"""Recording what a model answers, as a script that the scripted model replays to the byte."""

from __future__ import annotations

import os
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing, asynccontextmanager
from pathlib import Path

import anyio
import anyio.to_thread

from orket.domain.errors import AssetError, ModelError
from orket.domain.models import ModelChunk, ModelReply, ModelRequest, ReplyCompleted
from orket.domain.ports import ModelClient
from orket.infrastructure.assets.scripts import SCRIPT_BYTES_MAX, ScriptedReply, read_script, write_script


class Recorder:
    """One script file that grows; share it among the models of an engine.

    Replies that the file already holds are kept, so that the recording of a resumed run is whole; a
    question that is asked again gets the newer reply.

    Args:
        path: The script file; it and its folder are made when the first reply comes.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lines: dict[tuple[str, int, str | None], ScriptedReply] | None = None
        self._lock = anyio.Lock()

    async def record(self, request: ModelRequest, reply: ModelReply) -> None:
        """Add a reply; the file is whole at any moment, with it or without it.

        Raises:
            ModelError: ``recording``: the file cannot be read, written, or would become too large.
        """
        line = ScriptedReply(card=request.card, turn=request.turn, seat=request.seat, reply=reply)
        async with self._lock:
            try:
                await anyio.to_thread.run_sync(self._add, line)
            except (OSError, UnicodeEncodeError, AssetError) as error:
                detail = f"the reply could not be recorded in {self._path}: {error}"
                raise ModelError(detail, code="recording", retryable=False) from error

    def _add(self, line: ScriptedReply) -> None:
        lines = self._read() if self._lines is None else self._lines
        grown = {**lines, (line.card, line.turn, line.seat): line}
        content = write_script(grown.values())
        if len(content) > SCRIPT_BYTES_MAX:
            raise AssetError(str(self._path), "", f"would be larger than {SCRIPT_BYTES_MAX} bytes")
        self._replace(content)
        self._lines = grown

    def _read(self) -> dict[tuple[str, int, str | None], ScriptedReply]:
        if not self._path.exists():
            return {}
        return {(one.card, one.turn, one.seat): one for one in read_script(self._path, str(self._path))}

    def _replace(self, content: bytes) -> None:
        import tempfile  # which takes half a megabyte, and hardly any run is recorded

        self._path.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(dir=self._path.parent, prefix=f".{self._path.name}.")
        try:
            with open(handle, "wb") as file:
                file.write(content)
            os.replace(name, self._path)
        except OSError:
            os.unlink(name)
            raise


class RecordingModel:
    """A model whose every complete reply is recorded before it is handed on.

    Args:
        inner: The model that answers.
        recorder: Where its replies go.
    """

    def __init__(self, inner: ModelClient, recorder: Recorder) -> None:
        self._inner, self._recorder = inner, recorder

    @asynccontextmanager
    async def stream(self, request: ModelRequest) -> AsyncIterator[AsyncIterator[ModelChunk]]:
        """Ask the inner model.

        Raises:
            ModelError: As the inner model, or ``recording``.
        """
        async with self._inner.stream(request) as chunks, aclosing(self._tapped(request, chunks)) as tapped:
            yield tapped

    async def _tapped(
        self, request: ModelRequest, chunks: AsyncIterator[ModelChunk]
    ) -> AsyncGenerator[ModelChunk]:
        async for chunk in chunks:
            if isinstance(chunk, ReplyCompleted):
                await self._recorder.record(request, chunk.reply)
            yield chunk
