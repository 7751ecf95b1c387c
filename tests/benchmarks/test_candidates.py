"""Every candidate does the whole of its work, on each event loop it is measured on."""

import anyio
import pytest

from benchmarks.actors.alternate import alternate
from benchmarks.actors.candidates import CALL, NAIVE, OURS, QUEUE, candidates
from benchmarks.actors.candidates.crowd import crowd
from benchmarks.actors.candidates.orket import memory_idle, memory_state, memory_used
from benchmarks.actors.fairness import handled_after_stop, longest_run
from benchmarks.actors.shapes import RING, WAVE, WORKLOADS
from benchmarks.actors.watch import Gauge, Watch, expect

pytestmark = pytest.mark.anyio
NAMES = [workload.name for workload in WORKLOADS]
# What is sent in waves needs one whole wave, a ring one whole round.
UNITS = {"tell": WAVE, "crash": WAVE, "ring": RING, "spawn": 20}


@pytest.mark.parametrize("workload", NAMES)
async def test_a_workload_runs_with_all_its_candidates(workload: str, anyio_backend_name: str) -> None:
    programs = candidates(workload, anyio_backend_name)
    assert list(programs)[:2] == [OURS, NAIVE]
    assert (QUEUE in programs) == (anyio_backend_name == "asyncio")
    used = await alternate(programs, UNITS.get(workload, 200), repetitions=1)
    assert {name: len(each) for name, each in used.items()} == dict.fromkeys(programs, 1)
    assert all(figure > 0 for each in used.values() for figure in each)


async def test_candidates_take_turns() -> None:
    turns: list[str] = []

    def candidate(name: str):
        async def program(count: int, watch: Watch) -> None:
            turns.append(name)

        return program

    await alternate({name: candidate(name) for name in "ABC"}, 1, repetitions=2)
    assert turns == list("ABCABCABC")  # the first round is warm-up


async def test_a_plain_call_is_a_floor_where_it_makes_sense(anyio_backend_name: str) -> None:
    assert [name for name in NAMES if CALL in candidates(name, anyio_backend_name)] == ["tell", "ask"]


async def test_a_crowd_starts_together_and_ends_when_the_last_does() -> None:
    done: list[int] = []

    async def work() -> None:
        await anyio.lowlevel.checkpoint()
        done.append(1)

    async with crowd(5, work) as five:
        await anyio.wait_all_tasks_blocked()
        assert not done
        await five.run()
        assert len(done) == 5


async def test_memory_programs_count_bytes() -> None:
    for program in (memory_idle, memory_state, memory_used):
        gauge = Gauge()
        await program(50, gauge)
        assert isinstance(gauge.used, float)


async def test_fairness_is_observed_from_outside(anyio_backend_name: str) -> None:
    assert 0 < await longest_run(300) <= (128 if anyio_backend_name == "trio" else 64)
    assert await handled_after_stop(300) == 0


def test_lost_messages_are_an_error() -> None:
    expect(3, 3)
    with pytest.raises(AssertionError, match="2 messages handled, 3 expected"):
        expect(2, 3)
