"""The law of the tool executor: what may not be repeated is never repeated without a person's word.

A run asks for one and the same call again and again, as its ledger tells it to; meanwhile the executor and
the orchestrator are killed, calls are ended, outcomes are settled, in any order.
"""

from __future__ import annotations

import tempfile
from enum import Enum
from pathlib import Path

import anyio
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from actors import ActorsError
from orket.domain.events import ToolCallIntended
from orket.domain.tools import HumanVerdict, Permission, Recovery, ToolResult
from orket.services.tool_messages import CallOutcome, EndCalls, ExecuteTool, Settle
from orket.services.tools.tool import Arguments, ToolContext, declare, done
from orket.services.tools.toolbox import make_toolbox
from orket.services.tools.workbench import Workbench
from tests.orket.services.rooms import RUN, Rooms, rooms


class Step(Enum):
    """What happens next."""

    ASK = "ask"
    ASK_AND_KILL_EXECUTOR = "ask, kill the executor while it acts"
    ASK_AND_KILL_ORCHESTRATOR = "ask, kill the orchestrator while it acts"
    ASK_AND_END = "ask, end the run's calls while it acts"
    KILL_EXECUTOR = "kill the executor"
    SETTLE = "settle"
    PERSON = "a person says that it did not happen"


class StampArguments(Arguments):
    """Nothing."""


class Stamp:
    """A tool that counts its effects, and holds still after or before each when told to."""

    def __init__(self) -> None:
        self.effects = 0
        self.hold_before = self.hold_after = False
        self.reached = anyio.Event()

    async def effect(self, args: StampArguments, context: ToolContext, workbench: Workbench) -> ToolResult:
        await self._hold(self.hold_before)
        self.effects += 1
        await self._hold(self.hold_after)
        return done(effects=self.effects)

    async def _hold(self, hold: bool) -> None:
        if hold:
            self.reached.set()
            await anyio.sleep_forever()


class World:
    """The run's side: knows only its ledger, and what a person has said."""

    def __init__(self, room: Rooms, stamp: Stamp) -> None:
        self.room, self.stamp = room, stamp
        self.allowed = 1

    async def request(self, verdict: HumanVerdict | None = None) -> ExecuteTool:
        intents = [one for one in await self.room.events() if isinstance(one, ToolCallIntended)]
        return self.room.ask_for("stamp", attempts=len(intents), verdict=verdict, offered=("stamp",))

    async def ask(self, verdict: HumanVerdict | None = None) -> CallOutcome | None:
        try:
            return await self.room.executor.ask(await self.request(verdict))
        except ActorsError:
            return None

    async def ask_and(self, step: Step, before: bool) -> None:
        """Begin a call that holds still, then strike; a call that is answered at once is none to strike."""
        self.stamp.hold_before, self.stamp.hold_after = before, not before
        self.stamp.reached = anyio.Event()
        async with anyio.create_task_group() as group:

            async def begin() -> None:
                await self.ask()
                self.stamp.reached.set()

            group.start_soon(begin)
            await self.stamp.reached.wait()
            if step is Step.ASK_AND_END:
                await self.room.executor.ask(EndCalls(run_id=RUN))
            elif step is Step.ASK_AND_KILL_EXECUTOR:
                self.room.system.kill(self.room.executor)
            else:
                self.room.system.kill(self.room.sandboxes)  # it takes the executor with it
        self.stamp.hold_before = self.stamp.hold_after = False

    async def take(self, step: Step, before: bool) -> None:
        match step:
            case Step.ASK:
                outcome = await self.ask()
                if outcome is not None and outcome.result is not None and outcome.result.ok:
                    assert self.stamp.effects >= 1
            case Step.KILL_EXECUTOR:
                self.room.system.kill(self.room.executor)
            case Step.SETTLE:
                self.room.executor.tell(Settle(call_id=(await self.request()).call.id))
            case Step.PERSON:
                if (await self.request()).attempts:
                    self.allowed += 1
                    await self.ask(HumanVerdict.DID_NOT_HAPPEN)
            case _:
                await self.ask_and(step, before)


async def play(steps: list[tuple[Step, bool]]) -> None:
    stamp = Stamp()
    tool = declare(
        stamp.effect,
        StampArguments,
        name="stamp",
        description="",
        permissions=(Permission.RUN_COMMANDS,),
        recovery=Recovery.ASK_HUMAN,
    )
    with tempfile.TemporaryDirectory() as folder:
        async with rooms(Path(folder), toolbox=make_toolbox([tool])) as room:
            world = World(room, stamp)
            for step, before in steps:
                await world.take(step, before)
                assert stamp.effects <= world.allowed, (step, steps)


@pytest.mark.parametrize("backend", ["asyncio", "trio"])
@given(steps=st.lists(st.tuples(st.sampled_from(Step), st.booleans()), max_size=6))
@settings(max_examples=60, deadline=None)
def test_no_effect_is_silently_repeated(backend: str, steps: list[tuple[Step, bool]]) -> None:
    anyio.run(play, steps, backend=backend)
