"""``/v1/budgets`` and ``/v1/runs/{run_id}/budget``: what runs may spend and have spent."""

from __future__ import annotations

from typing import Annotated

import msgspec
from msgspec import Meta
from starlette.requests import Request
from starlette.responses import Response

from orket.interfaces.answers import json_response, next_page, page_response
from orket.interfaces.bridge import Bridge
from orket.interfaces.operations import READS, RUN_ID, Answer, Operation
from orket.interfaces.problems import RUN_NOT_FOUND
from orket.interfaces.reading import SEQ_MAX, read_query
from orket.interfaces.routes.run_calls import fold
from orket.interfaces.routes.runs import find_run
from orket.wire.budgets import BudgetPage, BudgetView, budget_view


class BudgetsQuery(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which budgets to list."""

    limit: Annotated[int, Meta(ge=1, le=50, description="How many at most.")] = 20
    cursor: Annotated[
        int, Meta(ge=0, description="Where the page begins; taken from the previous page's `next`.")
    ] = SEQ_MAX


async def index(bridge: Bridge, request: Request) -> Response:
    """List the budgets of the runs that have not ended."""
    query = read_query(request, BudgetsQuery)
    ledger = bridge.running.ledger
    found = await ledger.runs(before=min(query.cursor, SEQ_MAX), limit=query.limit + 1, open_only=True)
    shown, more = found[: query.limit], len(found) > query.limit
    following = next_page(request, cursor=shown[-1].accepted_seq) if more else ""
    views = tuple([budget_view(await fold(ledger, one.run_id)) for one in shown])
    return page_response(BudgetPage(budgets=views, next=following), following)


async def show(bridge: Bridge, request: Request) -> Response:
    """Show what one run may spend and has spent."""
    ledger = bridge.running.ledger
    return json_response(budget_view(await fold(ledger, (await find_run(ledger, request)).run_id)))


OPERATIONS = (
    Operation(
        name="listBudgets",
        method="GET",
        path="/v1/budgets",
        summary="List what the open runs may spend and have spent",
        handler=index,
        query=BudgetsQuery,
        answers=(Answer(status=200, description="A page.", body=BudgetPage, headers=("Link",)),),
        problems=READS,
        tag="budgets",
    ),
    Operation(
        name="getRunBudget",
        method="GET",
        path="/v1/runs/{run_id}/budget",
        summary="Show what a run may spend and has spent",
        description="At a bound the run pauses; resuming it may set others.",
        handler=show,
        answers=(Answer(status=200, description="The budget as it stands.", body=BudgetView),),
        parameters=(RUN_ID,),
        problems=(*READS, RUN_NOT_FOUND),
        tag="budgets",
    ),
)
