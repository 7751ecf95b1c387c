"""The actor system: an async context manager that owns every actor in it."""

import math
from collections.abc import Callable
from contextvars import ContextVar
from types import TracebackType
from typing import Any, Literal, Never, TypeVar

import anyio
import attrs
from anyio.abc import TaskGroup, TaskStatus

from actors._actor import Actor
from actors._cell import TURN, Cell, Kind, Signal, State
from actors._ending import Instances
from actors._events import Subscription
from actors._hooks import AMBIENT, Hooks
from actors._inspection import Inspection
from actors._kernel import Kernel
from actors._messages import Exit
from actors._ref import Ref, cell_of
from actors._registry import Registry
from actors._seed import NOTHING
from actors._spawn import Spawner
from actors._supervision import ChildSpec, Intensity, Policy, Strategy
from actors._telemetry import Telemetry
from actors._worker import Worker
from actors.errors import Killed, NotRunning

E = TypeVar("E")


class Root(Actor[Never]):
    """The supervisor above everything that the host spawns."""


class ActorSystem(Inspection, Spawner):
    """Everything about one tree of actors, from ``async with`` to ``async with``.

    Leaving the block stops all actors in reverse start order and returns when they are gone. A
    cancelled host stops them in the same order. When the root gives up, the host's block is
    cancelled and the ``async with`` raises an ``ExceptionGroup`` with the failure.

    Args:
        name: First part of every path.
        shutdown: Seconds that a stop of the whole system may take before handlers and hooks that
            still run are cut off.
        strategy: How the root treats its children.
        intensity: Restarts of the root's children allowed within seconds.
        isolation: ``verify`` checks each message for changes around its handling (for tests).
        idle_workers_max: Tasks kept for handlers to come.
        threads_max: Threads that ``ctx.run_blocking`` may use at once.
        carry: Context variables whose values travel from sender to handler; no others do.
        telemetry: Makes spans of sending and handling.
        hooks: Seams for simulation.
    """

    def __init__(
        self,
        name: str = "system",
        *,
        shutdown: float = 30.0,
        strategy: Strategy = "one_for_one",
        intensity: Intensity = (3, 5.0),
        isolation: Literal["trust", "verify"] = "trust",
        idle_workers_max: int = 32,
        threads_max: int = 40,
        carry: tuple[ContextVar[Any], ...] = (),
        telemetry: Telemetry | None = None,
        hooks: Hooks | None = None,
    ) -> None:
        self._shutdown = shutdown
        self._registry = Registry()
        seams = hooks or AMBIENT.get() or Hooks()
        self._kernel = Kernel(name, seams, isolation, idle_workers_max, telemetry, carry, threads_max)
        self._kernel.system = self
        self._kernel.give_up = self._give_up
        options = attrs.evolve(Root.__options__, policy=Policy(strategy, intensity))
        blueprint = attrs.evolve(Root.__blueprint__, options=options)
        self._kernel.root = Cell(
            self._kernel, None, name, blueprint, NOTHING, ChildSpec(), self._kernel.next_serial()
        )
        self._outer: TaskGroup
        self._done: anyio.Event
        self._entered = self._failed = False

    @property
    def name(self) -> str:
        """The system's name."""
        return self._kernel.name

    @property
    def alive(self) -> bool:
        """Whether actors can be spawned and messaged: entered, not stopping, not given up."""
        root = self._kernel.root
        return root.state is State.RUNNING and not root.ending

    async def __aenter__(self) -> "ActorSystem":
        if self._entered:
            raise RuntimeError("an ActorSystem is entered once")
        self._entered = True
        self._done = anyio.Event()
        self._kernel.finished = self._done.set
        self._outer = anyio.create_task_group()
        await self._outer.__aenter__()
        await self._outer.start(self._keep)
        if self._kernel.opened is not None:
            self._kernel.opened(self)
        return self

    async def _keep(self, *, task_status: TaskStatus[None]) -> None:
        """Hold the root task group, shielded from the host, until every actor is gone."""
        kernel = self._kernel
        instances: Instances = {}
        try:
            with anyio.CancelScope(shield=True):
                async with anyio.create_task_group() as group:
                    kernel.open(group, lambda: Worker(kernel).run, instances)
                    kernel.root.become(State.RUNNING)
                    task_status.started()
                    await self._done.wait()
                    kernel.close()
        finally:
            # A defect of the runtime itself must not leave the host waiting.
            kernel.closed = True
            self._done.set()
        if kernel.failure is not None:
            failure, kernel.failure = kernel.failure, None
            raise failure

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        trace: TracebackType | None,
    ) -> bool | None:
        with anyio.CancelScope(shield=True):
            await self._stop()
        failed = self._failed
        if exc is None or failed or isinstance(exc, anyio.get_cancelled_exc_class()):
            return await self._outer.__aexit__(exc_type, exc, trace)
        # The host's own exception goes through as it is, not wrapped in a group.
        await self._outer.__aexit__(None, None, None)
        return False

    def _parent(self) -> Cell:
        if not self._entered:
            raise RuntimeError("enter the ActorSystem first: async with ActorSystem() as system")
        return self._kernel.root

    def _give_up(self) -> None:
        self._failed = True
        self._outer.cancel_scope.cancel()

    async def stop(self) -> None:
        """Stop every actor, last started first, and return when they are gone.

        Stopping twice is harmless. After the ``shutdown`` seconds of the system, whatever still
        runs is cut off.

        Raises:
            RuntimeError: Called in a handler, which would wait for itself.
        """
        if TURN.get() is not None:
            raise RuntimeError("a handler cannot wait for the stop of its own system")
        await self._stop()

    async def _stop(self) -> None:
        kernel = self._kernel
        root = kernel.root
        if self._done.is_set():
            return
        if not root.ending:
            root.ending = True
            root.post(Signal(Kind.STOP, Exit("shutdown")))
            if self._shutdown != math.inf:
                kernel.sweeper.call_at(kernel.loop.now() + self._shutdown, kernel.cut_all)
        await self._done.wait()

    def kill(self, ref: Ref[Any]) -> None:
        """Crash the running incarnation now, through the control lane, as a test of supervision.

        Its handler is cut off (the asker gets ``Crashed``), and its supervisor treats it as any
        crash.
        """
        cell = cell_of(ref)
        cell.post(Signal(Kind.CRASH, failure=Killed(cell.path)))

    async def stop_actor(self, ref: Ref[Any]) -> None:
        """Stop one actor for good, from outside, and return when it is gone."""
        cell_of(ref).ending = True
        cell_of(ref).post(Signal(Kind.STOP, Exit("shutdown")))
        await cell_of(ref).until(State.STOPPED)

    async def started(self, ref: Ref[Any]) -> None:
        """Wait until the actor has started.

        Raises:
            NotRunning: It stopped instead.
        """
        cell = cell_of(ref)
        await cell.until(State.RUNNING, State.STOPPED)
        if cell.state is State.STOPPED:
            raise NotRunning(f"{cell.path} stopped before it started", cell.path)

    def subscribe(self, kind: type[E], listener: Callable[[E], object] | Ref[Any]) -> Subscription:
        """Hear every event of exactly this class, ``DeadLetter`` among them.

        Args:
            kind: The class of the events.
            listener: A function, called at once in the publisher's place; or a ref, which is told.
        """
        call: Any = listener.tell if isinstance(listener, Ref) else listener
        return self._kernel.events.subscribe(kind, call)

    def publish(self, event: Any) -> None:
        """Tell an event to those who subscribed to exactly its class."""
        self._kernel.events.publish(event, self._kernel.fail)

    @property
    def registry(self) -> Registry:
        """The typed keys and groups of this system."""
        return self._registry
