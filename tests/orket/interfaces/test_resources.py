"""The resources that only look: turns, budgets, one card, sandboxes, policies, contents, the heartbeat."""

from __future__ import annotations

from pathlib import Path

import anyio
import httpx2
import pytest

from orket.bootstrap import open_orket
from orket.domain import events as e
from orket.domain.budgets import Budget
from orket.domain.cards import CardStatus
from orket.domain.identifiers import BlobId, CallId, CardId, RunId, blob_id
from orket.domain.models import ModelReply, Usage
from orket.domain.sandboxes import SandboxStatus
from orket.domain.tools import GateDecision, Recovery, ToolCall, ToolResult, Verdict
from orket.domain.verification import ScenarioResult, ScenarioStatus, VerificationResult
from orket.interfaces.api import create_app
from tests.orket.interfaces.engines import House, open_house
from tests.orket.kit import Bench

pytestmark = pytest.mark.anyio
ONE = CardId("I-1")
WROTE = ToolResult(ok=True, output="wrote 3 bytes", duration_ms=7)


def call_of(run: RunId) -> ToolCall:
    call_id = CallId(f"{run}/{ONE}/1/0")
    return ToolCall(
        id=call_id, run_id=run, card_id=ONE, turn=1, index=0, tool="write_file", arguments_json="{}"
    )


async def worked(house: House) -> RunId:
    """A run in which one card had a turn with a call that acted."""
    run = await house.run()
    call = call_of(run)
    usage = Usage(input_tokens=30, output_tokens=12)
    reply = ModelReply(text="so be it", usage=usage, model="m1", duration_ms=250)
    prompt = BlobId(blob_id(b"the prompt"))
    allowed = GateDecision(verdict=Verdict.ALLOW, rule="policy/0", reason="")
    await house.ledger.append(
        run,
        [
            e.SandboxChanged(
                sandbox_id=sandbox_of(house, run), driver="process", level=0, status=SandboxStatus.RUNNING
            ),
            e.CardStatusChanged(
                card_id=ONE, previous=CardStatus.READY, status=CardStatus.IN_PROGRESS, by="system"
            ),
            e.TurnStarted(
                card_id=ONE, turn=1, seat="coder", role="r", review=False, model="m1", prompt=prompt
            ),
            e.ModelReplied(card_id=ONE, turn=1, reply=reply, calls=(call,), cost_micros=1500),
            e.ToolCallIntended(call=call, decision=allowed, recovery=Recovery.IDEMPOTENT),
            e.ToolCallFinished(call_id=call.id, card_id=ONE, result=WROTE),
            e.TurnFinished(card_id=ONE, turn=1, outcome="continue", note="go on"),
            e.CardCommented(card_id=ONE, author="ada", text="looks fine"),
            e.VerificationFinished(
                card_id=ONE,
                result=VerificationResult(results=(ScenarioResult(id="s1", status=ScenarioStatus.PASS),)),
            ),
            e.RunPaused(by="ada"),
            e.RunResumed(by="ada", budget=Budget(turns_max=1), budgets=((ONE, Budget(tokens_max=99)),)),
        ],
        blobs=[b"the prompt"],
    )
    return run


def sandbox_of(house: House, run: RunId) -> str:
    return house.orket.nodes.sandbox_policy.sandbox_id(run)


async def test_turns() -> None:
    async with open_house() as house:
        run = await worked(house)
        (turn,) = (await house.client.get(f"/v1/runs/{run}/turns")).json()["turns"]
        assert (turn["card_id"], turn["seat"], turn["text"], turn["outcome"]) == (
            ONE,
            "coder",
            "so be it",
            "continue",
        )
        assert (turn["input_tokens"], turn["output_tokens"], turn["duration_ms"]) == (30, 12, 250)
        assert turn["calls"] == [call_of(run).id]
        assert (await house.client.get(f"/v1/runs/{run}/turns?card=I-2")).json()["turns"] == []


async def test_budgets() -> None:
    async with open_house() as house:
        run, done = await worked(house), await house.run(e.RunFinished(status="done"))
        shown = (await house.client.get(f"/v1/runs/{run}/budget")).json()
        assert shown["bounds"] == {"turns_max": 1}
        assert shown["spent"]["tokens"] == 42
        assert shown["spent"]["cost"] == 0.0015
        assert "turns" in shown["used_up"]
        (card,) = shown["cards"]
        assert (card["card_id"], card["bounds"], card["used_up"]) == (ONE, {"tokens_max": 99}, "")
        listed = (await house.client.get("/v1/budgets")).json()
        assert [one["run_id"] for one in listed["budgets"]] == [run]
        assert (await house.client.get(f"/v1/runs/{done}/budget")).json()["spent"]["turns"] == 0


async def test_a_card_with_its_account() -> None:
    async with open_house() as house:
        run = await worked(house)
        shown = (await house.client.get(f"/v1/runs/{run}/cards/{ONE}")).json()
        assert (shown["card"]["id"], shown["card"]["status"], shown["turns"]) == (ONE, "in_progress", 1)
        assert [one["text"] for one in shown["comments"]] == ["looks fine"]
        assert shown["verification"] == {
            "ok": True,
            "passed": 1,
            "failed": 0,
            "scenarios": [{"id": "s1", "status": "pass", "reason": ""}],
        }
        assert shown["calls"] == [call_of(run).id]
        epic = (await house.client.get(f"/v1/runs/{run}/cards/EPIC")).json()
        assert epic["children"] == ["I-1", "I-2"]
        missing = await house.client.get(f"/v1/runs/{run}/cards/I-9")
        assert (missing.status_code, missing.json()["errors"][0]["pointer"]) == (404, "/card_id")


async def test_sandboxes_and_what_happened_there() -> None:
    async with open_house() as house:
        run = await worked(house)
        name = sandbox_of(house, run)
        await house.run()
        (listed,) = (await house.client.get("/v1/sandboxes")).json()["sandboxes"]
        assert (listed["id"], listed["run_id"], listed["status"]) == (name, run, "running")
        assert (await house.client.get(f"/v1/sandboxes/{name}")).json() == listed
        log = (await house.client.get(f"/v1/sandboxes/{name}/logs")).json()
        assert [one["output"] for one in log["entries"]] == ["wrote 3 bytes"]
        later = await house.client.get(f"/v1/sandboxes/{name}/logs?after={log['entries'][0]['seq']}")
        assert later.json() == {"entries": [], "next": ""}
        for path in ("/v1/sandboxes/none", "/v1/sandboxes/none/logs"):
            assert (await house.client.get(path)).json()["type"] == "urn:orket:problem:sandbox-not-found"


async def test_contents_never_change() -> None:
    async with open_house() as house:
        await worked(house)
        path = f"/v1/ledger/contents/{blob_id(b'the prompt')}"
        found = await house.client.get(path)
        assert found.content == b"the prompt"
        assert found.headers["content-disposition"] == "attachment"
        again = await house.client.get(path, headers={"If-None-Match": found.headers["etag"]})
        assert (again.status_code, again.content) == (304, b"")
        assert (await house.client.get("/v1/ledger/contents/00")).status_code == 404


async def test_the_heartbeat() -> None:
    async with open_house() as house:
        await house.run()
        shown = (await house.client.get("/v1/system/heartbeat")).json()
        assert (shown["halted"], shown["runs_open"], shown["requests_under_way"]) == (False, 1, 1)
        await house.client.post("/v1/system/halt")
        assert (await house.client.get("/v1/system/heartbeat")).json()["halted"] is True
        await house.client.post("/v1/system/release")
        await house.run()
        beats = await gather(house, "/v1/system/heartbeat", 5)
        assert [(one["halted"], one["runs_open"]) for one in beats] == [(False, 2)] * 5
        assert (await house.client.get("/v1/system/engine")).json()["halted"] is False


async def gather(house: House, path: str, times: int) -> list[dict[str, object]]:
    """Ask so many times at once."""
    answers: list[dict[str, object]] = []

    async def ask() -> None:
        answers.append((await house.client.get(path)).json())

    async with anyio.create_task_group() as group:
        for _ in range(times):
            group.start_soon(ask)
    return answers


async def test_the_house_of_a_real_engine_and_its_whole_ledger(tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    async with open_orket(bench.settings) as orket:
        transport = httpx2.ASGITransport(app=create_app(orket))
        async with httpx2.AsyncClient(transport=transport, base_url="http://127.0.0.1") as client:
            shown = (await client.get("/v1/policies")).json()
            assert shown["organization"] == "Orket"
            assert {"family": "planner_node", "name": "default", "by": "default"} in shown["nodes"]
            await client.post("/v1/system/halt")
            report = (await client.post("/v1/ledger/verify")).json()
            assert (report["ok"], report["events"], report["faults"]) == (True, 1, [])
