"""Runs over HTTP: starting, repeating, listing, commanding."""

from __future__ import annotations

import re
from urllib.parse import quote

import pytest

from orket.domain.budgets import Budget
from orket.domain.tools import HumanVerdict
from orket.orchestration.messages import CancelRun, DecideCall, PauseRun, StartRun
from tests.orket.interfaces.engines import DONE, open_house

pytestmark = pytest.mark.anyio


async def test_a_run_is_accepted_with_its_location() -> None:
    async with open_house() as house:
        body = {"target": "ledger_cli", "only": "I-1", "parallel": 2, "budget": {"turns_max": 9}}
        answer = await house.client.post("/v1/runs", json=body)
        assert answer.status_code == 202
        assert answer.headers["location"] == "/v1/runs/00000001"
        assert answer.json() == {
            "id": "00000001",
            "url": "/v1/runs/00000001",
            "events_url": "/v1/runs/00000001/events",
            "operation_url": "/v1/operations/00000001",
        }
        (heard,) = house.script.heard
        assert isinstance(heard, StartRun)
        assert (heard.target, heard.only, heard.parallel) == ("ledger_cli", "I-1", 2)
        assert heard.budget == Budget(turns_max=9)
        shown = (await house.client.get(answer.headers["location"])).json()
        assert (shown["id"], shown["status"], shown["target"]) == ("00000001", "running", "ledger_cli")


async def test_a_repeated_key_gives_the_same_answer_and_starts_nothing() -> None:
    async with open_house() as house:
        key = {"Idempotency-Key": "7f"}
        first = await house.client.post("/v1/runs", json={"target": "a"}, headers=key)
        await house.client.post("/v1/runs/00000001/cancel")
        again = await house.client.post(
            "/v1/runs",
            content=b' {"target":\n"a", "only": null}',
            headers={**key, "Content-Type": "application/json"},
        )
        assert (again.status_code, again.content) == (202, first.content)
        assert again.headers["location"] == first.headers["location"]
        assert again.headers["idempotency-replayed"] == "true"
        assert "idempotency-replayed" not in first.headers
        assert len(await house.ledger.runs()) == 1


async def test_a_key_of_another_command_is_refused() -> None:
    async with open_house() as house:
        key = {"Idempotency-Key": "7f"}
        await house.client.post("/v1/runs", json={"target": "a"}, headers=key)
        other = await house.client.post("/v1/runs", json={"target": "b"}, headers=key)
        assert other.status_code == 422
        assert other.json()["type"] == "urn:orket:problem:idempotency-conflict"


async def test_runs_come_in_pages_newest_first() -> None:
    async with open_house() as house:
        names = [await house.run(target=f"t{n}") for n in range(5)]
        seen, path = [], "/v1/runs?limit=2"
        for _ in range(10):
            page = await house.client.get(path)
            assert page.status_code == 200
            seen += [one["id"] for one in page.json()["runs"]]
            link = page.headers.get("link", "")
            path = page.json()["next"]
            assert link == (f'<{path}>; rel="next"' if path else "")
            if not path:
                break
        assert seen == names[::-1]


async def test_only_open_runs() -> None:
    async with open_house() as house:
        await house.run(DONE)
        open_one = await house.run()
        page = (await house.client.get("/v1/runs?open=true")).json()
        assert [one["id"] for one in page["runs"]] == [open_one]


@pytest.mark.parametrize(
    "query", ["limit=0", "limit=201", "limit=x", "open=perhaps", "colour=red", "cursor=x"]
)
async def test_a_bad_query_names_its_parameter(query: str) -> None:
    async with open_house() as house:
        answer = await house.client.get(f"/v1/runs?{query}")
        assert answer.status_code == 422
        (fault,) = answer.json()["errors"]
        assert (fault["in"], fault["pointer"]) == ("query", "/" + query.partition("=")[0])


@pytest.mark.parametrize("path", ["runs?cursor", "ledger?after", "cards?cursor"])
async def test_a_cursor_beyond_everything_is_no_error(path: str) -> None:
    async with open_house() as house:
        await house.run()
        value = "9" * 18 + ".0" if "cards" in path else 10**30
        assert (await house.client.get(f"/v1/{path}={value}")).status_code == 200


async def test_commands_reach_the_engine() -> None:
    async with open_house() as house:
        run = await house.run()
        paused = await house.client.post(f"/v1/runs/{run}/pause", json={"by": "ada", "reason": "lunch"})
        assert (paused.status_code, paused.json()) == (200, {"id": run, "status": "paused"})
        resumed = await house.client.post(f"/v1/runs/{run}/resume")
        assert resumed.json()["status"] == "running"
        cancelled = await house.client.post(f"/v1/runs/{run}/cancel", json={})
        assert cancelled.json()["status"] == "canceled"
        assert house.script.heard[0] == PauseRun(run_id=run, by="ada", reason="lunch")
        assert house.script.heard[2] == CancelRun(run_id=run, by="http")


async def test_a_finished_run_conflicts_and_says_what_is_allowed() -> None:
    async with open_house() as house:
        run = await house.run(DONE)
        answer = await house.client.post(f"/v1/runs/{run}/pause")
        assert answer.status_code == 409
        assert answer.json()["allowed"] == ["fork"]


@pytest.mark.parametrize("spell", [quote, lambda call: quote(call, safe="")], ids=["slashes", "encoded"])
async def test_a_call_is_named_by_its_id_slashes_and_all(spell: object) -> None:
    assert callable(spell)
    async with open_house() as house:
        run = await house.run()
        call = f"{run}/I-1/3/0"
        path = f"/v1/runs/{run}/tool-calls/{spell(call)}/decision"
        answer = await house.client.post(path, json={"verdict": "approve", "by": "ada"})
        assert answer.status_code == 200, answer.text
        assert house.script.heard == [
            DecideCall(run_id=run, call_id=call, verdict=HumanVerdict.APPROVE, by="ada")
        ]


async def test_cards_of_a_run_in_pages() -> None:
    async with open_house() as house:
        run = await house.run()
        first = await house.client.get(f"/v1/runs/{run}/cards?limit=2")
        assert [one["id"] for one in first.json()["cards"]] == ["EPIC", "I-1"]
        rest = await house.client.get(first.json()["next"])
        assert [(one["id"], one["run_id"]) for one in rest.json()["cards"]] == [("I-2", run)]
        assert rest.json()["next"] == ""


async def test_cards_of_all_runs_in_pages() -> None:
    async with open_house() as house:
        runs = [await house.run() for _ in range(23)]
        expected = [(run, card) for run in runs[::-1] for card in ("EPIC", "I-1", "I-2")]
        seen, path = [], "/v1/cards?limit=7"
        while path:
            page = (await house.client.get(path)).json()
            seen += [(one["run_id"], one["id"]) for one in page["cards"]]
            path = page["next"]
        assert seen == expected
        blocked = await house.client.get("/v1/cards?status=blocked")
        assert blocked.json()["cards"] == []


async def test_the_ledger_in_pages() -> None:
    async with open_house() as house:
        run = await house.run()
        other = await house.run(DONE)
        seen, path = [], "/v1/ledger?limit=3"
        while path:
            page = (await house.client.get(path)).json()
            seen += [(one["seq"], one["run_id"]) for one in page["events"]]
            path = page["next"]
        assert [seq for seq, _ in seen] == list(range(1, 10))
        ours = (await house.client.get(f"/v1/ledger?run={other}")).json()["events"]
        assert [one["run_id"] for one in ours] == [other] * 5
        assert ours[-1]["kind"] == "RunFinished"
        assert ours[-1]["data"] == {"status": "done", "reason": ""}
        assert seen[0][1] == run


@pytest.mark.parametrize(
    "path", ["cards?status=null", "runs?limit=2&limit=3", "cards?status=done&status=done"]
)
async def test_a_parameter_is_given_once_and_never_null(path: str) -> None:
    async with open_house() as house:
        answer = await house.client.get(f"/v1/{path}")
        assert (answer.status_code, answer.json()["status"]) == (422, 422)


async def test_a_run_called_null_is_not_every_run() -> None:
    async with open_house() as house:
        await house.run()
        assert (await house.client.get("/v1/ledger?run=null")).json()["events"] == []


async def test_system_resources() -> None:
    async with open_house() as house:
        version = (await house.client.get("/v1/system/version")).json()
        assert version["api"] == "v1"
        assert re.match(r"\d+\.\d+", version["version"])
        assert (await house.client.get("/livez")).json() == {"status": "ok"}
        assert (await house.client.get("/readyz")).json() == {"status": "ok"}
