"""What snapshots tell together; the bound on a message's age never says too much."""

from typing import Any

import attrs
from hypothesis import given
from hypothesis import strategies as st

from actors.top._history import SAMPLES_MAX, History
from actors.top._records import ActorLine, Snapshot


def line(path: str = "s/a", **changes: Any) -> ActorLine:
    usual = ActorLine(path, "A", "running", 0, 100, None, 0, None, None, (), 0, 0, 0, 0)
    return attrs.evolve(usual, **changes)


def snapshot(taken_s: float, *lines: ActorLine, **changes: Any) -> Snapshot:
    usual = Snapshot("s", True, 1, taken_s, len(lines), 1, 0, 0, 0, {}, lines)
    return attrs.evolve(usual, **changes)


def test_rates_are_differences_between_looks() -> None:
    history = History()
    history.add(snapshot(10.0, line(handled=5), handled=7))
    assert history.rate() is None
    assert history.rate_of("s/a") is None
    history.add(snapshot(12.0, line(handled=25), line("s/b", handled=9), handled=107))
    assert history.rate() == 50.0
    assert history.rate_of("s/a") == 10.0
    assert history.rate_of("s/b") is None


def test_another_process_begins_anew() -> None:
    history = History()
    history.add(snapshot(10.0, line(handled=5)))
    history.add(snapshot(11.0, line(handled=2), pid=2))
    assert history.rate() is None
    assert history.rate_of("s/a") is None


def test_a_stamped_age_is_taken_as_it_is() -> None:
    history = History()
    waiting = line(mailbox_depth=1, accepted=1, oldest_s=3.5)
    history.add(snapshot(10.0, waiting))
    assert history.oldest_s(waiting) == 3.5
    assert history.oldest_s(line()) is None


def test_only_so_many_snapshots_are_kept() -> None:
    history = History()
    waiting = line(mailbox_depth=1, accepted=1)
    for second in range(SAMPLES_MAX + 50):
        history.add(snapshot(float(second), waiting))
    assert history.oldest_s(waiting) == SAMPLES_MAX - 1


steps = st.lists(st.sampled_from(["send", "take", "look", "wait"]), max_size=60)


@given(steps)
def test_a_message_has_waited_at_least_as_long_as_is_said(script: list[str]) -> None:
    """Against a queue that knows when each message came, in whole seconds."""
    history, queue, accepted, now = History(), list[int](), 0, 0
    for step in [*script, "look"]:
        if step == "send":
            queue.append(now)
            accepted += 1
        elif step == "take" and queue:
            queue.pop(0)
        elif step == "wait":
            now += 1
        elif step == "look":
            seen = line(mailbox_depth=len(queue), accepted=accepted)
            history.add(snapshot(float(now), seen))
            said = history.oldest_s(seen)
            if not queue:
                assert said is None
            else:
                assert said is not None
                assert said <= now - queue[0]
