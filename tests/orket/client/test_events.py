"""The event iterator comes back by itself and misses nothing."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

import anyio
import anyio.abc
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from orket.client import ClientProblem, OrketClient, Patience, Unreachable
from orket.domain import events as e
from tests.orket.interfaces.engines import DONE
from tests.orket.interfaces.serving import Served, served

PAUSE, RESUME = e.RunPaused(by="ada"), e.RunResumed(by="ada")
HASTE = Patience(first_delay_s=0.001, delay_max_s=0.001, attempts_max=100)


@pytest.fixture(scope="module")
def bridge(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    with served(tmp_path_factory.mktemp("bridge")) as running:
        yield running


@asynccontextmanager
async def flaky(url: str, cuts: Sequence[int]) -> AsyncIterator[str]:
    """A way to ``url`` that cuts its n-th connection off after so many bytes of the answer."""
    port = int(url.rpartition(":")[2])
    left = list(cuts)

    async def pass_on(near: anyio.abc.SocketStream) -> None:
        allowed = left.pop(0) if left else 10**9
        async with near, await anyio.connect_tcp("127.0.0.1", port) as far:
            await far.send(await near.receive())
            while allowed > 0:
                try:
                    piece = await far.receive(min(allowed, 65_536))
                    await near.send(piece)
                except (anyio.EndOfStream, anyio.BrokenResourceError):
                    return
                allowed -= len(piece)

    listener = await anyio.create_tcp_listener(local_host="127.0.0.1")
    async with listener, anyio.create_task_group() as group:
        group.start_soon(listener.serve, pass_on)
        yield f"http://127.0.0.1:{listener.extra(anyio.abc.SocketAttribute.local_port)}"
        group.cancel_scope.cancel()


@pytest.mark.anyio
async def test_a_run_is_followed_while_it_happens(bridge: Served) -> None:
    run = bridge.run()
    script = [PAUSE, RESUME, DONE]
    seen = []
    async with (
        OrketClient.connect(socket=bridge.path) as client,
        client.events(run, after=bridge.seqs(run)[0]) as events,
    ):
        async for event in events:
            seen.append(event.seq)
            if len(seen) >= 3 and script:
                bridge.append(run, script.pop(0))
    assert seen == bridge.seqs(run)[1:]


@pytest.mark.anyio
async def test_leaving_early_closes_the_connection(bridge: Served) -> None:
    run = bridge.run()
    streams = bridge.house.app.state.bridge.streams
    async with OrketClient.connect(url=bridge.url) as client:
        async with client.events(run) as events:
            async for _ in events:
                break
            assert len(streams) == 1
        while len(streams):
            await anyio.lowlevel.checkpoint()
        assert [one async for one in events] == []


@pytest.mark.anyio
async def test_who_has_seen_the_end_gets_nothing_more(bridge: Served) -> None:
    run = bridge.run(DONE)
    async with OrketClient.connect(url=bridge.url) as client:
        assert [one async for one in client.events(run, after=bridge.seqs(run)[-1])] == []


@pytest.mark.anyio
async def test_a_run_that_does_not_exist_is_not_waited_for(bridge: Served) -> None:
    async with OrketClient.connect(url=bridge.url) as client:
        with pytest.raises(ClientProblem) as caught:
            await anext(client.events("ffffffff"))
        assert caught.value.kind == "run-not-found"


@pytest.mark.anyio
async def test_it_gives_up_in_the_end(tmp_path: Path) -> None:
    patience = Patience(first_delay_s=0.001, delay_max_s=0.001, attempts_max=2)
    async with OrketClient.connect(socket=tmp_path / "none.sock", patience=patience) as client:
        with pytest.raises(Unreachable):
            await anext(client.events("r"))


@pytest.mark.anyio
async def test_an_engine_that_stops_is_waited_for_and_then_given_up(tmp_path: Path) -> None:
    patience = Patience(first_delay_s=0.001, delay_max_s=0.001, attempts_max=2)
    with served(tmp_path) as bridge:
        run = bridge.run()
        connected = OrketClient.connect(url=bridge.url, patience=patience)
        async with connected as client, client.events(run) as events:
            await anext(events)
            bridge.portal.call(bridge.house.app.state.bridge.streams.close)
            with pytest.raises(ClientProblem) as caught:
                async for _ in events:
                    pass
        assert caught.value.kind == "engine-not-running"


@given(
    cuts=st.lists(st.integers(1, 1500), max_size=8),
    count=st.integers(0, 8),
    backend=st.sampled_from(["asyncio", "trio"]),
)
@settings(max_examples=30, deadline=None)
def test_however_often_the_connection_breaks_it_sees_the_log(
    bridge: Served, cuts: Sequence[int], count: int, backend: str
) -> None:
    """Law: over any number of broken connections each event comes once, in order."""
    run = bridge.run(*[PAUSE, RESUME] * count, DONE)
    seen: list[int] = []

    async def follow() -> None:
        async with (
            flaky(bridge.url, cuts) as url,
            OrketClient.connect(url=url, patience=HASTE) as client,
            client.events(run) as events,
        ):
            seen.extend([one.seq async for one in events])

    anyio.run(follow, backend=backend)
    assert seen == bridge.seqs(run)
