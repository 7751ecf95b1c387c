"""The calendar, the memory, a run's board and why its cards do not move, over HTTP."""

from __future__ import annotations

from pathlib import Path

import httpx2
import pytest

from orket.bootstrap.prompting import preview_prompt
from orket.domain import events as e
from orket.domain.cards import CardStatus, WaitReason
from orket.domain.identifiers import CardId
from orket.interfaces.api import create_app
from tests.orket.interfaces.engines import House, open_house
from tests.orket.kit import Bench, issue, plain, settled

pytestmark = pytest.mark.anyio
ONE, TWO = CardId("I-1"), CardId("I-2")
BLOCKED = e.CardStatusChanged(
    card_id=TWO,
    previous=CardStatus.READY,
    status=CardStatus.BLOCKED,
    by="ada",
    wait_reason=WaitReason.RESOURCE,
    reason="no disk",
)


async def refused(house: House, path: str) -> tuple[int, str, str]:
    answer = await house.client.get(path)
    problem = answer.json()
    return answer.status_code, problem["type"].rpartition(":")[2], problem["errors"][0]["pointer"]


async def test_the_calendar() -> None:
    async with open_house() as house:
        found = (await house.client.get("/v1/calendar?day=2026-02-07&weeks=2")).json()
        assert found["sprints"][0] == {
            "sprint": "2026 Q1 S6",
            "first_day": "2026-02-02",
            "last_day": "2026-02-06",
        }
        assert [one["sprint"] for one in found["sprints"]] == ["2026 Q1 S6", "2026 Q1 S7"]
        today = (await house.client.get("/v1/calendar")).json()["sprints"]
        assert len(today) == 1
        last = (await house.client.get("/v1/calendar?day=9999-12-31&weeks=530")).json()["sprints"]
        assert [one["last_day"] for one in last] == ["9999-12-31"]
        assert await refused(house, "/v1/calendar?day=tomorrow") == (422, "invalid-request", "/day")
        assert await refused(house, "/v1/calendar?weeks=531") == (422, "invalid-request", "/weeks")
        assert await refused(house, "/v1/calendar?day=2026-02-30") == (422, "invalid-request", "/day")


async def test_the_memory() -> None:
    async with open_house() as house:
        told = ("Prices are in cents", "The ledger never forgets")
        run = await house.run(*(e.DecisionRemembered(card_id=ONE, by="coder", text=one) for one in told))
        (found,) = (await house.client.get("/v1/memory?q=CENTS")).json()["memories"]
        assert (found["run_id"], found["card_id"], found["by"]) == (run, ONE, "coder")
        assert found["text"] == told[0]
        newest = (await house.client.get("/v1/memory?limit=1")).json()["memories"]
        assert [one["text"] for one in newest] == [told[1]]
        for nothing in ("unheard", "%2A%2A", "%22"):
            assert (await house.client.get(f"/v1/memory?q={nothing}")).json() == {"memories": []}
        assert await refused(house, "/v1/memory?limit=0") == (422, "invalid-request", "/limit")
        assert await refused(house, f"/v1/memory?q={'x' * 2001}") == (422, "invalid-request", "/q")


async def test_the_board_of_a_run() -> None:
    async with open_house() as house:
        run = await house.run(BLOCKED)
        first = await house.client.get(f"/v1/runs/{run}/board")
        columns = {one["status"]: one for one in first.json()["columns"]}
        assert list(columns) == [str(one) for one in CardStatus]
        assert [one["id"] for one in columns["ready"]["cards"]] == [ONE]
        assert [one["wait_note"] for one in columns["blocked"]["cards"]] == ["no disk"]
        assert columns["done"] == {"status": "done", "count": 0, "cards": []}
        again = await house.client.get(
            f"/v1/runs/{run}/board", headers={"If-None-Match": first.headers["etag"]}
        )
        assert again.status_code == 304
        short = (await house.client.get(f"/v1/runs/{run}/board?limit=0")).json()["columns"][0]
        assert (short["count"], short["cards"]) == (1, [])
        assert await refused(house, "/v1/runs/ffffffff/board") == (404, "run-not-found", "/run_id")


async def test_why_cards_of_a_run_do_not_move() -> None:
    async with open_house() as house:
        run = await house.run(BLOCKED)
        said = (await house.client.get(f"/v1/runs/{run}/why-blocked")).json()
        (blocked,) = said["blocked"]
        assert (said["run_id"], blocked["card_id"], blocked["status"]) == (run, TWO, "blocked")
        assert blocked["chains"][0]["links"][-1]["card_id"] == TWO
        assert [(one["card_id"], one["cause"]) for one in said["roots"]] == [(TWO, "blocked")]
        assert (await house.client.get(f"/v1/runs/{run}/why-blocked?card={ONE}")).json()["blocked"] == []
        missing = f"/v1/runs/{run}/why-blocked?card=EPIC"
        assert await refused(house, missing) == (404, "card-not-found", "/card")
        assert await refused(house, "/v1/runs/ffffffff/why-blocked") == (404, "run-not-found", "/run_id")


async def test_the_prompt_of_a_cards_next_turn_is_the_one_that_the_command_line_shows(tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    epic = bench.epic([issue("A"), issue("B")], plain("A"))
    async with bench.engine() as orket:
        state = await settled(orket, await bench.start(orket, epic, only="A"))
        path = f"/v1/runs/{state.run_id}/cards"
        transport = httpx2.ASGITransport(app=create_app(orket))
        async with httpx2.AsyncClient(transport=transport, base_url="http://127.0.0.1") as client:
            shown = (await client.get(f"{path}/B/prompt")).json()
            said = await preview_prompt(bench.settings, state, CardId("B"))
            assert (shown["prompt"], shown["turn"], shown["seat"]) == (said.prompt, 1, "builder")
            assert [one["content"] for one in shown["messages"]] == [
                one.content for one in said.request.messages
            ]
            assert shown["tools"] == [one.name for one in said.request.tools]
            assert [one["name"] for one in shown["parts"]] == [one.name for one in said.account.parts]
            over = await client.get(f"{path}/A/prompt")
            assert (over.status_code, over.json()["type"]) == (409, "urn:orket:problem:conflict")
            missing = await client.get(f"{path}/Z/prompt")
            assert (missing.status_code, missing.json()["errors"][0]["pointer"]) == (404, "/card_id")
        newest = await orket.ledger.read(state.run_id, after=state.last_seq)
        assert newest == ()
