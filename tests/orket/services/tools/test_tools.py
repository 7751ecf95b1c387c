"""Each tool by itself, through the executor: what it answers, what it proposes, how it refuses."""

import json
import os
from pathlib import Path
from typing import Any

import attrs
import pytest

from orket.domain.cards import Card, CardStatus, CardType, Comment, WaitReason
from orket.domain.identifiers import CardId
from orket.domain.sandboxes import Limits
from orket.domain.tools import CardChange, ToolResult
from orket.domain.verification import ScenarioResult, ScenarioStatus, VerificationResult
from orket.services.tool_messages import Settle
from tests.orket.services.rooms import CARD, Rooms, rooms

pytestmark = pytest.mark.anyio


async def use(room: Rooms, tool: str, **arguments: object) -> ToolResult:
    asked = room.ask_for(tool, **arguments)
    outcome = await room.executor.ask(asked)
    assert outcome.result is not None, outcome
    room.executor.tell(Settle(call_id=asked.call.id))
    return outcome.result


def said(result: ToolResult) -> dict[str, Any]:
    assert result.ok, result
    answer: dict[str, Any] = json.loads(result.output)
    return answer


async def test_read_file(tmp_path: Path) -> None:
    work = tmp_path / "work"
    work.mkdir()
    (work / "a.txt").write_text("grün\n")
    (work / "long.txt").write_text("a" * 20_000 + "b" * 20_000)
    (work / "binary").write_bytes(b"\xff\xfe\x00")
    with (work / "huge").open("wb") as huge:
        huge.truncate(2_000_000)
    async with rooms(tmp_path) as room:
        assert said(await use(room, "read_file", path="a.txt")) == {
            "path": "a.txt",
            "content": "grün\n",
            "size_bytes": 6,
        }
        long = said(await use(room, "read_file", path="long.txt"))
        assert "8000 characters left out" in long["content"]
        assert long["content"].startswith("aaa")
        assert long["content"].endswith("bbb")
        assert (await use(room, "read_file", path="binary")).code == "not_text"
        assert (await use(room, "read_file", path="huge")).code == "too_large"
        assert (await use(room, "read_file", path="missing")).code == "not_found"


async def test_write_file(tmp_path: Path) -> None:
    async with rooms(tmp_path) as room:
        assert said(await use(room, "write_file", path="a/b.txt", content="grün"))["size_bytes"] == 5
        assert (await use(room, "write_file", path="a", content="")).code == "not_a_file"
        os.symlink("/etc", tmp_path / "work" / "etc")
        assert (await use(room, "write_file", path="etc/hosts", content="")).code == "outside_workspace"
    assert (tmp_path / "work" / "a" / "b.txt").read_text() == "grün"


async def test_list_directory(tmp_path: Path) -> None:
    (tmp_path / "work" / "many").mkdir(parents=True)
    for number in range(510):
        (tmp_path / "work" / "many" / f"{number:03}").touch()
    async with rooms(tmp_path) as room:
        assert said(await use(room, "list_directory")) == {"path": ".", "items": ["many/"], "left_out": 0}
        many = said(await use(room, "list_directory", path="many"))
        assert (len(many["items"]), many["left_out"]) == (500, 10)
        assert (await use(room, "list_directory", path="nowhere")).code == "not_found"


@pytest.mark.parametrize(
    ("arguments", "change"),
    [
        ({"status": "code_review"}, CardChange(card_id=CARD.id, status=CardStatus.CODE_REVIEW)),
        (
            {"status": "blocked", "wait_reason": "input", "reason": "no data", "issue_id": "C-1"},
            CardChange(
                card_id=CARD.id, status=CardStatus.BLOCKED, wait_reason=WaitReason.INPUT, comment="no data"
            ),
        ),
        (
            {"status": "code_review", "wait_reason": "input", "issue_id": None},
            CardChange(card_id=CARD.id, status=CardStatus.CODE_REVIEW),
        ),
    ],
)
async def test_update_issue_status(tmp_path: Path, arguments: dict[str, object], change: CardChange) -> None:
    async with rooms(tmp_path) as room:
        result = await use(room, "update_issue_status", **arguments)
        assert said(result) == {"issue_id": "C-1", "status": change.status}
    assert result.changes == (change,)


@pytest.mark.parametrize(
    "arguments",
    [
        {"status": "shining"},
        {"status": "blocked"},
        {"status": "blocked", "wait_reason": "banana"},
        {"status": "done"},
        {"status": "code_review", "issue_id": "C-2"},
        {},
    ],
)
async def test_update_issue_status_refuses(tmp_path: Path, arguments: dict[str, object]) -> None:
    async with rooms(tmp_path) as room:
        result = await use(room, "update_issue_status", **arguments)
    assert (result.ok, result.changes) == (False, ())


async def test_add_issue_comment(tmp_path: Path) -> None:
    async with rooms(tmp_path) as room:
        result = await use(room, "add_issue_comment", comment="well done")
        assert result.changes == (CardChange(card_id=CARD.id, comment="well done"),)
        other = await use(room, "add_issue_comment", comment="x", issue_id="C-2")
        assert (other.code, other.changes) == ("not_found", ())
        assert not (await use(room, "add_issue_comment", comment="")).ok
        long = await use(room, "add_issue_comment", comment="x" * 100_000)
        assert len(long.changes[0].comment) < 9_000


async def test_get_issue_context(tmp_path: Path) -> None:
    card = attrs.evolve(CARD, description="d" * 10_000, depends_on=(CardId("C-0"),))
    verified = VerificationResult(
        results=(ScenarioResult(id="S1", status=ScenarioStatus.FAIL, reason="expected 1, got 2"),)
    )
    async with rooms(tmp_path) as room:
        asked = room.ask_for("get_issue_context", card=card)
        comments = tuple(Comment("guard", f"remark {number}") for number in range(40))
        context = attrs.evolve(asked.context, comments=comments, verification=verified)
        outcome = await room.executor.ask(attrs.evolve(asked, context=context))
    assert outcome.result is not None
    told = said(outcome.result)
    assert (told["issue_id"], told["status"], told["depends_on"]) == ("C-1", "in_progress", ["C-0"])
    assert len(told["description"]) < 5_000
    assert (len(told["comments"]), told["comments_left_out"]) == (30, 10)
    assert told["comments"][-1] == {"author": "guard", "text": "remark 39"}
    assert told["verification"] == [{"id": "S1", "status": "fail", "reason": "expected 1, got 2"}]


async def test_create_issue(tmp_path: Path) -> None:
    async with rooms(tmp_path) as room:
        result = await use(
            room,
            "create_issue",
            seat="builder",
            summary="Mend the sums",
            type="bug",
            priority="High",
            depends_on=["C-1", "C-1"],
        )
        assert not (await use(room, "create_issue", seat="builder", summary="Sum it up", priority="soon")).ok
        assert not (await use(room, "create_issue", seat="builder", summary="hm")).ok
    created = result.changes[0].created
    assert created == Card(
        id=CardId(said(result)["issue_id"]),
        type=CardType.ISSUE,
        name="Mend the sums",
        priority=3.0,
        seat="builder",
        depends_on=(CARD.id,),
        labels=("bug",),
    )


async def test_run_command(tmp_path: Path) -> None:
    async with rooms(tmp_path) as room:
        listed = await use(room, "run_command", argv=["sh", "-c", "cat; echo oops >&2"], stdin="in")
        assert said(listed) == {"exit_code": 0, "stdout": "in", "stderr": "oops\n", "truncated": False}
        assert listed.duration_ms > 0
        assert said(await use(room, "run_command", argv="echo 'a b' c"))["stdout"] == "a b c\n"
        assert (
            said(await use(room, "run_command", argv=["printf", "\\377"]))["stdout"]
            == "\N{REPLACEMENT CHARACTER}"
        )


async def test_run_command_fails_with_the_end_of_what_was_said(tmp_path: Path) -> None:
    async with rooms(tmp_path) as room:
        result = await use(
            room, "run_command", argv=["sh", "-c", "yes no | head -c 50000; echo last; echo err >&2; exit 2"]
        )
    assert (result.ok, result.code) == (False, "nonzero")
    assert result.output.startswith("exit code 2\nstderr:\nerr\n")
    assert result.output.endswith("last\n")
    assert len(result.output) < 5_000
    assert result.hint


async def test_run_command_is_stopped_at_its_limits(tmp_path: Path) -> None:
    async with rooms(tmp_path, limits=Limits(wall_s=10, cpu_s=1)) as room:
        late = await use(room, "run_command", argv=["sleep", "60"], timeout_s=1)
        busy = await use(room, "run_command", argv=["sh", "-c", "while :; do :; done"])
    assert (late.code, "after 1 s" in late.output) == ("timeout", True)
    assert (busy.code, "1 s of CPU" in busy.output) == ("limit", True)


@pytest.mark.parametrize("argv", ["", "   ", [], [""], "ls | wc", "a && b", "x > y", "'open", ["a\0b"]])
async def test_run_command_refuses_what_is_no_command(tmp_path: Path, argv: object) -> None:
    async with rooms(tmp_path) as room:
        result = await use(room, "run_command", argv=argv)
    assert result.code == "bad_arguments"
    assert not (tmp_path / "work").exists()


@pytest.mark.parametrize(
    ("tool", "arguments", "change"),
    [
        (
            "nominate_card",
            {"card_id": "C-9", "reason": "all wait for it"},
            CardChange(card_id=CARD.id, comment="nominates C-9: all wait for it"),
        ),
        (
            "refinement_proposal",
            {"proposal": "cut it in two"},
            CardChange(card_id=CARD.id, comment="proposes a refinement: cut it in two"),
        ),
        (
            "request_excuse",
            {"reason": "which port?"},
            CardChange(
                card_id=CARD.id,
                status=CardStatus.WAITING_FOR_DEVELOPER,
                wait_reason=WaitReason.INPUT,
                comment="which port?",
            ),
        ),
    ],
)
async def test_what_a_seat_may_propose(
    tmp_path: Path, tool: str, arguments: dict[str, object], change: CardChange
) -> None:
    async with rooms(tmp_path) as room:
        result = await use(room, tool, **arguments)
        assert result.changes == (change,)
        assert said(result)["issue_id"] == CARD.id
        assert not (await use(room, tool, **dict.fromkeys(arguments, ""))).ok
