"""Ray: actors in processes of their own, so it is measured by elapsed time, not CPU time of one process.

Optional: it is large, and its figures are about crossing processes. A crash every tenth message ends
its worker process; restarts by ``max_restarts`` lose what was queued, so there is no such workload.
"""

from typing import Any

import ray

from benchmarks.actors.peers.program import serve
from benchmarks.actors.shapes import FLIGHT, SENDERS, WAVE
from benchmarks.actors.watch import Wall, Watch, expect


@ray.remote
class Counter:
    def __init__(self) -> None:
        self.total = 0

    def add(self, amount: int) -> None:
        self.total += amount

    def get(self) -> int:
        return self.total


def tell(count: int, watch: Watch) -> None:
    counter = Counter.remote()
    ray.get(counter.get.remote())
    with watch:
        for _ in range(count // WAVE):
            for _ in range(WAVE):
                counter.add.remote(1)
            ray.get(counter.get.remote())
    expect(ray.get(counter.get.remote()), count)


def ask(count: int, watch: Watch) -> None:
    counter = Counter.remote()
    ray.get(counter.get.remote())
    with watch:
        for _ in range(count):
            ray.get(counter.get.remote())


def ask_many(count: int, watch: Watch) -> None:
    counter = Counter.remote()
    ray.get(counter.get.remote())
    with watch:
        for _ in range(count // FLIGHT):
            ray.get([counter.get.remote() for _ in range(FLIGHT)])


@ray.remote
class Sender:
    def send(self, counter: Any, count: int) -> None:
        for _ in range(count):
            counter.add.remote(1)


def fan_in(count: int, watch: Watch) -> None:
    """Ten sender processes instead of 100 tasks: each is a whole interpreter."""
    counter = Counter.remote()
    senders = [Sender.remote() for _ in range(SENDERS // 10)]
    ray.get([sender.send.remote(counter, 0) for sender in senders])
    with watch:
        ray.get([sender.send.remote(counter, count // len(senders)) for sender in senders])
        while ray.get(counter.get.remote()) < count:
            pass


if __name__ == "__main__":
    ray.init(log_to_driver=False, include_dashboard=False)
    serve({"tell": tell, "ask": ask, "ask_many": ask_many, "fan_in": fan_in}, Wall)
    ray.shutdown()
