"""``orket calendar``: the sprint of a day, and those after it."""

from __future__ import annotations

from datetime import UTC, date, datetime

from orket.domain.sprints import Sprint, read_label, sprints_from
from orket.interfaces.cli.exits import BadInput, Exit
from orket.interfaces.cli.options import Json
from orket.interfaces.cli.out import Out
from orket.wire import codec

_WEEKS_MAX = 530


def calendar(day: str | None = None, /, *, weeks: int = 1, as_json: Json = False) -> int:
    """Show the sprint of a day: Monday to Friday, thirteen a quarter, with the year they belong to.

    A card that is given no sprint gets the one in which its run begins (in UTC).

    Args:
        day: The day as 2026-02-02, or a sprint as "2026 Q1 S6" [default: today].
        weeks: How many sprints, from there on.
        as_json: Print one sprint a line as JSON.
    """
    if not 1 <= weeks <= _WEEKS_MAX:
        raise BadInput(f"--weeks {weeks}: must be from 1 to {_WEEKS_MAX}")
    out = Out()
    for sprint in sprints_from(_day(day), weeks):
        out.line(
            _as_json(sprint) if as_json else f"{sprint.label:<12} {sprint.first_day} to {sprint.last_day}"
        )
    return Exit.DONE


def _day(text: str | None) -> date:
    if text is None:
        return datetime.now(UTC).date()
    try:
        return date.fromisoformat(text)
    except ValueError:
        pass
    try:
        return read_label(text).first_day
    except ValueError as error:
        raise BadInput(f"{error}; a day looks like 2026-02-02") from None


def _as_json(sprint: Sprint) -> str:
    view = {"sprint": sprint.label, "first_day": sprint.first_day, "last_day": sprint.last_day}
    return codec.encode(view).decode()
