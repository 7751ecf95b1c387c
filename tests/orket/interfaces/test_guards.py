"""Only the right host gets in, and only pages that came from there."""

from __future__ import annotations

import pytest

from tests.orket.interfaces.engines import open_house

pytestmark = pytest.mark.anyio


@pytest.mark.parametrize("host", ["127.0.0.1:8082", "localhost", "LOCALHOST:1", "[::1]:8082", "127.0.0.1"])
async def test_loopback_names_are_served(host: str) -> None:
    async with open_house() as house:
        assert (await house.client.get("/livez", headers={"Host": host})).status_code == 200


@pytest.mark.parametrize(
    "host",
    ["evil.example", "127.0.0.1.evil.example", "", "a b", "localhost:x", "[::1", "localhost,evil", "[::2]"],
)
async def test_other_names_are_not(host: str) -> None:
    async with open_house() as house:
        answer = await house.client.get("/livez", headers={"Host": host})
        assert answer.status_code == 421
        assert answer.json()["type"] == "urn:orket:problem:foreign-host"
        assert answer.json()["request_id"] == answer.headers["x-request-id"]


async def test_two_hosts_are_one_too_many() -> None:
    async with open_house() as house:
        answer = await house.client.get("/livez", headers=[("Host", "localhost"), ("Host", "localhost")])
        assert answer.status_code == 421


async def test_a_page_from_here_is_served() -> None:
    async with open_house() as house:
        answer = await house.client.get("/livez", headers={"Origin": "http://127.0.0.1:8082"})
        assert answer.status_code == 200


@pytest.mark.parametrize("origin", ["http://evil.example", "null", "http://127.0.0.1:9999", ""])
async def test_a_page_from_elsewhere_is_not(origin: str) -> None:
    async with open_house() as house:
        answer = await house.client.post("/v1/runs", json={"target": "a"}, headers={"Origin": origin})
        assert answer.status_code == 403
        assert answer.json()["type"] == "urn:orket:problem:foreign-origin"
        assert house.script.heard == []
        assert "access-control-allow-origin" not in answer.headers
