"""The frames in which a container engine tells output: which stream, three zeros, size (4 bytes), content."""

from __future__ import annotations

from contextlib import suppress

import anyio
from anyio.streams.buffered import BufferedByteReceiveStream

from orket.infrastructure.sandboxes.output import Kept

HEAD_BYTES, ERROR = 8, 2
CHUNK_BYTES = 65_536


async def drain_frames(said: BufferedByteReceiveStream, out: Kept, err: Kept) -> None:
    """Take frames apart until the connection ends."""
    with suppress(anyio.IncompleteRead, anyio.BrokenResourceError, anyio.EndOfStream):
        while True:
            head = await said.receive_exactly(HEAD_BYTES)
            left = int.from_bytes(head[4:], "big")
            kept = err if head[0] == ERROR else out
            while left:
                chunk = await said.receive(min(left, CHUNK_BYTES))
                kept.add(chunk)
                left -= len(chunk)


def split_frames(said: bytes) -> bytes:
    """Take the content of both streams out of frames, in the order in which it was said."""
    content, at = bytearray(), 0
    while at + HEAD_BYTES <= len(said):
        size = int.from_bytes(said[at + 4 : at + HEAD_BYTES], "big")
        content += said[at + HEAD_BYTES : at + HEAD_BYTES + size]
        at += HEAD_BYTES + size
    return bytes(content)
