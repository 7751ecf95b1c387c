"""An app that owns its engine: opened and closed with the server, not ready once it has died."""

from __future__ import annotations

import json
from pathlib import Path

import anyio
import httpx2
import pytest

from orket.domain.errors import SettingsError
from orket.interfaces.api import create_app
from orket.settings import Settings


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(data_dir=tmp_path / "data", model_dir=tmp_path / "model", cwd=tmp_path)


@pytest.mark.anyio
async def test_it_owns_an_engine_while_it_lives(settings: Settings) -> None:
    app = create_app(settings=settings)
    transport = httpx2.ASGITransport(app=app)
    async with httpx2.AsyncClient(transport=transport, base_url="http://localhost") as client:
        before = await client.get("/v1/runs")
        assert (before.status_code, before.json()["type"]) == (503, "urn:orket:problem:engine-not-running")
        assert (await client.get("/readyz")).status_code == 503
        async with app.router.lifespan_context(app):
            assert (await client.get("/readyz")).status_code == 200
            assert (await client.get("/v1/runs")).json() == {"runs": [], "next": ""}
            refused = await client.post("/v1/runs", json={"target": "nothing of that name"})
            assert refused.status_code == 422
        assert (await client.get("/readyz")).status_code == 503
        assert (await client.get("/v1/runs")).status_code == 503
        assert (await client.get("/livez")).status_code == 200


@pytest.mark.anyio
async def test_it_is_not_ready_once_the_engine_has_died(settings: Settings) -> None:
    """As a server runs it: the lifespan is a task of its own, which ends when the system gives up."""
    app = create_app(settings=settings)
    transport = httpx2.ASGITransport(app=app)
    started, failed, told = anyio.Event(), anyio.Event(), []

    async def receive() -> dict[str, str]:
        if not started.is_set():
            return {"type": "lifespan.startup"}
        await anyio.sleep_forever()
        raise AssertionError

    async def send(message: dict[str, str]) -> None:
        told.append(message["type"])
        started.set()

    async def lifespan() -> None:
        with pytest.raises(BaseExceptionGroup):
            await app({"type": "lifespan", "asgi": {"version": "3.0"}}, receive, send)  # type: ignore[arg-type]  # plain dicts
        failed.set()

    async with anyio.create_task_group() as group:
        group.start_soon(lifespan)
        await started.wait()
        bridge = app.state.bridge
        assert bridge.alive
        orket = bridge.running
        while not failed.is_set():  # each crash is answered with a restart, up to the limit
            orket.system.kill(orket.engine)
            await anyio.lowlevel.checkpoint()
        async with httpx2.AsyncClient(transport=transport, base_url="http://localhost") as client:
            ready = await client.get("/readyz")
            assert (ready.status_code, json.loads(ready.content)["status"]) == (503, 503)
            answer = await client.post("/v1/runs", json={"target": "a"})
            assert (answer.status_code, answer.json()["type"]) == (
                503,
                "urn:orket:problem:engine-not-running",
            )
    assert told[0] == "lifespan.startup.complete"
    assert not bridge.alive


@pytest.mark.anyio
async def test_an_engine_that_cannot_start_is_the_server_s_failure(tmp_path: Path) -> None:
    wrong = Settings(
        data_dir=tmp_path, model_dir=tmp_path, cwd=tmp_path, environ={"ORKET_PLANNER_NODE": "nobody"}
    )
    app = create_app(settings=wrong)
    with pytest.raises(SettingsError, match="nobody"):
        async with app.router.lifespan_context(app):
            pass


@pytest.mark.anyio
async def test_below_another_app_the_paths_are_whole(settings: Settings) -> None:
    from starlette.applications import Starlette
    from starlette.routing import Mount

    from tests.orket.interfaces.engines import open_house

    async with open_house() as house:
        outer = Starlette(routes=[Mount("/orket", house.app)])
        transport = httpx2.ASGITransport(app=outer)
        async with httpx2.AsyncClient(transport=transport, base_url="http://localhost") as client:
            answer = await client.post("/orket/v1/runs", json={"target": "a"})
            assert answer.headers["location"] == "/orket/v1/runs/00000001"
            await house.run()
            page = (await client.get("/orket/v1/runs?limit=1")).json()
            assert page["next"].startswith("/orket/v1/runs?")
            assert (await client.get(page["next"])).status_code == 200
