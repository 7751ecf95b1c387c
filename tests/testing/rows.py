"""The runtime's own tests as programs for the simulator: the semantics table, supervision, states."""

import inspect
from collections.abc import Awaitable, Callable
from types import ModuleType

import anyio
import attrs

from actors._hooks import AMBIENT
from tests.actors import (
    test_basics,
    test_states,
    test_stream,
    test_supervision,
    test_table,
    test_table_lifecycle,
)

MODULES: tuple[ModuleType, ...] = (
    test_basics,
    test_states,
    test_stream,
    test_supervision,
    test_table,
    test_table_lifecycle,
)
#: Tests that say more than the table: about one order of events, or about the process.
LEFT_OUT = {
    "test_offer_to_a_full_mailbox_waits_first_come_first_let_in": "its last ask may find the mailbox full",
    "test_a_restart_stops_the_children_in_reverse_and_cancels_timers": "it waits a number of steps",
    "test_nothing_is_left_for_the_collector": "a simulated run remembers its messages",
}


@attrs.frozen
class Row:
    """One test without parameters."""

    module: ModuleType
    name: str
    test: Callable[[], Awaitable[None]]


def rows() -> list[Row]:
    """Every test that can run anywhere."""
    return [
        Row(module, name, test)
        for module in MODULES
        for name, test in vars(module).items()
        if name.startswith("test_")
        and inspect.iscoroutinefunction(test)
        and not inspect.signature(test).parameters
        and name not in LEFT_OUT
    ]


async def settle(steps: int = 10) -> None:
    """What ``moments.settle`` means, whatever the schedule: until nobody can run."""
    hooks = AMBIENT.get()
    assert hooks is not None
    event = anyio.Event()
    watcher = hooks.probe
    watcher.control.idlers.append(event.set)  # type: ignore[union-attr]  # the simulator's probe
    await event.wait()
