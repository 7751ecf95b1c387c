"""``check_tool``: the installed tools keep the contract, and each way to break it is found."""

from collections.abc import Mapping
from typing import Annotated, Any

import attrs
import pytest
from msgspec import Meta

from orket.domain.errors import ToolError
from orket.domain.tools import Finding, Permission, Recovery, ToolResult
from orket.services.tools.tool import Arguments, Effect, Probed, Tool, ToolContext, declare, done
from orket.services.tools.toolbox import TOOLBOX
from orket.services.tools.workbench import Workbench
from orket.testing import ToolContractBroken, check_tool

pytestmark = pytest.mark.anyio

EXAMPLES: dict[str, dict[str, object]] = {
    "read_file": {"path": "a.txt"},
    "write_file": {"path": "new/b.txt", "content": "x"},
    "apply_patch": {"path": "a.txt", "patch": "@@ -1 +1 @@\n-one\n+1"},
    "list_directory": {},
    "search_files": {"text": "one"},
    "run_command": {"argv": ["true"]},
    "add_issue_comment": {"comment": "fine"},
}


class NoteArguments(Arguments):
    """What to note."""

    path: Annotated[str, Meta(min_length=1, description="The file of the notes.")]
    note: Annotated[str, Meta(min_length=1, description="The note.")]


async def _notes(args: NoteArguments, workbench: Workbench) -> bytes:
    try:
        return await workbench.read(args.path, bytes_max=10_000)
    except ToolError:
        return b""


async def append(args: NoteArguments, context: ToolContext, workbench: Workbench) -> ToolResult:
    """Add a line."""
    line = f"{args.note}\n".encode()
    return done(size_bytes=await workbench.write(args.path, await _notes(args, workbench) + line))


async def undo(args: NoteArguments, context: ToolContext, workbench: Workbench) -> None:
    """Take the line away, if it is there."""
    line, notes = f"{args.note}\n".encode(), await _notes(args, workbench)
    if notes.endswith(line):
        await workbench.write(args.path, notes.removesuffix(line))


async def look(args: NoteArguments, context: ToolContext, workbench: Workbench) -> Probed:
    """See whether the line is there."""
    there = (await _notes(args, workbench)).endswith(f"{args.note}\n".encode())
    return Probed(finding=Finding.HAPPENED if there else Finding.DID_NOT_HAPPEN, evidence="looked")


async def forget(args: NoteArguments, context: ToolContext, workbench: Workbench) -> None:
    """Undo nothing."""


async def guess(args: NoteArguments, context: ToolContext, workbench: Workbench) -> Probed:
    """Look at nothing."""
    return Probed(finding=Finding.HAPPENED, evidence="it must have")


async def talk(args: NoteArguments, context: ToolContext, workbench: Workbench) -> ToolResult:
    """Answer in prose."""
    return ToolResult(ok=True, output="done!")


async def fail(args: NoteArguments, context: ToolContext, workbench: Workbench) -> ToolResult:
    """Never succeed."""
    raise ToolError("out of paper", code="no_paper")


def note(effect: Effect[NoteArguments] = append, **more: Any) -> Tool[NoteArguments]:
    told: dict[str, Any] = {
        "name": "note",
        "description": "Add a note.",
        "permissions": (Permission.READ_FILES, Permission.WRITE_FILES),
        "recovery": Recovery.ASK_HUMAN,
        "path_arguments": ("path",),
    }
    return declare(effect, NoteArguments, **(told | more))


GOOD = {"path": "notes.txt", "note": "buy milk"}
FILES = {"notes.txt": b"buy bread\n"}


@pytest.mark.parametrize("name", EXAMPLES)
async def test_the_installed_tools_keep_the_contract(name: str) -> None:
    await check_tool(TOOLBOX[name], examples=[EXAMPLES[name]], files={"a.txt": b"one\ntwo\n"})


@pytest.mark.parametrize(
    "more",
    [
        {},
        {"recovery": Recovery.COMPENSATE, "compensate": undo},
        {"recovery": Recovery.PROBE, "probe": look},
    ],
)
async def test_a_tool_of_somebody_else_may_keep_it_in_each_way(more: dict[str, Any]) -> None:
    await check_tool(note(**more), examples=[GOOD], files=FILES)


@pytest.mark.parametrize(
    ("tool", "example", "why"),
    [
        (note(name="Add-Note"), GOOD, "its name is"),
        (note(description=" "), GOOD, "it is described"),
        (note(permissions=()), GOOD, "what it touches"),
        (note(path_arguments=()), GOOD, "names its path arguments"),
        (note(path_arguments=("file",)), GOOD, "path arguments are arguments"),
        (note(), {"path": "notes.txt"}, "fits its schema"),
        (note(recovery=Recovery.IDEMPOTENT), GOOD, "idempotent"),
        (note(recovery=Recovery.COMPENSATE, compensate=forget), GOOD, "compensation undoes"),
        (note(recovery=Recovery.PROBE, probe=guess), GOOD, "probe finds did_not_happen"),
        (note(talk), GOOD, "JSON object"),
        (note(fail), GOOD, "it said no_paper"),
    ],
)
async def test_each_broken_line_is_told(tool: Tool[Any], example: Mapping[str, object], why: str) -> None:
    with pytest.raises(ToolContractBroken, match=why):
        await check_tool(tool, examples=[example], files=FILES)


async def test_without_an_example_nothing_is_shown() -> None:
    with pytest.raises(ToolContractBroken, match="example"):
        await check_tool(note(), examples=[])


async def test_arguments_that_are_not_known_must_be_refused() -> None:
    class Careless(NoteArguments, forbid_unknown_fields=False):
        """Takes anything."""

    tool = attrs.evolve(note(), arguments=Careless)
    with pytest.raises(ToolContractBroken, match="does not know is refused"):
        await check_tool(tool, examples=[GOOD], files=FILES)
