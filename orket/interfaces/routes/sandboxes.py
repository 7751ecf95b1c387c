"""``/v1/sandboxes``: where the runs act, which level each got, and what happened there."""

from __future__ import annotations

from typing import Annotated

import msgspec
from msgspec import Meta
from starlette.requests import Request
from starlette.responses import Response

from orket.domain import events as e
from orket.domain.identifiers import RunId
from orket.domain.ports import LedgerReader
from orket.interfaces.answers import json_response, next_page, page_response
from orket.interfaces.bridge import Bridge
from orket.interfaces.operations import READS, Answer, Operation, Parameter
from orket.interfaces.problems import SANDBOX_NOT_FOUND, not_found
from orket.interfaces.reading import SEQ_MAX, read_query
from orket.wire.sandboxes import SandboxLog, SandboxLogEntry, SandboxPage, SandboxView

EVENTS_AT_A_TIME = 1000
RUNS_LOOKED_AT = 200
RUN_ID_CHARS = 8
ID = Parameter(name="sandbox_id", place="path", description="The sandbox's id, as the list names it.")


class SandboxesQuery(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Whose sandboxes to list."""

    limit: Annotated[int, Meta(ge=1, le=50, description="Of how many runs.")] = 20
    cursor: Annotated[
        int, Meta(ge=0, description="Where the page begins; taken from the previous page's `next`.")
    ] = SEQ_MAX
    open: Annotated[bool, Meta(description="Only those of runs that have not ended.")] = False


class LogQuery(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which part of the log to show."""

    after: Annotated[int, Meta(ge=0, description="Begin after this event.")] = 0
    limit: Annotated[int, Meta(ge=1, le=500, description="How many calls at most.")] = 100


async def index(bridge: Bridge, request: Request) -> Response:
    """List the sandboxes of runs, the newest run first."""
    query = read_query(request, SandboxesQuery)
    ledger = bridge.running.ledger
    found = await ledger.runs(before=min(query.cursor, SEQ_MAX), limit=query.limit + 1, open_only=query.open)
    runs, more = found[: query.limit], len(found) > query.limit
    following = next_page(request, cursor=runs[-1].accepted_seq) if more else ""
    shown = tuple([one for run in runs for one in await _of(ledger, run.run_id)])
    return page_response(SandboxPage(sandboxes=shown, next=following), following)


async def show(bridge: Bridge, request: Request) -> Response:
    """Show one sandbox."""
    return json_response(await _find(bridge, request))


async def logs(bridge: Bridge, request: Request) -> Response:
    """Show what the tool calls did there."""
    query = read_query(request, LogQuery)
    sandbox, ledger = await _find(bridge, request), bridge.running.ledger
    entries: list[SandboxLogEntry] = []
    after = min(query.after, SEQ_MAX)
    while page := await ledger.read(RunId(sandbox.run_id), after=after, limit=EVENTS_AT_A_TIME):
        entries += [_entry(one, one.event) for one in page if isinstance(one.event, e.ToolCallFinished)]
        after = page[-1].seq
        if len(entries) > query.limit:
            break
    shown, more = entries[: query.limit], len(entries) > query.limit
    following = next_page(request, after=shown[-1].seq) if more else ""
    return page_response(SandboxLog(entries=tuple(shown), next=following), following)


async def _find(bridge: Bridge, request: Request) -> SandboxView:
    """Find a sandbox by its name, which tells the run it belongs to, or among those of the newest runs."""
    name: str = request.path_params["sandbox_id"]
    ledger, policy = bridge.running.ledger, bridge.running.nodes.sandbox_policy
    named = await ledger.run(RunId(name[-RUN_ID_CHARS:]))
    runs = () if named is None else (named,)
    for run in (*runs, *await ledger.runs(limit=RUNS_LOOKED_AT)):
        if policy.sandbox_id(run.run_id) == name:
            for one in await _of(ledger, run.run_id):
                if one.id == name:
                    return one
    raise not_found(SANDBOX_NOT_FOUND, "sandbox_id", name)


async def _of(ledger: LedgerReader, run_id: RunId) -> list[SandboxView]:
    """The last that was recorded of each sandbox of a run."""
    last: dict[str, SandboxView] = {}
    after = 0
    while page := await ledger.read(run_id, after=after, limit=EVENTS_AT_A_TIME):
        for one in page:
            if isinstance(one.event, e.SandboxChanged):
                last[one.event.sandbox_id] = _view(one, one.event)
        after = page[-1].seq
    return list(last.values())


def _view(recorded: e.Recorded, event: e.SandboxChanged) -> SandboxView:
    return SandboxView(
        id=event.sandbox_id,
        run_id=recorded.run_id,
        driver=event.driver,
        level=event.level,
        status=event.status,
        reason=event.reason,
        changed_at=recorded.at,
    )


def _entry(recorded: e.Recorded, event: e.ToolCallFinished) -> SandboxLogEntry:
    return SandboxLogEntry(
        seq=recorded.seq,
        at=recorded.at,
        call_id=event.call_id,
        card_id=event.card_id,
        ok=event.result.ok,
        output=event.result.output,
        duration_ms=event.result.duration_ms,
    )


_PROBLEMS = (*READS, SANDBOX_NOT_FOUND)

OPERATIONS = (
    Operation(
        name="listSandboxes",
        method="GET",
        path="/v1/sandboxes",
        summary="List the sandboxes of the runs",
        handler=index,
        query=SandboxesQuery,
        answers=(Answer(status=200, description="A page.", body=SandboxPage, headers=("Link",)),),
        problems=READS,
        tag="sandboxes",
    ),
    Operation(
        name="getSandbox",
        method="GET",
        path="/v1/sandboxes/{sandbox_id}",
        summary="Show a sandbox",
        handler=show,
        answers=(Answer(status=200, description="The sandbox as it stands.", body=SandboxView),),
        parameters=(ID,),
        problems=_PROBLEMS,
        tag="sandboxes",
    ),
    Operation(
        name="getSandboxLogs",
        method="GET",
        path="/v1/sandboxes/{sandbox_id}/logs",
        summary="Show what happened in a sandbox",
        handler=logs,
        query=LogQuery,
        answers=(Answer(status=200, description="A page.", body=SandboxLog, headers=("Link",)),),
        parameters=(ID,),
        problems=_PROBLEMS,
        tag="sandboxes",
    ),
)
