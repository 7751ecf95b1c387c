"""Driving one run from the command line: reach an engine, give the command, follow, sum up."""

from __future__ import annotations

import getpass
from collections.abc import Awaitable, Callable, Sequence

import anyio
import attrs
from rich.console import RenderableType

from orket.domain.identifiers import RunId
from orket.domain.ports import RunSummary
from orket.domain.runs import RunStatus
from orket.interfaces.cli import exits
from orket.interfaces.cli.changed import files_of
from orket.interfaces.cli.engines import reach_engine
from orket.interfaces.cli.exits import Exit
from orket.interfaces.cli.follow import follow
from orket.interfaces.cli.heed import Heed
from orket.interfaces.cli.out import Out
from orket.interfaces.cli.reach import Control, Own
from orket.interfaces.cli.shows import Show, choose
from orket.interfaces.cli.summary import summary
from orket.interfaces.cli.watch import Watch
from orket.interfaces.cli.wording import command_line
from orket.orchestration.messages import EngineCommand, PauseRun
from orket.settings import Settings

_RUNS_MAX = 100
Begin = Callable[[Control], Awaitable[RunId]]


@attrs.frozen(kw_only=True)
class Session:
    """A terminal, a place, and how the person wants to see things.

    ``data_dir`` is how the commands that are recommended name the data directory, empty for the default.
    With ``pieces`` it is also shown what models are writing.
    """

    settings: Settings
    out: Out
    data_dir: str = ""
    as_json: bool = False
    pieces: bool = False

    async def drive(self, command: EngineCommand, *, after: int = 0) -> Exit:
        """Give a command that makes a run go on, and follow the run until it rests.

        Args:
            command: What to tell the engine.
            after: Sequence number up to which the run's events are known and not shown again.
        """

        async def begin(control: Control) -> RunId:
            return (await control.command(command)).run_id

        return await self._follow(begin, after)

    async def take_up(self, run: RunSummary) -> Exit:
        """Follow a run that goes on by itself as soon as there is an engine."""

        async def begin(_: Control) -> RunId:
            return run.run_id

        return await self._follow(begin, run.last_seq)

    async def watch(self, run: RunSummary) -> Exit:
        """Follow a run of another engine, with what its models are writing, and leave it alone."""
        watch = Watch.of(run.run_id)
        async with reach_engine(self.settings) as control:
            with choose(self.out, as_json=self.as_json) as show:
                pieces = control.pieces(run.run_id)
                await follow(control.events(run.run_id), watch, show, shown_after=run.last_seq, pieces=pieces)
        await self._conclude(watch)
        return Exit.DONE

    async def _follow(self, begin: Begin, after: int) -> Exit:
        code = None
        async with anyio.create_task_group() as tasks:
            heed = Heed(tasks.cancel_scope)
            await tasks.start(heed.listen)
            code = await self._follow_heeding(begin, after, heed)
            tasks.cancel_scope.cancel()
        heed.ended()
        if code is None and heed.run_id is not None:
            resume = command_line(("resume", heed.run_id), data_dir=self.data_dir)
            self.out.remark(f"stopped; the run can be taken up again with: {resume}")
        return heed.exit or code or Exit.DONE

    async def _follow_heeding(self, begin: Begin, after: int, heed: Heed) -> Exit:
        async with reach_engine(self.settings) as control:
            run_id = await begin(control)
            known = await control.run(run_id)
            settles_from = 0 if known is None else known.last_seq
            watch = Watch.of(run_id)
            with choose(self.out, as_json=self.as_json) as show:
                heed.pause_with(run_id, lambda: self._pause(control, run_id, show))
                events = control.events(run_id)
                pieces = control.pieces(run_id) if self.pieces else None
                since = {"shown_after": after, "settles_from": settles_from}
                await follow(events, watch, show, **since, pieces=pieces)
            others = await _left_open(control, run_id)
        await self._conclude(watch)
        for other in others:
            resume = command_line(("resume", other), data_dir=self.data_dir)
            self.out.remark(f"run {other} is open too and has no engine now; go on with: {resume}")
        return exits.for_run(watch.state)

    async def _pause(self, control: Control, run_id: RunId, show: Show) -> None:
        show.note("pausing … (Ctrl-C again ends at once)")
        await control.command(PauseRun(run_id=run_id, by=person(), reason="Ctrl-C"))

    async def _conclude(self, watch: Watch) -> None:
        state = watch.state
        if not self.as_json:
            self.out.show("", *await self.sum_up(watch))
        elif state.status in (RunStatus.PAUSED, RunStatus.WAITING_FOR_APPROVAL):
            cards = command_line(("cards", state.run_id), data_dir=self.data_dir)
            self.out.remark(f"run {state.run_id} is {state.status}; see: {cards}")

    async def sum_up(self, watch: Watch, *, has_engine: bool = False) -> Sequence[RenderableType]:
        """Say how the run stands, with the files of its workspace; ``has_engine`` while one is at it."""
        files = await files_of(self.settings, watch.state)
        return summary(
            watch.state, watch.worked_s, files=files, data_dir=self.data_dir, has_engine=has_engine
        )


async def _left_open(control: Control, run_id: RunId) -> list[RunId]:
    """List the other runs that stand still once our own engine is gone, except those a person stopped."""
    if not isinstance(control, Own):
        return []
    found = await control.runs(limit=_RUNS_MAX)
    return [one.run_id for one in found if one.status is RunStatus.RUNNING and one.run_id != run_id]


def person() -> str:
    """Name who gives commands here, for the ledger."""
    try:
        return getpass.getuser()
    except (OSError, KeyError):  # a user id without a name, as in some containers
        return "someone"
