"""Serving: real sockets, real signals, and an engine that dies."""

from __future__ import annotations

import os
import re
import signal
import socket
import stat
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import anyio
import attrs
import pytest

from orket.bootstrap import Orket
from orket.client import OrketClient
from orket.domain.errors import SettingsError, StoreLocked
from orket.interfaces.listening import unix_listener
from orket.interfaces.serve import serve, serve_socket
from orket.settings import Settings
from tests.orket.interfaces.engines import House, open_house


@pytest.fixture
def anyio_backend() -> str:
    """The server is asyncio's; its app and its clients are tested on both."""
    return "asyncio"


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(data_dir=tmp_path / "data", model_dir=tmp_path / "model", cwd=tmp_path, port=0)


@attrs.define
class Watched:
    """A server that runs in a task: what it said, how it ended, and its engine."""

    said: list[str] = attrs.field(factory=list)
    code: int | None = None
    error: Exception | None = None
    serving: anyio.Event = attrs.field(factory=anyio.Event)
    house: House | None = None

    @asynccontextmanager
    async def opener(self, settings: Settings) -> AsyncIterator[Orket]:
        async with open_house() as house:
            self.house = house
            yield attrs.evolve(house.orket, settings=settings)

    def say(self, line: str) -> None:
        self.said.append(line)
        self.serving.set()

    async def serve(self, settings: Settings) -> None:
        try:
            self.code = await serve(settings, say=self.say, opener=self.opener)
        except (SettingsError, StoreLocked) as error:
            self.error = error

    @property
    def url(self) -> str:
        found = re.search(r"http://\S+", self.said[0])
        assert found is not None
        return found[0]


@pytest.mark.anyio
async def test_a_signal_ends_streams_and_requests_and_then_the_system(settings: Settings) -> None:
    watched = Watched()
    events: list[int] = []

    async def follow(client: OrketClient, run: str) -> None:
        async with client.events(run) as stream:
            async for one in stream:
                events.append(one.seq)
                if one.seq == 4:
                    os.kill(os.getpid(), signal.SIGTERM)

    with anyio.fail_after(5):
        async with anyio.create_task_group() as group:
            group.start_soon(watched.serve, settings)
            await watched.serving.wait()
            assert watched.house is not None
            run = await watched.house.run()
            async with OrketClient.connect(url=watched.url) as client, anyio.create_task_group() as inner:
                inner.start_soon(follow, client, run)
                while watched.code is None:
                    await anyio.lowlevel.checkpoint()
                inner.cancel_scope.cancel()
    assert (watched.code, events) == (0, [1, 2, 3, 4])
    assert not watched.house.orket.alive()
    assert not settings.socket_path.exists()
    assert str(settings.db_path) in watched.said[0]


@pytest.mark.anyio
async def test_the_socket_is_private_and_serves_the_same(settings: Settings) -> None:
    settings.socket_path.parent.mkdir(parents=True, mode=0o755)
    with socket.socket(socket.AF_UNIX) as dead:
        dead.bind(str(settings.socket_path))  # what an engine that was killed leaves behind
    async with open_house() as house:
        async with serve_socket(house.orket, settings.socket_path) as path:
            assert stat.S_IMODE(path.stat().st_mode) == 0o600
            assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
            assert os.listdir(path.parent) == [path.name]
            async with OrketClient.connect(socket=path) as client:
                assert (await client.ready()).status == "ok"
        assert not path.exists()


@pytest.mark.anyio
async def test_a_system_that_dies_takes_the_server_with_it(settings: Settings) -> None:
    watched = Watched()
    with anyio.fail_after(5):
        async with anyio.create_task_group() as group:
            group.start_soon(watched.serve, settings)
            await watched.serving.wait()
            assert watched.house is not None
            run = await watched.house.run()
            async with OrketClient.connect(url=watched.url) as client, client.events(run) as events:
                await anext(events)
                while watched.code is None:  # each crash is answered with a restart, up to the limit
                    watched.house.orket.system.kill(watched.house.orket.engine)
                    await anyio.lowlevel.checkpoint()
    assert watched.code == 1
    assert "the engine died" in watched.said[-1]
    assert "restarts" in watched.said[-1]


@pytest.mark.anyio
@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.0.2.1", "", "no such host"])
async def test_only_loopback_without_keys(settings: Settings, host: str) -> None:
    with pytest.raises(SettingsError, match=r"refusing|cannot be used"):
        await serve(attrs.evolve(settings, host=host), opener=Watched().opener)


@pytest.mark.anyio
@pytest.mark.parametrize("host", ["localhost", "::1"])
async def test_other_names_of_loopback(settings: Settings, host: str) -> None:
    watched = Watched()
    with anyio.fail_after(5):
        async with anyio.create_task_group() as group:
            group.start_soon(watched.serve, attrs.evolve(settings, host=host))
            await watched.serving.wait()
            async with OrketClient.connect(url=watched.url) as client:
                assert (await client.ready()).status == "ok"
            os.kill(os.getpid(), signal.SIGINT)
    assert watched.code == 0


@pytest.mark.anyio
async def test_a_port_that_is_taken_is_said_so(settings: Settings) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(SettingsError, match=f"port {port} of 127.0.0.1 is in use"):
            await serve(attrs.evolve(settings, port=port), opener=Watched().opener)


@pytest.mark.anyio
async def test_a_database_in_use_is_the_error_it_is(settings: Settings) -> None:
    @asynccontextmanager
    async def locked(_: Settings) -> AsyncIterator[Orket]:
        raise StoreLocked("in use by process 7", socket="/x")
        yield

    with pytest.raises(StoreLocked, match="process 7"):
        await serve(settings, opener=locked)


@pytest.mark.parametrize("backend", ["trio"])
def test_trio_is_told(settings: Settings, backend: str) -> None:
    with pytest.raises(SettingsError, match="needs asyncio"):
        anyio.run(serve, settings, backend=backend)


def test_a_socket_that_cannot_be_made_is_an_error_with_its_path(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with (
        pytest.raises(SettingsError, match=r"file/orket\.sock"),
        unix_listener(tmp_path / "file" / "orket.sock"),
    ):
        pass


def test_the_socket_of_a_deep_directory(tmp_path: Path) -> None:
    path = tmp_path / ("d" * 150) / "orket.sock"
    with unix_listener(path):
        assert stat.S_ISSOCK(path.stat().st_mode)
    assert not path.exists()
