"""What models are writing, over HTTP: only for who asks, between the events, and never after the answer."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import anyio
import pytest

from orket.client import OrketClient
from orket.domain import events as e
from orket.domain.identifiers import CardId, RunId
from orket.domain.models import AskedAgain, CallDelta, TextDelta
from orket.interfaces.limits import HttpLimits
from orket.orchestration.live import Writing
from orket.wire.events import EventView
from orket.wire.pieces import PieceView
from tests.contracts.models import ask
from tests.orket.interfaces.asgi import Visit, visit
from tests.orket.interfaces.engines import DONE, House, open_house
from tests.orket.interfaces.serving import Served, served
from tests.orket.interfaces.test_sockets import call

HASTE = HttpLimits(piece_gap_s=0.0)
FAILED = e.ModelFailed(card_id=CardId("A"), turn=1, code="server", error="no")


def begun(house: House, run: RunId, text: str = "") -> Writing:
    """A model that has written so much."""
    writing = house.orket.live.writing(run, ask()).__enter__()
    writing.begin("some:model")
    writing.hear(TextDelta(text))
    return writing


def blocks(stream: bytes) -> list[dict[str, str]]:
    """The fields of each event of a stream that says something."""
    told = [
        dict(line.split(": ", 1) for line in block.splitlines() if line[0] != ":")
        for block in stream.decode().split("\n\n")
    ]
    return [one for one in told if "data" in one]


async def pieces_of(seen: Visit, count: int = 1) -> list[dict[str, Any]]:
    """The next pieces of a stream on which nothing else comes."""
    found: list[dict[str, str]] = []
    while len(found) < count:
        found += blocks(await seen.chunk())
    assert all(one["event"] == "piece" and "id" not in one for one in found)
    return [json.loads(one["data"]) for one in found]


@pytest.mark.anyio
async def test_a_stream_tells_what_is_being_written_to_who_asks() -> None:
    async with open_house(limits=HASTE) as house:
        run = await house.run()
        path = f"/v1/runs/{run}/events?after=4"
        writing = begun(house, run, "Well, ")
        async with visit(house.app, path) as plain, visit(house.app, f"{path}&pieces=true") as seen:
            (first,) = await pieces_of(seen)
            assert first == {
                "kind": "piece",
                "run_id": run,
                "card_id": "A",
                "turn": 1,
                "attempt": 1,
                "seat": "builder",
                "model": "some:model",
                "call": None,
                "tool": "",
                "offset": 0,
                "text": "Well, ",
            }
            writing.hear(CallDelta(0, "write_file", '{"path": "a'))
            (second,) = await pieces_of(seen)
            assert (second["call"], second["tool"], second["text"]) == (0, "write_file", '{"path": "')
            writing.hear(AskedAgain())
            assert [(one["attempt"], one["text"]) for one in await pieces_of(seen)] == [(2, "")]
            writing.__exit__(None, None, None)
            await house.ledger.append(run, [FAILED, DONE])
            assert [one.get("id") for one in blocks(await seen.rest())] == ["5", "6"]
            assert [one.get("id") for one in blocks(await plain.rest())] == ["5", "6"]
        assert not house.orket.live.watchers


@pytest.mark.anyio
async def test_a_slow_client_gets_larger_pieces_and_none_after_the_answer() -> None:
    async with open_house(limits=HASTE) as house:
        run = await house.run()
        writing = begun(house, run, "1 ")
        path = f"/v1/runs/{run}/events?after=4&pieces=true"
        async with visit(house.app, path, slow=True) as seen:
            assert [one["text"] for one in await pieces_of(seen)] == ["1 "]
            for number in range(2, 500):
                writing.hear(TextDelta(f"{number} "))
                if number == 250:
                    await anyio.wait_all_tasks_blocked()
            told = await pieces_of(seen)
            told += await pieces_of(seen)
            assert "".join(one["text"] for one in told) == "".join(f"{number} " for number in range(2, 500))
            writing.hear(TextDelta("never seen "))
            writing.__exit__(None, None, None)
            await house.ledger.append(run, [FAILED, DONE])
            assert b"never seen" not in await seen.rest()


@pytest.mark.anyio
async def test_a_socket_tells_pieces_as_messages_of_their_own_kind() -> None:
    async with open_house(limits=HASTE) as house:
        run = await house.run()
        begun(house, run, "Well, ")
        async with call(house.app, f"/v1/runs/{run}/events?after=4&pieces=true") as it:
            assert (await it.next())["type"] == "websocket.accept"
            piece = json.loads((await it.next())["text"])
            assert (piece["kind"], piece["text"]) == ("piece", "Well, ")
            await house.ledger.append(run, [FAILED, DONE])
            assert await it.seqs(2) == [5, 6]
            assert (await it.next())["code"] == 1000


@pytest.mark.anyio
async def test_a_client_that_takes_nothing_or_leaves_watches_no_more() -> None:
    async with open_house(limits=HttpLimits(piece_gap_s=0.0, send_stall_s=0.01)) as house:
        run = await house.run()
        begun(house, run, "Well, ")
        async with visit(house.app, f"/v1/runs/{run}/events?pieces=true", slow=True):
            while house.orket.live.watchers:
                await anyio.lowlevel.checkpoint()
        async with visit(house.app, f"/v1/runs/{run}/events?after=4&pieces=true") as seen:
            await pieces_of(seen)
            assert house.orket.live.watchers
        assert not house.orket.live.watchers


@pytest.mark.anyio
async def test_what_is_no_choice_is_named() -> None:
    async with open_house() as house:
        run = await house.run()
        answer = await house.client.get(f"/v1/runs/{run}/events?pieces=maybe")
        assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (422, "/pieces")


@pytest.fixture(scope="module")
def bridge(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    with served(tmp_path_factory.mktemp("bridge")) as running:
        yield running


@pytest.mark.anyio
async def test_the_client_sees_events_and_pieces_in_one_stream(bridge: Served, tmp_path: Path) -> None:
    run = bridge.run()
    writing = bridge.portal.call(begun, bridge.house, run, "Well, ")
    seen: list[EventView | PieceView] = []
    async with (
        OrketClient.connect(socket=bridge.path) as client,
        client.watch(run, after=bridge.seqs(run)[-2]) as stream,
    ):
        async for one in stream:
            seen.append(one)
            if isinstance(one, PieceView) and one.text == "Well, ":
                bridge.portal.call(writing.hear, TextDelta("then. "))
            elif isinstance(one, PieceView):
                bridge.portal.call(writing.__exit__, None, None, None)
                bridge.append(run, FAILED, DONE)
    pieces = [one for one in seen if isinstance(one, PieceView)]
    events = [one.seq for one in seen if isinstance(one, EventView)]
    assert [(one.offset, one.text) for one in pieces] == [(0, "Well, "), (6, "then. ")]
    assert events == bridge.seqs(run)[-3:]
    assert isinstance(seen[-1], EventView)
