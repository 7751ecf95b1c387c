"""The client against a bridge on real sockets, TCP and Unix, on both event loops."""

from __future__ import annotations

import socket
import uuid
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import pytest

from orket.client import ClientProblem, OrketClient, UnexpectedAnswer, Unreachable
from orket.domain.errors import OrketError
from orket.domain.runs import RunStatus
from orket.domain.tools import HumanVerdict
from orket.orchestration.messages import DecideCall
from orket.wire.runs import BudgetBody, StartRunBody
from tests.orket.interfaces.engines import DONE
from tests.orket.interfaces.serving import Served, served

pytestmark = pytest.mark.anyio


@pytest.fixture(scope="module")
def bridge(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    with served(tmp_path_factory.mktemp("bridge")) as running:
        yield running


def places(bridge: Served) -> list[dict[str, str | Path]]:
    return [{"url": bridge.url}, {"socket": bridge.path}]


async def test_everything_there_is_over_both_sockets(bridge: Served) -> None:
    for place in places(bridge):
        async with OrketClient.connect(**place) as client:  # type: ignore[arg-type]  # one of the two
            assert (await client.version()).api == "v1"
            assert (await client.ready()).status == "ok"
            body = StartRunBody(target="a", budget=BudgetBody(turns_max=3))
            key = uuid.uuid4().hex
            started = await client.start_run(body, key=key)
            assert await client.start_run(body, key=key) == started
            run = started.id
            assert (await client.run(run)).status is RunStatus.RUNNING
            assert (await client.pause(run, by="ada", reason="tea")).status is RunStatus.PAUSED
            assert (await client.resume(run, by="ada")).status is RunStatus.RUNNING
            call = f"{run}/I-1/1/0"
            await client.decide(run, call, HumanVerdict.APPROVE, by="ada")
            heard = bridge.house.script.heard[-1]
            assert isinstance(heard, DecideCall)
            assert heard.call_id == call
            cards = await client.cards(run, limit=2)
            assert [one.id for one in cards.cards] == ["EPIC", "I-1"]
            assert [one.id for one in (await client.cards(page=cards.next)).cards] == ["I-2"]
            assert (await client.tool_calls(run, waiting=True)).calls == ()
            assert (await client.cancel(run, by="ada")).status is RunStatus.CANCELED
            assert (await client.ledger(run_id=run)).events[-1].kind == "RunFinished"
            assert (await client.operation(run, wait_s=1)).state == "cancelled"
            assert (await client.operations(limit=1)).operations[0].id == run
            assert (await client.run(run, wait_s=1)).status is RunStatus.CANCELED
            assert (await client.card(run, "I-1")).card.id == "I-1"
            assert (await client.turns(run)).turns == ()
            assert [one.count for one in (await client.board(run)).columns if one.count] == [2]
            assert (await client.why_blocked(run, card="I-1")).blocked == ()
            (sprint,) = (await client.calendar(date(2026, 2, 2))).sprints
            assert (sprint.sprint, sprint.last_day) == ("2026 Q1 S6", date(2026, 2, 6))
            assert (await client.memory("tea")).memories == ()
            assert (await client.budget(run)).bounds == BudgetBody(turns_max=3)
            assert run not in [one.run_id for one in (await client.budgets()).budgets]
            assert (await client.approvals()).approvals == ()
            assert (await client.sandboxes()).sandboxes == ()
            assert (await client.policies()).organization == "Orket"
            assert (await client.heartbeat()).streams_open == 0
            assert (await client.keys()).keys == ()
            for missing in (client.approval, client.sandbox, client.sandbox_logs, client.content):
                with pytest.raises(ClientProblem, match="names nothing"):
                    await missing("none")
            with pytest.raises(ClientProblem, match="is at") as changed:
                await client.pause(run, by="ada", if_seq=1)
            assert changed.value.status == 412
            async with client.events(run) as events:
                assert [one.seq async for one in events] == bridge.seqs(run)


async def test_runs_page_by_page(bridge: Served) -> None:
    expected = [bridge.run(DONE) for _ in range(3)] + [bridge.run()]
    async with OrketClient.connect(url=bridge.url) as client:
        page = await client.runs(limit=3)
        seen = [one.id for one in page.runs]
        seen += [one.id for one in (await client.runs(page=page.next)).runs]
        assert seen[:4] == expected[::-1]
        assert expected[0] not in [one.id for one in (await client.runs(open_only=True)).runs]


async def test_a_problem_is_an_error_with_its_members(bridge: Served) -> None:
    run = bridge.run(DONE)
    async with OrketClient.connect(url=bridge.url) as client:
        with pytest.raises(ClientProblem) as caught:
            await client.pause(run, by="ada")
        problem = caught.value
        assert (problem.status, problem.kind, problem.allowed) == (409, "conflict", ("fork",))
        assert problem.detail == f"run {run} is done"
        assert isinstance(problem, OrketError)
        with pytest.raises(ClientProblem) as invalid:
            await client.start_run(StartRunBody(target=""))
        assert [one.pointer for one in invalid.value.errors] == ["/target"]


async def test_nobody_there(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    places = [{"url": f"http://127.0.0.1:{port}"}, {"socket": tmp_path / "none.sock"}]
    for place in places:
        async with OrketClient.connect(**place) as client:  # type: ignore[arg-type]  # one of the two
            with pytest.raises(Unreachable) as caught:
                await client.version()
            assert not caught.value.sent


async def test_a_socket_whose_path_is_too_long_for_an_address(tmp_path: Path) -> None:
    deep = tmp_path / ("d" * 120)
    with served(deep) as bridge:
        assert len(str(bridge.path)) > 108
        async with OrketClient.connect(socket=bridge.path) as client:
            assert (await client.version()).api == "v1"


async def test_somebody_else_answers(bridge: Served) -> None:
    async with OrketClient.connect(url=f"{bridge.url}/v1/system/version") as client:
        with pytest.raises(ClientProblem):
            await client.version()
    async with OrketClient.connect(url=bridge.url) as client:
        with pytest.raises(UnexpectedAnswer):
            await client.runs(page="/livez")


async def test_one_place_is_named() -> None:
    for wrong in ({}, {"url": "http://localhost", "socket": "x"}):
        with pytest.raises(ValueError, match="either"):
            async with OrketClient.connect(**wrong):  # type: ignore[arg-type]  # wrong on purpose
                pass
