"""When the sweeper wakes up: never before it may, and never so that time stands still."""

import math

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from actors import Actor, ActorSystem, Message, on
from actors._clock import wake_up

READINGS = st.floats(0, 1e12)


@given(st.tuples(READINGS, READINGS).filter(lambda pair: pair[0] != pair[1]), READINGS)
def test_the_next_wake_up_lies_ahead_and_on_the_same_clock_is_the_deadline_itself(
    pair: tuple[float, float], native: float
) -> None:
    now, until = sorted(pair)
    assert wake_up(until, now, now) == until
    at = wake_up(until, now, native)
    assert at > native
    assert math.isclose(at - native, until - now, abs_tol=math.ulp(max(at, native)))


@attrs.frozen
class Beat(Message):
    """Time has passed."""


class Clockwork(Actor[Beat]):
    """Is told a beat after 0.3 seconds."""

    def __init__(self, beats: list[float]) -> None:
        self.beats = beats

    async def on_start(self) -> None:
        self.ctx.after(0.3, Beat())

    @on(Beat)
    async def beat(self, message: Beat) -> None:
        self.beats.append(trio_now())


def trio_now() -> float:
    """The clock of trio."""
    import trio

    return trio.current_time()


@pytest.mark.parametrize("began", [0.7, 1e7 / 3, 2.0**40 + 0.1])
def test_a_timer_rings_on_time_on_a_virtual_clock_of_trio(began: float) -> None:
    import trio
    import trio.testing

    clock, beats = trio.testing.MockClock(autojump_threshold=0), []

    async def main() -> None:
        clock.jump(began)
        due = trio.current_time() + 0.3
        async with ActorSystem() as system:
            system.spawn(Clockwork, beats)
            await trio.sleep_until(due + 1)
        assert beats == [due]

    trio.run(main, clock=clock)
