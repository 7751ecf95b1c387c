"""The Gitea webhook: only what is signed is believed, each delivery once, and what follows is done."""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import anyio
import attrs
import httpx2
import pytest

from orket.bootstrap.reviewing import Reviewing
from orket.domain.identifiers import PULL_REQUESTS
from orket.domain.pull_requests import (
    Happening,
    PullRequestEffectFinished,
    PullRequestEvent,
    ReviewRules,
    Standing,
    decide,
)
from orket.infrastructure.gitea import Gitea
from orket.interfaces.api import create_app
from orket.interfaces.limits import HttpLimits
from orket.orchestration.messages import StartRun
from orket.orchestration.pull_requests import PullRequestRoom
from orket.settings import GiteaSettings
from tests.orket.interfaces.engines import House, open_house
from tests.orket.interfaces.gitea_server import TOKEN, GiteaStandIn

pytestmark = pytest.mark.anyio

SECRET = "a secret of this test, long enough"
PATH = "/v1/webhooks/gitea"


@attrs.frozen
class Hook:
    """A bridge that hears a Gitea, and that Gitea."""

    house: House
    gitea: GiteaStandIn
    client: httpx2.AsyncClient
    room: PullRequestRoom

    async def tell(self, body: bytes, delivery: str, **more: str) -> httpx2.Response:
        headers = {
            "X-Gitea-Signature": signed(body),
            "X-Gitea-Event": "pull_request",
            "X-Gitea-Delivery": delivery,
            "Content-Type": "application/json",
        }
        given = {name.replace("_", "-"): value for name, value in more.items()}
        headers = {**headers, **given}
        return await self.client.post(
            PATH, content=body, headers={name: value for name, value in headers.items() if value}
        )

    async def review(self, delivery: str, *, actor: str = "bob", verdict: str = "rejected") -> Any:
        body = told(
            "reviewed", actor=actor, review={"type": f"pull_request_review_{verdict}", "content": "no"}
        )
        answer = await self.tell(body, delivery, X_Gitea_Event=f"pull_request_{verdict}")
        assert answer.status_code == 200, answer.text
        return answer.json()

    async def finished(self, count: int) -> list[PullRequestEffectFinished]:
        """Wait until so many effects have an outcome."""
        ledger, newest = self.house.ledger, 0
        while True:
            page = [one.event for one in await ledger.read(PULL_REQUESTS)]
            found = [one for one in page if isinstance(one, PullRequestEffectFinished)]
            if len(found) >= count:
                return found
            newest = await ledger.wait(newest)


def signed(body: bytes, secret: str = SECRET) -> str:
    return hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()


def told(action: str, *, actor: str = "bob", title: str = "Lamps", **more: Any) -> bytes:
    body = {
        "action": action,
        "number": 7,
        "pull_request": {"title": title, "user": {"login": "ada"}, "state": "open", "id": 99},
        "repository": {"full_name": "ada/lamps"},
        "sender": {"login": actor},
        **more,
    }
    return json.dumps(body).encode()


@asynccontextmanager
async def hook(rules: ReviewRules | None = None, limits: HttpLimits | None = None) -> AsyncIterator[Hook]:
    gitea = GiteaStandIn()
    forge = Gitea(url="http://gitea", token=TOKEN, transport=httpx2.ASGITransport(app=gitea.app()))
    async with open_house() as house:
        room = PullRequestRoom(
            ledger=house.ledger,
            forge=forge,
            rules=rules or ReviewRules(),
            engine=house.orket.engine,
            retry_s=0.001,
        )
        hearer = house.orket.system.named("reviewing").supervise(Reviewing, room).pull_requests
        await house.orket.system.started(hearer)
        settings = attrs.evolve(
            house.orket.settings, gitea=GiteaSettings(secret=SECRET, url="http://gitea", token=TOKEN)
        )
        orket = attrs.evolve(house.orket, pull_requests=hearer, settings=settings)
        transport = httpx2.ASGITransport(app=create_app(orket, limits=limits))
        async with httpx2.AsyncClient(transport=transport, base_url="http://127.0.0.1") as client:
            yield Hook(house, gitea, client, room)


async def test_a_reviewer_who_goes_on_asking_closes_the_pull_request_once() -> None:
    async with hook() as one:
        found = [await one.review(f"d-{n}") for n in range(1, 6)]
        assert [(each["response"], each["cycle"]) for each in found] == [
            ("changes_requested", 1),
            ("changes_requested", 2),
            ("escalated", 3),
            ("rejected", 4),
            ("ignored", 0),
        ]
        finished = await one.finished(4)
        assert all(each.ok for each in finished)
        assert (one.gitea.state, len(one.gitea.comments), len(one.gitea.issues)) == ("closed", 2, 1)
        assert one.gitea.issues[0][0] == "Requirements Review: Lamps"
        assert one.gitea.issues[0][1].count("- bob: no") == 4


async def test_a_delivery_is_heard_once_also_when_all_come_together() -> None:
    async with hook() as one:
        answers: list[str] = []

        async def tell(delivery: str) -> None:
            answers.append((await one.review(delivery))["response"])

        async with anyio.create_task_group() as group:
            for n in range(12):
                group.start_soon(tell, f"d-{n % 3}")
        assert sorted(answers) == ["changes_requested"] * 2 + ["escalated"] + ["repeated"] * 9


async def test_what_the_forge_did_not_answer_is_tried_again_and_written_once() -> None:
    async with hook() as one:
        for n in (1, 2):
            await one.review(f"d-{n}")
        one.gitea.deaf, one.gitea.lost = 1, 1
        await one.review("d-3")
        (finished,) = await one.finished(1)
        assert (finished.ok, finished.attempts, finished.detail) == (True, 3, "was there already")
        assert len(one.gitea.comments) == 1


@pytest.mark.parametrize("heard", [False, True])
async def test_an_effect_without_an_outcome_is_taken_up_by_the_next_engine(heard: bool) -> None:
    async with hook() as one:
        event = PullRequestEvent(
            delivery_id="d-1",
            repository="ada/lamps",
            number=7,
            happening=Happening.CHANGES_REQUESTED,
            actor="bob",
        )
        await one.house.ledger.append(
            PULL_REQUESTS, [decide(event, Standing(cycles={"bob": 2}), ReviewRules())]
        )
        if heard:
            one.gitea.comments.append("an earlier attempt <!-- orket d-1/0 -->")
        one.house.orket.system.named("next").supervise(Reviewing, one.room)
        (finished,) = await one.finished(1)
        assert (finished.ok, finished.detail) == (True, "was there already" if heard else "written")
        assert len(one.gitea.comments) == 1


async def test_an_issue_of_the_title_is_started_by_the_engine_once() -> None:
    async with hook(ReviewRules(run_target="lamps")) as one:
        for delivery in ("d-1", "d-1"):
            await one.tell(told("opened", title="ISSUE-7 wick"), delivery)
        (finished,) = await one.finished(1)
        assert finished.ok
        assert finished.detail.startswith("run ")
        (started,) = one.house.script.heard
        assert isinstance(started, StartRun)
        assert (started.target, started.only) == ("lamps", "ISSUE-7")


@pytest.mark.parametrize(
    ("headers", "status", "name"),
    [
        ({"X_Gitea_Signature": ""}, 401, "signature-needed"),
        ({"X_Gitea_Signature": "0" * 64}, 401, "bad-signature"),
        ({"X_Gitea_Signature": "zz"}, 401, "bad-signature"),
        ({"X_Gitea_Delivery": ""}, 422, "invalid-request"),
    ],
)
async def test_what_is_not_signed_or_named_is_refused(
    headers: dict[str, str], status: int, name: str
) -> None:
    async with hook() as one:
        answer = await one.tell(told("opened"), "d-1", **headers)
        assert (answer.status_code, answer.json()["type"]) == (status, f"urn:orket:problem:{name}")
        assert SECRET not in answer.text
        assert await one.house.ledger.read(PULL_REQUESTS) == ()


async def test_a_body_is_refused_while_it_is_read_and_junk_is_named() -> None:
    async with hook(limits=HttpLimits(body_bytes=1000)) as one:
        assert (await one.tell(b" " * 1001, "d-1")).status_code == 413
        for body, status in ((b"{", 400), (b"[]", 422), (told("opened", number=0), 422)):
            assert (await one.tell(body, "d-1")).status_code == status
        other = await one.tell(b"{}", "d-1", X_Gitea_Event="push")
        assert other.json()["response"] == "ignored"


async def test_a_flood_of_forgeries_does_not_lock_out_what_is_signed() -> None:
    limits = HttpLimits(unsigned_burst=5.0, unsigned_per_s=0.001, rate_burst=5.0, rate_per_s=0.001)
    async with hook(limits=limits) as one:
        found = [
            (await one.tell(told("opened"), "d-1", X_Gitea_Signature="0" * 64)).status_code for _ in range(8)
        ]
        assert found == [401] * 5 + [429] * 3
        assert (await one.review("d-2"))["response"] == "changes_requested"


async def test_without_a_secret_there_is_no_webhook() -> None:
    async with open_house() as house:
        answer = await house.client.post(PATH, content=b"{}")
        assert (answer.status_code, answer.json()["type"]) == (404, "urn:orket:problem:webhook-off")
