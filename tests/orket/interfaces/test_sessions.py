"""Conversations with a driver: it proposes, whoever accepts commands, and all of it is on the ledger."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

import httpx2
import pytest

from orket.bootstrap import Orket
from orket.decision_nodes.driver import read_answer
from orket.domain import conversations as c
from orket.domain.events import RunAccepted
from orket.domain.identifiers import SESSIONS, RunId
from orket.domain.runs import RunStatus
from orket.infrastructure.clock import SystemClock
from orket.infrastructure.sqlite import open_ledger
from orket.interfaces.api import create_app
from tests.orket.kit import Bench, issue, plain, settled

pytestmark = pytest.mark.anyio
WAIT = {"prefer": "wait=20"}


def driver(bench: Bench, *texts: str) -> str:
    """Write down what the driver says, message for message; return its model's name."""
    replies = [{"card": "session", "turn": n, "text": text} for n, text in enumerate(texts, start=1)]
    return f"scripted:{bench.write('scripts/driver.json', {'replies': replies})}"


def proposing(say: str, *proposals: tuple[str, str]) -> str:
    listed = [{"action": action, "subject": subject, "reason": "asked"} for action, subject in proposals]
    return json.dumps({"say": say, "proposals": listed})


@asynccontextmanager
async def talking(bench: Bench) -> AsyncIterator[tuple[Orket, httpx2.AsyncClient]]:
    async with bench.engine() as orket:
        transport = httpx2.ASGITransport(app=create_app(orket))
        async with httpx2.AsyncClient(transport=transport, base_url="http://127.0.0.1") as client:
            yield orket, client


async def said(client: httpx2.AsyncClient, session: str, *texts: str) -> Sequence[dict[str, object]]:
    return [
        (
            await client.post(
                f"/v1/sessions/{session}/messages", json={"text": text, "by": "ada"}, headers=WAIT
            )
        ).json()
        for text in texts
    ]


async def test_a_proposal_is_carried_out_once_by_whoever_accepts_it(tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    epic = bench.epic([issue("A")], plain("A"))
    model = driver(bench, "Good morning.", proposing("Shall I?", ("start_run", str(epic))))
    async with talking(bench) as (orket, client):
        opened = await client.post("/v1/sessions", json={"by": "ada", "model": model})
        assert opened.status_code == 201
        session = opened.json()["id"]
        assert (await client.get(opened.headers["location"])).json()["messages"] == 0
        first, second = await said(client, session, "Hello", "Start the work, please")
        assert (first["answer"], first["proposals"], first["error"]) == ("Good morning.", [], "")
        assert second["answer"] == "Shall I?"
        assert await orket.ledger.runs() == ()
        url = f"/v1/sessions/{session}/messages/2/proposals/0/accept"
        accepted = await client.post(url, json={"by": "bob"})
        run = RunId(accepted.json()["proposals"][0]["run_id"])
        again = await client.post(url, json={"by": "bob"})
        assert (again.status_code, again.json()) == (200, accepted.json())
        assert [one.run_id for one in await orket.ledger.runs()] == [run]
        assert (await settled(orket, run)).status is RunStatus.DONE
        for wrong in ("2/proposals/1", "3/proposals/0", "x/proposals/0", f"{'9' * 5000}/proposals/0"):
            missing = await client.post(f"/v1/sessions/{session}/messages/{wrong}/accept", json={})
            assert missing.json()["type"] == "urn:orket:problem:session-not-found"
        listed = (await client.get(f"/v1/sessions/{session}/messages")).json()["messages"]
        assert [one["number"] for one in listed] == [1, 2]
        assert [one["id"] for one in (await client.get("/v1/sessions")).json()["sessions"]] == [session]
        kinds = [type(one.event) for one in await orket.ledger.read(SESSIONS)]
        talk = [c.MessageHeard, c.MessageAnswered]
        assert kinds == [c.SessionOpened, *talk, *talk, c.ProposalAccepted]
        assert isinstance((await orket.ledger.read(run))[0].event, RunAccepted)


async def test_what_the_engine_refuses_is_said_and_can_be_tried_again(tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    model = driver(bench, proposing("Ending it.", ("cancel_run", "nosuch")), '{"say": 1, "proposals": 7}')
    async with talking(bench) as (_, client):
        session = (await client.post("/v1/sessions", json={"model": model})).json()["id"]
        await said(client, session, "End it")
        refused = await client.post(f"/v1/sessions/{session}/messages/1/proposals/0/accept", json={})
        assert refused.json()["type"] == "urn:orket:problem:run-not-found"
        odd, silent = await said(client, session, "And now?", "Hello?")
        assert "/proposals" in str(odd["error"])
        assert "no reply for card session, turn 3" in str(silent["error"])
        assert (odd["proposals"], silent["answer"]) == ([], "")


async def test_who_does_not_wait_finds_the_answer_in_the_list(tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    body = {"model": driver(bench, "One.", "Two.")}
    async with talking(bench) as (_, client):
        session = (await client.post("/v1/sessions", json=body)).json()["id"]
        heard = await client.post(f"/v1/sessions/{session}/messages", json={"text": "Hello"})
        assert heard.status_code == 202
        assert (heard.json()["answer"], heard.headers["retry-after"]) == ("", "1")
        (second,) = await said(client, session, "And?")  # one is answered after the other
        assert second["answer"] == "Two."
        (first,) = (await client.get(heard.headers["location"])).json()["messages"]
        assert (first["number"], first["answer"]) == (1, "One.")


async def test_what_is_sent_again_with_its_key_is_said_once(tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    body = {"model": driver(bench, "One.", "Two.")}
    async with talking(bench) as (orket, client):
        begin, speak = {"idempotency-key": "b"}, {"idempotency-key": "s", **WAIT}
        opened = [(await client.post("/v1/sessions", json=body, headers=begin)).json() for _ in range(2)]
        assert opened[0] == opened[1]
        url = f"/v1/sessions/{opened[0]['id']}/messages"
        told = [(await client.post(url, json={"text": "Hello"}, headers=speak)).json() for _ in range(2)]
        assert (told[0], told[0]["answer"]) == (told[1], "One.")
        for key in (begin, speak):
            other = await client.post(url, json={"text": "Something else"}, headers=key)
            assert other.json()["type"] == "urn:orket:problem:idempotency-conflict"
        assert len(await orket.ledger.read(SESSIONS)) == 3


async def test_who_cannot_be_asked_is_refused(tmp_path: Path) -> None:
    async with talking(Bench(tmp_path)) as (_, client):
        nobody = await client.post("/v1/sessions", json={})
        assert (nobody.status_code, "ORKET_MODEL" in nobody.text) == (422, True)
        for path in ("", "/messages"):
            assert (await client.get(f"/v1/sessions/none{path}")).status_code == 404
        assert (await client.post("/v1/sessions/none/messages", json={"text": "x"})).status_code == 404
        assert (await client.post("/v1/sessions/none/messages", json={"text": ""})).status_code == 422


async def test_sessions_survive_the_engine_and_what_was_cut_off_is_said(tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    model = driver(bench, "Hello.", "Lost.", "Back.")
    async with talking(bench) as (_, client):
        session = (await client.post("/v1/sessions", json={"model": model})).json()["id"]
        await said(client, session, "Hello")
    async with open_ledger(bench.settings.db_path, SystemClock()) as ledger:
        await ledger.append(
            SESSIONS, [c.MessageHeard(session_id=session, number=2, by="ada", text="Are you")]
        )
    async with talking(bench) as (_, client):
        (third,) = await said(client, session, "there?")
        assert (third["number"], third["answer"]) == (3, "Back.")
        listed = (await client.get(f"/v1/sessions/{session}/messages?limit=2")).json()
        assert "ended before" in listed["messages"][1]["error"]
        assert [one["number"] for one in (await client.get(listed["next"])).json()["messages"]] == [3]


@pytest.mark.parametrize(
    ("text", "say", "count"),
    [
        ("Just words.", "Just words.", 0),
        ("{broken", "{broken", 0),
        ('```json\n{"say": "x", "proposals": []}\n```', "x", 0),
        ('{"say": "x", "proposals": [{"action": "pause_run", "subject": "1", "reason": null}]}', "x", 1),
        ('{"other": 1}', '{"other": 1}', 0),
    ],
)
def test_what_is_read(text: str, say: str, count: int) -> None:
    found, proposals = read_answer(text)
    assert (found, len(proposals)) == (say, count)


@pytest.mark.parametrize(
    "proposal", ["1", '{"action": "rm", "subject": "x"}', '{"action": "start_run"}', '{"action": []}']
)
def test_a_proposal_that_is_none_is_an_error(proposal: str) -> None:
    with pytest.raises(ValueError, match=r"^/proposals/0"):
        read_answer(f'{{"say": "x", "proposals": [{proposal}]}}')
