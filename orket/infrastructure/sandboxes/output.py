"""Output of a command, drained to its end but kept only in part."""

from __future__ import annotations

import os

import anyio

READ_BYTES = 65_536
READS_PER_WAKE = 16


class Kept:
    """The first and the last part of a stream, however much flows through it."""

    def __init__(self, bytes_max: int) -> None:
        self._max, self._half = bytes_max, bytes_max // 2
        self._head, self._tail, self.seen = bytearray(), bytearray(), 0

    def add(self, chunk: bytes) -> None:
        """Take the next part of the stream."""
        self.seen += len(chunk)
        room = self._half - len(self._head)
        self._head += chunk[:room]
        self._tail += chunk[room:]
        if len(self._tail) > self._max + READ_BYTES:
            del self._tail[: len(self._tail) - self._max]

    @property
    def truncated(self) -> bool:
        """Whether more came than is kept."""
        return self.seen > self._max

    def value(self) -> bytes:
        """What is kept, at most ``bytes_max`` bytes, with a mark where something is left out."""
        if not self.truncated:
            return bytes(self._head + self._tail)
        mark = f"\n[... about {self.seen - self._max} bytes left out ...]\n".encode()
        rest = self._max - self._half - len(mark)
        if rest <= 0:
            return bytes(self._head + self._tail)[: self._max]
        return bytes(self._head) + mark + bytes(self._tail[-rest:])


async def drain(fd: int, kept: Kept) -> None:
    """Read a non-blocking pipe until its last writer is gone."""
    while True:
        for _ in range(READS_PER_WAKE):
            try:
                chunk = os.read(fd, READ_BYTES)
            except BlockingIOError:
                break
            if not chunk:
                return
            kept.add(chunk)
        await anyio.wait_readable(fd)
