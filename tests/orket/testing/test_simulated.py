"""The simulated clock, names, ledger and card model, in simulations on both event loops."""

from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from actors import Reject
from actors.testing import Faults, Schedule, Simulation, World
from actors.testing._schedule import Backend
from actors.testing._simulate import run_program
from orket.domain.cards import CardStatus, CardType
from orket.domain.identifiers import RunId
from orket.infrastructure.memory.ledger import MemoryLedger
from orket.testing import CardModel, CountedIds, Move, SimulatedClock, SimulatedLedger
from orket.testing.hypothesis import moves

both = pytest.mark.parametrize("backend", ["asyncio", "trio"])


@both
def test_the_clock_is_the_simulation_s(backend: Backend) -> None:
    async def program(sim: Simulation) -> timedelta:
        clock = SimulatedClock()
        before = clock.now()
        await sim.advance(86_400)
        return clock.now() - before

    assert run_program(program, World(backend=backend), own_system=True).value == timedelta(days=1)


@both
def test_an_append_may_take_long_and_is_never_lost(backend: Backend) -> None:
    async def program(sim: Simulation) -> tuple[int, float]:
        ledger = sim.fragile(SimulatedLedger(MemoryLedger(SimulatedClock())))
        assert await ledger.append(RunId("00000001"), (), blobs=(b"x",)) == ()
        return len(await ledger.read()), sim.now

    faults = Faults(delay=["simulatedledger"], rate=0.5)
    ran = [
        run_program(program, World(Schedule(seed), faults, backend), own_system=True) for seed in range(12)
    ]
    assert [one.error for one in ran if one.error is not None] == []
    assert 0 == min(one.value[1] for one in ran) < max(one.value[1] for one in ran)


def test_names_count_up() -> None:
    ids = CountedIds()
    assert [ids.run_id(), ids.run_id(), ids.card_id()] == ["00000001", "00000002", "ISSUE-00000001"]


@settings(max_examples=100, deadline=None)
@given(st.lists(moves(), max_size=30))
def test_the_model_leaves_the_shelf_only_for_an_end(script: list[Move]) -> None:
    model, shelved = CardModel(), set[str]()
    state = model.initial()
    for move in script:
        try:
            state, status = model.apply(state, move)
        except Reject:
            continue
        assert move.card not in shelved or (
            status in (CardStatus.DONE, CardStatus.CANCELED) and not move.roles
        )
        assert status is move.status
        shelved.discard(move.card)
        if status is CardStatus.ARCHIVED:
            shelved.add(move.card)


def test_the_model_follows_the_table() -> None:
    model = CardModel()
    state, status = model.apply(model.initial(), Move("A", CardType.EPIC, CardStatus.IN_PROGRESS))
    assert status is CardStatus.IN_PROGRESS
    assert model.restart(state) == state
    with pytest.raises(Reject):
        model.apply(state, Move("A", CardType.EPIC, CardStatus.ARCHIVED))
