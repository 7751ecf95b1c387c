"""Rows and values: how times, events, runs and cards stand in the tables."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from orket.domain.errors import StoreCorrupt
from orket.domain.events import Recorded
from orket.domain.identifiers import RunId
from orket.domain.ports import RunSummary
from orket.domain.runs import RunStatus
from orket.infrastructure.codec import decode_card, decode_event
from orket.infrastructure.projection import PlacedCard

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)

EVENT_COLUMNS = "seq, at, run_id, kind, body"
RUN_COLUMNS = "run_id, target, status, workspace, accepted_at, finished_at, last_seq, reason, accepted_seq"
CARD_COLUMNS = "added_seq, body"

EventRow = tuple[int, int, str, str, bytes]
RunRow = tuple[str, str, str, str, int, int | None, int, str, int]
CardRow = tuple[int, bytes]


def to_us(at: datetime) -> int:
    """Count the microseconds since 1970, UTC."""
    return (at - EPOCH) // _MICROSECOND


def from_us(at_us: int) -> datetime:
    """Return the time, in UTC, of so many microseconds since 1970."""
    return EPOCH + timedelta(microseconds=at_us)


def recorded(row: EventRow) -> Recorded:
    """Read an event's row.

    Raises:
        StoreCorrupt: The row is not what this version of Orket wrote.
    """
    seq, at_us, run_id, kind, body = row
    return Recorded(seq=seq, at=from_us(at_us), run_id=RunId(run_id), event=decode_event(kind, body, seq=seq))


def run_summary(row: RunRow) -> RunSummary:
    """Read a run's row.

    Raises:
        StoreCorrupt: The status is unknown.
    """
    run_id, target, status, workspace, accepted_at_us, finished_at_us, last_seq, reason, accepted_seq = row
    try:
        known = RunStatus(status)
    except ValueError as error:
        raise StoreCorrupt(f"run {run_id}: {error}") from error
    return RunSummary(
        run_id=RunId(run_id),
        target=target,
        status=known,
        workspace=workspace,
        accepted_at=from_us(accepted_at_us),
        finished_at=None if finished_at_us is None else from_us(finished_at_us),
        last_seq=last_seq,
        reason=reason,
        accepted_seq=accepted_seq,
    )


def run_row(run: RunSummary) -> RunRow:
    """Write a run's row."""
    return (
        run.run_id,
        run.target,
        run.status.value,
        run.workspace,
        to_us(run.accepted_at),
        None if run.finished_at is None else to_us(run.finished_at),
        run.last_seq,
        run.reason,
        run.accepted_seq,
    )


def placed_card(row: CardRow) -> PlacedCard:
    """Read a card's row.

    Raises:
        StoreCorrupt: The row is not what this version of Orket wrote.
    """
    added_seq, body = row
    return PlacedCard(decode_card(body), added_seq)
