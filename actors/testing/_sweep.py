"""Cancellation at each await, one after the other."""

from collections.abc import Awaitable, Callable
from typing import Any

import anyio
import attrs

from actors.testing._run import Stage
from actors.testing._schedule import Backend, Schedule
from actors.testing._simulation import Simulation, with_system
from actors.testing._steps import stepping
from actors.testing._world import World

#: Awaits after which a sweep stops looking for more.
AWAITS_MAX = 10_000

Program = Callable[[Simulation], Awaitable[Any]]


def sweep_cancellation(
    program: Program,
    *,
    after: Program | None = None,
    actor: str | None = None,
    backend: Backend = "asyncio",
) -> int:
    """Run a program again and again, cancelled at its first await, its second, and so on to its end.

    Args:
        program: An async function that takes a ``Simulation``.
        after: Called in the same system after the cancellation; raises when something is left behind.
        actor: The path of an actor: then the handlers of its first incarnation are cut off, one await
            after the other, and the program itself runs to its end.
        backend: ``asyncio`` or ``trio``.

    Returns:
        How many awaits there were.

    Raises:
        Exception: What ``program`` or ``after`` raised, with a note that tells at which await.
    """
    for number in range(1, AWAITS_MAX):
        cut = _cut_actor(program, after, actor, backend, number)
        if not cut:
            return number - 1
    return AWAITS_MAX


def _cut_actor(
    program: Program, after: Program | None, actor: str | None, backend: Backend, number: int
) -> bool:
    """One run; whether it came as far as that await."""
    key = f"!cancel:{actor}#0 await@{number}" if actor is not None else None
    deviations = ((key, "yes"),) if key is not None else ()
    stage = Stage(World(Schedule(deviations=deviations), backend=backend))
    sim = Simulation(stage)
    host = Host(program, after, sim, number if actor is None else None)
    ran = stage.run(lambda: with_system(stage, sim, host.run))
    if ran.error is not None:
        ran.error.add_note(f"cancelled at await {number} of {actor or 'the program'}")
        raise ran.error
    return host.reached if actor is None else bool(ran.schedule.deviations)


@attrs.define
class Host:
    """A program that is cancelled at its n-th suspension, and the look around afterwards."""

    program: Program
    after: Program | None
    sim: Simulation
    number: int | None
    reached: bool = False

    async def run(self) -> None:
        """Run both."""
        count = 0
        with anyio.CancelScope() as scope:

            def suspend() -> None:
                nonlocal count
                count += 1
                if count == self.number:
                    self.reached = True
                    scope.cancel()

            await stepping(_coroutine(self.program, self.sim), suspend)
        if self.after is not None:
            await self.after(self.sim)


async def _coroutine(program: Program, sim: Simulation) -> None:
    await program(sim)
