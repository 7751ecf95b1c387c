"""Looking into a run's workspace over HTTP, and nowhere else."""

from __future__ import annotations

import os
from pathlib import Path

import httpx2
import pytest

from orket.domain.identifiers import RunId
from orket.interfaces.api import create_app
from orket.orchestration.messages import StartRun
from tests.orket.kit import Bench, issue, plain, settled

pytestmark = pytest.mark.anyio


async def test_only_what_lies_in_the_workspace_is_shown(tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    epic = bench.epic([issue("A")], plain("A"))
    async with bench.engine() as orket:
        run = (await orket.engine.ask(StartRun(target=str(epic)), timeout=20)).run_id
        state = await settled(orket, run)
        assert state.accepted is not None
        plant(Path(state.accepted.workspace), tmp_path)
        shared = await settled(orket, await bench.start(orket, epic))
        transport = httpx2.ASGITransport(app=create_app(orket))
        async with httpx2.AsyncClient(transport=transport, base_url="http://127.0.0.1") as client:
            await look(client, run)
            other = await client.get(f"/v1/runs/{shared.run_id}/workspace/files")
            assert other.json()["type"] == "urn:orket:problem:conflict"


def plant(workspace: Path, outside: Path) -> None:
    (workspace / "sub").mkdir()
    (workspace / ".env").write_text("KEY=1")
    (workspace / "id_rsa").write_text("key")
    (outside / "private.txt").write_text("private")
    (workspace / "leaf").symlink_to(outside / "private.txt")
    (workspace / "out").symlink_to(outside)
    os.mkfifo(workspace / "pipe")
    with (workspace / "big").open("wb") as big:
        big.truncate(4 * 1024 * 1024 + 1)


async def look(client: httpx2.AsyncClient, run: RunId) -> None:
    root = f"/v1/runs/{run}/workspace"
    names = (await client.get(f"{root}/files")).json()["entries"]
    assert names == ["A.txt", "big", "leaf", "out", "pipe", "sub/"]
    assert (await client.get(f"{root}/files?path=sub")).json() == {"path": "sub", "entries": []}
    found = await client.get(f"{root}/file?path=A.txt")
    assert (found.content, found.headers["content-disposition"]) == (b"A\n", "attachment")
    refused = (
        "../private.txt",
        "/etc/passwd",
        ".env",
        "id_rsa",
        "leaf",
        "out/private.txt",
        "sub/../A.txt",
        "",
    )
    for path in refused:
        answer = await client.get(f"{root}/file", params={"path": path})
        assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (403, "/path"), path
    for path in ("none", "sub", "pipe", "."):
        assert (await client.get(f"{root}/file", params={"path": path})).status_code == 404, path
    assert (await client.get(f"{root}/files?path=out")).status_code == 403
    assert (await client.get(f"{root}/files?path=A.txt")).status_code == 404
    assert (await client.get(f"{root}/file?path=big")).status_code == 409
    assert (await client.get(f"{root}/file")).status_code == 422
