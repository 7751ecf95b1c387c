"""The sprint calendar on the wire."""

from __future__ import annotations

import datetime
from typing import Annotated

import msgspec
from msgspec import Meta

from orket.domain.sprints import Sprint


class SprintView(msgspec.Struct, frozen=True, kw_only=True):
    """One sprint: a week of work; the weekend after it still belongs to it."""

    sprint: Annotated[str, Meta(description="Its name.", examples=["2026 Q1 S6"])]
    first_day: Annotated[datetime.date, Meta(description="Its Monday.")]
    last_day: Annotated[datetime.date, Meta(description="Its Friday.")]


class CalendarView(msgspec.Struct, frozen=True, kw_only=True):
    """The sprint of a day, and those after it; fewer than asked for at the end of the calendar."""

    sprints: tuple[SprintView, ...]


def sprint_view(sprint: Sprint) -> SprintView:
    """Show a sprint."""
    return SprintView(sprint=sprint.label, first_day=sprint.first_day, last_day=sprint.last_day)
