"""Approvals over HTTP: what waits in any open run has a short name, under which it is decided."""

from __future__ import annotations

import pytest

from orket.domain import events as e
from orket.domain.tools import HumanVerdict
from orket.orchestration.messages import DecideCall
from tests.orket.interfaces.engines import DONE, open_house
from tests.orket.interfaces.test_calls import RUN, TURN, call

pytestmark = pytest.mark.anyio


async def test_what_waits_is_listed_page_by_page_and_decided_by_its_name() -> None:
    async with open_house() as house:
        await house.run(*TURN)
        await house.run(*TURN, DONE)  # a run that has ended asks nothing
        first = (await house.client.get("/v1/approvals?limit=1")).json()
        rest = (await house.client.get(first["next"])).json()
        found = [*first["approvals"], *rest["approvals"]]
        assert [(one["call"]["id"], one["call"]["standing"]) for one in found] == [
            (call(1).id, "waiting"),
            (call(2).id, "in_doubt"),
        ]
        assert (found[0]["run_id"], found[0]["seat"], found[0]["rule"]) == (RUN, "s", "r")
        assert rest["next"] == ""
        path = f"/v1/approvals/{found[0]['id']}/decision"
        decided = await house.client.post(path, json={"verdict": "approve", "by": "ada"})
        assert decided.json() == {"id": RUN, "status": "running"}
        heard = house.script.heard[-1]
        assert heard == DecideCall(run_id=RUN, call_id=call(1).id, verdict=HumanVerdict.APPROVE, by="ada")
        again = await house.client.post(path, json={"verdict": "approve"})
        assert again.status_code == 404
        assert again.json()["type"] == "urn:orket:problem:approval-not-found"


async def test_nothing_waits() -> None:
    async with open_house() as house:
        await house.run(e.RunPaused(by="ada"))
        assert (await house.client.get("/v1/approvals")).json() == {"approvals": [], "next": ""}
        assert (
            await house.client.post("/v1/approvals/x/decision", json={"verdict": "deny"})
        ).status_code == 404
