"""The cell: what the runtime knows about one actor, whichever incarnation runs in it.

The actor's instance is not here: it is a local of the workers. A cell outlives restarts, so a ref
that points at it stays valid; a stopped cell is emptied and remains as a tombstone.
"""

import contextvars
from collections import deque
from collections.abc import Callable, Iterator
from enum import Enum
from typing import TYPE_CHECKING, Any

import attrs

from actors._messages import Exit
from actors._parking import Slot
from actors._rare import Rare, rarely
from actors._supervision import ChildSpec, Policy

if TYPE_CHECKING:
    from actors._kernel import Kernel
    from actors._protocol import Blueprint

#: The cell (or concurrent turn) whose handler is running, seen by the tasks it starts too.
TURN: contextvars.ContextVar[Any] = contextvars.ContextVar("actors.turn", default=None)


class State(Enum):
    """Where a cell stands between spawn and tombstone."""

    STARTING = "starting"
    RUNNING = "running"
    DOWN = "down"
    STOPPED = "stopped"


# An attribute of an Enum costs as much as a call; these are for the paths where that counts.
STARTING, RUNNING, DOWN, STOPPED = State


class Kind(Enum):
    """The signals of the control lane."""

    START = "start"
    CRASH = "crash"
    DOWN = "down"
    STOP = "stop"
    LOOK = "look"


@attrs.define(eq=False)
class Signal:
    """One entry of the control lane, which a full mailbox never blocks.

    Attributes:
        kind: What is to be done.
        reason: Why, for a stop.
        failure: What failed, for a crash.
        item: The message whose handler failed, for a crash.
        generation: The incarnation it is meant for.
    """

    kind: Kind
    reason: Exit | None = None
    failure: BaseException | None = None
    item: Any = None
    generation: int = 0


class Ready(deque["Cell"]):
    """Cells with work, and whether a worker is on the way to drain them."""

    __slots__ = ("man", "manned")

    man: Callable[[], None]
    manned: bool

    def __init__(self, man: Callable[[], None]) -> None:
        super().__init__()
        self.man = man
        self.manned = False


#: The fields that every cell has; the others are ``rarely`` there.
SLOTS: tuple[str, ...] = (
    "accepted",
    "arguments",
    "begun",
    "behaviour",
    "blueprint",
    "children",
    "context",
    "current",
    "cut",
    "ending",
    "exit",
    "generation",
    "handled",
    "kernel",
    "key",
    "low",
    "observers",
    "offers",
    "open",
    "parent",
    "queue",
    "rare",
    "ready",
    "retired",
    "room",
    "scheduled",
    "scope",
    "serial",
    "signals",
    "since",
    "spec",
    "state",
    "table",
    "waits",
)


class Cell:
    """One actor's place in the system. Fields that few actors need are ``rarely`` there."""

    __slots__ = SLOTS

    kernel: "Kernel"
    ready: Ready
    parent: "Cell | None"
    key: str | int
    serial: int
    blueprint: "Blueprint"
    table: dict[type[Any], Callable[[Any, Any], Any]]
    arguments: Any
    spec: ChildSpec
    #: Messages the fast path may let in; -1 sends every message the careful way.
    room: int
    #: Depth at which blocked offers are let in again.
    low: int
    queue: deque[Any] | None
    signals: deque[Signal] | None
    state: State
    #: Running and not suspended: workers may take messages.
    open: bool
    #: Among the ready cells, or in a worker's hands.
    scheduled: bool
    #: It will not come back: its stop was asked for.
    ending: bool
    #: Declared by its supervisor, which keeps the cell across its own restarts.
    static: bool = rarely()
    suspended: bool = rarely()
    #: Its incarnation is being taken down: children that fail now are not restarted.
    falling: bool = rarely()
    #: Its children are being restarted as a group.
    sequence: bool = rarely()
    retired: bool
    generation: int
    #: The last incarnation that started well; -1 when none has.
    begun: int
    restarts: int = rarely()
    failures: int = rarely()
    accepted: int
    handled: int
    rejected: int = rarely()
    expired: int = rarely()
    cut_off: int = rarely()
    since: float
    context: contextvars.Context | None
    #: Cancels the code that is suspended now; None when nothing is.
    scope: Any
    cut: str | None
    current: Any
    #: By key, in start order; an actor that never had anything to do is there as a seed.
    children: "dict[str | int, Any] | None"
    history: deque[float] | None = rarely()
    dead: dict[str, int] | None = rarely()
    exit: Exit | None
    turns: dict[int, Any] | None = rarely()
    waits: list[Any] | None
    offers: deque[Any] | None
    observers: list[Slot] | None
    pipes: dict[int, Any] | None = rarely()
    timers: dict[Any, Any] | None = rarely()
    replies: dict[int, Any] | None = rarely()
    watchers: dict["Cell", None] | None = rarely()
    watching: dict["Cell", None] | None = rarely()
    failed: list[Any] | None = rarely()
    retried: tuple[Any, int] | None = rarely()
    parking: tuple[Any, ...] | None = rarely()
    #: The state of an actor with states.
    behaviour: Any
    #: Messages that the present state postpones.
    stash: deque[Any] | None = rarely()
    tracers: list[Any] | None = rarely()
    #: The thread of a threaded actor's incarnation.
    thread: Any = rarely()
    extra: Any = rarely()
    rare: Rare | None

    def __init__(
        self,
        kernel: "Kernel",
        parent: "Cell | None",
        key: str | int,
        blueprint: "Blueprint",
        arguments: tuple[tuple[Any, ...], dict[str, Any]] | Callable[[], Any],
        spec: ChildSpec,
        serial: int,
    ) -> None:
        self.kernel = kernel
        self.ready = kernel.ready
        self.parent = parent
        self.key = key
        self.serial = serial
        self.blueprint = blueprint
        # With observers every message takes the careful way.
        self.table = blueprint.fast[blueprint.initial] if kernel.plain else {}
        self.arguments = arguments
        self.spec = spec
        self.room = -1
        self.low = self.generation = self.accepted = self.handled = 0
        self.begun = -1
        self.since = 0.0
        self.state = DOWN
        self.open = self.scheduled = self.ending = self.retired = False
        self.queue = self.signals = self.context = self.children = None
        self.scope = self.cut = self.current = self.waits = None
        self.offers = self.observers = self.behaviour = self.exit = self.rare = None

    @property
    def name(self) -> str:
        """The given name, or the class name and a number."""
        key = self.key
        return key if isinstance(key, str) else f"{self.blueprint.name}-{key}"

    @property
    def path(self) -> str:
        """Names from the system down, joined by ``/``."""
        return self.name if self.parent is None else f"{self.parent.path}/{self.name}"

    @property
    def policy(self) -> Policy:
        """How this actor treats its children."""
        return self.blueprint.options.policy

    def schedule(self) -> None:
        """Put the cell among those with work, once."""
        if not self.scheduled:
            self.scheduled = True
            ready = self.ready
            ready.append(self)
            if not ready.manned:
                ready.man()

    def post(self, signal: Signal, *, first: bool = False) -> None:
        """Put a signal on the control lane; a stopped cell ignores it."""
        if self.state is STOPPED:
            return
        if self.signals is None:
            self.signals = deque()
        signal.generation = self.generation
        if first:
            self.signals.appendleft(signal)
        else:
            self.signals.append(signal)
        if self.scope is not None and signal.kind not in (Kind.START, Kind.LOOK):
            self.kernel.interrupt(self, signal)
        self.schedule()

    def launch(self) -> None:
        """Have the next incarnation made."""
        if self.state is STOPPED:
            return
        self.become(STARTING)
        if self.signals is None and self.blueprint.prompt and not self.children:
            # Nothing in its start can wait: the worker that finds it does it at once.
            if not self.scheduled:
                self.schedule()
        else:
            self.post(Signal(Kind.START))

    def become(self, state: State) -> None:
        """Change the state and wake whoever waits for a change."""
        self.state = state
        if self.observers is not None:
            observers, self.observers = self.observers, None
            for slot in observers:
                if slot.waiter is not None:
                    self.kernel.loop.wake(slot.waiter)

    async def until(self, *states: State) -> None:
        """Wait until the cell is in one of ``states``."""
        while self.state not in states:
            slot = Slot()
            self.observers = self.observers or []
            self.observers.append(slot)
            await self.kernel.loop.park(slot)

    async def surely(self, *states: State) -> None:
        """Like ``until``, in a worker's task, where only a stranger can cancel."""
        while self.state not in states:
            try:
                await self.until(*states)
            except self.kernel.loop.cancelled as failure:
                self.kernel.let_go(failure)

    async def attempt(self) -> bool:
        """Start, and tell whether the incarnation began, whatever became of it since."""
        generation = self.generation
        self.launch()
        await self.surely(RUNNING, DOWN, STOPPED)
        return self.begun == generation

    def offspring(self) -> "tuple[Cell, ...]":
        """The children in start order, as they are now; a seed among them grows."""
        if not self.children:
            return ()
        return tuple(
            child if child.__class__ is Cell else child.grow() for child in tuple(self.children.values())
        )

    def grown(self) -> "Iterator[Cell]":
        """The children that are more than seeds: others have nothing to look at."""
        return (child for child in tuple((self.children or {}).values()) if child.__class__ is Cell)
