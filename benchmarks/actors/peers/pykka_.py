"""Pykka: a thread per actor. It has no supervision."""

import threading
from typing import Any

import pykka

from benchmarks.actors.peers.program import serve
from benchmarks.actors.shapes import FLIGHT, RING, SENDERS, WAVE
from benchmarks.actors.watch import Watch, expect


class Counter(pykka.ThreadingActor):
    def __init__(self) -> None:
        super().__init__()
        self.total = 0

    def on_receive(self, message: Any) -> Any:
        if message == "total":
            return self.total
        self.total += message
        return None


def tell(count: int, watch: Watch) -> None:
    counter = Counter.start()
    with watch:
        for _ in range(count // WAVE):
            for _ in range(WAVE):
                counter.tell(1)
            counter.ask("total")
    expect(counter.ask("total"), count)
    counter.stop()


def ask(count: int, watch: Watch) -> None:
    counter = Counter.start()
    with watch:
        for _ in range(count):
            counter.ask("total")
    counter.stop()


def ask_many(count: int, watch: Watch) -> None:
    counter = Counter.start()
    with watch:
        for _ in range(count // FLIGHT):
            pykka.get_all([counter.ask("total", block=False) for _ in range(FLIGHT)])
    counter.stop()


class Player(pykka.ThreadingActor):
    def __init__(self, left: int, over: threading.Event) -> None:
        super().__init__()
        self.left = left
        self.over = over
        self.other: Any = None

    def on_receive(self, message: Any) -> None:
        if message != "ball":
            self.other = message
            return
        self.left -= 1
        if self.left < 0:
            self.over.set()
        else:
            self.other.tell("ball")


def _circle(size: int, count: int, watch: Watch) -> None:
    over = threading.Event()
    players = [Player.start(count // size if not at else count, over) for at in range(size)]
    for at, player in enumerate(players):
        player.ask(players[(at + 1) % size])
    with watch:
        players[1].tell("ball")
        over.wait()
    for player in players:
        player.stop()


def ping_pong(count: int, watch: Watch) -> None:
    _circle(2, count, watch)


def ring(count: int, watch: Watch) -> None:
    _circle(RING, count, watch)


def spawn(count: int, watch: Watch) -> None:
    with watch:
        counters = [Counter.start() for _ in range(count)]
        for counter in counters:
            counter.stop()


def fan_in(count: int, watch: Watch) -> None:
    counter = Counter.start()

    def send() -> None:
        for _ in range(count // SENDERS):
            counter.tell(1)

    senders = [threading.Thread(target=send) for _ in range(SENDERS)]
    with watch:
        for sender in senders:
            sender.start()
        for sender in senders:
            sender.join()
        done = counter.ask("total")
    expect(done, count)
    counter.stop()


def memory(count: int, watch: Watch) -> None:
    with watch:
        counters = [Counter.start() for _ in range(count)]
    for counter in counters:
        counter.stop()


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
