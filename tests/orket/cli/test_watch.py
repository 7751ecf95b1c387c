"""The stopwatch of a watched run."""

from __future__ import annotations

from datetime import timedelta

from orket.domain import events as e
from orket.interfaces.cli.watch import Watch
from tests.orket.cli import recorded as r


def test_it_stands_still_while_the_run_is_paused():
    watch = Watch.of(r.RUN)
    events = [*r.accepted(), e.RunPaused(by="ada")]
    for one in r.recorded(events, step_s=1.0):
        watch.apply(one)
    worked_s = len(events) - 1.0
    assert watch.is_settled
    assert watch.elapsed_s(r.START + timedelta(hours=9)) == worked_s
    for one in r.recorded([e.RunResumed(by="ada")], after=len(events), step_s=60.0):
        watch.apply(one)
    resumed_at = r.START + timedelta(seconds=60.0 * len(events))
    assert not watch.is_settled
    assert watch.elapsed_s(resumed_at + timedelta(seconds=5)) == worked_s + 5


def test_an_event_is_folded_once():
    watch = Watch.of(r.RUN)
    first = r.recorded(r.accepted())[0]
    assert watch.apply(first)
    assert not watch.apply(first)


def test_a_clock_behind_the_ledgers_does_not_count_backwards():
    watch = Watch.of(r.RUN)
    watch.apply(r.recorded(r.accepted())[0])
    assert watch.elapsed_s(r.START - timedelta(seconds=30)) == 0.0
