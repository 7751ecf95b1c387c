"""A system shown by a web application."""

import httpx2
import pytest
from starlette.applications import Starlette
from starlette.routing import Mount

import actors.top
from actors import ActorSystem
from tests.actors.bank import Account

pytestmark = pytest.mark.anyio


async def test_it_is_mounted_in_a_web_application() -> None:
    async with ActorSystem("s") as system:
        system.named("account").spawn(Account)
        app = Starlette(routes=[Mount("/actors", app=actors.top.asgi(system))])
        transport = httpx2.ASGITransport(app=app)
        async with httpx2.AsyncClient(transport=transport, base_url="http://x") as client:
            answer = await client.get("/actors/")
            assert answer.status_code == 200
            assert answer.headers["cache-control"] == "no-store"
            seen = actors.top.Snapshot.from_json(answer.content)
            assert [line.path for line in seen.actors] == ["s", "s/account"]
            head = await client.head("/actors/")
            assert (head.status_code, head.content) == (200, b"")
            assert (await client.post("/actors/")).status_code == 405


async def test_it_can_be_an_app_of_its_own() -> None:
    sent: list[str] = []
    kinds = iter(["lifespan.startup", "lifespan.shutdown"])

    async def receive() -> dict[str, str]:
        return {"type": next(kinds)}

    async def send(message: object) -> None:
        assert isinstance(message, dict)
        sent.append(message["type"])

    async with ActorSystem() as system:
        app = actors.top.asgi(system)
        await app({"type": "lifespan"}, receive, send)
        await app({"type": "websocket"}, receive, send)
    assert sent == ["lifespan.startup.complete", "lifespan.shutdown.complete", "websocket.close"]
