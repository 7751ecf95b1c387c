"""However many requests come at once, a bounded number begins in each step: the urgent first, in order."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from functools import partial

import anyio.lowlevel
from hypothesis import given
from hypothesis import strategies as st
from starlette.types import Scope

from orket.interfaces.turns import Turns

# The requests that come in one step of the loop; True: an urgent one.
STEPS = st.lists(st.lists(st.booleans(), max_size=12), max_size=8)


@given(STEPS, st.integers(1, 4))
def test_a_bounded_number_begins_in_each_step(steps: list[list[bool]], per_step: int) -> None:
    begun = asyncio.run(_begun(steps, per_step))
    urgent = [[one for one in step if one[0]] for step in begun]
    others = [[one for one in step if not one[0]] for step in begun]
    for step in begun:
        assert len(step) <= 3 * per_step  # what came when nobody waited, and a share of each lane
    came = [(flag, number) for number, flag in enumerate(flag for step in steps for flag in step)]
    for flag, lanes in ((True, urgent), (False, others)):
        assert [one for step in lanes for one in step] == [one for one in came if one[0] is flag]


async def _begun(steps: list[list[bool]], per_step: int) -> list[list[tuple[bool, int]]]:
    turns = Turns(_is_urgent, per_step)
    begun: list[list[tuple[bool, int]]] = []
    left = sum(map(len, steps))
    number = 0
    coming = iter(steps)

    def begin(one: tuple[bool, int]) -> None:
        begun[-1].append(one)

    while sum(map(len, begun)) < left:  # else nobody would ever begin them: the test would not end
        begun.append([])
        for flag in next(coming, ()):
            take(turns, {"urgent": flag}, partial(begin, (flag, number)))
            number += 1
        await anyio.lowlevel.checkpoint()
    return begun


def take(turns: Turns, scope: Scope, start: Callable[[], object]) -> None:
    """Begin now or wait, as a connection does."""
    if turns.is_free(asyncio.get_running_loop()):
        start()
    else:
        turns.wait(scope, start)


def _is_urgent(scope: Scope) -> bool:
    return bool(scope["urgent"])


async def _order(others: int) -> list[str]:
    turns, begun = Turns(_is_urgent, 4), list[str]()
    for _ in range(others):
        take(turns, {"urgent": False}, partial(begun.append, "other"))
    take(turns, {"urgent": True}, partial(begun.append, "urgent"))
    for _ in range(others):
        await anyio.lowlevel.checkpoint()
    assert len(begun) == others + 1
    return begun


def test_who_must_get_through_waits_for_one_step() -> None:
    assert asyncio.run(_order(1000)).index("urgent") == 4
