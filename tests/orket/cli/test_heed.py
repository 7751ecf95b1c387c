"""The first Ctrl-C pauses, the second one ends."""

from __future__ import annotations

import os
import signal
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import anyio
import pytest

from orket.domain.errors import RunConflict
from orket.interfaces.cli.exits import Exit
from orket.interfaces.cli.heed import Heed
from tests.orket.cli.recorded import RUN

pytestmark = pytest.mark.anyio
FAR_S = 600.0


@asynccontextmanager
async def listening(pause: Callable[[], Awaitable[object]] | None = None) -> AsyncIterator[Heed]:
    """A command that runs until a signal ends it."""
    with anyio.fail_after(10):
        async with anyio.create_task_group() as tasks:
            heed = Heed(tasks.cancel_scope, last_resort_s=FAR_S)
            await tasks.start(heed.listen)
            if pause is not None:
                heed.pause_with(RUN, pause)
            yield heed
            await anyio.sleep_forever()
    heed.ended()


async def test_before_there_is_a_run_ctrl_c_ends_the_command():
    async with listening() as heed:
        os.kill(os.getpid(), signal.SIGINT)
    assert heed.exit is Exit.INTERRUPTED


async def test_the_first_ctrl_c_pauses_and_the_second_ends():
    paused = anyio.Event()

    async def pause() -> None:
        paused.set()
        await anyio.sleep_forever()

    async with listening(pause) as heed:
        os.kill(os.getpid(), signal.SIGINT)
        await paused.wait()
        assert heed.exit is Exit.INTERRUPTED
        os.kill(os.getpid(), signal.SIGINT)
    assert heed.exit is Exit.INTERRUPTED


async def test_a_run_that_ended_in_the_same_moment_is_no_error():
    refused = anyio.Event()

    async def pause() -> None:
        refused.set()
        raise RunConflict("it is done")

    async with listening(pause):
        os.kill(os.getpid(), signal.SIGINT)
        await refused.wait()
        os.kill(os.getpid(), signal.SIGINT)


async def test_sigterm_ends_without_pausing():
    async def pause() -> None:
        raise AssertionError("a machine that shuts down is no person that pauses")

    async with listening(pause) as heed:
        os.kill(os.getpid(), signal.SIGTERM)
    assert heed.exit is Exit.TERMINATED


async def test_an_orderly_stop_in_time_disarms_the_last_resort():
    async with listening() as heed:
        os.kill(os.getpid(), signal.SIGTERM)
    assert heed.exit is Exit.TERMINATED
    assert signal.getitimer(signal.ITIMER_REAL)[0] == 0
