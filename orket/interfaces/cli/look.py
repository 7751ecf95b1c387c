"""``orket runs | cards | events``: looking, which changes nothing."""

from __future__ import annotations

from typing import Annotated

import anyio
from cyclopts import Parameter
from rich.table import Table
from rich.text import Text

from orket.domain.cards import Card, CardStatus
from orket.domain.events import Recorded
from orket.domain.identifiers import CardId, RunId
from orket.domain.ports import RunSummary
from orket.interfaces.cli import view
from orket.interfaces.cli.engines import is_served, reach_ledger
from orket.interfaces.cli.exits import BadInput, Exit
from orket.interfaces.cli.lines import every
from orket.interfaces.cli.names import find_run, newest_run
from orket.interfaces.cli.options import HERE, Json, Where
from orket.interfaces.cli.out import Out
from orket.interfaces.cli.reach import PAGE, Reach
from orket.interfaces.cli.session import Session
from orket.interfaces.cli.watch import Watch
from orket.interfaces.cli.wording import counted, duration, printable
from orket.wire import codec
from orket.wire.views import card_view, event_view, run_view

_NAME_CHARS = 40
Limit = Annotated[int, Parameter(help="How many at most.")]


def runs(*, limit: Limit = 50, as_json: Json = False, where: Where = HERE) -> int:
    """List the runs, newest first.

    Args:
        as_json: Print one run a line as JSON.
    """
    return anyio.run(_runs, where, _positive("--limit", limit), as_json)


async def _runs(where: Where, limit: int, as_json: bool) -> Exit:
    out = Out()
    async with reach_ledger(where.settings()) as reach:
        found = await reach.runs(limit=limit)
    if as_json:
        for one in found:
            out.line(codec.encode(run_view(one)).decode())
    elif found:
        out.show(_table(found))
    else:
        out.remark("no runs here yet; start one with: orket run FILE")
    return Exit.DONE


def _table(found: tuple[RunSummary, ...]) -> Table:
    table = Table.grid(padding=(0, 2, 0, 0))
    for name in ("run", "status", "accepted", "took", "target"):
        table.add_column(no_wrap=name != "target")
    for one in found:
        took = (
            "" if one.finished_at is None else duration((one.finished_at - one.accepted_at).total_seconds())
        )
        accepted = one.accepted_at.astimezone().strftime("%Y-%m-%d %H:%M:%S")
        named = printable(one.target, chars_max=_NAME_CHARS)
        table.add_row(one.run_id, view.standing(one.status), accepted, took, Text(named))
    return table


def cards(
    run: str | None = None, /, *, archived: bool = False, as_json: Json = False, where: Where = HERE
) -> int:
    """Show the cards of a run as they stand, what waits for whom, and the files of its workspace.

    Args:
        run: The run's id, or the beginning of it [default: the newest run].
        archived: Show those that are archived, too.
        as_json: Print one card a line as JSON.
    """
    return anyio.run(_cards, where, run, archived, as_json)


async def _cards(where: Where, name: str | None, archived: bool, as_json: bool) -> Exit:
    session = where.session(where.settings(), as_json=as_json)
    async with reach_ledger(session.settings) as reach:
        found = await (find_run(reach, name) if name else newest_run(reach))
        watch = Watch.of(found.run_id)
        await _fold(reach, watch)
    hidden = 0 if archived else _hide_archived(watch.state.cards)
    if as_json:
        for card in watch.state.cards.values():
            session.out.line(codec.encode(card_view(found.run_id, card)).decode())
    else:
        session.out.show(*await session.sum_up(watch, has_engine=is_served(session.settings)))
    if hidden:
        session.out.remark(f"{counted(hidden, 'archived card')} left out; --archived shows them too")
    return Exit.DONE


def _hide_archived(known: dict[CardId, Card]) -> int:
    gone = [key for key, card in known.items() if card.status is CardStatus.ARCHIVED]
    for key in gone:
        del known[key]
    return len(gone)


async def _fold(reach: Reach, watch: Watch) -> None:
    run_id = watch.state.run_id
    while page := await reach.read(run_id, after=watch.state.last_seq, limit=PAGE):
        for recorded in page:
            watch.apply(recorded)


def events(
    run: str, /, *, follow: bool = False, after: int = 0, as_json: Json = False, where: Where = HERE
) -> int:
    """Show the events of a run.

    Args:
        run: The run's id, or the beginning of it.
        follow: Go on with what happens, until the run has ended.
        after: Begin above this sequence number.
        as_json: Print one event a line as JSON.
    """
    return anyio.run(_events, where, run, follow, after, as_json)


async def _events(where: Where, name: str, follow: bool, after: int, as_json: bool) -> Exit:
    session = where.session(where.settings(), as_json=as_json)
    async with reach_ledger(session.settings) as reach:
        found = await find_run(reach, name)
        teller = _Teller(session, found.run_id, after)
        if not (follow and is_served(session.settings)):
            await teller.pages(reach)
            if follow and not teller.watch.state.is_final:
                session.out.remark("no engine is running, so nothing more comes")
            return Exit.DONE
        await teller.stream(reach)
    return Exit.DONE


def watch(run: str | None = None, /, *, as_json: Json = False, where: Where = HERE) -> int:
    """Watch a run that another process drives, with what its models are writing.

    Shows what happens from now on, until the run rests. Ctrl-C ends the watching and nothing else.

    Args:
        run: The run's id, or the beginning of it [default: the newest run].
        as_json: Print one event or one piece of an answer a line, and nothing else, on standard output.
    """
    return anyio.run(_watch, where, run, as_json)


async def _watch(where: Where, name: str | None, as_json: bool) -> Exit:
    session = where.session(where.settings(), as_json=as_json)
    if not is_served(session.settings):
        raise BadInput("no engine is running, so nothing is being written; see: orket cards")
    async with reach_ledger(session.settings) as reach:
        found = await (find_run(reach, name) if name else newest_run(reach))
    return await session.watch(found)


class _Teller:
    """Tells events above a number; folds those below too, for the names in them."""

    def __init__(self, session: Session, run_id: RunId, after: int) -> None:
        self.watch = Watch.of(run_id)
        self._out, self._as_json, self._after = session.out, session.as_json, after

    async def pages(self, reach: Reach) -> None:
        """Tell what there is."""
        seq = 0
        while page := await reach.read(self.watch.state.run_id, after=seq, limit=PAGE):
            for recorded in page:
                self.tell(recorded)
            if self._out.is_closed:
                return
            seq = page[-1].seq

    async def stream(self, reach: Reach) -> None:
        """Tell what comes, until the run has ended or nobody reads."""
        async with reach.events(self.watch.state.run_id) as stream:
            async for recorded in stream:
                self.tell(recorded)
                if self.watch.state.is_final or self._out.is_closed:
                    return

    def tell(self, recorded: Recorded) -> None:
        """Fold one event, and write it when it is above the number."""
        self.watch.apply(recorded)
        if recorded.seq > self._after:
            self._out.line(
                codec.encode(event_view(recorded)).decode() if self._as_json else _told(recorded, self.watch)
            )


def _told(recorded: Recorded, watch: Watch) -> str:
    at = recorded.at.astimezone().strftime("%H:%M:%S.%f")[:-3]
    return f"{recorded.seq:>6}  {at}  {every(recorded.event, watch.state)}"


def _positive(option: str, value: int) -> int:
    if value < 1:
        raise BadInput(f"{option} {value}: must be at least 1")
    return value
