"""The WebSocket of a run: the same log, the same cursor, and the same door."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import anyio
import attrs
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from orket.domain import events as e
from orket.interfaces.limits import HttpLimits
from tests.orket.interfaces.engines import DONE, House, open_house

PAUSE, RESUME = e.RunPaused(by="ada"), e.RunResumed(by="ada")


@attrs.define
class Call:
    """A WebSocket under way: what the app sends is read message by message."""

    sent: anyio.streams.memory.MemoryObjectReceiveStream[Message]
    said: anyio.streams.memory.MemoryObjectSendStream[Message]

    async def next(self) -> dict[str, Any]:
        return dict(await self.sent.receive())

    async def seqs(self, count: int) -> list[int]:
        return [json.loads((await self.next())["text"])["seq"] for _ in range(count)]


@asynccontextmanager
async def call(
    app: ASGIApp, path: str, *, headers: dict[str, str] | None = None, buffered: float = 1000
) -> AsyncIterator[Call]:
    """Open a WebSocket by hand; leaving the block is leaving as a client."""
    send, sent = anyio.create_memory_object_stream[Message](buffered)
    say, said = anyio.create_memory_object_stream[Message](10)
    target, _, query = path.partition("?")
    scope = {
        "type": "websocket",
        "asgi": {"version": "3.0", "spec_version": "2.4"},
        "headers": [
            (k.lower().encode(), v.encode()) for k, v in {"host": "127.0.0.1", **(headers or {})}.items()
        ],
        "scheme": "ws",
        "path": target,
        "raw_path": target.encode(),
        "query_string": query.encode(),
        "server": ("127.0.0.1", 80),
        "client": None,
        "root_path": "",
        "subprotocols": [],
        "extensions": {"websocket.http.response": {}},
    }
    await say.send({"type": "websocket.connect"})

    async def serve() -> None:
        async with send:
            await app(scope, said.receive, send.send)

    async with anyio.create_task_group() as group, sent, say, said:
        group.start_soon(serve)
        yield Call(sent, say)
        await say.send({"type": "websocket.disconnect", "code": 1000})
        async for _ in sent:
            pass


async def refusal(house: House, path: str, headers: dict[str, str] | None = None) -> tuple[int, str]:
    async with call(house.app, path, headers=headers) as it:
        start, body = await it.next(), await it.next()
        assert start["type"] == "websocket.http.response.start"
        assert (b"content-type", b"application/problem+json") in start["headers"]
        return start["status"], json.loads(body["body"])["type"].rpartition(":")[2]


@pytest.mark.anyio
async def test_the_past_the_present_and_the_end() -> None:
    async with open_house() as house:
        run = await house.run()
        async with call(house.app, f"/v1/runs/{run}/events") as it:
            accepted = await it.next()
            assert accepted["type"] == "websocket.accept"
            assert any(name == b"x-request-id" for name, _ in accepted["headers"])
            assert await it.seqs(4) == [1, 2, 3, 4]
            await it.said.send({"type": "websocket.receive", "text": "nothing that matters"})
            await house.run(DONE)
            await house.ledger.append(run, [PAUSE, RESUME, DONE])
            assert await it.seqs(3) == [10, 11, 12]
            assert (await it.next())["code"] == 1000
        assert len(house.app.state.bridge.streams) == 0


@pytest.mark.anyio
async def test_it_is_taken_up_again() -> None:
    async with open_house() as house:
        run = await house.run(PAUSE, RESUME, DONE)
        async with call(house.app, f"/v1/runs/{run}/events?after=5") as it:
            assert (await it.next())["type"] == "websocket.accept"
            assert await it.seqs(2) == [6, 7]
        async with call(house.app, f"/v1/runs/{run}/events", headers={"Last-Event-ID": "6"}) as it:
            assert (await it.next())["type"] == "websocket.accept"
            assert await it.seqs(1) == [7]


@pytest.mark.anyio
async def test_it_is_refused_in_words() -> None:
    async with open_house(limits=HttpLimits(streams=0)) as house:
        run = await house.run()
        path = f"/v1/runs/{run}/events"
        assert await refusal(house, "/v1/runs/nothing/events") == (404, "run-not-found")
        assert await refusal(house, f"{path}?after=x") == (422, "invalid-request")
        assert await refusal(house, path, {"origin": "http://evil.example"}) == (403, "foreign-origin")
        assert await refusal(house, path, {"host": "evil.example"}) == (421, "foreign-host")
        assert await refusal(house, path, {"authorization": "Bearer x"}) == (401, "key-not-usable")
        assert await refusal(house, path) == (503, "too-many-streams")
        assert house.app.state.bridge.admission.under_way() == 0


@pytest.mark.anyio
async def test_a_server_that_stops_says_so() -> None:
    async with open_house() as house:
        run = await house.run()
        async with call(house.app, f"/v1/runs/{run}/events?after=4") as it:
            assert (await it.next())["type"] == "websocket.accept"
            house.app.state.bridge.streams.close()
            assert (await it.next())["code"] == 1001


@pytest.mark.anyio
async def test_a_client_that_takes_nothing_is_let_go() -> None:
    async with open_house(limits=HttpLimits(send_stall_s=0.01)) as house:
        run = await house.run()
        streams = house.app.state.bridge.streams
        async with call(house.app, f"/v1/runs/{run}/events", buffered=0) as it:
            assert (await it.next())["type"] == "websocket.accept"
            while not len(streams):
                await anyio.lowlevel.checkpoint()
            while len(streams):
                await anyio.lowlevel.checkpoint()


@given(
    appends=st.lists(st.integers(1, 5), max_size=8),
    page=st.integers(1, 4),
    stops=st.lists(st.integers(0, 4), max_size=6),
    backend=st.sampled_from(["asyncio", "trio"]),
)
@settings(max_examples=25, deadline=None)
def test_however_often_a_client_comes_back_it_sees_the_log(
    appends: list[int], page: int, stops: list[int], backend: str
) -> None:
    """Law: what a client saw over all its connections equals the log, no gap and no repeat."""

    async def scenario() -> None:
        async with open_house(limits=HttpLimits(stream_page=page)) as house:
            run, seen = await house.run(), list[int]()

            async def write() -> None:
                for count in appends:
                    await house.ledger.append(run, [PAUSE, RESUME] * count)
                    await house.run()
                await house.ledger.append(run, [DONE])

            async def watch() -> None:
                for count in [*stops, 10**6]:
                    after = seen[-1] if seen else 0
                    async with call(house.app, f"/v1/runs/{run}/events?after={after}") as it:
                        assert (await it.next())["type"] == "websocket.accept"
                        for _ in range(count):
                            message = await it.next()
                            if message["type"] == "websocket.close":
                                assert message["code"] == 1000
                                return
                            seen.append(json.loads(message["text"])["seq"])

            async with anyio.create_task_group() as group:
                group.start_soon(write)
                group.start_soon(watch)
            assert seen == [one.seq for one in await house.ledger.read(run)]
            assert len(house.app.state.bridge.streams) == 0

    anyio.run(scenario, backend=backend)


@pytest.mark.anyio
async def test_a_client_that_leaves_at_the_very_end_is_no_failure() -> None:
    async with open_house() as house:
        run = await house.run(DONE)

        async def gone_at_the_end(scope: Scope, receive: Receive, send: Send) -> None:
            async def sent(message: Message) -> None:
                if message["type"] == "websocket.close":
                    raise OSError("the client has left")
                await send(message)

            await house.app(scope, receive, sent)

        async with call(gone_at_the_end, f"/v1/runs/{run}/events") as it:
            await it.next()
            assert await it.seqs(5) == [1, 2, 3, 4, 5]
            with pytest.raises(anyio.EndOfStream):
                await it.next()
