"""Keys at the door: who gets in from where, and what each may do."""

from __future__ import annotations

from datetime import UTC, datetime

import httpx2
import pytest

from orket.bootstrap import make_key
from orket.domain.keys import Scope
from orket.interfaces.limits import HttpLimits
from orket.interfaces.operations import Operation
from orket.interfaces.routes import OPERATIONS
from tests.orket.interfaces.asgi import visit
from tests.orket.interfaces.engines import House, open_house

pytestmark = pytest.mark.anyio
ELSEWHERE = {"ORKET_HOST": "192.0.2.1"}


def away(house: House, token: str = "") -> httpx2.AsyncClient:
    """A client that reaches the bridge at an address that is not loopback."""
    return httpx2.AsyncClient(
        transport=httpx2.ASGITransport(app=house.app, client=("198.51.100.7", 4711)),
        base_url="http://192.0.2.1:8082",
        headers={"authorization": f"Bearer {token}"} if token else {},
    )


def made(house: House, *scopes: Scope) -> str:
    return make_key(house.orket.keys, "test", scopes)[1]


async def test_loopback_needs_no_key_and_elsewhere_does() -> None:
    async with open_house(environ=ELSEWHERE) as house, away(house) as client:
        assert (await house.client.get("/v1/runs")).status_code == 200
        refused = await client.get("/v1/runs")
        assert (refused.status_code, refused.json()["type"]) == (401, "urn:orket:problem:key-needed")
        assert refused.headers["www-authenticate"].startswith("Bearer")
        for path in ("/livez", "/readyz", "/v1/system/version", "/openapi.json"):
            assert (await client.get(path)).status_code == 200, path


async def test_the_owner_comes_over_the_unix_socket_without_a_key() -> None:
    async with open_house(environ={**ELSEWHERE, "ORKET_REQUIRE_KEY": "1"}) as house:
        unix = ("/run/orket.sock", None)
        async with visit(house.app, "/v1/runs", server=unix) as seen:
            assert seen.status == 200
        async with visit(house.app, "/v1/runs", server=("127.0.0.1", 1)) as seen:
            assert seen.status == 401
        async with visit(house.app, "/v1/runs", server=None) as seen:
            assert seen.status == 401


@pytest.mark.parametrize(
    ("scope", "allowed"),
    [
        (Scope.READ, {Scope.READ}),
        (Scope.OPERATE, {Scope.READ, Scope.OPERATE}),
        (Scope.APPROVE, {Scope.READ, Scope.APPROVE}),
        (Scope.ADMIN, set(Scope)),
    ],
)
async def test_a_key_opens_what_its_scopes_say(scope: Scope, allowed: set[Scope]) -> None:
    """Every operation there is, with every scope there is."""
    async with open_house(environ=ELSEWHERE) as house, away(house, made(house, scope)) as client:
        run = await house.run()
        await house.orket.system.stop()  # nothing is to be carried out here

        async def status(one: Operation) -> int:
            path = one.path.replace("{run_id}", run)
            for parameter in one.parameters:
                path = path.replace(f"{{{parameter.name}}}", "x").replace(f"{{{parameter.name}:path}}", "x")
            if one.name == "streamRunEvents":
                async with client.stream("HEAD", path) as answer:
                    return answer.status_code
            return (await client.request(one.method, path)).status_code

        for one in OPERATIONS:
            opened = one.scope is None or one.scope in allowed
            assert (await status(one) != 403) == opened, one.name


async def test_a_scope_that_is_missing_is_named() -> None:
    async with open_house(environ=ELSEWHERE) as house, away(house, made(house, Scope.READ)) as client:
        refused = await client.post("/v1/system/halt")
        assert (refused.status_code, refused.json()["type"]) == (403, "urn:orket:problem:scope-missing")
        assert 'scope="operate"' in refused.headers["www-authenticate"]
        assert house.script.heard == []


@pytest.mark.parametrize(
    "header",
    ["Bearer", "Bearer ", "Basic eA==", "Bearer orket_00000000_" + "s" * 43, "x" * 300, "bearer \xff"],
)
async def test_a_wrong_key_is_refused_even_where_none_is_needed(header: str) -> None:
    async with open_house() as house:
        answer = await house.client.get("/livez", headers={"Authorization": header.encode("latin-1")})
        assert (answer.status_code, answer.json()["type"]) == (401, "urn:orket:problem:key-not-usable")
        assert answer.json()["errors"][0]["pointer"] == "/Authorization"
        assert "s" * 43 not in answer.text


async def test_a_revoked_key_opens_nothing_from_the_next_request_on() -> None:
    async with open_house(environ=ELSEWHERE) as house:
        admin, other = made(house, Scope.ADMIN), made(house, Scope.READ)
        async with away(house, admin) as client, away(house, other) as loser:
            assert (await loser.get("/v1/runs")).status_code == 200
            listed = (await client.get("/v1/keys")).json()["keys"]
            assert [one["scopes"] for one in listed] == [["admin"], ["read"]]
            revoked = await client.post(f"/v1/keys/{listed[1]['id']}/revoke")
            assert revoked.json()["revoked_at"] is not None
            assert (await loser.get("/v1/runs")).status_code == 401
            assert (await client.post("/v1/keys/nobody/revoke")).status_code == 404
            text = (await client.get("/v1/keys")).text
            for one in house.orket.keys.all():
                assert one.digest not in text


async def test_a_page_of_keys_leads_to_the_next() -> None:
    async with open_house() as house:
        for _ in range(3):
            made(house, Scope.READ)
        first = (await house.client.get("/v1/keys?limit=2")).json()
        rest = (await house.client.get(first["next"])).json()
        assert (len(first["keys"]), len(rest["keys"]), rest["next"]) == (2, 1, "")


async def test_wrong_keys_are_counted_by_where_they_come_from_and_lock_nobody_out() -> None:
    async with open_house(environ=ELSEWHERE) as house:
        token = made(house, Scope.READ)
        async with away(house, token[:-1] + "_") as guesser, away(house, token) as right:
            answers = [(await guesser.get("/v1/runs")).status_code for _ in range(30)]
            assert set(answers[:20]) == {401}
            assert answers[-1] == 429
            assert (await right.get("/v1/runs")).status_code == 200


async def test_who_asks_too_often_is_told_when_to_come_back() -> None:
    limits = HttpLimits(rate_per_s=0.5, rate_burst=2)
    async with open_house(environ=ELSEWHERE, limits=limits) as house, away(house) as client:
        often, seldom = (
            {"Authorization": f"Bearer {made(house, one)}"} for one in (Scope.OPERATE, Scope.READ)
        )
        answers = [await client.get("/v1/runs", headers=often) for _ in range(3)]
        assert [one.status_code for one in answers] == [200, 200, 429]
        assert answers[-1].json()["type"] == "urn:orket:problem:too-many-requests"
        assert answers[-1].headers["retry-after"] == "2"
        assert (await client.post("/v1/system/halt", headers=often)).status_code == 200  # its own lane
        assert (await client.get("/v1/runs", headers=seldom)).status_code == 200


async def test_keys_have_an_end() -> None:
    async with open_house(environ=ELSEWHERE) as house:
        _, token = make_key(house.orket.keys, "short", (Scope.READ,), days=1e-12)
        assert house.orket.keys.all()[0].usable(datetime.now(UTC)) is False
        async with away(house, token) as client:
            assert (await client.get("/v1/runs")).status_code == 401
