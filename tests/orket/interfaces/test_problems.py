"""Every failure is a problem document, whoever failed."""

from __future__ import annotations

import json
from collections.abc import Iterator

import anyio
import attrs
import httpx2
import pytest
from hypothesis import given
from hypothesis import strategies as st
from starlette.types import ASGIApp, Receive, Scope, Send

import actors
from orket.domain import errors as e
from orket.interfaces.limits import HttpLimits
from orket.interfaces.problems import kind_of, problem_of
from orket.orchestration.messages import Refused
from orket.wire.codec import decode
from orket.wire.problems import PROBLEM_TYPE, Problem
from tests.orket.interfaces.asgi import visit
from tests.orket.interfaces.engines import open_house

JSON = {"Content-Type": "application/json; charset=utf-8"}


def checked(answer: httpx2.Response, status: int, name: str) -> Problem:
    assert answer.headers["content-type"] == PROBLEM_TYPE
    problem = decode(Problem, answer.content)
    assert (answer.status_code, problem.status, problem.type) == (status, status, f"urn:orket:problem:{name}")
    assert problem.title
    assert problem.detail
    assert problem.errors
    assert all(one.detail and (not one.pointer or one.pointer[0] == "/") for one in problem.errors)
    assert problem.request_id == answer.headers["x-request-id"]
    assert problem.instance == answer.request.url.path
    return problem


@pytest.mark.anyio
async def test_the_router_s_refusals() -> None:
    async with open_house() as house:
        checked(await house.client.get("/v1/nothing"), 404, "not-found")
        checked(await house.client.get("/v1/runs/"), 404, "not-found")
        wrong = await house.client.delete("/v1/runs")
        checked(wrong, 405, "method-not-allowed")
        assert wrong.headers["allow"] == "GET, HEAD, POST"
        checked(await house.client.get("/v1/runs/ffffffff"), 404, "run-not-found")
        checked(await house.client.get("/v1/runs/ffffffff/events"), 404, "run-not-found")
        checked(await house.client.post("/v1/runs/ffffffff/pause"), 404, "run-not-found")


@pytest.mark.anyio
async def test_bodies_that_cannot_be_read() -> None:
    async with open_house(limits=HttpLimits(body_bytes=100)) as house:

        async def post(content: bytes, headers: dict[str, str] = JSON) -> httpx2.Response:
            return await house.client.post("/v1/runs", content=content, headers=headers)

        checked(await post(b"{"), 400, "malformed-request")
        checked(await post(b"\xff"), 400, "malformed-request")
        missing = checked(await post(b"{}"), 422, "invalid-request")
        assert [one.pointer for one in missing.errors] == ["/target"]
        checked(await post(b""), 422, "invalid-request")
        form = {"Content-Type": "application/x-www-form-urlencoded"}
        for headers in (form, {}, {**JSON, "Content-Encoding": "gzip"}):
            checked(await post(b"target=a", headers), 415, "unsupported-media-type")
        checked(await post(b" " * 101), 413, "body-too-large")
        assert house.script.heard == []


@pytest.mark.anyio
async def test_a_body_without_a_length_is_measured_while_it_is_read() -> None:
    sent: list[bytes] = []

    def endless() -> Iterator[bytes]:
        while True:
            sent.append(b" " * 64)
            yield sent[-1]

    async with open_house(limits=HttpLimits(body_bytes=100)) as house:
        async with visit(house.app, "/v1/runs", method="POST", headers=JSON, body=endless()) as seen:
            assert seen.status == 413
            assert decode(Problem, await seen.rest()).type == "urn:orket:problem:body-too-large"
        assert len(sent) == 2


@pytest.mark.anyio
async def test_a_body_that_does_not_come_is_not_waited_for() -> None:
    async with open_house(limits=HttpLimits(body_s=0.01)) as house:
        stalls = iter([b"{"])
        async with visit(house.app, "/v1/runs", method="POST", headers=JSON, body=stalls) as seen:
            assert seen.status == 408


@pytest.mark.anyio
async def test_a_client_that_leaves_in_the_middle_of_its_body_is_no_error() -> None:
    async with open_house() as house:
        left = anyio.Event()
        left.set()
        sends = iter([b"{"])
        async with visit(house.app, "/v1/runs", method="POST", headers=JSON, body=sends, leave=left) as seen:
            assert seen.status == 400
        assert house.script.heard == []


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("Request-Timeout", "soon"),
        ("Request-Timeout", "0"),
        ("Request-Timeout", "0.099"),
        ("Request-Timeout", "-1"),
        ("Request-Timeout", "nan"),
        ("Request-Timeout", "inf"),
        ("Idempotency-Key", ""),
        ("Idempotency-Key", "x" * 256),
        ("Idempotency-Key", "\tx"),
    ],
)
async def test_a_bad_header_is_named(name: str, value: str) -> None:
    async with open_house() as house:
        answer = await house.client.post("/v1/runs", json={"target": "a"}, headers={name: value})
        (fault,) = checked(answer, 422, "invalid-request").errors
        assert (fault.place, fault.pointer) == ("header", f"/{name}")


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("refusal", "status", "name"),
    [
        (e.AssetError("epics/a.json", "/issues/0/seat", "no seat 'x'"), 422, "invalid-asset"),
        (e.CardNotFound("no epic a"), 422, "unprocessable"),
        (e.RunDenied("too many runs"), 409, "run-denied"),
        (e.IdempotencyConflict("used"), 422, "idempotency-conflict"),
        (e.StoreError("disk full"), 503, "store-unavailable"),
        (e.UnknownNode("planner_node", "x", ["default"]), 422, "unprocessable"),
        (e.InvalidTransition("issue", "done", "ready", ["archived"]), 409, "conflict"),
    ],
)
async def test_what_the_engine_refuses(refusal: e.OrketError, status: int, name: str) -> None:
    async with open_house() as house:
        house.script.refusal = refusal
        problem = checked(await house.client.post("/v1/runs", json={"target": "a"}), status, name)
        assert problem.detail == refusal.detail
        if isinstance(refusal, e.AssetError):
            (fault,) = problem.errors
            assert (fault.place, fault.file, fault.pointer) == ("asset", "epics/a.json", "/issues/0/seat")
            assert fault.detail == "no seat 'x'"
        if isinstance(refusal, e.InvalidTransition):
            assert problem.allowed == ("archived",)


@pytest.mark.anyio
async def test_a_deadline_that_passes() -> None:
    async with open_house() as house:
        house.script.gate = anyio.Event()
        answer = await house.client.post("/v1/runs", json={"target": "a"}, headers={"Request-Timeout": "0.1"})
        checked(answer, 504, "deadline-passed")


@pytest.mark.anyio
async def test_a_full_mailbox_sheds_with_retry_after() -> None:
    async with open_house() as house:
        gate = house.script.gate = anyio.Event()
        answers: list[httpx2.Response] = []

        async def post() -> None:
            answers.append(await house.client.post("/v1/runs", json={"target": "a"}))

        async with anyio.create_task_group() as group:
            group.start_soon(post)
            await house.script.entered.wait()
            for _ in range(5):
                group.start_soon(post)
            while len(answers) < 3:
                await anyio.lowlevel.checkpoint()
            gate.set()
        shed = [one for one in answers if one.status_code != 202]
        assert len(shed) == 3
        for one in shed:
            checked(one, 503, "overloaded")
            assert int(one.headers["retry-after"]) >= 1


@pytest.mark.anyio
async def test_a_crash_of_the_engine_shows_nothing_of_its_inside() -> None:
    async with open_house() as house:
        house.script.crash = True
        answer = await house.client.post("/v1/runs", json={"target": "a"})
        problem = checked(answer, 500, "engine-crashed")
        assert "secret" not in answer.text
        assert "may have been carried out" in problem.detail


@pytest.mark.anyio
async def test_an_engine_that_has_stopped() -> None:
    async with open_house() as house:
        await house.orket.system.stop()
        checked(await house.client.post("/v1/runs", json={"target": "a"}), 503, "engine-not-running")
        checked(await house.client.get("/readyz"), 503, "engine-not-running")
        assert (await house.client.get("/livez")).status_code == 200


class Passing:
    """A layer that somebody puts around the app."""

    def __init__(self, app: ASGIApp, seen: list[str]) -> None:
        self._app, self._seen = app, seen

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self._seen.append(scope["path"])
        await self._app(scope, receive, send)


@pytest.mark.anyio
@pytest.mark.parametrize("around", [False, True])
async def test_what_nobody_foresaw_is_a_500_without_internals(around: bool) -> None:
    seen: list[str] = []

    class Broken:
        async def runs(self, **_: object) -> None:
            raise ZeroDivisionError("secret internals")

    async with open_house(raise_errors=False) as house:
        if around:
            house.app.add_middleware(Passing, seen=seen)
        bridge = house.app.state.bridge
        bridge.attach(attrs.evolve(house.orket, ledger=Broken()))
        for path in ("/v1/runs", "/nowhere"):
            answer = await house.client.get(path)
            checked(answer, *((500, "internal-error") if path == "/v1/runs" else (404, "not-found")))
            assert "secret" not in answer.text
            assert len(answer.headers.get_list("x-request-id")) == 1
        assert seen == ["/v1/runs", "/nowhere"] * around


@pytest.mark.anyio
async def test_a_caller_s_request_id_is_kept_if_it_is_decent() -> None:
    async with open_house() as house:
        kept = await house.client.get("/livez", headers={"X-Request-Id": "abc-1.2_3"})
        assert kept.headers["x-request-id"] == "abc-1.2_3"
        other = await house.client.get("/livez", headers={"X-Request-Id": "a b"})
        assert len(other.headers["x-request-id"]) == 32


def subclasses(kind: type[BaseException]) -> set[type[BaseException]]:
    return {kind}.union(*(subclasses(one) for one in kind.__subclasses__()))


def test_every_error_of_the_house_has_a_kind_of_its_own_choosing() -> None:
    for kind in subclasses(e.OrketError) | subclasses(actors.ActorsError):
        error = kind.__new__(kind)
        if kind.__module__ in ("orket.domain.errors", "actors.errors"):
            assert 400 <= kind_of(error).status < 600


@given(st.text(), st.text(), st.text())
def test_any_text_in_an_error_is_carried(file: str, pointer: str, reason: str) -> None:
    problem = problem_of(Refused(e.AssetError(file, pointer, reason)))
    assert problem.errors[0].detail == reason
    json.dumps(problem.detail)
