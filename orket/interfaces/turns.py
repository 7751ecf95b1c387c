"""Whose request is begun next: so many in one step of the event loop, first those that must get through.

A step lasts until everything that is ready has had its turn. When a thousand clients ask in the same moment,
begun at once, whoever comes then waits for all of them several times: a command that halts the engine takes
some ten steps.
"""

from __future__ import annotations

from asyncio import AbstractEventLoop
from collections import deque
from collections.abc import Callable

from starlette.types import Scope

PER_STEP = 16

Start = Callable[[], object]


class Turns:
    """Lets requests begin; each connection has one here at the most.

    Args:
        urgent: Whether a request goes first; asked only when others wait.
        per_step: How many of the urgent, and how many of the others, begin in one step.
    """

    def __init__(self, urgent: Callable[[Scope], bool], per_step: int = PER_STEP) -> None:
        self._urgent, self._per_step = urgent, per_step
        self._first: deque[Start] = deque()
        self._rest: deque[Start] = deque()
        self._left = per_step
        self._ticking = False

    def is_free(self, loop: AbstractEventLoop) -> bool:
        """Whether a request may begin now, which is then counted; if not, it has to ``wait``.

        Steps are counted only when a share is used up, so that the few of a quiet time cost nothing.
        """
        if self._left > 0:
            self._left -= 1
            return True
        if not self._ticking:
            self._ticking = True
            loop.call_soon(self._tick, loop)
        return False

    def wait(self, scope: Scope, start: Start) -> None:
        """Call ``start`` in a later step."""
        (self._first if self._urgent(scope) else self._rest).append(start)

    def _tick(self, loop: AbstractEventLoop) -> None:
        for lane in (self._first, self._rest):
            self._left = self._per_step
            while lane and self._left > 0:
                self._left -= 1
                lane.popleft()()
        self._ticking = bool(self._first or self._rest)
        if self._ticking:
            self._left = 0  # nobody passes those who wait
            loop.call_soon(self._tick, loop)
