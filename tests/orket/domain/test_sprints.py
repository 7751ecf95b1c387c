"""Every day has one sprint, sprints follow one another, and their names carry the year."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orket.domain.sprints import Sprint, read_label, sprint_of, sprints_from

DAYS = st.dates(date(1, 1, 8), date(9990, 12, 31))


@pytest.mark.parametrize(
    ("day", "label"),
    [
        ("2026-02-02", "2026 Q1 S6"),  # where the earlier calendar began to count
        ("2026-02-08", "2026 Q1 S6"),
        ("2025-12-22", "2025 Q4 S13"),  # was Q0 S13
        ("2025-12-29", "2026 Q1 S1"),
        ("2026-03-30", "2026 Q2 S1"),
        ("2026-12-28", "2026 Q4 S14"),  # was Q5 S1
        ("2027-01-04", "2027 Q1 S1"),
    ],
)
def test_days_of_the_earlier_calendar(day: str, label: str) -> None:
    assert sprint_of(date.fromisoformat(day)).label == label


@given(DAYS)
def test_a_day_is_in_its_sprint_and_its_name_can_be_read_back(day: date) -> None:
    sprint = sprint_of(day)
    assert sprint.first_day <= day < sprint.first_day + timedelta(days=7)
    assert sprint.last_day - sprint.first_day == timedelta(days=4)
    assert sprint.first_day.isoweekday() == 1
    assert 1 <= sprint.quarter <= 4
    assert 1 <= sprint.number <= (14 if sprint.quarter == 4 else 13)
    if sprint.year >= 1000:
        assert read_label(sprint.label) == sprint


@given(DAYS)
def test_sprints_follow_each_other_without_a_gap(day: date) -> None:
    first, second = sprints_from(day, 2)
    assert second > first
    assert second.first_day - first.first_day == timedelta(days=7)
    assert (second.year, second.quarter, second.number) == (
        (first.year, first.quarter, first.number + 1)
        if second.number > 1
        else (first.year + (first.quarter == 4), first.quarter % 4 + 1, 1)
    )


def test_the_calendar_ends() -> None:
    assert len(sprints_from(date.max, 5)) == 1


@pytest.mark.parametrize(
    "text", ["Q1 S6", "2026 Q5 S1", "2026 Q1 S0", "2026 Q1 S14", "2025 Q4 S14", "2026-W06"]
)
def test_what_is_no_sprint_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"no sprint|no such sprint"):
        read_label(text)
    assert read_label("2026 Q4 S14") == Sprint(2026, 4, 14)
