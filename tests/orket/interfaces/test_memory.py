"""The project's memory, tended over HTTP: the engine records by whom, and refuses what is no memory."""

from __future__ import annotations

from pathlib import Path

import attrs
import httpx2
import pytest

from orket.domain.identifiers import MEMORY
from orket.domain.memory_events import MemoryAdded, MemoryForgotten
from orket.interfaces.api import create_app
from tests.orket.kit import Bench

pytestmark = pytest.mark.anyio


async def test_it_is_added_recalled_and_forgotten(tmp_path: Path) -> None:
    async with Bench(tmp_path).engine() as orket:
        transport = httpx2.ASGITransport(app=create_app(orket))
        async with httpx2.AsyncClient(transport=transport, base_url="http://127.0.0.1") as client:
            body = {"text": "  Amounts are whole cents. ", "by": "ada"}
            added = await client.post("/v1/memory", json=body)
            assert added.status_code == 201
            memory = added.json()
            assert (memory["text"], memory["by"], memory["run_id"]) == (body["text"].strip(), "ada", "memory")
            assert (await client.get("/v1/memory?q=cents")).json() == {"memories": [memory]}
            forget = f"/v1/memory/{memory['seq']}/forget"
            gone = await client.post(forget, json={"by": "bob", "reason": "dollars now"})
            assert (gone.status_code, gone.json()) == (200, memory)
            assert (await client.get("/v1/memory")).json() == {"memories": []}
            assert (await client.post(forget, json={})).json()["type"].endswith(":memory-not-found")
        assert [one.event for one in await orket.ledger.read(MEMORY)] == [
            MemoryAdded(by="ada", text="Amounts are whole cents."),
            MemoryForgotten(number=memory["seq"], by="bob", reason="dollars now"),
        ]


@pytest.mark.parametrize(
    ("path", "body", "status", "kind"),
    [
        ("/v1/memory", {"text": ""}, 422, "invalid-request"),
        ("/v1/memory", {"text": "x" * 2001}, 422, "invalid-request"),
        ("/v1/memory", {"text": "*** !!"}, 409, "conflict"),
        ("/v1/memory", {"text": "the key is hunter2-hunter2"}, 409, "conflict"),
        ("/v1/memory", {"words": "x"}, 422, "invalid-request"),
        ("/v1/memory/1/forget", {}, 404, "memory-not-found"),
        ("/v1/memory/0/forget", {}, 404, "memory-not-found"),
        ("/v1/memory/-1/forget", {}, 404, "memory-not-found"),
        (f"/v1/memory/{'9' * 30}/forget", {}, 404, "memory-not-found"),
        ("/v1/memory/x/forget", {}, 404, "memory-not-found"),
    ],
)
async def test_what_is_no_memory_is_refused(
    tmp_path: Path, path: str, body: dict[str, str], status: int, kind: str
) -> None:
    bench = Bench(tmp_path)
    bench.settings = attrs.evolve(bench.settings, secrets=("hunter2-hunter2",))
    async with bench.engine() as orket:
        transport = httpx2.ASGITransport(app=create_app(orket))
        async with httpx2.AsyncClient(transport=transport, base_url="http://127.0.0.1") as client:
            told = await client.post(path, json=body)
            assert (told.status_code, told.json()["type"].rpartition(":")[2]) == (status, kind)
            assert "hunter2" not in told.text
        assert await orket.ledger.read(MEMORY) == ()
