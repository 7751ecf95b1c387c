"""What the ledger says of project sandboxes, for whoever is not their keeper."""

from __future__ import annotations

from orket.domain.events import RunAccepted
from orket.domain.identifiers import PROJECTS, RunId
from orket.domain.ports import LedgerReader
from orket.domain.projects import ProjectSandboxChanged, standing_projects

PAGE, RUNS_PAGE = 1000, 50


async def recorded_projects(ledger: LedgerReader) -> dict[str, ProjectSandboxChanged]:
    """Fold the ledger to what is recorded last of each sandbox that is not deleted, by their ids."""
    events: list[object] = []
    after = 0
    while page := await ledger.read(PROJECTS, after=after, limit=PAGE):
        events += [one.event for one in page]
        after = page[-1].seq
    return standing_projects(events)


async def holding(ledger: LedgerReader, sandbox_id: str) -> RunId | None:
    """Find an open run whose commands reach the services of a project sandbox."""
    before: int | None = None
    while page := await ledger.runs(before=before, limit=RUNS_PAGE, open_only=True):
        for run in page:
            first = await ledger.read(run.run_id, limit=1)
            event = first[0].event if first else None
            if isinstance(event, RunAccepted) and event.services == sandbox_id:
                return run.run_id
        before = page[-1].accepted_seq
    return None
