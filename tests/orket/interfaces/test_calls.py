"""Tool calls over HTTP: what waits for a person can be found, and then decided about."""

from __future__ import annotations

import pytest

from orket.domain import events as e
from orket.domain.identifiers import BlobId, CallId, CardId, RunId
from orket.domain.models import ModelReply
from orket.domain.tools import GateDecision, HumanVerdict, Recovery, ToolCall, ToolResult, Verdict
from orket.orchestration.messages import DecideCall
from tests.orket.interfaces.engines import open_house

pytestmark = pytest.mark.anyio

CARD = CardId("I-1")
RUN = RunId("00000001")


def call(index: int) -> ToolCall:
    return ToolCall(
        id=CallId(f"{RUN}/{CARD}/1/{index}"),
        run_id=RUN,
        card_id=CARD,
        turn=1,
        index=index,
        tool="run_command",
        arguments_json="{}",
    )


def intended(index: int, verdict: Verdict, reason: str = "") -> e.ToolCallIntended:
    decision = GateDecision(verdict=verdict, rule="r", reason=reason)
    return e.ToolCallIntended(call=call(index), decision=decision, recovery=Recovery.ASK_HUMAN)


TURN = (
    e.TurnStarted(card_id=CARD, turn=1, seat="s", role="r", review=False, model="m", prompt=BlobId("0" * 64)),
    e.ModelReplied(card_id=CARD, turn=1, reply=ModelReply(text=""), calls=tuple(call(n) for n in range(5))),
    intended(0, Verdict.DENY, "not here"),
    e.ToolCallFinished(
        call_id=call(0).id, card_id=CARD, result=ToolResult(ok=False, output="no", code="denied")
    ),
    intended(1, Verdict.ASK, "house rule"),
    intended(2, Verdict.ALLOW),
    e.ToolCallInDoubt(call_id=call(2).id, card_id=CARD, reason="no receipt"),
    intended(3, Verdict.ALLOW),
)


async def test_each_call_says_where_it_stands() -> None:
    async with open_house() as house:
        run = await house.run(*TURN)
        found = (await house.client.get(f"/v1/runs/{run}/tool-calls")).json()
        assert [(one["standing"], one["gate"], one["reason"]) for one in found["calls"]] == [
            ("finished", "deny", "not here"),
            ("waiting", "ask", "house rule"),
            ("in_doubt", "allow", "no receipt"),
            ("under_way", "allow", ""),
            ("proposed", None, ""),
        ]
        first = found["calls"][0]
        assert (first["ok"], first["output"], first["decided"]) == (False, "no", None)
        assert found["next"] == ""


async def test_what_waits_is_found_page_by_page_and_decided() -> None:
    async with open_house() as house:
        run = await house.run(*TURN)
        first = (await house.client.get(f"/v1/runs/{run}/tool-calls?waiting=true&limit=1")).json()
        rest = (await house.client.get(first["next"])).json()
        ids = [one["id"] for one in (*first["calls"], *rest["calls"])]
        assert ids == [call(1).id, call(2).id]
        path = f"/v1/runs/{run}/tool-calls/{ids[0]}/decision"
        assert (await house.client.post(path, json={"verdict": "deny"})).status_code == 200
        heard = house.script.heard[-1]
        assert heard == DecideCall(run_id=RUN, call_id=call(1).id, verdict=HumanVerdict.DENY, by="http")
        left = (await house.client.get(f"/v1/runs/{run}/tool-calls?waiting=true")).json()
        assert [one["id"] for one in left["calls"]] == [call(2).id]


async def test_calls_of_no_run() -> None:
    async with open_house() as house:
        assert (await house.client.get("/v1/runs/ffffffff/tool-calls")).status_code == 404
