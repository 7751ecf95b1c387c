"""Heeding signals while a run is followed: the first Ctrl-C pauses it, the second one ends at once."""

from __future__ import annotations

import os
import signal
from collections.abc import Awaitable, Callable
from contextlib import suppress

import anyio
from anyio.abc import TaskStatus

from orket.domain.errors import RunConflict
from orket.domain.identifiers import RunId
from orket.interfaces.cli.exits import Exit

# An orderly stop has its own deadlines; a terminal should not wait for all of them.
LAST_RESORT_S = 5.0


class Heed:
    """What the signals mean at the moment; ``exit`` is set once one came, ``run_id`` once there is a run.

    Args:
        scope: Cancelled when the command has to end.
        last_resort_s: How long the orderly stop may take after that, before the process is left.
    """

    def __init__(self, scope: anyio.CancelScope, *, last_resort_s: float = LAST_RESORT_S) -> None:
        self._scope, self._last_resort_s = scope, last_resort_s
        self._pause: Callable[[], Awaitable[object]] | None = None
        self.exit: Exit | None = None
        self.run_id: RunId | None = None

    def pause_with(self, run_id: RunId, pause: Callable[[], Awaitable[object]]) -> None:
        """From now on there is a run, and the first Ctrl-C calls ``pause``; before, it ends the command."""
        self.run_id, self._pause = run_id, pause

    async def listen(self, *, task_status: TaskStatus[None]) -> None:
        """Receive signals until cancelled."""
        with anyio.open_signal_receiver(signal.SIGINT, signal.SIGTERM) as signals:
            task_status.started()
            async with anyio.create_task_group() as tasks:
                async for number in signals:
                    if number == signal.SIGTERM:
                        self._end(Exit.TERMINATED)
                    elif self.exit is None and self._pause is not None:
                        self.exit = Exit.INTERRUPTED
                        tasks.start_soon(self._pause_quietly, self._pause)
                    else:
                        self._end(Exit.INTERRUPTED)

    async def _pause_quietly(self, pause: Callable[[], Awaitable[object]]) -> None:
        with suppress(RunConflict):  # it ended or was paused in the same moment, which is as good
            await pause()

    def _end(self, code: Exit) -> None:
        self.exit = code
        signal.signal(signal.SIGALRM, lambda *_: os._exit(code))
        signal.setitimer(signal.ITIMER_REAL, self._last_resort_s)
        self._scope.cancel()

    def ended(self) -> None:
        """The orderly stop came to its end in time."""
        signal.setitimer(signal.ITIMER_REAL, 0)
