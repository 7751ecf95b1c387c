"""Cards of a run that has ended are archived by a person, and brought back to where they were."""

from __future__ import annotations

from pathlib import Path

import attrs
import httpx2
import pytest

from orket.bootstrap import Orket
from orket.bootstrap.replaying import replay_run
from orket.domain import events as e
from orket.domain.cards import CardStatus
from orket.domain.errors import CardNotFound, RunConflict, RunNotFound
from orket.domain.identifiers import CardId, RunId
from orket.interfaces.api import create_app
from orket.orchestration.messages import ArchiveCards, CancelRun, Refused
from tests.orket.kit import Bench, call, issue, plain, settled

pytestmark = pytest.mark.anyio


async def statuses(orket: Orket, run: RunId) -> dict[str, CardStatus]:
    return {str(one.id): one.status for one in await orket.ledger.cards(run)}


async def test_a_card_goes_out_of_sight_and_back_to_where_it_was(tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    epic = bench.epic([issue("A"), issue("B"), issue("C", status="archived")], [*plain("A"), *plain("B")])
    async with bench.engine() as orket:
        run = await bench.start(orket, epic)
        await settled(orket, run)
        before = await statuses(orket, run)
        archive = ArchiveCards(run_id=run, by="ada", cards=(CardId("A"),), reason="shipped")
        ticket = await orket.engine.ask(archive, timeout=20)
        assert ticket.status == "done"
        assert await statuses(orket, run) == before | {"A": CardStatus.ARCHIVED}
        moved = (await orket.ledger.read(run, limit=1000))[-1].event
        assert moved == e.CardStatusChanged(
            card_id=CardId("A"),
            previous=CardStatus.DONE,
            status=CardStatus.ARCHIVED,
            by="ada",
            reason="shipped",
        )
        await orket.engine.ask(ArchiveCards(run_id=run, by="ada"), timeout=20)
        assert set((await statuses(orket, run)).values()) == {CardStatus.ARCHIVED}
        recorded = await orket.ledger.read(run, limit=1000)
        assert (await replay_run(bench.settings, recorded)).difference is None
        await orket.engine.ask(attrs.evolve(archive, restore=True, cards=()), timeout=20)
        assert await statuses(orket, run) == before
    async with bench.engine() as orket:
        assert await statuses(orket, run) == before


@pytest.mark.parametrize(
    ("cards", "restore", "error", "says"),
    [
        (("X",), False, CardNotFound, "has no card 'X'"),
        (("A",), True, RunConflict, "card A is done, not archived"),
        (("A", "C"), False, RunConflict, "card C is archived: only cards that are done or canceled"),
        (("C",), True, RunConflict, "its file says so"),
    ],
)
async def test_all_that_are_named_or_none(
    tmp_path: Path, cards: tuple[str, ...], restore: bool, error: type[Exception], says: str
) -> None:
    bench = Bench(tmp_path)
    epic = bench.epic([issue("A"), issue("C", status="archived")], plain("A"))
    async with bench.engine() as orket:
        run = await bench.start(orket, epic)
        last = (await settled(orket, run)).last_seq
        asked = ArchiveCards(run_id=run, by="ada", cards=tuple(map(CardId, cards)), restore=restore)
        with pytest.raises(Refused) as refused:
            await orket.engine.ask(asked, timeout=20)
        assert isinstance(refused.value.error, error)
        assert says in str(refused.value.error)
        with pytest.raises(Refused) as unknown:
            await orket.engine.ask(attrs.evolve(asked, run_id=RunId("none")), timeout=20)
        assert isinstance(unknown.value.error, RunNotFound)
        assert await orket.ledger.read(run, after=last) == ()


async def test_cards_of_a_run_at_work_stay(tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    ring = call("run_command", argv=["sh", "-c", "echo x > bell; exec sleep 60"])
    epic = bench.epic([issue("A"), issue("B", "A")], [*plain("A"), *plain("B", ring)])
    async with bench.listening() as (orket, bell):
        run = await bench.start(orket, epic)
        await bell.rung()
        with pytest.raises(Refused, match="cards are archived when their run has ended"):
            await orket.engine.ask(ArchiveCards(run_id=run, by="ada", cards=(CardId("A"),)), timeout=20)
        await orket.engine.ask(CancelRun(run_id=run, by="ada"), timeout=20)
        await orket.engine.ask(ArchiveCards(run_id=run, by="ada"), timeout=20)
        assert (await statuses(orket, run))["B"] is CardStatus.ARCHIVED
        await orket.engine.ask(ArchiveCards(run_id=run, by="ada", restore=True), timeout=20)
        assert (await statuses(orket, run))["B"] is CardStatus.CANCELED


async def test_over_http_and_on_the_board(tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    epic = bench.epic([issue("A"), issue("B")], [*plain("A"), *plain("B")])
    async with bench.engine() as orket:
        run = await bench.start(orket, epic)
        await settled(orket, run)
        transport = httpx2.ASGITransport(app=create_app(orket))
        async with httpx2.AsyncClient(transport=transport, base_url="http://127.0.0.1") as client:
            none = await client.post(f"/v1/runs/{run}/archive", json={"cards": ["X"]})
            assert (none.status_code, none.json()["errors"][0]["pointer"]) == (422, "/cards")
            done = await client.post(f"/v1/runs/{run}/archive", json={"cards": ["A"], "by": "ada"})
            assert (done.status_code, done.json()) == (200, {"id": run, "status": "done"})

            async def shelf(query: str) -> tuple[int, list[str]]:
                board = (await client.get(f"/v1/runs/{run}/board{query}")).json()
                (column,) = [one for one in board["columns"] if one["status"] == "archived"]
                return column["count"], [one["id"] for one in column["cards"]]

            assert (await shelf(""), await shelf("?archived=true")) == ((1, []), (1, ["A"]))
            again = await client.post(f"/v1/runs/{run}/archive", json={"cards": ["A"]})
            assert (again.status_code, again.json()["type"]) == (409, "urn:orket:problem:conflict")
            none = await client.post(f"/v1/runs/{run}/restore", json={"cards": ["X"]})
            assert none.status_code == 422
            assert (await client.post("/v1/runs/none/restore", json={})).status_code == 404
            back = await client.post(f"/v1/runs/{run}/restore", json={})
            assert back.status_code == 200
            assert await shelf("?archived=true") == (0, [])
