"""Whether the engine is halted, told from where the ledger was read last."""

from __future__ import annotations

import itertools

import anyio
import pytest
from hypothesis import given
from hypothesis import strategies as st

from orket.domain import events as e
from orket.domain.halts import Halts
from orket.domain.identifiers import ENGINE, RunId
from orket.domain.ports import Ledger
from orket.infrastructure.clock import SystemClock
from orket.infrastructure.memory import open_ledger
from tests.contracts.strategies import accepted

HALT, RELEASE, OTHER, LOOK = range(4)


@pytest.mark.parametrize("together", [1, 3])
@given(steps=st.lists(st.sampled_from([HALT, RELEASE, OTHER, LOOK]), max_size=30))
def test_it_is_what_the_newest_of_them_says(together: int, steps: list[int]) -> None:
    anyio.run(_looks, steps, together)


async def _looks(steps: list[int], together: int) -> None:
    async with open_ledger(SystemClock()) as ledger:
        halts, standing, numbers = Halts(ledger), None, itertools.count()
        for step in steps:
            if step == LOOK:
                assert await _asked(halts, together) == [standing] * together
            elif step == OTHER:
                await ledger.append(RunId(f"aaaa{next(numbers):04}"), [accepted()])
            else:
                standing = e.EngineHalted(by="ada", reason="") if step == HALT else None
                await _put(ledger, standing)
        assert await _asked(halts, together) == [standing] * together
        assert await Halts(ledger).standing() == standing


async def _put(ledger: Ledger, standing: e.EngineHalted | None) -> None:
    await ledger.append(ENGINE, [standing or e.EngineReleased(by="ada")])


async def _asked(halts: Halts, together: int) -> list[e.EngineHalted | None]:
    answers: list[e.EngineHalted | None] = []

    async def ask() -> None:
        answers.append(await halts.standing())

    async with anyio.create_task_group() as group:
        for _ in range(together):
            group.start_soon(ask)
    return answers
