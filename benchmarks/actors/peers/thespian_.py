"""Thespian on its simple base: the sender's thread runs the receiver, there is no queue to wait in.

It hands a message that crashed its actor back to the sender and restarts nothing.
"""

from typing import Any

from thespian.actors import Actor, ActorExitRequest, ActorSystem

from benchmarks.actors.peers.program import serve
from benchmarks.actors.shapes import FLIGHT, RING, SENDERS, WAVE
from benchmarks.actors.watch import Watch, expect


class Counter(Actor):
    total = 0

    def receiveMessage(self, message: Any, sender: Any) -> None:  # noqa: N802 - the peer's name
        if message == "total":
            self.send(sender, self.total)
        elif isinstance(message, int):
            self.total += message


def tell(count: int, watch: Watch) -> None:
    system = ActorSystem("simpleSystemBase")
    counter = system.createActor(Counter)
    with watch:
        for _ in range(count // WAVE):
            for _ in range(WAVE):
                system.tell(counter, 1)
            system.ask(counter, "total")
    expect(system.ask(counter, "total"), count)
    system.shutdown()


def ask(count: int, watch: Watch) -> None:
    system = ActorSystem("simpleSystemBase")
    counter = system.createActor(Counter)
    with watch:
        for _ in range(count):
            system.ask(counter, "total")
    system.shutdown()


def ask_many(count: int, watch: Watch) -> None:
    system = ActorSystem("simpleSystemBase")
    counter = system.createActor(Counter)
    with watch:
        for _ in range(count // FLIGHT):
            for _ in range(FLIGHT):
                system.tell(counter, "total")
            for _ in range(FLIGHT):
                system.listen(1)
    system.shutdown()


class Player(Actor):
    left = 0
    other: Any = None
    host: Any = None

    def receiveMessage(self, message: Any, sender: Any) -> None:  # noqa: N802 - the peer's name
        if message == "serve":
            self.host = sender
            self.send(self.other, "ball")
        elif message == "ball":
            self.left -= 1
            if self.left < 0:
                self.send(self.host, "over")
            else:
                self.send(self.other, "ball")
        elif isinstance(message, tuple):
            self.left, self.other = message


def _circle(size: int, count: int, watch: Watch) -> None:
    system = ActorSystem("simpleSystemBase")
    players = [system.createActor(Player) for _ in range(size)]
    for at, player in enumerate(players):
        system.tell(player, (count if at else count // size, players[(at + 1) % size]))
    with watch:
        expect(len(system.ask(players[0], "serve")), len("over"))
    system.shutdown()


def ping_pong(count: int, watch: Watch) -> None:
    _circle(2, count, watch)


def ring(count: int, watch: Watch) -> None:
    _circle(RING, count, watch)


def spawn(count: int, watch: Watch) -> None:
    system = ActorSystem("simpleSystemBase")
    with watch:
        counters = [system.createActor(Counter) for _ in range(count)]
        for counter in counters:
            system.tell(counter, ActorExitRequest())
    system.shutdown()


class Sender(Actor):
    def receiveMessage(self, message: Any, sender: Any) -> None:  # noqa: N802 - the peer's name
        if isinstance(message, tuple):
            count, target = message
            for _ in range(count):
                self.send(target, 1)


def fan_in(count: int, watch: Watch) -> None:
    system = ActorSystem("simpleSystemBase")
    counter = system.createActor(Counter)
    senders = [system.createActor(Sender) for _ in range(SENDERS)]
    with watch:
        for sender in senders:
            system.tell(sender, (count // SENDERS, counter))
        done = system.ask(counter, "total")
    expect(done, count)
    system.shutdown()


def memory(count: int, watch: Watch) -> None:
    system = ActorSystem("simpleSystemBase")
    with watch:
        counters = [system.createActor(Counter) for _ in range(count)]
    expect(len(counters), count)
    system.shutdown()


if __name__ == "__main__":
    serve(
        {
            "tell": tell,
            "ask": ask,
            "ask_many": ask_many,
            "ping_pong": ping_pong,
            "ring": ring,
            "spawn": spawn,
            "fan_in": fan_in,
            "memory": memory,
        }
    )
