"""Streams: items in order, bounded, and cut off from either side."""

import anyio
import attrs
import pytest

from actors import (
    Actor,
    ActorSystem,
    AskCycle,
    Crashed,
    MailboxFull,
    NoReply,
    NotRunning,
    Ref,
    Reject,
    Request,
    Stream,
    on,
    shared,
)
from tests.actors.bank import Note
from tests.actors.moments import settle

pytestmark = pytest.mark.anyio


@attrs.frozen
class Count(Stream[int]):
    upto: int
    then: str = ""


class Counter(Actor[Count | Note]):
    def __init__(self, log: list[str]) -> None:
        self.log = log

    @on(Count)
    async def count(self, m: Count):  # type: ignore[no-untyped-def]
        try:
            for number in range(m.upto):
                self.log.append(f"made {number}")
                yield number
            if m.then == "crash":
                raise ValueError(m.then)
            if m.then == "reject":
                raise Reject(m.then)
        finally:
            self.log.append("closed")

    @on(Note)
    async def note(self, m: Note) -> None:
        self.log.append(m.tag)


async def test_items_come_in_order_and_the_stream_ends() -> None:
    async with ActorSystem() as system:
        counter = system.spawn(Counter, [])
        async with counter.stream(Count(50), buffer=3) as items:
            assert [item async for item in items] == list(range(50))
        assert system.info(counter).handled == 1


async def test_the_generator_is_at_most_the_buffer_ahead() -> None:
    async with ActorSystem() as system:
        log: list[str] = []
        counter = system.spawn(Counter, log)
        async with counter.stream(Count(50), buffer=2) as items:
            assert await anext(items) == 0
            await settle()
            assert log[-1] == "made 3"


async def test_a_consumer_that_leaves_cuts_the_generator_off() -> None:
    async with ActorSystem() as system:
        log: list[str] = []
        counter = system.spawn(Counter, log)
        async with counter.stream(Count(50), buffer=1) as items:
            await anext(items)
        counter.tell(Note("next"))
        await settle()
        assert log[-2:] == ["closed", "next"]
        assert system.info(counter).cut_off == 1


@pytest.mark.parametrize(("then", "error"), [("crash", Crashed), ("reject", Reject)])
async def test_failures_reach_the_consumer_after_the_items(then: str, error: type[Exception]) -> None:
    async with ActorSystem() as system:
        counter = system.spawn(Counter, [])
        got: list[int] = []
        async with counter.stream(Count(3, then)) as items:
            with pytest.raises(error):  # noqa: PT012 - the loop raises
                async for item in items:
                    got.append(item)
        assert got == [0, 1, 2]


async def test_a_stop_in_the_middle_means_no_reply() -> None:
    async with ActorSystem() as system:
        counter = system.named("counter", shutdown=0).spawn(Counter, [])
        async with counter.stream(Count(50), buffer=1) as items:
            await anext(items)
            await system.stop_actor(counter)
            assert await anext(items) == 1
            with pytest.raises(NoReply):
                await anext(items)
        async with counter.stream(Count(50)) as items:
            with pytest.raises(NotRunning):
                await anext(items)


@attrs.frozen
class Loop(Request[str]):
    other: Ref[Count | Note] = shared()  # noqa: RUF009 - it is a field specifier


async def test_a_handler_that_streams_from_one_and_offers_to_it() -> None:
    class Reader(Actor[Loop]):
        @on(Loop)
        async def loop(self, m: Loop) -> str:
            async with m.other.stream(Count(50), buffer=1) as items:
                await anext(items)
                await settle()
                try:
                    await self.second(m)
                except AskCycle as cycle:
                    return " ".join(cycle.cycle)
            return "no cycle"

        async def second(self, m: Loop) -> None:
            async with m.other.stream(Count(1)) as items:
                await anext(items)

    async with ActorSystem("s") as system:
        counter = system.named("counter").spawn(Counter, [])
        reader = system.named("reader").spawn(Reader)
        assert await reader.ask(Loop(counter)) == "s/reader s/counter s/reader"


async def test_deadlines_and_full_mailboxes_apply() -> None:
    async with ActorSystem() as system:
        counter = system.spawn(Counter, [])
        with anyio.move_on_after(0.002) as scope:
            async with counter.stream(Count(50), buffer=1) as items:
                await anext(items)
                await anyio.sleep_forever()
        assert scope.cancelled_caught
        for number in range(2000):
            counter.tell(Note(str(number)))
        async with counter.stream(Count(1)) as items:
            with pytest.raises(MailboxFull):
                await anext(items)
        with pytest.raises(ValueError, match="at least 1"):
            async with counter.stream(Count(1), buffer=0):
                pass
