"""A circuit per model server: one that fails again and again is left alone for a while."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import anyio
import attrs

from orket.domain.errors import ModelError

# Failures that tell something about the server, not about the question.
_COUNTED = frozenset({"connection", "overloaded", "server", "idle_timeout", "protocol"})


@attrs.define
class Circuit:
    """Counts failures in a row; at ``failures_max`` nothing is sent for ``pause_s`` seconds, then one try.

    The first answer closes it again. What is canceled from outside counts neither way, except by who asked
    in vain for the whole time an answer may take (``gave_up``).
    """

    server: str
    failures_max: int = 5
    pause_s: float = 30.0
    _failures: int = 0
    _opened_s: float | None = None
    _trying: bool = False

    @contextmanager
    def attempt(self) -> Iterator[None]:
        """Ask within this block, and let it see how that ends.

        Raises:
            ModelError: ``circuit_open``, with the time after which to come back; nothing was sent.
        """
        self._enter()
        try:
            yield
        except ModelError as error:
            if error.code in _COUNTED:
                self._failed()
            else:
                self._answered()
            raise
        else:
            self._answered()
        finally:
            self._trying = False

    def gave_up(self) -> None:
        """An attempt was left because its answer took too long; that counts as a failure too."""
        self._failed()

    def _enter(self) -> None:
        if self._opened_s is None:
            return
        left_s = self._opened_s + self.pause_s - anyio.current_time()
        if left_s > 0 or self._trying:
            text = f"{self.server} failed {self._failures} times in a row and is left alone"
            wait_s = max(left_s, 1.0)
            raise ModelError(
                f"{text} for another {wait_s:.0f} s",
                code="circuit_open",
                retryable=True,
                retry_after_s=wait_s,
            )
        self._trying = True

    def _failed(self) -> None:
        self._failures += 1
        if self._failures >= self.failures_max:
            self._opened_s = anyio.current_time()

    def _answered(self) -> None:
        self._failures, self._opened_s = 0, None
