"""Halt and release over HTTP, and what the engine says about itself meanwhile."""

from __future__ import annotations

import pytest

from orket.domain.errors import RunConflict
from orket.orchestration.messages import HaltEngine
from tests.orket.interfaces.engines import open_house

pytestmark = pytest.mark.anyio


async def test_the_engine_is_halted_and_released() -> None:
    async with open_house() as house:
        works = {"halted": False, "by": "", "reason": ""}
        assert (await house.client.get("/v1/system/engine")).json() == works
        halted = await house.client.post("/v1/system/halt", json={"by": "ada", "reason": "fire"})
        assert (halted.status_code, halted.json()) == (200, {"halted": True, "runs": ["00000001"]})
        assert house.script.heard == [HaltEngine(by="ada", reason="fire")]
        stands = {"halted": True, "by": "ada", "reason": "fire"}
        assert (await house.client.get("/v1/system/engine")).json() == stands
        released = await house.client.post("/v1/system/release", json={})
        assert released.json() == {"halted": False, "runs": []}
        assert (await house.client.get("/v1/system/engine")).json() == works


async def test_a_release_that_is_refused_says_what_is_possible() -> None:
    async with open_house() as house:
        house.script.refusal = RunConflict("the engine is not halted", ("halt",))
        told = await house.client.post("/v1/system/release", json={})
        assert (told.status_code, told.json()["allowed"]) == (409, ["halt"])
