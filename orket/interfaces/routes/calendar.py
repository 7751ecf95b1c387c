"""``/v1/calendar``: the sprint of a day, and those after it."""

from __future__ import annotations

import datetime
from typing import Annotated

import msgspec
from msgspec import UNSET, Meta, UnsetType
from starlette.requests import Request
from starlette.responses import Response

from orket.domain.sprints import sprints_from
from orket.interfaces.answers import json_response
from orket.interfaces.bridge import Bridge
from orket.interfaces.operations import Answer, Operation
from orket.interfaces.problems import INVALID
from orket.interfaces.reading import read_query
from orket.wire.calendar import CalendarView, sprint_view


class CalendarQuery(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which sprints to show."""

    day: Annotated[datetime.date | UnsetType, Meta(description="A day of the first one; today in UTC.")] = (
        UNSET
    )
    weeks: Annotated[int, Meta(ge=1, le=530, description="How many sprints, from there on.")] = 1


async def show(bridge: Bridge, request: Request) -> Response:
    """Show the sprint of a day: Monday to Friday, thirteen a quarter."""
    query = read_query(request, CalendarQuery)
    day = datetime.datetime.now(datetime.UTC).date() if isinstance(query.day, UnsetType) else query.day
    return json_response(CalendarView(sprints=tuple(map(sprint_view, sprints_from(day, query.weeks)))))


OPERATIONS = (
    Operation(
        name="getCalendar",
        method="GET",
        path="/v1/calendar",
        summary="Show the sprint of a day, and those after it",
        description="Sprints are weeks of ISO 8601, Monday to Friday, thirteen a quarter. "
        "A card without a sprint gets the one in which its run begins (in UTC).",
        handler=show,
        query=CalendarQuery,
        answers=(Answer(status=200, description="The sprints, in order.", body=CalendarView),),
        problems=(INVALID,),
        tag="cards",
    ),
)
