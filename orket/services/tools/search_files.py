"""``search_files``: lines of workspace files that hold a text; what a seat may not read is passed over."""

from __future__ import annotations

from collections import deque
from fnmatch import fnmatchcase
from typing import Annotated

import attrs
from msgspec import Meta

from orket.decision_nodes.policy import rule_policy
from orket.decision_nodes.workspace_paths import holds_secrets, normal, path_problem
from orket.domain.errors import ToolError
from orket.domain.tools import Permission, Recovery, ToolResult, Verdict
from orket.services.tools.text_file import read_text
from orket.services.tools.tool import Arguments, ToolContext, declare, done
from orket.services.tools.workbench import Workbench

NAME = "search_files"
FILES_MAX = 2_000
FOLDERS_MAX = 500
FILE_BYTES_MAX = 262_144
HITS_MAX = 100
LINE_CHARS_MAX = 240


class SearchFilesArguments(Arguments):
    """What to look for where."""

    text: Annotated[
        str,
        Meta(min_length=1, max_length=400, description="The text to find, taken as it is, within a line."),
    ]
    path: Annotated[str, Meta(description="Folder to search, relative to the workspace.")] = "."
    name: Annotated[str, Meta(description="Only files whose names match, for example '*.py'.")] = "*"
    ignore_case: Annotated[bool, Meta(description="Whether capitals make no difference.")] = False


@attrs.define
class _Found:
    """What a search has come to so far, what it left out, and the folders still to be searched."""

    folders: deque[str]
    hits: list[dict[str, object]] = attrs.field(factory=list)
    searched: int = 0
    skipped: int = 0
    more: bool = False


async def search_files(args: SearchFilesArguments, context: ToolContext, workbench: Workbench) -> ToolResult:
    """Search breadth first, in the order of the names, up to ``HITS_MAX`` lines and ``FILES_MAX`` files."""
    found = _Found(deque([normal(args.path)]))
    for _ in range(FOLDERS_MAX):
        if not found.folders or found.more:
            break
        await _search_folder(found.folders.popleft(), args, context, workbench, found)
    more = found.more or bool(found.folders)
    return done(hits=found.hits, files_searched=found.searched, files_skipped=found.skipped, more=more)


async def _search_folder(
    folder: str, args: SearchFilesArguments, context: ToolContext, workbench: Workbench, found: _Found
) -> None:
    """Search what may be read of a folder's files, and remember the folders in it."""
    for entry in await _entries(folder, args.path, workbench):
        path = entry if folder == "." else f"{folder}/{entry}"
        if not _readable(path.rstrip("/"), context):
            found.skipped += not entry.endswith("/")
        elif entry.endswith("/"):
            found.folders.append(path.rstrip("/"))
        elif fnmatchcase(entry, args.name):
            await _search(path, args, workbench, found)
        if found.more:
            return


async def _entries(folder: str, top: str, workbench: Workbench) -> tuple[str, ...]:
    """List a folder; one that is gone or too large by now is passed over, unless it is the one asked for."""
    try:
        return await workbench.entries(folder)
    except ToolError:
        if folder == normal(top):
            raise
        return ()


def _readable(path: str, context: ToolContext) -> bool:
    """Whether the gate would let this seat read a file there: what is beneath a folder is judged again."""
    if path_problem(path) or holds_secrets(path):
        return False
    rules = context.given.organization.policy
    return all(
        rule_policy(rules, tool, (path,), context.given.seat).verdict is Verdict.ALLOW
        for tool in (NAME, "read_file")
    )


async def _search(path: str, args: SearchFilesArguments, workbench: Workbench, found: _Found) -> None:
    """Take the hits of one file, until there are enough."""
    if found.searched == FILES_MAX:
        found.more = True
        return
    try:
        text = await read_text(path, workbench, bytes_max=FILE_BYTES_MAX)
    except ToolError:  # a link, a binary, too large, gone meanwhile: none of it can be searched
        found.skipped += 1
        return
    found.searched += 1
    wanted = args.text.casefold() if args.ignore_case else args.text
    for number, line in enumerate(text.splitlines(), 1):
        if wanted in (line.casefold() if args.ignore_case else line):
            if len(found.hits) == HITS_MAX:
                found.more = True
                return
            found.hits.append({"path": path, "line": number, "text": line[:LINE_CHARS_MAX]})


TOOL = declare(
    search_files,
    SearchFilesArguments,
    name=NAME,
    description="Find the lines of text files of the workspace that hold a text.",
    permissions=(Permission.READ_FILES,),
    recovery=Recovery.IDEMPOTENT,
    path_arguments=("path",),
)
