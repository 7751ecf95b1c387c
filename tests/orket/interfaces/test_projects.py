"""Project sandboxes over HTTP: brought up, looked at, used, stopped and deleted, and every refusal."""

from collections.abc import Awaitable

import pytest

from orket.client import OrketClient
from orket.domain.errors import OrketError, RunConflict, SandboxNotFound
from orket.domain.sandboxes import SandboxStatus
from orket.interfaces.cli.keeper import FarKeeper, Keeper, OwnKeeper
from orket.wire.codec import decode
from orket.wire.problems import Problem
from orket.wire.projects import (
    CreateProjectBody,
    ExecBody,
    ExecView,
    ProjectLogsView,
    ProjectPage,
    ProjectView,
)
from tests.orket.interfaces.engines import House, open_house

pytestmark = pytest.mark.anyio
ONE = "/v1/projects/sandbox-rock"


async def create(house: House, **more: object) -> ProjectView:
    answer = await house.client.post("/v1/projects", json={"name": "rock", "workspace": "/w", **more})
    assert answer.status_code == 201, answer.text
    return decode(ProjectView, answer.content)


async def problem(house: House, method: str, path: str, **json: object) -> tuple[int, str, str]:
    answer = await house.client.request(method, path, json=json or None)
    told = decode(Problem, answer.content)
    assert answer.status_code == told.status
    return told.status, told.type.rpartition(":")[2], told.detail


async def test_a_life_over_http() -> None:
    async with open_house() as house:
        made = await create(house, lease_s=600)
        assert (made.id, made.status, made.stack) == (
            "sandbox-rock",
            SandboxStatus.RUNNING,
            "fastapi-react-postgres",
        )
        assert made.services[0].addresses == ("127.0.0.1:4711",)
        listed = decode(ProjectPage, (await house.client.get("/v1/projects")).content)
        assert listed == ProjectPage(projects=(made,), next="")
        assert decode(ProjectView, (await house.client.get(ONE)).content) == made
        logs = (await house.client.get(f"{ONE}/logs?service=api&lines=3")).content
        assert decode(ProjectLogsView, logs).text == "sandbox-rock api 3"
        ran = await house.client.post(f"{ONE}/exec", json={"service": "db", "argv": ["true"]})
        assert decode(ExecView, ran.content).stdout == "db"
        renewed = decode(ProjectView, (await house.client.post(f"{ONE}/renew")).content)
        assert renewed.lease_until > made.lease_until
        stopped = decode(ProjectView, (await house.client.post(f"{ONE}/stop")).content)
        assert stopped.status is SandboxStatus.STOPPED
        deleted = decode(ProjectView, (await house.client.delete(ONE)).content)
        assert deleted.status is SandboxStatus.DELETED
        assert decode(ProjectPage, (await house.client.get("/v1/projects")).content).projects == ()


async def test_no_secret_is_answered() -> None:
    async with open_house() as house:
        await create(house)
        (plan,) = house.containers.plans.values()
        for path in ("/v1/projects", ONE, f"{ONE}/logs"):
            text = (await house.client.get(path)).text
            assert not [one for one in plan.credentials if one.value in text]


async def test_refusals() -> None:
    async with open_house() as house:
        for method, path in (
            ("GET", ""),
            ("DELETE", ""),
            ("POST", "/stop"),
            ("POST", "/renew"),
            ("GET", "/logs"),
        ):
            told = await problem(house, method, f"/v1/projects/none{path}")
            assert told == (404, "sandbox-not-found", "there is no project sandbox 'none'")
        status, kind, detail = await problem(
            house, "POST", "/v1/projects", name="rock", workspace="/w", stack="cobol"
        )
        assert (status, kind) == (422, "unprocessable")
        assert "fastapi-vue-mongo" in detail
        assert (await problem(house, "POST", "/v1/projects", name="rock", workspace="w"))[0] == 422
        await create(house)
        assert (await problem(house, "POST", "/v1/projects", name="rock", workspace="/w"))[:2] == (
            409,
            "conflict",
        )
        house.containers.away = True
        told = await problem(house, "POST", "/v1/projects", name="other", workspace="/w")
        assert told == (503, "sandbox-unavailable", "the engine is away")


@pytest.mark.parametrize("far", [True, False], ids=["far", "own"])
async def test_the_command_line_asks_the_same_from_near_and_far(far: bool) -> None:
    async with open_house() as house:
        keeper: Keeper = FarKeeper(OrketClient(house.client)) if far else OwnKeeper(house.orket.projects)
        made = await keeper.create(CreateProjectBody(name="rock", workspace="/w", lease_s=600.0))
        assert await keeper.all() == (made,)
        assert await keeper.look(made.id) == made
        assert await keeper.logs(made.id, "db", 2) == "sandbox-rock db 2"
        assert await keeper.logs(made.id, "", None) == "sandbox-rock  100"
        assert (await keeper.run(made.id, ExecBody(service="api", argv=("true",)))).stdout == "api"
        assert (await keeper.renew(made.id, None)).lease_until > made.lease_until
        again = await refused(keeper.create(CreateProjectBody(name="rock", workspace="/w")))
        assert "is there already" in again.detail
        assert isinstance(again, RunConflict) is far
        cobol = CreateProjectBody(name="r", workspace="/w", stack="cobol")
        assert "'cobol' is not supported" in (await refused(keeper.create(cobol))).detail
        assert isinstance(await refused(keeper.stop("none")), SandboxNotFound)
        assert (await keeper.stop(made.id)).status is SandboxStatus.STOPPED
        assert (await keeper.delete(made.id)).status is SandboxStatus.DELETED


async def refused(asked: Awaitable[object]) -> OrketError:
    with pytest.raises(OrketError) as caught:
        await asked
    return caught.value
