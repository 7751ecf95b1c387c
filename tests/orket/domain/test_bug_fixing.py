"""The bug-fix phase follows from when a rock was done, from its bugs, and from the day."""

from __future__ import annotations

from datetime import datetime, timedelta

import attrs
from hypothesis import given
from hypothesis import strategies as st

from orket.domain import events as e
from orket.domain.bug_fixing import (
    EXTENSION_DAYS,
    Bug,
    BugBoard,
    BugFixPhase,
    BugFixRules,
    PhaseStatus,
    bug_fix_phase,
    phases,
)
from orket.domain.cards import Card, CardStatus
from orket.domain.identifiers import CardId, RunId
from orket.testing.clock import START
from tests.orket.cli.recorded import EPIC, ROCK, accepted, workload

RULES = BugFixRules()
ROCK_ID = CardId("ROCK")


def day(number: float) -> datetime:
    return START + timedelta(days=number)


def bug(number: int, found: float, closed: float | None = None, *, critical: bool = False) -> Bug:
    return Bug(
        card_id=CardId(f"BUG-{number}"),
        run_id=RunId("r"),
        name="broken",
        priority=3.0 if critical else 2.0,
        found_at=day(found),
        closed_at=None if closed is None else day(closed),
    )


def at(now: float, *bugs: Bug, rules: BugFixRules = RULES) -> BugFixPhase:
    return bug_fix_phase(ROCK_ID, START, bugs, rules, day(now))


def test_a_quiet_phase_lasts_a_week_and_leaves_nothing() -> None:
    assert (at(0).status, at(0).scheduled_end, at(0).actual_end) == (PhaseStatus.ACTIVE, day(7), None)
    assert at(6.9, bug(1, 1)).status is PhaseStatus.ACTIVE
    over = at(7, bug(1, 1, 2))
    assert (over.status, over.actual_end, over.phase2, over.extensions) == (
        PhaseStatus.COMPLETED,
        day(7),
        "",
        (),
    )
    assert (over.id, over.rate, over.open_bugs) == ("phase-ROCK", 1 / 7, 0)


def test_critical_bugs_and_a_high_rate_make_it_longer_with_their_reason() -> None:
    critical = [bug(n, 1, critical=True) for n in range(4)]
    longer = at(7, *critical)
    assert (longer.status, longer.days, longer.critical_bugs) == (PhaseStatus.EXTENDED, 14, 4)
    assert [(one.at, one.reason, one.added_days) for one in longer.extensions] == [
        (day(7), "4 critical bugs", 7)
    ]
    many = [bug(n, 1, 2) for n in range(36)]
    assert at(7, *many).extensions[0].reason == "High rate (5.1/d)"
    assert at(7, *many[:35]).status is PhaseStatus.COMPLETED  # 5.0 a day is not more than 5
    assert at(14, *many).status is PhaseStatus.COMPLETED


def test_it_ends_at_the_longest_all_the_same_and_names_what_should_follow() -> None:
    critical = [bug(n, 1, critical=True) for n in range(4)]
    over = at(400, *critical)
    assert (over.status, over.days, over.actual_end) == (PhaseStatus.COMPLETED, 28, day(28))
    assert [one.added_days for one in over.extensions] == [7, 7, 7]
    assert over.phase2 == "ROCK-phase2"
    odd = at(400, *critical, rules=attrs.evolve(RULES, max_days=10))
    assert (odd.days, [one.added_days for one in odd.extensions]) == (10, [3])


def test_bugs_that_were_fixed_in_time_do_not_make_it_longer() -> None:
    fixed = [bug(n, 1, 6, critical=True) for n in range(4)]
    assert at(7, *fixed).status is PhaseStatus.COMPLETED
    late = [bug(n, 1, 8, critical=True) for n in range(4)]
    assert at(7, *late).status is PhaseStatus.EXTENDED
    assert at(14, *late).phase2 == ""
    today = at(6.5, *fixed, bug(9, 6.4))
    assert (today.found_today, today.fixed_today) == (1, 4)


BUGS = st.lists(
    st.builds(
        bug,
        st.integers(0, 99),
        st.floats(-3, 40),
        st.none() | st.floats(0, 60),
        critical=st.booleans(),
    ),
    max_size=60,
)


@given(BUGS, st.floats(0, 60), st.floats(0, 30))
def test_a_phase_is_bounded_and_what_it_said_of_the_past_stays_true(
    bugs: list[Bug], now: float, later: float
) -> None:
    first, second = at(now, *bugs), at(now + later, *bugs)
    for one in (first, second):
        assert RULES.initial_days <= one.days <= RULES.max_days
        assert one.days == RULES.initial_days + sum(extension.added_days for extension in one.extensions)
        assert all(0 < extension.added_days <= EXTENSION_DAYS for extension in one.extensions)
        assert one.scheduled_end == one.started_at + timedelta(days=one.days)
        assert (one.status is PhaseStatus.COMPLETED) == (one.actual_end is not None)
        assert bool(one.phase2) <= bool(one.open_bugs)
    assert second.extensions[: len(first.extensions)] == first.extensions
    if first.actual_end is not None:
        assert attrs.evolve(second, found_today=0, fixed_today=0) == attrs.evolve(
            first, found_today=0, fixed_today=0
        )


def test_the_board_reads_rocks_and_bugs_from_the_events_of_any_run() -> None:
    made = Card(id=CardId("BUG-1"), name="wrong sign", labels=("bug",), parent_id=EPIC.id, priority=3.0)
    strange = attrs.evolve(made, id=CardId("BUG-2"), parent_id=CardId("ELSE"))
    task = attrs.evolve(made, id=CardId("TASK"), labels=("task",))
    one, two = RunId("one"), RunId("two")
    events: list[tuple[RunId, float, e.Event]] = [
        *((one, 0, event) for event in accepted(rock=ROCK)),
        (one, 1, e.RunFinished(status="done")),
        (two, 2, e.RunAccepted(workload=workload(), workspace="w")),
        *((two, 3, e.CardAdded(card=card)) for card in (made, strange, task)),
        (
            two,
            4,
            e.CardStatusChanged(
                card_id=made.id, previous=CardStatus.CODE_REVIEW, status=CardStatus.DONE, by="guard"
            ),
        ),
        (two, 5, e.RunFinished(status="done")),
    ]
    forth, back = BugBoard(), BugBoard()
    for board, order in ((forth, (one, two)), (back, (two, one))):
        for run in order:
            for seq, (run_id, when, event) in enumerate(events, start=1):
                if run_id == run:
                    board.take(e.Recorded(seq=seq, at=day(when), run_id=run_id, event=event))
    (phase,) = phases(forth, {ROCK.id: RULES}, day(6))
    assert phases(back, {ROCK.id: RULES}, day(6)) == (phase,)
    assert (phase.rock_id, phase.started_at) == (ROCK.id, day(1))
    assert [(found.card_id, found.found_at, found.closed_at) for found in phase.bugs] == [
        ("BUG-1", day(3), day(4))
    ]
