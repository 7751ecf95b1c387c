"""Buckets: nobody gets more than the burst and the steady rate, and the table is bounded."""

from __future__ import annotations

import itertools

from hypothesis import given
from hypothesis import strategies as st

from orket.interfaces.rates import Pace, Rates, retry_after

GAPS = st.lists(st.floats(0, 3, allow_subnormal=False), max_size=60)


@given(GAPS, st.floats(0.1, 10), st.integers(1, 5))
def test_never_more_than_the_burst_and_the_rate(gaps: list[float], per_s: float, burst: int) -> None:
    rates = Rates(per_s, burst)
    let_in = []
    for now in itertools.accumulate(gaps):
        wait_s = rates.wait_s("a", now)
        if wait_s == 0.0:
            let_in.append(now)
        else:
            assert 0 < wait_s <= 1 / per_s + 1e-6
    for first, last in itertools.combinations(range(len(let_in)), 2):
        count, span_s = last - first + 1, let_in[last] - let_in[first]
        assert count <= burst + span_s * per_s + 1e-6


@given(st.floats(0.1, 10), st.integers(1, 5))
def test_who_waits_as_told_is_let_in(per_s: float, burst: int) -> None:
    rates = Rates(per_s, burst)
    while (wait_s := rates.wait_s("a", 1.0)) == 0.0:
        pass
    assert rates.wait_s("a", 1.0 + wait_s + 1e-9) == 0.0


def test_callers_do_not_share_and_are_forgotten() -> None:
    rates = Rates(1.0, 1.0, callers_max=2)
    assert [rates.wait_s(one, 0.0) for one in "ab"] == [0.0, 0.0]
    assert rates.wait_s("a", 0.0) > 0.0
    assert rates.wait_s("c", 0.0) == 0.0
    assert len(rates) == 2
    assert rates.wait_s("a", 0.0) > 0.0  # heard of last, so kept
    assert rates.wait_s("b", 0.0) == 0.0


def test_no_limit_and_no_name() -> None:
    assert [Rates(0.0, 1.0).wait_s("a", 0.0) for _ in range(9)] == [0.0] * 9
    rates = Rates(1.0, 1.0)
    assert [rates.wait_s("", 0.0) for _ in range(9)] == [0.0] * 9


def test_retry_after_is_whole_seconds() -> None:
    assert [retry_after(one) for one in (0.0, 0.2, 1.0, 1.01)] == ["1", "1", "1", "2"]


@given(GAPS, st.floats(0.5, 20), st.integers(1, 5))
def test_refusals_are_spread_out_and_in_quiet_times_not_held_back(
    gaps: list[float], per_s: float, burst: int
) -> None:
    pace = Pace(per_s, burst, most_s=1e9)
    out = [now + pace.delay_s(now) for now in itertools.accumulate(gaps)]
    assert out == sorted(out)
    for first, last in itertools.combinations(range(len(out)), 2):
        assert last - first + 1 <= burst + 1 + (out[last] - out[first]) * per_s + 1e-6
    calm = Pace(per_s, burst)
    assert max(calm.delay_s(number / per_s) for number in range(10)) <= 1e-9


def test_nobody_is_held_back_longer_than_the_longest_wait() -> None:
    pace = Pace(1.0, 1.0, most_s=2.0)
    assert max(pace.delay_s(0.0) for _ in range(100)) == 2.0
    assert Pace(0.0, 1.0).delay_s(0.0) == 0.0
