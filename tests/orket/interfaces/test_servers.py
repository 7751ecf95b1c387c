"""Real servers over real sockets: uvicorn's WebSockets, and hypercorn's trio worker with its own engine."""

from __future__ import annotations

import json
import os
from pathlib import Path

import anyio
import httpx2
import pytest
import trio
import uvicorn
import websockets.sync.client
from anyio.from_thread import start_blocking_portal
from hypercorn.config import Config
from hypercorn.trio import serve as serve_on_trio

from orket.domain import events as e
from orket.interfaces.api import create_app
from orket.interfaces.listening import base_url, tcp_listener
from orket.settings import Settings
from tests.orket.interfaces.engines import DONE
from tests.orket.interfaces.serving import served


def test_a_websocket_over_a_real_socket(tmp_path: Path) -> None:
    with served(tmp_path) as server:
        run = server.run(e.RunPaused(by="ada"))
        url = f"{server.url.replace('http', 'ws')}/v1/runs/{run}/events?after=2"
        with websockets.sync.client.connect(url) as socket:
            assert [json.loads(socket.recv())["seq"] for _ in range(3)] == [3, 4, 5]
            server.append(run, DONE)
            assert json.loads(socket.recv())["kind"] == "RunFinished"
            with pytest.raises(websockets.exceptions.ConnectionClosedOK):
                socket.recv()
        with (
            pytest.raises(websockets.exceptions.InvalidStatus) as refused,
            websockets.sync.client.connect(f"{server.url.replace('http', 'ws')}/v1/runs/x/events"),
        ):
            pass
        response = refused.value.response
        assert response.status_code == 404
        assert json.loads(response.body or b"")["type"] == "urn:orket:problem:run-not-found"


def test_hypercorn_on_trio_owns_the_engine(tmp_path: Path) -> None:
    """The same app on another server and another event loop: its lifespan opens and closes the engine."""
    settings = Settings(data_dir=tmp_path / "data", model_dir=tmp_path / "model", cwd=tmp_path)

    async def main() -> None:
        app, leave = create_app(settings=settings), anyio.Event()
        with tcp_listener("127.0.0.1", 0) as listener:
            url = base_url(listener)
            config = Config()
            config.bind = [f"fd://{os.dup(listener.fileno())}"]  # the server closes it
            config.loglevel = "ERROR"
            config.graceful_timeout = 1.0
            async with trio.open_nursery() as nursery:

                async def serve() -> None:
                    await serve_on_trio(app, config, shutdown_trigger=leave.wait)

                nursery.start_soon(serve)
                async with httpx2.AsyncClient(base_url=url, trust_env=False) as client:
                    while not app.state.bridge.alive:
                        await trio.lowlevel.checkpoint()
                    assert (await client.get("/readyz")).status_code == 200
                    refused = await client.post("/v1/runs", json={"target": "nothing of that name"})
                    assert refused.status_code == 422
                    halted = await client.post("/v1/system/halt", json={"by": "ada"})
                    assert halted.json()["halted"] is True
                    assert (await client.get("/v1/runs/none/events")).status_code == 404
                    missing = await client.delete("/v1/runs")
                    assert (missing.status_code, missing.headers["allow"]) == (405, "GET, HEAD, POST")
                leave.set()
        assert not app.state.bridge.alive

    trio.run(main)


def test_uvicorn_owns_the_engine_and_says_when_it_has_died(tmp_path: Path) -> None:
    """uvicorn serves on when a lifespan fails after the start: then the app must say that it is not ready."""
    app = create_app(settings=Settings(data_dir=tmp_path / "data", model_dir=tmp_path, cwd=tmp_path))
    config = uvicorn.Config(app, log_level="critical", lifespan="on", timeout_graceful_shutdown=1)
    server = uvicorn.Server(config)
    with tcp_listener("127.0.0.1", 0) as listener, start_blocking_portal("asyncio") as portal:
        serving = portal.start_task_soon(server.serve, [listener])
        while not server.started:
            portal.call(anyio.lowlevel.checkpoint)
        with httpx2.Client(base_url=base_url(listener), trust_env=False) as client:
            assert client.get("/readyz").status_code == 200
            orket = app.state.bridge.running
            while orket.alive():  # each crash is answered with a restart, up to the limit
                portal.call(orket.system.kill, orket.engine)
                portal.call(anyio.lowlevel.checkpoint)
            assert client.get("/readyz").status_code == 503
            refused = client.post("/v1/runs", json={"target": "a"})
            assert refused.json()["type"] == "urn:orket:problem:engine-not-running"
            assert client.get("/livez").status_code == 200
        server.should_exit = True
        serving.result(20)
