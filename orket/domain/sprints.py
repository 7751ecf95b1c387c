"""The sprint calendar: weeks of work from Monday to Friday, thirteen a quarter, with their year. Pure (1.13).

A sprint is a week of ISO 8601, so the first sprint of a year is the week with its first Thursday, and every
date has exactly one sprint. In a year of 53 weeks the last quarter has a fourteenth sprint.
"""

from __future__ import annotations

import re
from datetime import date, timedelta

import attrs

WEEKS_PER_QUARTER = 13
QUARTERS = 4
WORKDAYS = 5
_LABEL = re.compile(r"(\d{4}) Q([1-4]) S(\d{1,2})")


@attrs.frozen(order=True)
class Sprint:
    """One sprint; ``year`` is the ISO year, ``number`` counts from 1 within the quarter."""

    year: int
    quarter: int
    number: int

    @property
    def label(self) -> str:
        """Its name: ``2026 Q1 S6``."""
        return f"{self.year} Q{self.quarter} S{self.number}"

    @property
    def first_day(self) -> date:
        """Its Monday."""
        week = (self.quarter - 1) * WEEKS_PER_QUARTER + self.number
        return date.fromisocalendar(self.year, week, 1)

    @property
    def last_day(self) -> date:
        """Its Friday; the weekend after it still belongs to it."""
        return self.first_day + timedelta(days=WORKDAYS - 1)


def sprint_of(day: date) -> Sprint:
    """Find the sprint of a day."""
    year, week, _ = day.isocalendar()
    quarter = min((week - 1) // WEEKS_PER_QUARTER, QUARTERS - 1)
    return Sprint(year, quarter + 1, week - quarter * WEEKS_PER_QUARTER)


def sprints_from(day: date, count: int) -> tuple[Sprint, ...]:
    """List the sprint of a day and those after it, ``count`` in all; fewer at the end of the calendar."""
    found = []
    for week in range(count):
        try:
            found.append(sprint_of(day + timedelta(weeks=week)))
        except OverflowError:
            break
    return tuple(found)


def read_label(text: str) -> Sprint:
    """Read a sprint's name.

    Raises:
        ValueError: It is none; the message says how one looks.
    """
    found = _LABEL.fullmatch(text.strip())
    if found is None:
        raise ValueError(f"{text!r} is no sprint; they look like 2026 Q1 S6")
    sprint = Sprint(*map(int, found.groups()))
    try:
        there = sprint_of(sprint.first_day)
    except ValueError:
        there = None
    if there != sprint:
        raise ValueError(f"{text!r}: there is no such sprint in {sprint.year}")
    return sprint
