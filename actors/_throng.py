"""The throng: asks in a long queue, which wait for the runner instead of stepping in vain.

One step is cheaper than parking when the reply is there after it. Behind a long queue it often is
not, and each step in vain costs as much as a wake-up. So an ask from outside the handlers, whose
actor waits for nothing but the runner, parks at once and without a deadline: looking that up means
a walk over all scopes, and most replies come within the same batch. The runner wakes whoever it
answers; it wakes the others too, once it has passed them over twice or gives its role away, and they
look after themselves from then on. So a deadline is late by two batches at most, and nobody is woken
from within the task that is about to wait.
"""

from actors._envelope import DONE, Envelope
from actors._parking import Loop


class Throng:
    """Asks that the runner has yet to look after."""

    __slots__ = ("_loop", "_passed", "fresh")

    def __init__(self, loop: Loop) -> None:
        self._loop = loop
        #: Came after the last batch began.
        self.fresh: list[Envelope] = []
        self._passed: list[Envelope] = []

    def __bool__(self) -> bool:
        return bool(self.fresh or self._passed)

    def pass_over(self) -> None:
        """A batch has ended: wake those whom two of them did not reach."""
        late, self._passed, self.fresh = self._passed, self.fresh, []
        self._wake(late)

    def disperse(self) -> None:
        """The runner goes: wake everybody."""
        self.pass_over()
        self.pass_over()

    def _wake(self, envelopes: list[Envelope]) -> None:
        for envelope in envelopes:
            if envelope.state < DONE and envelope.waiter is not None:
                self._loop.wake(envelope.waiter)
