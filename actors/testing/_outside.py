"""A simulation steered from outside its event loop, step by step, by ordinary synchronous code.

The loop runs in a thread of its own, and one of the two threads always waits for the other: to the
program there is a single thread, and nothing happens between two calls.
"""

import contextvars
import threading
from collections.abc import Awaitable, Callable, Sequence
from queue import SimpleQueue
from typing import Any, ParamSpec, TypeVar, overload

import anyio

from actors._protocol import Behaviour
from actors._ref import Ref
from actors.testing._outcome import Outcome
from actors.testing._run import Ran, Stage
from actors.testing._simulation import Simulation, with_system
from actors.testing._story import Story
from actors.testing._world import World

P = ParamSpec("P")
M = TypeVar("M")
R = TypeVar("R")
T = TypeVar("T")

Command = Callable[[], Awaitable[Any]]


class Outside:
    """What ``with simulate(world) as sim`` gives: a running system, moved on by each call.

    Everything raises ``Deadlock`` when the call cannot end.
    """

    def __init__(self, world: World) -> None:
        self._stage = Stage(world)
        self._inside = Simulation(self._stage)
        self._commands: SimpleQueue[Command | None] = SimpleQueue()
        self._answers: SimpleQueue[tuple[Any, BaseException | None]] = SimpleQueue()
        self._ran: Ran | None = None
        context = contextvars.copy_context()
        self._thread = threading.Thread(target=context.run, args=(self._run,), name="simulation")
        self._thread.start()
        self._answer()

    def _run(self) -> None:
        try:
            self._ran = self._stage.run(lambda: with_system(self._stage, self._inside, self._obey))
        finally:
            error = self._ran.error if self._ran is not None else None
            self._answers.put((None, error or self._stage.control.failure))

    async def _obey(self) -> None:
        self._answers.put((None, None))
        # Blocks the whole loop, on purpose: between two calls nothing happens.
        while (command := self._commands.get()) is not None:
            value: Any = None
            error: BaseException | None = None
            with anyio.CancelScope() as scope:
                self._stage.control.cancel = scope.cancel
                try:
                    value = await command()
                except anyio.get_cancelled_exc_class():
                    raise
                except BaseException as failure:  # noqa: BLE001 - raised in the caller's thread
                    error = failure
            self._stage.control.cancel = None
            self._answers.put((value, self._stage.control.failure or error))

    def _answer(self) -> Any:
        value, error = self._answers.get()
        if error is not None:
            raise error
        return value

    def call(self, function: Callable[[], Awaitable[T]]) -> T:
        """Run an async function without arguments inside the simulation, to its end."""
        if self._ran is not None:
            raise RuntimeError("the simulation has ended")
        self._commands.put(function)
        value: T = self._answer()
        return value

    def close(self) -> Ran:
        """Stop the system; harmless when it has ended."""
        if self._thread.is_alive():
            self._commands.put(None)
            self._thread.join()
        assert self._ran is not None
        return self._ran

    @property
    def now(self) -> float:
        """Virtual seconds since the start."""
        return self._inside.now

    @property
    def inside(self) -> Simulation:
        """The same simulation for the async functions given to ``run``."""
        return self._inside

    def spawn(self, cls: Callable[P, Behaviour[M]], *args: P.args, **kwargs: P.kwargs) -> Ref[M]:
        """Start an actor.

        Args:
            cls: An actor class.
            args: Its constructor's arguments.
            kwargs: Likewise.

        Raises:
            NotRunning: The system has ended; nothing was started.
            TypeError: ``cls`` is not a concrete actor class.
        """

        async def spawn() -> Ref[M]:
            return self._inside.spawn(cls, *args, **kwargs)

        return self.call(spawn)

    @overload
    def run(
        self, script: Sequence[Any], *, to: Ref[Any], senders: int = ..., timeout: float | None = ...
    ) -> Outcome: ...

    @overload
    def run(self, script: Callable[[], Awaitable[T]]) -> T: ...

    def run(self, script: Any, *, to: Any = None, senders: int = 1, timeout: float | None = None) -> Any:
        """Play a script of messages, or run an async function without arguments.

        Args:
            script: Messages of the target's protocol, or the function.
            to: Whom the messages go to.
            senders: Tasks that send; message ``n`` goes out by sender ``n % senders``.
            timeout: Seconds for each ask.
        """
        if callable(script):
            return self.call(script)
        return self.call(lambda: self._inside.play(script, to=to, senders=senders, timeout=timeout))

    def ask(self, ref: Ref[Any], message: Any, timeout: float | None = None) -> Any:
        """Ask and run until the reply is there; raises what ``Ref.ask`` raises."""
        return self.call(lambda: ref.ask(message, timeout=timeout))

    def tell(self, ref: Ref[Any], message: Any) -> None:
        """Send a message; nothing runs yet."""

        async def send() -> None:
            ref.tell(message)

        self.call(send)

    def kill(self, ref: Ref[Any]) -> None:
        """Crash an actor, as ``ActorSystem.kill`` does; nothing runs yet."""

        async def kill() -> None:
            self._inside.system.kill(ref)

        self.call(kill)

    def settle(self) -> None:
        """Run until nobody can, without moving time."""
        self.call(self._inside.settle)

    def advance(self, seconds: float) -> None:
        """Let time pass, and everything that is due happen."""
        self.call(lambda: self._inside.advance(seconds))

    def invariant(self, check: Callable[[], object]) -> None:
        """Check something after every step from now on (see ``Simulation.invariant``)."""
        self._inside.invariant(check)

    def fragile(self, port: T, name: str | None = None) -> T:
        """The same port, with faults (see ``Simulation.fragile``)."""
        return self._inside.fragile(port, name)

    def story(self, broken: str = "") -> Story:
        """What has happened so far, as a chart."""
        return self._inside.story(broken)
