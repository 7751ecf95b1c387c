"""What a buggy program and its fixed twin look like to the tests."""

from collections.abc import Awaitable, Callable

import anyio.lowlevel
import attrs

from actors.testing import Faults, Simulation

Program = Callable[[Simulation], Awaitable[None]]


@attrs.frozen
class Bug:
    """One bug: two programs that differ by its repair, and what may go wrong around them.

    Attributes:
        name: The name of its module.
        says: What is wrong, in one sentence.
        buggy: Fails under some schedules.
        fixed: Never fails.
        faults: What may be injected.
    """

    name: str
    says: str
    buggy: Program
    fixed: Program
    faults: Faults = attrs.field(factory=Faults)


async def steps(count: int) -> None:
    """Do some work first."""
    for _ in range(count):
        await anyio.lowlevel.checkpoint()
