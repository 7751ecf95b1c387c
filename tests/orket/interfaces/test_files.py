"""Looking into a run's workspace over HTTP, and nowhere else."""

from __future__ import annotations

import os
from pathlib import Path

import httpx2
import pytest

from orket.domain.identifiers import RunId
from orket.interfaces.api import create_app
from orket.orchestration.messages import StartRun
from tests.orket.kit import Bench, call, issue, plain, settled

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


async def test_a_view_of_a_project_is_seen_as_its_run_sees_it(tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    for name, content in {
        "kept.txt": "kept\n",
        "old.txt": "old\n",
        "lib/a.py": "a\n",
        "gone/b": "b\n",
    }.items():
        bench.workspace.joinpath(name).parent.mkdir(exist_ok=True)
        bench.workspace.joinpath(name).write_text(content)
    shell = "rm -r old.txt gone && mkdir gone && echo c > gone/c && echo $$ >> lib/a.py && echo k > x.pem"
    work = call("run_command", argv=["sh", "-c", shell.replace("$$", "more")])
    epic = bench.epic([issue("A")], plain("A", work))
    async with bench.engine() as orket:
        asked = StartRun(target=str(epic), project=str(bench.workspace))
        run = (await orket.engine.ask(asked, timeout=20)).run_id
        await settled(orket, run)
        transport = httpx2.ASGITransport(app=create_app(orket))
        async with httpx2.AsyncClient(transport=transport, base_url="http://127.0.0.1") as client:
            await look_through(client, f"/v1/runs/{run}/workspace")
            await compare(client, f"/v1/runs/{run}/workspace")


async def look_through(client: httpx2.AsyncClient, root: str) -> None:
    entries = (await client.get(f"{root}/files")).json()["entries"]
    assert entries == ["gone/", "kept.txt", "lib/"]
    assert (await client.get(f"{root}/files?path=gone")).json()["entries"] == ["c"]
    assert (await client.get(f"{root}/files?path=lib")).json()["entries"] == ["a.py"]
    assert (await client.get(f"{root}/file?path=kept.txt")).content == b"kept\n"
    assert (await client.get(f"{root}/file?path=lib/a.py")).content == b"a\nmore\n"
    for path in ("old.txt", "gone/b", "lib/none", "kept.txt/"):
        assert (await client.get(f"{root}/file", params={"path": path})).status_code == 404, path
    assert (await client.get(f"{root}/file?path=x.pem")).status_code == 403


async def compare(client: httpx2.AsyncClient, root: str) -> None:
    listed = (await client.get(f"{root}/changes")).json()
    told = {one["path"]: one["change"] for one in listed["changes"]}
    assert told == {
        "gone/b": "removed",
        "gone/c": "added",
        "lib/a.py": "changed",
        "old.txt": "removed",
        "x.pem": "added",
    }
    one = (await client.get(f"{root}/changes?path=lib")).json()["changes"]
    assert [(change["path"], change["after"]["size_bytes"]) for change in one] == [("lib/a.py", 7)]
    patch = await client.get(f"{root}/diff")
    assert patch.headers["content-type"].startswith("text/x-diff")
    assert "+more" in patch.text
    assert patch.text.startswith("File x.pem may hold keys or passwords and is not shown\ndiff --git")
    assert "+k" not in patch.text
    assert (await client.get(f"{root}/diff?path=kept.txt")).text == ""
