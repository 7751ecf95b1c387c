"""Who is measured in one process: ``actors`` and its floors, by workload."""

from types import ModuleType
from typing import Final

from benchmarks.actors.candidates import calls, naive, orket, queues
from benchmarks.actors.peers.program import Program
from benchmarks.actors.shapes import WORKLOADS

OURS: Final = "actors"
NAIVE: Final = "anyio"
OURS_TIMEOUT: Final = "actors, timeout"
NAIVE_TIMEOUT: Final = "anyio, timeout"
OURS_STATE: Final = "actors, constructor"
OURS_OFFER: Final = "actors, offer"
NAIVE_KEPT: Final = "anyio, reply stream kept"
QUEUE: Final = "asyncio.Queue"
CALL: Final = "method call"

#: Variants of a workload, measured beside it.
_VARIANTS: Final[dict[str, dict[str, Program]]] = {
    "ask": {
        OURS_TIMEOUT: orket.ask_timeout,
        NAIVE_TIMEOUT: naive.ask_timeout,
        NAIVE_KEPT: naive.ask_kept,
    },
    "ask_many": {NAIVE_KEPT: naive.ask_many_kept},
    "spawn": {OURS_STATE: orket.spawn_state},
    "fan_in": {OURS_OFFER: orket.fan_in_offer},
}


def candidates(workload: str, loop: str) -> dict[str, Program]:
    """The programs that alternate in one process for ``workload`` on ``loop``, by candidate."""
    assert workload in {known.name for known in WORKLOADS}
    sources: list[tuple[str, ModuleType]] = [(OURS, orket), (NAIVE, naive), (CALL, calls)]
    if loop != "trio":
        sources.append((QUEUE, queues))
    found = {name: getattr(module, workload) for name, module in sources if hasattr(module, workload)}
    return found | _VARIANTS.get(workload, {})
