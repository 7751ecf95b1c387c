"""Cancellation at every await: of the program, or of an actor's handlers."""

import anyio
import pytest

from actors.testing import Simulation, sweep_cancellation
from actors.testing._schedule import Backend
from tests.testing.bugs.leak_on_cancel import Leaking, Returning, Slots, Work

both = pytest.mark.parametrize("backend", ["asyncio", "trio"])


@both
def test_a_program_is_cancelled_at_each_await(backend: Backend) -> None:
    left: list[int] = []

    async def program(sim: Simulation) -> None:
        done = 0
        try:
            for _ in range(5):
                await anyio.lowlevel.checkpoint()
                done += 1
        finally:
            left.append(done)

    awaits = sweep_cancellation(program, backend=backend)
    assert awaits >= 5
    assert set(left) == {0, 1, 2, 3, 4, 5}


@both
@pytest.mark.parametrize("kind", [Leaking, Returning])
def test_handlers_are_cut_off_at_each_await(kind: type[Leaking], backend: Backend) -> None:
    slots = Slots()

    async def program(sim: Simulation) -> None:
        nonlocal slots
        slots = Slots()
        worker = sim.system.named("worker").spawn(kind, slots)
        worker.tell(Work())
        await sim.settle()

    async def after(sim: Simulation) -> None:
        assert slots.free == 2

    def sweep() -> int:
        return sweep_cancellation(program, after=after, actor="system/worker", backend=backend)

    if kind is Leaking:
        with pytest.raises(AssertionError) as caught:
            sweep()
        assert caught.value.__notes__ == ["cancelled at await 1 of system/worker"]
    else:
        assert sweep() == 3
