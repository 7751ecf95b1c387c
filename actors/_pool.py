"""Pools: several equal workers behind one ref, and the ways to choose among them."""

import zlib
from collections.abc import Callable, Hashable, Sequence
from typing import Any, TypeVar

import attrs

from actors._cell import Cell
from actors._ref import Ref

M = TypeVar("M")

#: Chooses from the members' mailbox depths and a running number, for one message.
Route = Callable[[Any, Sequence[int], int], Sequence[int]]


def round_robin(message: Any, depths: Sequence[int], number: int) -> Sequence[int]:
    """Each member in turn."""
    return (number % len(depths),)


def smallest_mailbox(message: Any, depths: Sequence[int], number: int) -> Sequence[int]:
    """The member with the fewest waiting messages; among equals, each in turn."""
    count = len(depths)
    return (min(range(count), key=lambda at: (depths[at], (at - number) % count)),)


def broadcast(message: Any, depths: Sequence[int], number: int) -> Sequence[int]:
    """Every member. Only for ``tell`` and ``offer``."""
    return range(len(depths))


@attrs.frozen
class ByKey:
    """The same member for the same key, in every process."""

    key: Callable[[Any], Hashable]

    def __call__(self, message: Any, depths: Sequence[int], number: int) -> Sequence[int]:
        return (zlib.crc32(repr(self.key(message)).encode()) % len(depths),)


def by_key(key: Callable[[Any], Hashable]) -> Route:
    """Always the same member for messages of the same key.

    Args:
        key: Gives a message's key; its ``repr`` must be the same for equal keys.
    """
    return ByKey(key)


@attrs.define(eq=False)
class Team:
    """The routing of one pool, shared by all its refs."""

    route: Route
    number: int = 0

    def choose(self, cell: Cell, message: Any) -> "list[Ref[Any]]":
        """The members that get this message."""
        members = cell.offspring()
        if not members:
            return [Ref(cell)]
        depths = [len(member.queue or ()) + member.scheduled for member in members]
        self.number += 1
        return [Ref(members[at]) for at in self.route(message, depths, self.number - 1)]


class PoolRef(Ref[M]):
    """A pool's ref: each message goes on to the member, or members, that the route chooses."""

    __slots__ = ()

    def _chosen(self, message: Any) -> list[Ref[Any]]:
        team: Team = self._cell.extra or Team(round_robin)
        return team.choose(self._cell, message)

    def tell(self, msg: M) -> None:
        """Send a message to the chosen members and go on."""
        for member in self._chosen(msg):
            member.tell(msg)

    async def offer(self, msg: M) -> None:
        """Send a message to the chosen members, waiting for room in each mailbox.

        Raises:
            NotRunning: A chosen member has stopped.
            AskCycle: Waiting would close a cycle of waits.
        """
        for member in self._chosen(msg):
            await member.offer(msg)

    async def ask(self, msg: Any, *, timeout: float | None = None) -> Any:
        """Ask the chosen member; see ``Ref.ask``.

        Raises:
            ValueError: The route chooses several members.
        """
        return await self._only(msg).ask(msg, timeout=timeout)

    def stream(self, msg: Any, *, buffer: int = 16) -> Any:
        """Stream from the chosen member; see ``Ref.stream``.

        Raises:
            ValueError: The route chooses several members.
        """
        return self._only(msg).stream(msg, buffer=buffer)

    def _only(self, msg: Any) -> Ref[Any]:
        chosen = self._chosen(msg)
        if len(chosen) != 1:
            raise ValueError(f"{self.path} routes {msg!r} to {len(chosen)} members; only tell it")
        return chosen[0]
