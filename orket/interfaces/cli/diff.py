"""``orket diff``: what a run changed, beside the project it works on a view of."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import anyio
import msgspec

from orket.domain.ports import Workspaces
from orket.domain.runs import RunState
from orket.domain.workspaces import Change, Changes, Entry, Kind, Place, header, unified
from orket.interfaces.cli.changed import run_state
from orket.interfaces.cli.engines import reach_ledger
from orket.interfaces.cli.exits import BadInput, Exit
from orket.interfaces.cli.names import find_run
from orket.interfaces.cli.options import HERE, Json, Where
from orket.interfaces.cli.out import Out
from orket.interfaces.cli.wording import counted, printable


def diff(
    run: str, path: str = "", /, *, stat: bool = False, as_json: Json = False, where: Where = HERE
) -> int:
    """Show what a run changed, as a patch that `git apply` takes.

    Compared are the run's workspace and the project as it is now. What the project was changed in meanwhile,
    at the same path, is named on standard error, for it hinders `orket workspace apply`.

    Args:
        run: The run's id, or the beginning of it.
        path: Only this file, or what lies in this folder.
        stat: Name the paths only, a line each.
        as_json: Print one JSON document, without the lines of files.
    """
    return anyio.run(_diff, where, run, path, stat, as_json)


async def _diff(where: Where, name: str, path: str, stat: bool, as_json: bool) -> Exit:
    from orket.bootstrap import open_workspaces, workspace_place

    settings = where.settings()
    async with reach_ledger(settings) as reach:
        state = await run_state(reach, (await find_run(reach, name)).run_id)
    place, workspaces = workspace_place(settings, state), open_workspaces()
    found = await workspaces.changes(place)
    chosen = _chosen(found.changes, path)
    if path and not chosen and found.changes:
        raise BadInput(
            f"{printable(path)}: the run changed nothing there; see what it did: orket diff {name} --stat"
        )
    out = Out()
    if as_json:
        out.line(_document(state, found, chosen))
    elif stat:
        _list(out, chosen)
    else:
        await _patch(out, workspaces, place, chosen)
    if not as_json:
        _remark(out, found, chosen)
    return Exit.DONE


def _chosen(changes: Iterable[Change], path: str) -> tuple[Change, ...]:
    wanted = path.strip("/").removeprefix("./")
    return tuple(
        one
        for one in changes
        if wanted in ("", ".") or one.path == wanted or one.path.startswith(f"{wanted}/")
    )


def _list(out: Out, changes: Sequence[Change]) -> None:
    for one in changes:
        kind = (one.after or one.before or _NOTHING).kind
        out.line(
            f"{one.word:<8}{printable(one.path)}{_MARKS[kind]}" + (f"  ({one.clash})" if one.clash else "")
        )


async def _patch(out: Out, workspaces: Workspaces, place: Place, changes: Sequence[Change]) -> None:
    for one in changes:
        if _is_folder(one) and one.word in ("added", "removed"):
            continue  # git knows no folders
        for line in header(one):
            out.line(_safe(out, line))
        for line in await _lines(workspaces, place, one):
            out.line(_safe(out, line))


async def _lines(workspaces: Workspaces, place: Place, change: Change) -> tuple[str, ...]:
    if change.word == "mode":
        return ()
    before, after = _text(change.before), _text(change.after)
    if before is None or after is None:
        read = await workspaces.contents(place, change)
        for entry, content in zip((change.before, change.after), read, strict=True):
            if entry is not None and entry.kind is Kind.FILE and content is None:
                return (f"File {change.path} is too large to be compared line by line",)
        before = read[0] if before is None else before
        after = read[1] if after is None else after
    return unified(change.path, before if change.before else None, after if change.after else None)


def _text(entry: Entry | None) -> bytes | None:
    """What is compared without reading a file: nothing, or where a link leads; None: it must be read."""
    if entry is None or entry.kind in (Kind.FOLDER, Kind.OTHER):
        return b""
    return entry.content.encode("utf-8", "surrogateescape") if entry.kind is Kind.LINK else None


def _is_folder(change: Change) -> bool:
    return (change.after or change.before or _NOTHING).kind is Kind.FOLDER


def _safe(out: Out, line: str) -> str:
    """What a run wrote must not steer the terminal; a file or a pipe gets it as it is."""
    if not out.is_terminal:
        return line
    return "".join(one if one.isprintable() or one == "\t" else "\N{REPLACEMENT CHARACTER}" for one in line)


def _remark(out: Out, found: Changes, chosen: Sequence[Change]) -> None:
    if not chosen:
        out.remark("nothing was changed")
    clashes = [one for one in chosen if one.clash]
    for one in clashes[:_CLASHES_MAX]:
        out.remark(f"cannot be applied: {printable(one.path)}: {one.clash}")
    if len(clashes) > _CLASHES_MAX:
        out.remark(f"… and {counted(len(clashes) - _CLASHES_MAX, 'path')} more")


def _document(state: RunState, found: Changes, chosen: Sequence[Change]) -> str:
    told = {
        "run": state.run_id,
        "project": found.project,
        "level": found.level,
        "changes": [
            {
                "path": one.path,
                "change": one.word,
                "before": _told(one.before),
                "after": _told(one.after),
                "clash": one.clash,
            }
            for one in chosen
        ],
    }
    return msgspec.json.encode(told).decode()


def _told(entry: Entry | None) -> dict[str, object] | None:
    if entry is None:
        return None
    told: dict[str, object] = {"kind": entry.kind.value, "mode": f"{entry.mode:03o}"}
    if entry.kind is Kind.FILE:
        told |= {"size_bytes": entry.size_bytes, "sha256": entry.content}
    elif entry.kind is Kind.LINK:
        told["target"] = entry.content
    return told


_CLASHES_MAX = 20
_NOTHING = Entry(kind=Kind.OTHER)
_MARKS = {Kind.FILE: "", Kind.LINK: "@", Kind.FOLDER: "/", Kind.OTHER: "?"}
