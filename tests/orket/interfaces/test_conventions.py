"""What every route keeps to: conditions, preferences, deadlines, places, clients that leave, correlation."""

from __future__ import annotations

from functools import partial

import anyio
import httpx2
import pytest

from orket.domain import events as e
from orket.interfaces.limits import HttpLimits
from orket.interfaces.operations import Operation
from orket.interfaces.routes import OPERATIONS
from orket.wire.codec import decode
from orket.wire.problems import Problem
from tests.orket.interfaces.asgi import visit
from tests.orket.interfaces.engines import DONE, House, open_house

pytestmark = pytest.mark.anyio
PAUSE = e.RunPaused(by="ada", reason="lunch")
LISTS = [
    one
    for one in OPERATIONS
    if one.method == "GET" and "{" not in one.path and one.name != "getHeartbeat"  # which tells the time
]


async def test_a_read_that_brings_nothing_new_is_304() -> None:
    async with open_house() as house:
        run = await house.run()
        paths = [f"/v1/runs/{run}", f"/v1/runs/{run}/cards", f"/v1/operations/{run}"]
        for path in [one.path for one in LISTS] + paths:
            first = await house.client.get(path)
            if not first.headers["content-type"].startswith("application/json"):
                continue
            tag = first.headers["etag"]
            for sent in (tag, f'"other", {tag}', f"W/{tag}", "*"):
                again = await house.client.get(path, headers={"If-None-Match": sent})
                assert (again.status_code, again.content, again.headers["etag"]) == (304, b"", tag), path
            head = await house.client.head(path)
            assert (head.status_code, head.headers["etag"], head.content) == (200, tag, b"")
            fresh = await house.client.get(path, headers={"If-None-Match": '"other"'})
            assert fresh.content == first.content


async def test_a_run_s_tag_changes_with_it() -> None:
    async with open_house() as house:
        run = await house.run()
        before = (await house.client.get(f"/v1/runs/{run}")).headers["etag"]
        assert before == '"4"'
        await house.ledger.append(run, [PAUSE])
        after = await house.client.get(f"/v1/runs/{run}", headers={"If-None-Match": before})
        assert (after.status_code, after.headers["etag"]) == (200, '"5"')
        stale = await house.client.get(f"/v1/runs/{run}", headers={"If-Match": before})
        assert (stale.status_code, stale.json()["type"]) == (412, "urn:orket:problem:precondition-failed")


@pytest.mark.parametrize("command", ["pause", "resume", "cancel", "tool-calls/00000001/I-1/1/0/decision"])
async def test_a_command_that_means_another_version_is_refused(command: str) -> None:
    async with open_house() as house:
        run = await house.run()
        path = f"/v1/runs/{run}/{command}"
        body = {"verdict": "approve"} if "decision" in command else {}
        for tag in ('"3"', 'W/"4"', '"4", "5"'):
            refused = await house.client.post(path, json=body, headers={"If-Match": tag})
            assert refused.status_code == 412, tag
            assert refused.json()["errors"][0]["pointer"] == "/If-Match"
        malformed = await house.client.post(path, json=body, headers={"If-Match": "4"})
        assert malformed.status_code == 422
        assert [one.seq for one in await house.ledger.read(run)] == [1, 2, 3, 4]
        meant = await house.client.post(path, json=body, headers={"If-Match": '"4"'})
        assert meant.status_code == 200
        again = await house.client.post(path, json=body, headers={"If-Match": "*"})
        assert again.status_code in (200, 409)


async def test_who_waits_gets_the_run_once_it_rests() -> None:
    async with open_house() as house:
        answers: list[httpx2.Response] = []

        async def start() -> None:
            headers = {"Prefer": "respond=x, wait=60"}
            answers.append(await house.client.post("/v1/runs", json={"target": "a"}, headers=headers))

        async with anyio.create_task_group() as group:
            group.start_soon(start)
            await house.script.entered.wait()
            while not (runs := await house.ledger.runs()):
                await anyio.lowlevel.checkpoint()
            await house.ledger.append(runs[0].run_id, [PAUSE])
        (answer,) = answers
        assert (answer.status_code, answer.json()["status"]) == (200, "paused")
        assert answer.headers["preference-applied"] == "wait=60"
        assert answer.headers["etag"] == '"5"'
        assert answer.headers["location"] == answer.headers["content-location"] == "/v1/runs/00000001"


async def test_who_does_not_wait_long_enough_gets_202_or_the_run_as_it_is() -> None:
    async with open_house() as house:
        quick = {"Prefer": "wait=0"}
        answer = await house.client.post("/v1/runs", json={"target": "a"}, headers=quick)
        assert (answer.status_code, answer.headers["retry-after"]) == (202, "1")
        shown = await house.client.get("/v1/runs/00000001", headers=quick)
        assert (shown.status_code, shown.json()["status"]) == (200, "running")
        both = {"Prefer": "respond-async, wait=60"}
        later = await house.client.post("/v1/runs", json={"target": "a"}, headers=both)
        assert later.status_code == 202
        assert "preference-applied" not in later.headers


@pytest.mark.parametrize("value", ["wait=soon", "wait=-1", "wait", "wait=1.5"])
async def test_a_wait_that_is_none_is_named(value: str) -> None:
    async with open_house() as house:
        answer = await house.client.post("/v1/runs", json={"target": "a"}, headers={"Prefer": value})
        assert answer.status_code == 422
        assert answer.json()["errors"] == [
            {
                "detail": f"wait must be a number of seconds, not {value.partition('=')[2]!r}",
                "pointer": "/Prefer",
                "in": "header",
            }
        ]
        assert house.script.heard == []


async def test_an_operation_says_how_far_a_run_has_come() -> None:
    async with open_house() as house:
        run = await house.run()
        path = f"/v1/operations/{run}"

        async def state() -> str:
            return str((await house.client.get(path)).json()["state"])

        assert await state() == "working"
        assert (await house.client.get(path)).headers["retry-after"] == "1"
        await house.ledger.append(run, [PAUSE])
        assert await state() == "input_required"
        cancelled = await house.client.post(f"{path}/cancel", json={"reason": "enough"})
        assert (cancelled.status_code, cancelled.json()["state"]) == (200, "cancelled")
        over = await house.client.get(path)
        assert over.json()["poll_after_s"] is None
        assert "retry-after" not in over.headers
        assert (await house.client.post(f"{path}/cancel")).status_code == 409
        for name, status in (("done", "completed"), ("blocked", "failed"), ("failed", "failed")):
            other = await house.run(e.RunFinished(status=name))
            assert (await house.client.get(f"/v1/operations/{other}")).json()["state"] == status
        assert (await house.client.get("/v1/operations/nothing")).json()["errors"][0]["in"] == "path"
        page = (await house.client.get("/v1/operations?limit=2")).json()
        assert [one["state"] for one in page["operations"]] == ["failed", "failed"]
        rest = (await house.client.get(page["next"])).json()
        assert [one["state"] for one in rest["operations"]] == ["completed", "cancelled"]


@pytest.mark.parametrize("watched", [False, True])
async def test_a_client_that_leaves_gives_up_its_ask_and_nothing_else(watched: bool) -> None:
    """What waits in the mailbox is not begun; what the engine has begun goes on to its end."""
    async with open_house(limits=HttpLimits(watch_after_s=0.001)) as house:
        gate = house.script.gate = anyio.Event()
        bridge, leave = house.app.state.bridge, anyio.Event()

        async def start() -> None:
            headers = {"Content-Type": "application/json"}
            sends = partial(visit, method="POST", headers=headers, leave=leave)
            async with sends(house.app, "/v1/runs", content=b'{"target": "a"}') as seen:
                assert seen.status == 400

        async with anyio.create_task_group() as group:
            if watched:
                await group.start(hold, bridge.departures)
            group.start_soon(start)
            await house.script.entered.wait()
            group.start_soon(start)
            while bridge.admission.under_way() < 2:
                await anyio.lowlevel.checkpoint()
            leave.set()
            while bridge.admission.under_way():
                await anyio.lowlevel.checkpoint()
            group.cancel_scope.cancel()
        assert len(bridge.departures) == 0
        gate.set()
        while not await house.ledger.runs():
            await anyio.lowlevel.checkpoint()
        assert (await house.client.post("/v1/runs", json={"target": "b"})).status_code == 202
        assert [one.target for one in house.script.heard] == ["a", "b"]  # type: ignore[attr-defined]  # starts


async def hold(departures: object, *, task_status: anyio.abc.TaskStatus[None]) -> None:
    async with departures.watched():  # type: ignore[attr-defined]  # a Departures
        task_status.started()
        await anyio.sleep_forever()


async def test_who_leaves_while_waiting_for_a_run_leaves_the_run_alone() -> None:
    async with open_house() as house:
        run, leave = await house.run(), anyio.Event()
        async with anyio.create_task_group() as group:

            async def look() -> None:
                headers = {"Prefer": "wait=60"}
                async with visit(house.app, f"/v1/runs/{run}", headers=headers, leave=leave) as seen:
                    assert seen.status == 400

            group.start_soon(look)
            while not house.app.state.bridge.admission.under_way():
                await anyio.lowlevel.checkpoint()
            leave.set()
        assert [one.seq for one in await house.ledger.read(run)] == [1, 2, 3, 4]
        assert house.script.heard == []


async def test_when_all_places_are_taken_control_still_gets_through() -> None:
    async with open_house(limits=HttpLimits(requests=2)) as house:
        run, leave = await house.run(), anyio.Event()
        admission = house.app.state.bridge.admission
        async with anyio.create_task_group() as group:

            async def wait() -> None:
                headers = {"Prefer": "wait=60"}
                async with visit(house.app, f"/v1/runs/{run}", headers=headers, leave=leave):
                    pass

            group.start_soon(wait)
            group.start_soon(wait)
            while admission.under_way() < 2:
                await anyio.lowlevel.checkpoint()
            shed = await house.client.get("/v1/runs")
            assert (shed.status_code, shed.json()["type"]) == (503, "urn:orket:problem:overloaded")
            assert shed.headers["retry-after"] == "1"
            assert (await house.client.post(f"/v1/runs/{run}/pause")).status_code == 200
            leave.set()
        assert admission.under_way() == 0
        assert (await house.client.get("/v1/runs")).status_code == 200


async def test_headers_are_bounded() -> None:
    async with open_house(limits=HttpLimits(header_bytes=200)) as house:
        answer = await house.client.get("/livez", headers={"X-Much": "x" * 200})
        assert (answer.status_code, answer.json()["type"]) == (431, "urn:orket:problem:headers-too-large")


async def test_connections_are_bounded() -> None:
    async with open_house(limits=HttpLimits(connections=1)) as house:
        house.app.state.bridge.connections = lambda: 2
        answer = await house.client.get("/livez")
        assert (answer.status_code, answer.json()["type"]) == (503, "urn:orket:problem:too-many-connections")
        assert answer.headers["connection"] == "close"
        assert answer.headers["retry-after"] == "1"


TRACE = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"


@pytest.mark.parametrize(
    ("sent", "carried"), [(TRACE, TRACE), (TRACE.upper(), ""), ("00-" + "0" * 32 + TRACE[35:], ""), ("x", "")]
)
async def test_the_request_goes_with_the_message(sent: str, carried: str) -> None:
    async with open_house() as house:
        headers = {"X-Request-Id": "abc-1", "traceparent": sent}
        await house.client.post("/v1/runs", json={"target": "a"}, headers=headers)
        (origin,) = house.script.origins
        assert (origin.request_id, origin.traceparent) == ("abc-1", carried)


async def test_every_refusal_says_where_the_fault_lies() -> None:
    """Whatever is the caller's own doing, on every operation: a problem, and a pointer into what was sent."""
    async with open_house() as house:
        for one in OPERATIONS:
            path = one.path.replace(":path", "").replace("{", "").replace("}", "")
            for answer in [await house.client.request("BREW", path), *await badly(house, one, path)]:
                problem = decode(Problem, answer.content)
                assert 400 <= answer.status_code < 500, one.name
                assert problem.errors, (one.name, problem)
                assert problem.instance == path
                if answer.status_code == 405:
                    methods = {other.method for other in OPERATIONS if other.path == one.path}
                    wanted = methods | ({"HEAD"} if "GET" in methods else set())
                    assert answer.headers["allow"] == ", ".join(sorted(wanted))


async def badly(house: House, one: Operation, path: str) -> list[httpx2.Response]:
    found = []
    if one.query is not None:
        found += [await house.client.get(f"{path}?no=1"), await house.client.get(f"{path}?limit=1&limit=2")]
    if one.body is not None:
        post = partial(house.client.post, path)
        json = {"Content-Type": "application/json"}
        found += [
            await post(content=b"[]", headers=json),
            await post(content=b"{", headers=json),
            await post(content=b"{}", headers={"Content-Type": "text/plain"}),
            await post(content=b" " * (1024 * 1024 + 1), headers=json),
        ]
    return found


async def test_in_a_flood_refusals_wait_and_nobody_else_does() -> None:
    limits = HttpLimits(rate_per_s=0.001, rate_burst=1, refusals_per_s=0.001, refusals_burst=1)
    async with open_house(limits=limits) as house, anyio.create_task_group() as group:
        assert (await house.client.get("/v1/runs")).status_code == 200
        assert (await house.client.get("/v1/runs")).status_code == 429, "the first goes out at once"
        refused = anyio.Event()

        async def again() -> None:
            await house.client.get("/v1/runs")
            refused.set()

        group.start_soon(again)
        await anyio.wait_all_tasks_blocked()
        assert (await house.client.post("/v1/system/halt")).status_code == 200
        assert not refused.is_set()
        group.cancel_scope.cancel()


async def test_places_do_not_run_out() -> None:
    """Whatever became of requests, nothing of them is left."""
    async with open_house(limits=HttpLimits(requests=1, control_requests=1)) as house:
        for _ in range(3):
            assert (await house.client.post("/v1/runs", json={"no": 1})).status_code == 422
            assert (await house.client.get("/v1/runs/nothing")).status_code == 404
            assert (await house.client.get("/v1/runs")).status_code == 200
            assert (await house.client.post("/v1/system/halt")).status_code == 200
        run = await house.run(DONE)
        assert (await house.client.get(f"/v1/runs/{run}/events")).status_code == 200
        assert house.app.state.bridge.admission.under_way() == 0
        assert len(house.app.state.bridge.streams) == 0
