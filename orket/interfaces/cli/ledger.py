"""``orket ledger``: the record itself, as it was written."""

from __future__ import annotations

import anyio
from cyclopts import App

from orket.domain.events import Recorded
from orket.domain.identifiers import RunId
from orket.interfaces.cli.engines import reach_ledger
from orket.interfaces.cli.exits import BadInput, Exit
from orket.interfaces.cli.names import find_run
from orket.interfaces.cli.options import HERE, Json, Where
from orket.interfaces.cli.out import Out
from orket.interfaces.cli.reach import PAGE, Reach
from orket.interfaces.cli.wording import command_line, printable
from orket.wire import codec
from orket.wire.views import event_view

_DATA_CHARS = 160

_FILES = "orket.interfaces.cli.ledger_files"
app = App(name="ledger", help="Look at the record of everything that happened.")
app.command(f"{_FILES}:verify", name="verify", help="Check that nobody changed what is recorded.")
app.command(f"{_FILES}:export", name="export", help="Write the whole ledger to a file to keep elsewhere.")


@app.command
def show(
    run: str | None = None, /, *, after: int = 0, limit: int = 200, as_json: Json = False, where: Where = HERE
) -> int:
    """Print recorded events in their order, with their data.

    Args:
        run: Only this run's: its id, or the beginning of it [default: all runs].
        after: Begin above this sequence number.
        limit: How many events at most.
        as_json: Print one event a line as JSON, data whole.
    """
    if limit < 1:
        raise BadInput(f"--limit {limit}: must be at least 1")
    return anyio.run(_show, where, run, after, limit, as_json)


async def _show(where: Where, name: str | None, after: int, limit: int, as_json: bool) -> Exit:
    out = Out()
    async with reach_ledger(where.settings()) as reach:
        run_id = (await find_run(reach, name)).run_id if name else None
        last, more = await _print(out, reach, run_id, after, limit, as_json)
    if more:
        words = ("ledger", "show", *([run_id] if run_id else []), "--after", str(last))
        out.remark(f"there is more: {command_line(words, data_dir=where.words)}")
    return Exit.DONE


async def _print(
    out: Out, reach: Reach, run_id: RunId | None, after: int, limit: int, as_json: bool
) -> tuple[int, bool]:
    """Print up to ``limit`` events; return the last sequence number and whether there are more."""
    while limit and not out.is_closed:
        page = await reach.read(run_id, after=after, limit=min(limit, PAGE))
        for recorded in page:
            out.line(codec.encode(event_view(recorded)).decode() if as_json else _row(recorded))
        if not page:
            return after, False
        after, limit = page[-1].seq, limit - len(page)
    return after, not out.is_closed and bool(await reach.read(run_id, after=after, limit=1))


def _row(recorded: Recorded) -> str:
    shown = event_view(recorded)
    data = printable(codec.encode(shown.data).decode(), chars_max=_DATA_CHARS)
    at = shown.at.strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3] + "Z"
    return f"{shown.seq:>6}  {at}  {shown.run_id}  {shown.kind:<20}  {data}"
