"""The MCP server's tools over a bridge in this process: what they tell, and how they refuse."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from mcp import Client

from orket.client import OrketClient
from orket.domain import events as e
from orket.interfaces.mcp.tools import make_server
from orket.orchestration.messages import StartRun
from tests.orket.interfaces.engines import DONE, House, open_house

pytestmark = pytest.mark.anyio


@asynccontextmanager
async def spoken() -> AsyncIterator[tuple[House, Client]]:
    async with open_house() as house, Client(make_server(OrketClient(house.client))) as client:
        yield house, client


async def asked(client: Client, tool: str, **arguments: Any) -> Any:
    answer = await client.call_tool(tool, arguments)
    assert not answer.is_error, answer.content
    return answer.structured_content


async def refused(client: Client, tool: str, **arguments: Any) -> str:
    answer = await client.call_tool(tool, arguments)
    assert answer.is_error
    return str(getattr(answer.content[0], "text", ""))


async def test_a_run_is_started_looked_at_and_ended() -> None:
    async with spoken() as (house, client):
        started = await asked(client, "start_run", target="lamps", only="I-1", key="k")
        assert started["state"] == "working"
        again = await asked(client, "start_run", target="lamps", only="I-1", key="k")
        assert again["id"] == started["id"]
        first = house.script.heard[0]
        assert isinstance(first, StartRun)
        assert (first.target, first.only) == ("lamps", "I-1")
        assert [one["id"] for one in (await asked(client, "list_cards", run_id=started["id"]))["cards"]] == [
            "EPIC",
            "I-1",
            "I-2",
        ]
        ended = await asked(client, "cancel_run", run_id=started["id"], reason="enough")
        assert ended["state"] == "cancelled"
        events = (await asked(client, "list_events", run_id=started["id"]))["events"]
        assert [one["event"]["kind"] if "event" in one else one["kind"] for one in events][
            -1
        ] == "RunFinished"


@pytest.mark.parametrize(
    ("events", "state"),
    [
        ((), "working"),
        ((e.RunPaused(by="me"),), "input_required"),
        ((DONE,), "completed"),
        ((e.RunFinished(status="blocked"),), "failed"),
        ((e.RunFinished(status="canceled"),), "cancelled"),
    ],
)
async def test_states_are_those_of_tasks(events: tuple[e.Event, ...], state: str) -> None:
    async with spoken() as (house, client):
        run = await house.run(*events)
        assert (await asked(client, "get_run", run_id=run))["state"] == state
        listed = (await asked(client, "list_runs"))["operations"]
        assert [(one["id"], one["state"]) for one in listed] == [(run, state)]


async def test_a_refusal_says_what_the_bridge_says_and_bad_arguments_do_not_reach_it() -> None:
    async with spoken() as (house, client):
        assert "no-such" in await refused(client, "get_run", run_id="no-such")
        assert "no-such" in await refused(client, "decide_approval", approval_id="no-such", decision="deny")
        assert "limit" in await refused(client, "list_runs", limit=0)
        assert "decision" in await refused(client, "decide_approval", approval_id="x", decision="maybe")
        assert house.script.heard == []


async def test_tools_say_whether_they_act() -> None:
    async with spoken() as (_, client):
        tools = {one.name: one for one in (await client.list_tools()).tools}
        reading = {name for name, one in tools.items() if one.annotations and one.annotations.read_only_hint}
        assert reading == {"list_runs", "get_run", "list_cards", "list_events", "list_approvals"}
        assert set(tools) - reading == {"start_run", "decide_approval", "cancel_run"}
        assert all(one.description for one in tools.values())
