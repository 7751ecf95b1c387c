"""At the start of an engine: sandboxes that the ledger leaves standing, and that cannot be standing any more.

A sandbox lives as long as its engine: a launcher ends its command when the engine's end of a pipe closes, and
the kernel closes that even after SIGKILL. What may be missing is the record of it.
"""

from __future__ import annotations

from collections.abc import Iterable

import attrs

from orket.domain.events import Event, SandboxChanged
from orket.domain.identifiers import RunId
from orket.domain.ports import Ledger, RunSummary
from orket.domain.sandboxes import SandboxStatus

PAGE = 1000
NEWEST_RUNS = 20
LAST_EVENTS = 500
REASON = "left open by an engine that ended; its commands ended with it"


def standing(events: Iterable[Event]) -> dict[str, SandboxChanged]:
    """Fold events to the sandboxes that are not deleted, by their ids; pure."""
    found: dict[str, SandboxChanged] = {}
    for event in events:
        if isinstance(event, SandboxChanged):
            found[event.sandbox_id] = event
    return {name: one for name, one in found.items() if one.status is not SandboxStatus.DELETED}


async def reconcile(ledger: Ledger) -> int:
    """Record as deleted what an earlier engine left standing; return how many there were.

    Looks at every open run, and at the last events of the newest finished ones, whose engine may have ended
    between the end of the run and the closing of its sandbox.

    Raises:
        StoreError: The ledger cannot be read or written.
    """
    count = 0
    for run_id, after in (await _runs(ledger)).items():
        left = standing(await _events(ledger, run_id, after))
        gone = [attrs.evolve(one, status=SandboxStatus.DELETED, reason=REASON) for one in left.values()]
        if gone:
            await ledger.append(run_id, gone)
        count += len(gone)
    return count


async def _runs(ledger: Ledger) -> dict[RunId, int]:
    """From the runs to look at to the sequence number above which to look, in one order always."""
    found: dict[RunId, int] = {}
    before: int | None = None
    while page := await ledger.runs(before=before, limit=PAGE, open_only=True):
        found |= {one.run_id: 0 for one in page}
        before = page[-1].accepted_seq
    newest: tuple[RunSummary, ...] = await ledger.runs(limit=NEWEST_RUNS)
    return {one.run_id: max(0, one.last_seq - LAST_EVENTS) for one in newest} | found


async def _events(ledger: Ledger, run_id: RunId, after: int) -> list[Event]:
    events: list[Event] = []
    while page := await ledger.read(run_id, after=after, limit=PAGE):
        events += [one.event for one in page if isinstance(one.event, SandboxChanged)]
        after = page[-1].seq
    return events
