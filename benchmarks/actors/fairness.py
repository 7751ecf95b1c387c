"""A child process: whether a busy actor lets others run, whether stop stops, whether offers are fair."""

from typing import Any

import anyio
import anyio.lowlevel
import attrs

from actors import Actor, ActorSystem, Mailbox, Message, Ref, on
from benchmarks.actors.loops import answer, run_on

BLOCKED = 20


@attrs.frozen
class From(Message):
    sender: int


class Log:
    """What was handled, seen from outside."""

    def __init__(self) -> None:
        self.senders: list[int] = []


class Busy(Actor[From], mailbox=Mailbox(10_000)):
    """Notes each message; the one from ``last`` makes it stop."""

    def __init__(self, log: Log, last: int = -1) -> None:
        self.log = log
        self.last = last

    @on(From)
    async def note(self, message: From) -> None:
        self.log.senders.append(message.sender)
        if message.sender == self.last:
            self.ctx.stop()


class Narrow(Busy, mailbox=Mailbox(16)):
    """The same with little room."""


async def longest_run(count: int = 5_000) -> int:
    """Most messages handled between two turns of another task."""
    log, message, longest, before = Log(), From(0), 0, 0
    async with ActorSystem() as system:
        busy = system.spawn(Busy, log)
        await system.started(busy)
        for _ in range(count):
            busy.tell(message)
        while before < count:
            await anyio.lowlevel.checkpoint()
            longest, before = max(longest, len(log.senders) - before), len(log.senders)
    return longest


async def handled_after_stop(count: int = 5_000) -> int:
    """User messages handled after a stop, with a full mailbox: asked from outside, and by a handler."""
    log = Log()
    async with ActorSystem() as system:
        busy = system.spawn(Busy, log)
        await system.started(busy)
        for _ in range(count):
            busy.tell(From(0))
        await anyio.lowlevel.checkpoint()
        before = len(log.senders)
        await system.stop_actor(busy)
        outside = len(log.senders) - before
    log = Log()
    async with ActorSystem() as system:
        busy = system.spawn(Busy, log, 10)
        for number in range(count):
            busy.tell(From(number))
        await anyio.wait_all_tasks_blocked()
    return max(outside, len(log.senders) - 11)


async def smallest_share(each: int = 400) -> float:
    """Smallest share of blocked senders, when half of all is handled, relative to an equal one."""
    log = Log()

    async def send(narrow: Ref[From], number: int) -> None:
        for _ in range(each):
            await narrow.offer(From(number))

    async with ActorSystem() as system:
        narrow = system.spawn(Narrow, log)
        async with anyio.create_task_group() as senders:
            for number in range(BLOCKED):
                senders.start_soon(send, narrow, number)
    half = log.senders[: BLOCKED * each // 2]
    return round(min(half.count(number) for number in range(BLOCKED)) / (len(half) / BLOCKED), 3)


def main(order: dict[str, Any]) -> dict[str, Any]:
    """``{"loop"}`` → the three figures."""

    async def measure() -> dict[str, Any]:
        return {
            "longest_run": await longest_run(),
            "handled_after_stop": await handled_after_stop(),
            "smallest_share": await smallest_share(),
        }

    found: dict[str, Any] = run_on(order["loop"], measure)
    return found


if __name__ == "__main__":
    answer(main)
