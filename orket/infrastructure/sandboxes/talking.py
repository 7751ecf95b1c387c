"""Talking with a command while it runs: its standard input and output, over pipes that never block."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import anyio
import anyio.lowlevel

from orket.domain.sandboxes import Talk
from orket.infrastructure.sandboxes.output import READ_BYTES


async def listen(fd: int, talk: Talk) -> None:
    """Pass on what comes out of a non-blocking pipe, until its last writer is gone."""
    while True:
        await anyio.wait_readable(fd)
        try:
            said = os.read(fd, READ_BYTES)
        except BlockingIOError:
            continue
        await talk.hear(said)
        if not said:
            return


@asynccontextmanager
async def speak(fd: int, talk: Talk, hush: Callable[[], None]) -> AsyncIterator[None]:
    """Write what the talk says into a non-blocking pipe while the block lasts; ``hush`` closes the pipe."""
    async with anyio.create_task_group() as group:
        group.start_soon(_write_all, fd, talk, hush)
        try:
            yield
        finally:
            group.cancel_scope.cancel()


async def _write_all(fd: int, talk: Talk, hush: Callable[[], None]) -> None:
    try:
        while said := await talk.next():
            left = memoryview(said)
            while left:
                await anyio.wait_writable(fd)
                try:
                    left = left[os.write(fd, left) :]
                except BlockingIOError:
                    await anyio.lowlevel.checkpoint()
    except BrokenPipeError:
        return  # it does not listen any more, or is gone; its end says which
    finally:
        hush()
