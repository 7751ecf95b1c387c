"""The decisions of supervision, as pure functions."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from actors._messages import Exit
from actors._supervision import (
    RESTARTS,
    STRATEGIES,
    Backoff,
    ChildSpec,
    Finish,
    Forget,
    GiveUp,
    Policy,
    RestartChildren,
    affected,
    decide,
    exceeds,
    limit,
    restarts_alone,
    wants_restart,
)

KINDS = ("normal", "shutdown", "idle", "crash", "kill", "limit")


def outcome(policy: Policy, spec: ChildSpec, kind: str, **changes: object) -> object:
    given_values: dict[str, object] = {
        "index": 1, "count": 3, "history": (), "failures": 0, "lived": 1.0, "now": 100.0, "draw": 0.5,
    }  # fmt: skip
    return decide(policy, spec, Exit(kind), **(given_values | changes))  # type: ignore[arg-type]


@pytest.mark.parametrize("kind", KINDS)
def test_who_comes_back(kind: str) -> None:
    abnormal = kind in ("crash", "kill", "limit")
    assert wants_restart("permanent", Exit(kind)) is (kind != "idle")  # type: ignore[arg-type]
    assert wants_restart("transient", Exit(kind)) is abnormal  # type: ignore[arg-type]
    assert wants_restart("temporary", Exit(kind)) is False  # type: ignore[arg-type]


def test_who_falls_together() -> None:
    assert affected("one_for_one", 1, 3) == (1,)
    assert affected("one_for_all", 1, 3) == (0, 1, 2)
    assert affected("rest_for_one", 1, 3) == (1, 2)


def test_a_significant_child_takes_its_supervisor_along_only_at_a_normal_end() -> None:
    significant = ChildSpec("transient", significant=True)
    assert isinstance(outcome(Policy(), significant, "normal"), Finish)
    assert isinstance(outcome(Policy(), significant, "crash"), RestartChildren)
    assert isinstance(outcome(Policy(), ChildSpec("temporary", significant=True), "crash"), Forget)


@given(
    restarts_max=st.integers(0, 5),
    period_s=st.floats(0.1, 10),
    gaps=st.lists(st.floats(0, 5), max_size=20),
)
def test_intensity_counts_restarts_within_the_period(
    restarts_max: int, period_s: float, gaps: list[float]
) -> None:
    times: list[float] = []
    now = 0.0
    for gap in gaps:
        now += gap
        slow = sum(now - at < period_s for at in times) + 1 > restarts_max
        assert exceeds((restarts_max, period_s), times, now) is slow
        times.append(now)


@given(
    st.sampled_from(STRATEGIES),
    st.sampled_from(RESTARTS),
    st.sampled_from(KINDS),
    st.integers(0, 9),
    st.integers(1, 10),
)
def test_a_decision_restarts_the_failed_child_or_nobody(
    strategy: str, restart: str, kind: str, index: int, more: int
) -> None:
    count = index + more
    policy, spec = Policy(strategy), ChildSpec(restart)  # type: ignore[arg-type]
    decision = outcome(policy, spec, kind, index=index, count=count)
    if isinstance(decision, RestartChildren):
        assert index in decision.indexes
        assert list(decision.indexes) == sorted(set(decision.indexes))
        assert set(decision.indexes) <= set(range(count))
    else:
        assert isinstance(decision, Forget)


def test_giving_up() -> None:
    policy = Policy("one_for_one", (1, 5.0))
    assert isinstance(outcome(policy, ChildSpec(), "crash"), RestartChildren)
    assert isinstance(outcome(policy, ChildSpec(), "crash", history=(96.0,)), GiveUp)
    assert isinstance(outcome(policy, ChildSpec(), "crash", history=(95.0,)), RestartChildren)


@given(st.integers(1, 10_000), st.floats(0, 1, exclude_max=True))
def test_backoff_grows_to_its_maximum_within_its_jitter(failures: int, draw: float) -> None:
    backoff = Backoff(initial=0.1, maximum=30, factor=2, jitter=0.2)
    plain = min(30.0, 0.1 * 2 ** min(failures - 1, 100))
    assert plain * 0.8 <= backoff.delay(failures, draw) <= plain * 1.2


def test_a_child_that_lived_long_enough_starts_over() -> None:
    spec = ChildSpec(backoff=Backoff(initial=1, jitter=0, reset_after=10))
    again = outcome(Policy(), spec, "crash", failures=3, lived=9.0)
    anew = outcome(Policy(), spec, "crash", failures=3, lived=10.0)
    assert isinstance(again, RestartChildren)
    assert isinstance(anew, RestartChildren)
    assert (again.delay, again.failures) == (8.0, 4)
    assert (anew.delay, anew.failures) == (1.0, 1)


def test_limits() -> None:
    assert limit(5, 100) == 105
    assert limit(math.inf, 100) == math.inf
    with pytest.raises(ValueError, match="initial"):
        Backoff(initial=-1)


@given(
    strategy=st.sampled_from(STRATEGIES),
    restart=st.sampled_from(RESTARTS),
    backoff=st.sampled_from((None, Backoff())),
    significant=st.booleans(),
    kind=st.sampled_from(KINDS),
    intensity=st.tuples(st.integers(0, 3), st.floats(0.1, 10)),
    ages=st.lists(st.floats(0, 20), max_size=4),
    failures=st.integers(0, 9),
)
def test_the_short_cut_says_what_the_whole_decision_says(
    strategy: str,
    restart: str,
    backoff: Backoff | None,
    significant: bool,
    kind: str,
    intensity: tuple[int, float],
    ages: list[float],
    failures: int,
) -> None:
    policy = Policy(strategy, intensity)  # type: ignore[arg-type]
    spec = ChildSpec(restart, 5.0, backoff, significant)  # type: ignore[arg-type]
    history = sorted(100.0 - age for age in ages)
    whole = outcome(policy, spec, kind, history=history, failures=failures)
    short = restarts_alone(policy, spec, Exit(kind), history, 100.0)  # type: ignore[arg-type]
    alone = spec.backoff is None and strategy == "one_for_one"
    assert short == (alone and whole == RestartChildren((1,), 0.0, failures + 1))
