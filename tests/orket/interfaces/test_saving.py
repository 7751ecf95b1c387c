"""Saving a file in a run's workspace: only there, only when the run rests, and only over what was meant."""

from __future__ import annotations

import hashlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import attrs
import httpx2
import pytest

from orket.bootstrap import Orket
from orket.bootstrap.replaying import replay_run
from orket.domain import workspace_events as w
from orket.domain.identifiers import RunId
from orket.interfaces.api import create_app
from orket.orchestration.messages import CancelRun, StartRun, TendWorkspace, WorkspaceAct
from tests.orket.kit import Bench, call, issue, plain, reply, settled, status

pytestmark = pytest.mark.anyio
NEW = {"if-none-match": "*"}


@asynccontextmanager
async def client_of(orket: Orket) -> AsyncIterator[httpx2.AsyncClient]:
    transport = httpx2.ASGITransport(app=create_app(orket))
    async with httpx2.AsyncClient(transport=transport, base_url="http://127.0.0.1") as client:
        yield client


async def ended(bench: Bench, orket: Orket, **more: str) -> RunId:
    epic = bench.epic([issue("A")], plain("A"), policy=[{"effect": "deny", "path": "locked/*"}])
    run = (await orket.engine.ask(StartRun(target=str(epic), **more), timeout=20)).run_id
    await settled(orket, run)
    return run


def tag(content: bytes) -> str:
    return f'"{hashlib.sha256(content).hexdigest()}"'


async def test_it_is_recorded_by_whom_and_written(tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    bench.workspace.joinpath("kept.txt").write_text("kept")
    async with bench.engine() as orket:
        run = await ended(bench, orket, project=str(bench.workspace))
        async with client_of(orket) as client:
            root = f"/v1/runs/{run}/workspace"
            made = await client.put(f"{root}/file?path=sub/n.txt&by=ada", content=b"one\n", headers=NEW)
            assert (made.status_code, made.headers["etag"]) == (201, tag(b"one\n"))
            found = await client.get(made.headers["location"])
            assert (found.content, found.headers["etag"]) == (b"one\n", tag(b"one\n"))
            same = {"if-none-match": found.headers["etag"]}
            assert (await client.get(made.headers["location"], headers=same)).status_code == 304
            changed = await client.put(
                f"{root}/file?path=kept.txt", content=b"mine", headers={"if-match": tag(b"kept")}
            )
            assert (changed.status_code, changed.json()["size_bytes"]) == (200, 4)
            again = await client.put(
                f"{root}/file?path=kept.txt", content=b"mine", headers={"if-match": tag(b"kept")}
            )
            assert again.status_code == 200
            told = {one["path"] for one in (await client.get(f"{root}/changes")).json()["changes"]}
            assert told == {"A.txt", "kept.txt", "sub", "sub/n.txt"}
        assert bench.workspace.joinpath("kept.txt").read_text() == "kept"
        history = await orket.ledger.read(run, limit=1000)
        kinds = w.WorkspaceFileSaving | w.WorkspaceFileSaved
        first, done, *second = [one.event for one in history if isinstance(one.event, kinds)]
        assert isinstance(first, w.WorkspaceFileSaving)
        assert (first.path, first.by, first.replaces, first.size_bytes) == ("sub/n.txt", "ada", "", 4)
        assert await orket.ledger.blob(first.content) == b"one\n"
        assert done == w.WorkspaceFileSaved(path="sub/n.txt", content=first.content)
        assert len(second) == 2
        assert (await replay_run(bench.settings, history)).difference is None
        applied = TendWorkspace(run_id=run, by="ada", act=WorkspaceAct.APPLY)
        await orket.engine.ask(applied, timeout=20)
        assert bench.workspace.joinpath("sub/n.txt").read_text() == "one\n"


REFUSED: list[tuple[str, bytes, dict[str, str], tuple[int, str]]] = [
    ("A.txt", b"x", {}, (428, "/If-Match")),
    ("A.txt", b"x", NEW, (412, "/If-Match")),
    ("A.txt", b"x", {"if-match": tag(b"other")}, (412, "/If-Match")),
    ("A.txt", b"x", {"if-match": '"17"'}, (412, "/If-Match")),
    ("A.txt", b"x", {"if-match": "*", **NEW}, (412, "/If-Match")),
    ("none.txt", b"x", {"if-match": "*"}, (412, "/If-Match")),
    ("A.txt", b"x", {"if-none-match": tag(b"x")}, (422, "/If-None-Match")),
    ("../out.txt", b"x", NEW, (403, "/path")),
    ("/etc/passwd", b"x", NEW, (403, "/path")),
    (".git/hooks/post-merge", b"x", NEW, (403, "/path")),
    ("id_rsa", b"x", NEW, (403, "/path")),
    ("verification/a.py", b"x", NEW, (403, "/path")),
    ("locked/a.txt", b"x", NEW, (403, "/path")),
    ("out/a.txt", b"x", NEW, (403, "/path")),
    ("A.txt/b", b"x", NEW, (404, "/path")),
    (".", b"x", NEW, (404, "/path")),
    ("a.txt", b"KEY=hunter2hunter2", NEW, (403, "/path")),
    ("a.txt", b"[redacted:key]", NEW, (403, "/path")),
    ("a.txt", b"x" * 1_000_001, NEW, (413, "")),
]


async def test_what_is_refused_leaves_no_trace(tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    bench.settings = attrs.evolve(bench.settings, secrets=("hunter2hunter2",))
    async with bench.engine() as orket:
        run = await ended(bench, orket)
        summary = await orket.ledger.run(run)
        assert summary is not None
        (Path(summary.workspace) / "out").symlink_to(tmp_path)
        async with client_of(orket) as client:
            url = f"/v1/runs/{run}/workspace/file"
            for path, content, headers, answer in REFUSED:
                refused = await client.put(url, params={"path": path}, content=content, headers=headers)
                assert (refused.status_code, refused.json()["errors"][0]["pointer"]) == answer, refused.text
        kinds = [type(one.event) for one in await orket.ledger.read(run, after=summary.last_seq)]
        assert w.WorkspaceFileSaving not in kinds


async def test_never_while_the_run_is_at_work_nor_in_a_folder_of_somebody_elses(tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    ring = call("run_command", argv=["sh", "-c", "echo > bell; sleep 60"])
    epic = bench.epic([issue("A")], [reply("A", 1, ring, status("code_review"))])
    async with bench.listening() as (orket, bell), client_of(orket) as client:
        run = await bench.start(orket, epic)
        await bell.rung()
        url = f"/v1/runs/{run}/workspace/file?path=n.txt"
        busy = await client.put(url, content=b"x", headers=NEW)
        assert (busy.status_code, busy.json()["allowed"]) == (409, ["pause", "cancel"])
        await orket.engine.ask(CancelRun(run_id=run, by="ada"), timeout=20)
        foreign = await client.put(url, content=b"x", headers=NEW)
        assert (foreign.status_code, foreign.json()["type"]) == (409, "urn:orket:problem:conflict")
        assert not bench.workspace.joinpath("n.txt").exists()
        assert (await client.put(url.replace(run, "nosuch"), content=b"x", headers=NEW)).status_code == 404
