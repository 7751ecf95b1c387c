"""What all parts of one system share: the ready cells, the workers, the clock and the books."""

import contextvars
import logging
import math
import threading
from collections import Counter, deque
from collections.abc import Awaitable, Callable, Sequence
from random import Random
from typing import TYPE_CHECKING, Any, TypeVar

import anyio
import anyio.to_thread
from anyio import CancelScope
from anyio.abc import TaskGroup

from actors._cell import Cell, Kind, Ready, Signal
from actors._clock import Sweeper
from actors._envelope import DONE, GONE, QUEUED, RUNNING, Envelope
from actors._events import Events
from actors._hooks import Hooks, Probe
from actors._messages import DeadLetter, DeadReason
from actors._parking import HasWaiter, Loop, current_loop
from actors._rare import own
from actors._supervision import limit
from actors._telemetry import Luggage, Parcel, Telemetry, packed
from actors._throng import Throng
from actors._words import shown
from actors.errors import AskTimeout

if TYPE_CHECKING:
    from actors._worker import Worker


T = TypeVar("T")

#: How much too early a clock may read when a deadline rings, in seconds (uvloop: milliseconds).
CLOCK_RESOLUTION = 2e-3
BOOKS = ("accepted", "handled", "rejected", "expired", "cut_off", "restarts")


class Kernel:
    """The engine room of one ``ActorSystem``. Everything runs in the thread of its event loop."""

    def __init__(
        self,
        name: str,
        hooks: Hooks,
        isolation: str,
        idle_workers_max: int,
        telemetry: Telemetry | None,
        carry: tuple[contextvars.ContextVar[Any], ...],
        threads_max: int,
    ) -> None:
        self.name: str = name
        self.probe: Probe | None = hooks.probe
        self.choose: Callable[[Sequence[str]], int] | None = hooks.choose
        self.drive: Callable[[str, Any, Awaitable[Any]], Awaitable[Any]] | None = hooks.drive
        self.opened: Callable[[Any], None] | None = hooks.opened
        self.random: Random = hooks.random if hooks.random is not None else Random()
        self._clock = hooks.clock
        self.verify: bool = isolation == "verify"
        self.telemetry: Telemetry | None = telemetry
        self._carry = carry
        self._threads_max = threads_max
        self._limiter: anyio.CapacityLimiter | None = None
        #: Messages travel with luggage, or somebody wants to see them go in.
        self.careful: bool = bool(carry) or telemetry is not None or self.probe is not None
        self.plain: bool = not self.verify and not self.careful
        #: Nobody looks on or chooses: what happens most may go the shorter way.
        self.swift: bool = self.plain and self.choose is None
        #: Somebody is told of every handler; that a message only carries something tells nobody.
        self.observed: bool = (
            self.verify or telemetry is not None or self.probe is not None or self.drive is not None
        )
        self.idle_workers_max: int = idle_workers_max
        self.ready: Ready = Ready(self.man)
        self.events: Events = Events()
        self.counters: Counter[str] = Counter()
        self.dead: Counter[str] = Counter()
        self.parked: deque[Worker] = deque()
        self.workers: dict[int, Worker] = {}
        self.failure: BaseException | None = None
        self.closed: bool = True
        self.brutal: bool = False
        self._serial = 0
        self._group: TaskGroup
        self._hire: Callable[[], None]
        self.root: Cell
        self.system: Any = None
        self.give_up: Callable[[], None]
        self.finished: Callable[[], None]
        self.loop: Loop
        self.throng: Throng
        #: The clock; before the system is entered nothing has happened that it could date.
        self.now: Callable[[], float] = lambda: 0.0
        self.sweeper: Sweeper

    def open(self, group: TaskGroup, work: Callable[[], Callable[[Any], Any]], instances: Any) -> None:
        """Begin to run workers (``work`` makes one's coroutine function) in ``group``.

        ``instances`` is what the workers share; the kernel itself does not keep it.
        """
        self.loop = current_loop()
        if self._clock is not None:
            self.loop.now = self._clock
        self.now = self.loop.now
        if self.choose is not None:
            # Whoever chooses, chooses after every message.
            self.loop.batch_max = 1
        self.effective_deadline: Callable[[], float] = self.loop.effective_deadline
        self.step: Callable[[], Awaitable[None]] = self.loop.checkpoint
        self.park: Callable[[HasWaiter], Awaitable[Any]] = self.loop.park
        self.throng = Throng(self.loop)
        #: Behind more messages than this an ask joins the throng; under observation none does.
        self.throng_min: float = self.loop.throng_min if self.swift else math.inf
        self._thread = threading.get_ident()
        self._group = group
        self._hire = lambda: self.start_task(work(), instances)
        self.base: contextvars.Context = contextvars.copy_context()
        self.sweeper = Sweeper(self.loop, self.start_task, self.expire)
        self.closed = False
        if self.ready:
            self.man()

    @property
    def lost(self) -> bool:
        """Whether a defect of the runtime itself is taking the workers down."""
        return self._group.cancel_scope.cancel_called

    def let_go(self, failure: BaseException) -> None:
        """Forget a cancellation that nobody but a stranger asked for."""
        self.loop.forget(failure)
        if self.lost:
            raise failure

    def close(self) -> None:
        """Send the idle workers and the sweeper home."""
        self.closed = True
        self.sweeper.close()
        while self.parked:
            self.loop.wake(self.parked.popleft().waiter)

    def next_serial(self) -> int:
        """A number no other cell of this system has."""
        self._serial += 1
        return self._serial

    def start_task(self, function: Callable[..., Any], *args: Any) -> None:
        """Start a task of the runtime from the base context, in the root group."""
        _ = self.base.copy().run(self._group.start_soon, function, *args)

    def man(self) -> None:
        """Give the runner's role to an idle worker, or to a new one."""
        if self.closed:
            return
        self.ready.manned = True
        if self.parked:
            worker = self.parked.pop()
            worker.manning = True
            self.loop.wake(worker.waiter)
        else:
            self._hire()

    def hand_on(self) -> None:
        """The runner is about to be suspended in a handler: let another one take over."""
        if self.ready or self.throng:
            self.man()
        else:
            self.ready.manned = False

    def interrupt(self, cell: Cell, signal: Signal) -> None:
        """Cut the suspended code of ``cell`` off: at once for a crash, else at its limit."""
        if signal.kind is Kind.CRASH:
            self.cut(cell, "crash")
            return
        if signal.kind is Kind.STOP and signal.reason is not None and signal.reason.kind == "normal":
            return  # its own stop: it lets the handler that asked for it come to its end
        at = limit(0.0 if self.brutal else cell.spec.shutdown, self.loop.now())
        if at <= self.loop.now():
            self.cut(cell, "stop")
        elif at != math.inf:
            scope, generation = cell.scope, cell.generation

            def cut() -> None:
                # A worker's scope serves many turns; the one meant here ends with its incarnation.
                if cell.generation == generation:
                    self.cut(cell, "stop", scope)

            self.sweeper.call_at(at, cut)

    def cut(self, cell: Any, cause: str, scope: CancelScope | None = None) -> None:
        """Cancel the code that a turn runs now (if it is still under ``scope``)."""
        if cell.scope is not None and scope in (None, cell.scope):
            cell.cut = cell.cut or cause
            cell.scope.cancel()

    def cut_all(self) -> None:
        """The total deadline of a stop has passed: cut off everything, now and from now on."""
        self.brutal = True
        self._cut_below(self.root)

    def _cut_below(self, cell: Cell) -> None:
        self.cut(cell, "stop")
        for turn in tuple((cell.turns or {}).values()):
            self.cut(turn, "stop")
        for child in cell.grown():
            self._cut_below(child)

    def expire(self, envelope: Envelope, when: float) -> None:
        """An ask's deadline has passed: cut its handler off, tell the asker."""
        state, turn = envelope.state, envelope.turn
        if state == RUNNING and turn is not None and turn.current is envelope:
            self.cut(turn, "deadline")
        if when < envelope.asker_deadline:
            return
        envelope.fail(_timed_out(envelope, state))

    def abandon(self, envelope: Envelope) -> None:
        """The asker left: skip the message if it is queued, cut it off if its handler says so.

        The deadline of the asker's scopes is also the handler's, and both may ring in any order.
        """
        state, turn = envelope.state, envelope.turn
        if state < DONE:
            envelope.state = GONE
        if state != RUNNING or turn is None or turn.current is not envelope:
            return
        if envelope.reach() <= self.loop.now() + CLOCK_RESOLUTION:
            self.cut(turn, "deadline")
        elif envelope.cancel_with_asker:
            self.cut(turn, "asker")

    def bury(self, cell: Cell, message: Any, reason: DeadReason, error: str = "") -> None:
        """Record a dead letter and tell those who subscribed to them."""
        rare = own(cell)
        if rare.dead is None:
            rare.dead = {}
        rare.dead[reason] = rare.dead.get(reason, 0) + 1
        if cell.retired:
            self.dead[reason] += 1
        if self.events.wanted(DeadLetter):
            self.announce_dead(cell, message, reason, error)

    def announce_dead(self, cell: Cell, message: Any, reason: DeadReason, error: str) -> None:
        """Publish a dead letter without counting it (a refused tell counts as rejected)."""
        if self.events.wanted(DeadLetter) and type(message) is not DeadLetter:
            self.events.publish(DeadLetter(message, reason, cell.path, error), self.fail)

    def fail(self, failure: BaseException) -> None:
        """Something no supervisor answers for has failed: the whole system fails with it."""
        self.root.post(Signal(Kind.CRASH, failure=failure))

    def escape(self, failure: BaseException) -> None:
        """Let through what must not be contained: the interpreter's own ways to end."""
        if isinstance(failure, GeneratorExit):
            raise failure
        if isinstance(failure, KeyboardInterrupt | SystemExit):
            self.fail(failure)

    def report_hook(self, cell: Cell, failure: BaseException) -> None:
        """``on_stop`` raised: nothing depends on it any more, but somebody should know."""
        self.counters["stop_hooks_failed"] += 1
        logging.getLogger("actors").error("%s: on_stop failed", cell.path, exc_info=failure)

    def pick(self) -> Cell:
        """The cell that the simulator wants next."""
        assert self.choose is not None
        ready = self.ready
        index = self.choose(Incarnations(ready))
        cell = ready[index]
        del ready[index]
        return cell

    def retire(self, cell: Cell) -> None:
        """Keep the books of a cell that stopped."""
        if cell.accepted:
            self.counters["accepted"] += cell.accepted
            self.counters["handled"] += cell.handled
        if cell.rare is not None:
            for name in ("rejected", "expired", "cut_off", "restarts"):
                self.counters[name] += getattr(cell.rare, name)
            self.dead.update(cell.dead or {})
        cell.retired = True

    def from_anywhere(self, function: Callable[..., object], *args: Any) -> None:
        """Call in the system's thread: now when this is it."""
        if threading.get_ident() == self._thread:
            function(*args)
        else:
            self.loop.call_soon(function, *args)

    def wrap(self, cell: Cell, item: Any) -> Any:
        """What goes into the mailbox for ``item``: with luggage, when the system carries any."""
        if self.telemetry is None and not self._carry:
            return item
        asked = item.__class__ is Envelope
        message = item.message if asked else item
        token = self.telemetry.sent(cell.path, message, asked) if self.telemetry is not None else None
        luggage = Luggage(token, self.loop.now(), packed(self._carry))
        if not asked:
            return Parcel(message, luggage)
        item.carried = luggage
        return item

    async def run_blocking(self, function: Callable[..., T], *args: Any) -> T:
        """Call in a worker thread, within this system's own limit."""
        if self._limiter is None:
            self._limiter = anyio.CapacityLimiter(self._threads_max)
        return await anyio.to_thread.run_sync(function, *args, limiter=self._limiter, abandon_on_cancel=True)


class Incarnations(Sequence[str]):
    """The names of ready cells, made when they are looked at."""

    def __init__(self, ready: Ready) -> None:
        self._ready = ready

    def __len__(self) -> int:
        return len(self._ready)

    def __getitem__(self, index: Any) -> Any:
        cell = self._ready[index]
        return f"{cell.path}#{cell.generation}"


def _timed_out(envelope: Envelope, state: int) -> AskTimeout:
    path = envelope.target.path
    where = "still queued" if state == QUEUED else "being handled"
    text = f"{path} did not answer {shown(envelope.message)} in time; it was {where}"
    return AskTimeout(text, path)
