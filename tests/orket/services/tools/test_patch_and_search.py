"""``apply_patch`` and ``search_files``, through the executor."""

from pathlib import Path

import pytest

from orket.domain.assets import Organization, PolicyRule
from orket.domain.tools import ToolResult
from orket.services.tool_messages import Settle
from tests.orket.services.rooms import Rooms, rooms
from tests.orket.services.tools.test_tools import said, use

pytestmark = pytest.mark.anyio
PATCH = "@@ -1,2 +1,2 @@\n one\n-two\n+2\n"


async def again(room: Rooms, **arguments: object) -> ToolResult | None:
    """Ask for a call that an engine before this one may have carried out."""
    asked = room.ask_for("apply_patch", attempts=1, **arguments)
    outcome = await room.executor.ask(asked)
    room.executor.tell(Settle(call_id=asked.call.id))
    return outcome.result


async def test_apply_patch(tmp_path: Path) -> None:
    work = tmp_path / "work"
    work.mkdir()
    (work / "a.txt").write_text("one\ntwo\n")
    async with rooms(tmp_path) as room:
        told = said(await use(room, "apply_patch", path="a.txt", patch=PATCH))
        assert (told["hunks"], told["size_bytes"]) == (1, 6)
        refused = await use(room, "apply_patch", path="a.txt", patch=PATCH)
        assert (refused.code, "'two'" in refused.output) == ("bad_patch", True)
        assert (await use(room, "apply_patch", path="new.txt", patch=PATCH)).code == "not_found"
        assert said(await use(room, "apply_patch", path="new.txt", patch="@@ -0,0 +1 @@\n+x"))["hunks"] == 1
        outside = await use(room, "apply_patch", path="../x", patch="@@ -0,0 +1 @@\n+x")
        assert (outside.code, "leaves" in outside.output) == ("denied", True)
        kept = await use(room, "apply_patch", path="verification/x.py", patch="@@ -0,0 +1 @@\n+x")
        assert "verification_dir" in kept.output
    assert (work / "a.txt").read_text() == "one\n2\n"
    assert (work / "new.txt").read_text() == "x\n"


async def test_a_patch_in_doubt_is_found_out_by_looking(tmp_path: Path) -> None:
    work = tmp_path / "work"
    work.mkdir()
    (work / "done.txt").write_text("one\n2\n")
    (work / "open.txt").write_text("one\ntwo\n")
    (work / "other.txt").write_text("neither\n")
    async with rooms(tmp_path) as room:
        confirmed = await again(room, path="done.txt", patch=PATCH)
        assert confirmed is not None
        assert "confirmed by the tool's probe" in confirmed.output
        assert (work / "done.txt").read_text() == "one\n2\n"
    async with rooms(tmp_path) as room:
        assert (result := await again(room, path="open.txt", patch=PATCH)) is not None
        assert result.ok
        assert (work / "open.txt").read_text() == "one\n2\n"
    async with rooms(tmp_path) as room:
        assert await again(room, path="other.txt", patch=PATCH) is None, "a person must say"


async def test_search_files(tmp_path: Path) -> None:
    work = tmp_path / "work"
    (work / "src" / "deep").mkdir(parents=True)
    (work / "src" / "a.py").write_text("x = 1\nNeedle = x\n")
    (work / "src" / "deep" / "b.txt").write_text("needle")
    (work / "binary").write_bytes(b"\xff needle")
    (work / ".git").mkdir()
    (work / ".git" / "config").write_text("needle")
    (work / "password.txt").write_text("needle")
    (work / "private").mkdir()
    (work / "private" / "c.txt").write_text("needle")
    (work / "out").symlink_to("/etc")
    house = Organization(policy=(PolicyRule(effect="deny", tool="*", path="private/*"),))
    async with rooms(tmp_path) as room:
        exact = said(await use(room, "search_files", text="needle", organization=house))
        assert exact["hits"] == [{"path": "src/deep/b.txt", "line": 1, "text": "needle"}]
        assert (exact["files_searched"], exact["files_skipped"]) == (2, 4)
        both = said(await use(room, "search_files", text="NEEDLE", ignore_case=True, organization=house))
        assert [hit["path"] for hit in both["hits"]] == ["src/a.py", "src/deep/b.txt"]
        assert [hit["line"] for hit in both["hits"]] == [2, 1]
        python = said(await use(room, "search_files", text="e", path="src", name="*.py"))
        assert (len(python["hits"]), python["files_searched"]) == (1, 1)
        assert (await use(room, "search_files", text="x", path="nowhere")).code == "not_found"


async def test_a_search_is_bounded(tmp_path: Path) -> None:
    work = tmp_path / "work"
    work.mkdir()
    (work / "many.txt").write_text("needle " + "x" * 1_000 + "\n" + "needle\n" * 300)
    async with rooms(tmp_path) as room:
        found = said(await use(room, "search_files", text="needle"))
    assert (len(found["hits"]), found["more"]) == (100, True)
    assert len(found["hits"][0]["text"]) == 240
