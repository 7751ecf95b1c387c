"""What seats keep outside their workspace: closed until the house opens it, once per call, and no more."""

import json
import os
from datetime import UTC, datetime
from pathlib import Path

import pytest

from orket.domain.assets import Organization, PolicyRule
from orket.domain.errors import ToolError
from orket.domain.events import RunAccepted
from orket.domain.identifiers import RunId
from orket.infrastructure.academy import FileArchive, FilePrompts
from orket.services.tool_messages import Settle
from orket.services.tools.archive_eval import archive_eval_tool
from orket.services.tools.promote_prompt import promote_prompt_tool
from orket.services.tools.toolbox import Toolbox, make_toolbox
from tests.orket.services.rooms import WORKLOAD, Rooms, rooms

# ruff: noqa: ASYNC240  # short file calls; the loop may wait for them
pytestmark = pytest.mark.anyio
NAMES = ("archive_eval", "promote_prompt")
OPEN = Organization(policy=tuple(PolicyRule(effect="allow", tool=one) for one in NAMES))
NOON = datetime(2026, 2, 3, 12, tzinfo=UTC)


def toolbox(tmp_path: Path) -> Toolbox:
    archive = FileArchive(tmp_path / "evals", lambda: NOON)
    return make_toolbox((archive_eval_tool(archive), promote_prompt_tool(FilePrompts(tmp_path / "model"))))


async def use(
    room: Rooms, tool: str, index: int = 0, house: Organization = OPEN, **arguments: object
) -> tuple[str, str]:
    asked = room.ask_for(tool, index, organization=house, offered=NAMES, **arguments)
    outcome = await room.executor.ask(asked)
    assert outcome.result is not None
    room.executor.tell(Settle(call_id=asked.call.id))
    if not outcome.result.ok:
        return outcome.result.code, outcome.result.output
    return "", json.loads(outcome.result.output)["path"]


async def test_they_are_closed_until_a_rule_names_them(tmp_path: Path) -> None:
    anything = Organization(policy=(PolicyRule(effect="allow", tool="*"),))
    async with rooms(tmp_path, toolbox=toolbox(tmp_path)) as room:
        for house in (Organization(), anything):
            code, told = await use(room, "archive_eval", house=house)
            assert (code, "closed" in told) == ("denied", True)
            assert (await use(room, "promote_prompt", house=house, seat="a", content="b"))[0] == "denied"
    assert not (tmp_path / "evals").exists()
    assert not (tmp_path / "model").exists()


async def test_a_workspace_is_kept_once_per_call_without_its_links(tmp_path: Path) -> None:
    work = tmp_path / "work"
    (work / "deep").mkdir(parents=True)
    (work / "deep" / "a.txt").write_text("a")
    os.symlink("/etc", work / "etc")
    os.mkfifo(work / "pipe")
    async with rooms(tmp_path, toolbox=toolbox(tmp_path)) as room:
        code, path = await use(room, "archive_eval", label="../My trial")
        assert code == ""
        assert Path(path).parent == tmp_path / "evals"
        assert Path(path).name.startswith("20260203T120000Z_my-trial_")
        (work / "later.txt").touch()
        assert await use(room, "archive_eval", label="../My trial") == ("", path)
        assert (await use(room, "archive_eval", 1, label="../My trial"))[1] != path
        assert (await use(room, "archive_eval", 2, session_id="../r1"))[0] == "not_found"
        other = tmp_path / "other"
        other.mkdir()
        (other / "b.txt").write_text("b")
        await room.ledger.append(RunId("r2"), [RunAccepted(workload=WORKLOAD, workspace=str(other))])
        _, kept = await use(room, "archive_eval", 3, session_id="r2")
    assert sorted(one.relative_to(path).as_posix() for one in Path(path).rglob("*")) == ["deep", "deep/a.txt"]
    assert (Path(kept) / "b.txt").read_text() == "b"


async def test_a_prompt_is_kept_where_its_name_says_and_nowhere_else(tmp_path: Path) -> None:
    async with rooms(tmp_path, toolbox=toolbox(tmp_path)) as room:
        _, path = await use(room, "promote_prompt", seat="Builder", content="grün")
        assert path == str(tmp_path / "model" / "prompts" / "builder" / "qwen.txt")
        assert Path(path).read_text() == "grün"
        _, sly = await use(room, "promote_prompt", 1, seat="../..", content="x", model_family="a/../../b")
        assert Path(sly).is_relative_to(tmp_path / "model" / "prompts")
        assert ".." not in sly
        os.symlink("/tmp", tmp_path / "model" / "prompts" / "guard")
        code, _ = await use(room, "promote_prompt", 2, seat="guard", content="x")
        assert code == "outside_workspace"


@pytest.mark.parametrize("bounds", [{"files_max": 2}, {"size_bytes_max": 5}])
async def test_what_is_too_large_leaves_nothing(tmp_path: Path, bounds: dict[str, int]) -> None:
    work = tmp_path / "work"
    work.mkdir()
    for name in "abc":
        (work / name).write_text("xx")
    archive = FileArchive(tmp_path / "evals", lambda: NOON, **bounds)
    with pytest.raises(ToolError, match="too large"):
        await archive.keep(str(work), "trial", "m")
    assert not list((tmp_path / "evals").iterdir())
    with pytest.raises(ToolError, match="cannot be kept"):
        await archive.keep(str(tmp_path / "missing"), "trial", "m")
