"""A pause cuts calls off: what acted on the world keeps its receipt, what only proposed is called again."""

from __future__ import annotations

from pathlib import Path

import anyio
import pytest

from orket.bootstrap import open_orket
from orket.domain.runs import CallState, RunState, RunStatus
from orket.domain.tools import Permission, Recovery, ToolResult
from orket.orchestration.messages import CancelRun, PauseRun, ResumeRun
from orket.services.tool_messages import CANCELED
from orket.services.tools.tool import Arguments, ToolContext, declare, done
from orket.services.tools.toolbox import TOOLBOX, Toolbox, make_toolbox
from orket.services.tools.workbench import Workbench
from tests.orket.kit import TOOLS, Bench, call, issue, plain, role, settled

pytestmark = pytest.mark.anyio


class NoArguments(Arguments):
    """None."""


class Slow:
    """A tool that does not end the first time."""

    def __init__(self) -> None:
        self.begun = anyio.Event()

    async def act(self, args: NoArguments, context: ToolContext, bench: Workbench) -> ToolResult:
        if not self.begun.is_set():
            self.begun.set()
            await anyio.sleep_forever()
        return done(said="yes")

    def toolbox(self, *permissions: Permission) -> Toolbox:
        tool = declare(
            self.act,
            NoArguments,
            name="nominate",
            description="Say something.",
            permissions=permissions,
            recovery=Recovery.IDEMPOTENT,
        )
        return make_toolbox((*TOOLBOX.values(), tool))


async def stopped(
    tmp_path: Path, *permissions: Permission, cancel: bool = False
) -> tuple[RunState, CallState]:
    """Stop a run in the middle of its call, let it go on; return it and the call."""
    bench, slow = Bench(tmp_path), Slow()
    epic = bench.epic([issue("A")], plain("A", call("nominate")))
    bench.write("roles/builder_role.json", role("builder_role", [*TOOLS, "nominate"]))
    async with open_orket(bench.settings, toolbox=slow.toolbox(*permissions)) as orket:
        run_id = await bench.start(orket, epic)
        await slow.begun.wait()
        if cancel:
            await orket.engine.ask(CancelRun(run_id=run_id, by="t"), timeout=10)
        else:
            await orket.engine.ask(PauseRun(run_id=run_id, by="t"), timeout=10)
            await orket.engine.ask(ResumeRun(run_id=run_id, by="t"), timeout=10)
        state = await settled(orket, run_id)
    (turn, *_) = next(iter(state.turns.values()))
    return state, turn.calls[0]


async def test_what_only_proposes_is_called_again(tmp_path: Path) -> None:
    state, cut_off = await stopped(tmp_path, Permission.CHANGE_CARDS)
    assert state.status is RunStatus.DONE, state.reason
    assert cut_off.attempts == 2
    assert cut_off.result is not None
    assert cut_off.result.ok


@pytest.mark.parametrize("permissions", [(Permission.WRITE_FILES, Permission.CHANGE_CARDS), ()])
async def test_what_may_have_acted_is_not(tmp_path: Path, permissions: tuple[Permission, ...]) -> None:
    _, cut_off = await stopped(tmp_path, *permissions)
    assert cut_off.attempts == 1
    assert cut_off.result is not None
    assert cut_off.result.code == CANCELED


async def test_a_canceled_run_leaves_no_call_open(tmp_path: Path) -> None:
    state, cut_off = await stopped(tmp_path, Permission.CHANGE_CARDS, cancel=True)
    assert state.status is RunStatus.CANCELED
    assert cut_off.result is not None
