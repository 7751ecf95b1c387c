"""The event stream of a run: everything once, in order, from wherever a client left off."""

from __future__ import annotations

import json
from collections.abc import Sequence

import anyio
import anyio.lowlevel
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from orket.domain import events as e
from orket.interfaces.limits import HttpLimits
from tests.orket.interfaces.asgi import visit
from tests.orket.interfaces.engines import DONE, House, open_house

PAUSE, RESUME = e.RunPaused(by="ada"), e.RunResumed(by="ada")


def seqs(stream: bytes) -> list[int]:
    """The sequence numbers of a stream, checked against the events they belong to."""
    found = []
    for block in stream.decode().split("\n\n"):
        lines = dict(line.split(": ", 1) for line in block.splitlines() if line[0] != ":")
        if "data" in lines:
            assert json.loads(lines["data"])["seq"] == int(lines["id"])
            found.append(int(lines["id"]))
    return found


async def expected(house: House, run: str, after: int = 0) -> list[int]:
    return [one.seq for one in await house.ledger.read(run, after=after)]  # type: ignore[arg-type]  # ids are strings


@pytest.mark.anyio
async def test_a_finished_run_is_told_from_beginning_to_end() -> None:
    async with open_house() as house:
        run = await house.run(PAUSE, RESUME, DONE)
        answer = await house.client.get(f"/v1/runs/{run}/events")
        assert answer.status_code == 200
        assert answer.headers["content-type"] == "text/event-stream"
        assert "content-length" not in answer.headers
        assert seqs(answer.content) == await expected(house, run)


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("query", "header", "after"),
    [("?after=3", None, 3), ("", "4", 4), ("?after=2", "5", 5), ("?after=0", "", 0)],
)
async def test_it_is_taken_up_again(query: str, header: str | None, after: int) -> None:
    async with open_house() as house:
        run = await house.run(PAUSE, RESUME, DONE)
        headers = {} if header is None else {"Last-Event-ID": header}
        answer = await house.client.get(f"/v1/runs/{run}/events{query}", headers=headers)
        assert seqs(answer.content) == await expected(house, run, after)


@pytest.mark.anyio
async def test_who_has_seen_all_of_a_finished_run_need_not_come_back() -> None:
    async with open_house() as house:
        run = await house.run(DONE)
        answer = await house.client.get(f"/v1/runs/{run}/events?after=5")
        assert (answer.status_code, answer.content) == (204, b"")


@pytest.mark.anyio
@pytest.mark.parametrize("value", ["x", "-1", "1.5"])
async def test_a_bad_last_event_id_is_named(value: str) -> None:
    async with open_house() as house:
        run = await house.run()
        async with visit(house.app, f"/v1/runs/{run}/events", headers={"Last-Event-ID": value}) as seen:
            assert seen.status == 422
            assert json.loads(await seen.rest())["errors"][0]["pointer"] == "/Last-Event-ID"


@pytest.mark.anyio
async def test_the_past_and_the_present_have_no_seam() -> None:
    async with open_house() as house:
        run = await house.run()
        async with visit(house.app, f"/v1/runs/{run}/events") as seen:
            told = await seen.chunk() + await seen.chunk()
            assert seqs(told) == [1, 2, 3, 4]
            await house.ledger.append(run, [PAUSE])
            assert seqs(await seen.chunk()) == [5]
            await house.run(DONE)  # another run's events are not this one's
            await house.ledger.append(run, [RESUME, DONE])
            assert seqs(await seen.rest()) == [11, 12]


@pytest.mark.anyio
async def test_a_quiet_run_sends_a_sign_of_life() -> None:
    async with open_house(limits=HttpLimits(heartbeat_s=0.001)) as house:
        run = await house.run()
        async with visit(house.app, f"/v1/runs/{run}/events?after=4") as seen:
            assert await seen.chunk() == b"retry: 1000\n\n"
            assert (await seen.chunk()).startswith(b":")
            assert (await seen.chunk()).startswith(b":")


@pytest.mark.anyio
async def test_a_client_that_left_costs_nothing() -> None:
    async with open_house() as house:
        run = await house.run()
        streams = house.app.state.bridge.streams
        async with visit(house.app, f"/v1/runs/{run}/events") as seen:
            await seen.chunk()
            assert len(streams) == 1
            seen.leave.set()
            await seen.rest()
        assert len(streams) == 0
        assert house.script.heard == []


@pytest.mark.anyio
async def test_a_client_that_takes_nothing_is_let_go() -> None:
    async with open_house(limits=HttpLimits(send_stall_s=0.01)) as house:
        run = await house.run()
        streams = house.app.state.bridge.streams
        async with visit(house.app, f"/v1/runs/{run}/events", slow=True):
            assert len(streams) == 1
            while len(streams):
                await anyio.lowlevel.checkpoint()


@pytest.mark.anyio
async def test_streams_are_bounded_and_closed_together() -> None:
    async with open_house(limits=HttpLimits(streams=1)) as house:
        run = await house.run()
        async with visit(house.app, f"/v1/runs/{run}/events") as seen:
            refused = await house.client.get(f"/v1/runs/{run}/events")
            assert (refused.status_code, refused.headers["retry-after"]) == (503, "5")
            house.app.state.bridge.streams.close()
            await seen.rest()
        late = await house.client.get(f"/v1/runs/{run}/events")
        assert (late.status_code, late.json()["type"]) == (503, "urn:orket:problem:engine-not-running")


@pytest.mark.anyio
async def test_a_head_of_a_stream_does_not_stream() -> None:
    async with open_house() as house:
        run = await house.run()
        answer = await house.client.head(f"/v1/runs/{run}/events")
        assert (answer.status_code, answer.content) == (200, b"")


@pytest.mark.anyio
async def test_a_ledger_that_closes_ends_the_stream() -> None:
    async with open_house() as house:
        run = await house.run()
        async with visit(house.app, f"/v1/runs/{run}/events") as seen:
            assert await seen.chunk()
            assert await seen.chunk()
            house.ledger.close()  # type: ignore[attr-defined]  # the memory ledger can
            assert await seen.rest() == b""


@pytest.mark.anyio
async def test_a_stream_leaves_room_for_others() -> None:
    """However fast the server takes chunks, another task gets its turn between two of them."""
    async with open_house(limits=HttpLimits(stream_page=1)) as house:
        run = await house.run(*[PAUSE, RESUME] * 50, DONE)
        turns = 0

        async def other() -> None:
            nonlocal turns
            while True:
                await anyio.lowlevel.checkpoint()
                turns += 1

        async with anyio.create_task_group() as group:
            group.start_soon(other)
            answer = await house.client.get(f"/v1/runs/{run}/events")
            group.cancel_scope.cancel()
        assert len(seqs(answer.content)) == 105
        assert turns >= 105


@given(
    appends=st.lists(st.tuples(st.booleans(), st.integers(1, 7)), max_size=12),
    page=st.integers(1, 5),
    stops=st.lists(st.integers(1, 3), max_size=6),
    backend=st.sampled_from(["asyncio", "trio"]),
)
@settings(max_examples=40, deadline=None)
def test_however_often_a_client_comes_back_it_sees_the_log(
    appends: Sequence[tuple[bool, int]], page: int, stops: Sequence[int], backend: str
) -> None:
    """Law: what a client saw over all its connections equals the log, no gap and no repeat."""

    async def scenario() -> None:
        async with open_house(limits=HttpLimits(stream_page=page)) as house:
            run, other = await house.run(), await house.run()
            seen: list[int] = []

            async def write() -> None:
                for ours, count in appends:
                    await house.ledger.append(run if ours else other, [PAUSE, RESUME] * count)
                    await anyio.lowlevel.checkpoint()
                await house.ledger.append(run, [DONE])

            async def watch() -> None:
                for chunks in [*stops, 10**6]:
                    headers = {"Last-Event-ID": str(seen[-1])} if seen else {}
                    async with visit(house.app, f"/v1/runs/{run}/events", headers=headers) as stream:
                        if stream.status == 204:
                            return
                        for _ in range(chunks):
                            if not (chunk := await stream.chunk()):
                                return
                            seen.extend(seqs(chunk))

            async with anyio.create_task_group() as group:
                group.start_soon(write)
                group.start_soon(watch)
            assert seen == await expected(house, run)

    anyio.run(scenario, backend=backend)
