"""Calls that only propose: one transaction per turn, intent before receipt, and no executor in between."""

from __future__ import annotations

from pathlib import Path

import pytest

from orket.bootstrap import open_orket
from orket.domain import events as e
from orket.domain.cards import CardStatus
from orket.domain.runs import RunStatus
from orket.domain.tools import HumanVerdict, Permission, Recovery, ToolResult
from orket.orchestration.messages import DecideCall
from orket.services.tools.proposing import declare_proposal
from orket.services.tools.tool import Arguments, ToolContext
from orket.services.tools.toolbox import TOOLBOX, Toolbox, make_toolbox
from tests.orket.kit import TOOLS, Bench, call, issue, plain, reply, role, settled, status

pytestmark = pytest.mark.anyio


async def test_a_turn_of_proposals_is_recorded_at_once_and_in_order(tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    two = (call("add_issue_comment", comment="One."), call("add_issue_comment", comment="Two."))
    script = [reply("A", 1, *two), reply("A", 2, status("code_review")), reply("A", 3, status("done"))]
    async with bench.engine() as orket:
        state = await settled(orket, await bench.start(orket, bench.epic([issue("A")], script)))
        recorded = await orket.ledger.read(state.run_id)
        calls = orket.system.info(orket.root.executor).handled
    assert state.status is RunStatus.DONE
    assert calls == 0
    first = next(at for at, one in enumerate(recorded) if isinstance(one.event, e.ModelReplied))
    together = [type(one.event) for one in recorded if one.at == recorded[first].at]
    one_call = [e.ToolCallIntended, e.ToolCallFinished, e.CardCommented]
    assert together == [e.ModelReplied, *one_call, *one_call, e.TurnFinished, e.TurnStarted]


class NoArguments(Arguments):
    """None."""


def broken(args: NoArguments, context: ToolContext) -> ToolResult:
    raise ZeroDivisionError("this proposal is broken")


def toolbox() -> Toolbox:
    tool = declare_proposal(
        broken,
        NoArguments,
        name="nominate",
        description="Say something.",
        permissions=(Permission.CHANGE_CARDS,),
    )
    return make_toolbox((*TOOLBOX.values(), tool))


async def test_a_proposal_that_raises_costs_its_card_and_no_record(tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    epic = bench.epic([issue("A"), issue("B")], [*plain("A", call("nominate")), *plain("B")])
    bench.write("roles/builder_role.json", role("builder_role", [*TOOLS, "nominate"]))
    async with open_orket(bench.settings, toolbox=toolbox()) as orket:
        state = await settled(orket, await bench.start(orket, epic))
        kinds = [type(one.event) for one in await orket.ledger.read(state.run_id)]
    cards = {card.id: card for card in state.issues.values()}
    assert {key: card.status for key, card in cards.items()} == {
        "A": CardStatus.BLOCKED,
        "B": CardStatus.DONE,
    }
    assert "ZeroDivisionError: this proposal is broken" in cards["A"].wait_note  # type: ignore[index]  # a plain key
    assert kinds.count(e.ModelReplied) == 3  # what the model said to A is kept, and asked for once
    (turn,) = state.turns["A"]  # type: ignore[index]  # a plain key
    assert turn.calls[0].result is None


@pytest.mark.parametrize("verdict", [HumanVerdict.APPROVE, HumanVerdict.DENY])
async def test_a_person_is_asked_about_a_proposal_like_about_any_call(
    tmp_path: Path, verdict: HumanVerdict
) -> None:
    bench = Bench(tmp_path)
    policy = [{"effect": "ask", "tool": "add_issue_comment"}]
    script = plain("A", call("add_issue_comment", comment="Look."))
    async with bench.engine() as orket:
        epic = bench.epic([issue("A")], script, policy=policy)
        waiting = await settled(orket, await bench.start(orket, epic))
        (asked,) = waiting.waiting_calls()
        assert not waiting.comments
        await orket.engine.ask(
            DecideCall(run_id=waiting.run_id, call_id=asked.call.id, verdict=verdict, by="t"), timeout=10
        )
        state = await settled(orket, waiting.run_id)
    (said, *_) = state.turns["A"][0].calls  # type: ignore[index]  # a plain key
    assert said.recovery is Recovery.IDEMPOTENT
    assert bool(state.comments) is (verdict is HumanVerdict.APPROVE)
