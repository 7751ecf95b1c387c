"""A probe: an actor without behaviour that keeps what it receives for the test to look at."""

from collections import deque
from collections.abc import Callable
from typing import Any, TypeVar

import anyio
import attrs

from actors._actor import Actor
from actors._envelope import Reply
from actors._hooks import AMBIENT
from actors._messages import Message, Request, Terminated
from actors._protocol import Handler, on
from actors._ref import Ref
from actors._system import ActorSystem

T = TypeVar("T")

#: Messages a probe keeps, and those that ``fish`` may pass over.
KEPT_MAX = 10_000


@attrs.frozen
class Watch(Request[None]):
    """Runtime of the probe: watch an actor."""

    ref: Any = attrs.field(metadata={"actors.shared": True})


class Kept:
    """What has arrived, and a bell."""

    def __init__(self) -> None:
        self.messages: deque[Any] = deque(maxlen=KEPT_MAX)
        self.replies: dict[int, Reply[Any]] = {}
        self.bell = anyio.Event()

    def add(self, message: Any) -> None:
        """Keep a message and wake whoever expects one."""
        self.messages.append(message)
        self.bell.set()
        self.bell = anyio.Event()


class Everything(dict[type[Any], Handler]):
    """A dispatch table that has one handler for whatever comes."""

    def get(self, kind: type[Any], default: Any = None) -> Any:
        """The handler of ``kind``."""
        return super().get(kind) or Handler(kind, Recorder.record)


class Recorder(Actor[Watch]):
    """The actor behind a probe; it takes every message, as no class statement could say."""

    def __init__(self, kept: Kept) -> None:
        self.kept = kept

    @on(Watch)
    async def watch(self, m: Watch) -> None:
        self.ctx.watch(m.ref)

    @on(Terminated)
    async def terminated(self, m: Terminated) -> None:
        self.kept.add(m)

    async def record(self, message: Any) -> Any:
        """Keep it; a request is answered by ``Probe.reply``."""
        promise = self.ctx.defer(message) if isinstance(message, Request) else None
        if promise is not None:
            self.kept.replies[id(message)] = promise
        self.kept.add(message)
        return promise


Recorder.__blueprint__ = attrs.evolve(
    Recorder.__blueprint__,
    tables={None: Everything(Recorder.__blueprint__.tables[None])},
    fast={None: {}},
)


class Probe:
    """An address to hand out in tests, and the messages that came to it.

    ::

        probe = Probe(system)
        shop.tell(Order(3, reply_to=probe.ref))
        receipt = await probe.expect(Receipt, within=2)

    Waiting takes virtual time in a simulation.

    Attributes:
        ref: The address; it takes any message.
    """

    def __init__(self, system: ActorSystem, name: str = "probe") -> None:
        self._kept = Kept()
        self._recorder = system.named(name).spawn(Recorder, self._kept)
        self.ref: Ref[Any] = self._recorder

    @property
    def messages(self) -> tuple[Any, ...]:
        """What has arrived and was not yet expected, oldest first."""
        return tuple(self._kept.messages)

    async def expect(self, kind: type[T], *, within: float = 1.0) -> T:
        """The next message, which must be a ``kind``.

        Args:
            kind: Its exact class.
            within: Seconds to wait for it.

        Raises:
            AssertionError: Another message came, or none in time.
        """
        message = await self._next(within)
        if message is None:
            raise AssertionError(f"no {kind.__name__} within {within:g} s")
        if type(message) is not kind:
            raise AssertionError(f"expected {kind.__name__}, got {message!r}")
        return message

    async def fish(
        self, kind: type[T], *, where: Callable[[T], bool] = lambda _: True, within: float = 1.0
    ) -> T:
        """The next ``kind`` for which ``where`` holds; what comes before it is thrown away.

        Args:
            kind: Its exact class.
            where: What it must be like.
            within: Seconds to wait for it, in all.

        Raises:
            AssertionError: None came in time; the text has what came instead.
        """
        until = anyio.current_time() + within
        passed: list[Any] = []
        while (message := await self._next(max(0.0, until - anyio.current_time()))) is not None:
            if type(message) is kind and where(message):
                return message
            passed.append(message)
        raise AssertionError(f"no such {kind.__name__} within {within:g} s, but {passed!r}")

    async def expect_none(self, *, within: float = 0.0) -> None:
        """Nothing comes.

        Args:
            within: Seconds to wait; with 0, until every task is blocked.

        Raises:
            AssertionError: Something came.
        """
        if not within:
            await anyio.wait_all_tasks_blocked()
        message = await self._next(within) if within or self._kept.messages else None
        if message is not None:
            raise AssertionError(f"expected nothing, got {message!r}")

    async def watch(self, ref: Ref[Any]) -> None:
        """From now on ``Terminated(ref, reason)`` arrives here when ``ref`` stops for good."""
        await self._recorder.ask(Watch(ref))

    def reply(self, to: Message, value: Any) -> None:
        """Answer a request that was received.

        Raises:
            ValueError: It is not a request that waits for its answer.
        """
        promise = self._kept.replies.pop(id(to), None)
        if promise is None:
            raise ValueError(f"nobody waits for the answer to {to!r}")
        promise.reply(value)

    async def _next(self, within: float) -> Any:
        kept = self._kept
        with anyio.move_on_after(within):
            while not kept.messages:
                await kept.bell.wait()
        if not kept.messages and AMBIENT.get() is not None:
            # A simulated timer may overtake tasks that can run: let them catch up.
            await anyio.wait_all_tasks_blocked()
        return kept.messages.popleft() if kept.messages else None
