"""``orket diff``: what a run changed, beside the project it works on a view of."""

from __future__ import annotations

from collections.abc import Sequence

import anyio
import attrs

from orket.domain.identifiers import RunId
from orket.domain.runs import RunState
from orket.domain.workspaces import Kind
from orket.interfaces.cli.changed import run_state
from orket.interfaces.cli.engines import reach_ledger
from orket.interfaces.cli.exits import BadInput, Exit
from orket.interfaces.cli.names import find_run
from orket.interfaces.cli.options import HERE, Json, Where
from orket.interfaces.cli.out import Out
from orket.interfaces.cli.wording import counted, printable
from orket.interfaces.patches import chosen, patch
from orket.settings import Settings
from orket.wire.changes import ChangesView, ChangeView, changes_view
from orket.wire.codec import encode


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
    settings, with_lines = where.settings(), not (stat or as_json)
    async with reach_ledger(settings) as reach:
        run_id = (await find_run(reach, name)).run_id
        state = None if settings.url else await run_state(reach, run_id)
    if state is None:
        found = await _asked(settings, run_id, path, with_lines=with_lines)
    else:
        found = await _looked(settings, state, path, with_lines=with_lines)
    if path and not found.view.changes and found.has_others:
        raise BadInput(
            f"{printable(path)}: the run changed nothing there; see what it did: orket diff {name} --stat"
        )
    out = Out()
    if as_json:
        out.line(encode(found.view).decode())
        return Exit.DONE
    if stat:
        _list(out, found.view.changes)
    for line in found.lines:
        out.line(_safe(out, line))
    _remark(out, found.view.changes)
    return Exit.DONE


@attrs.frozen(kw_only=True)
class _Found:
    """What is shown of a run's changes; ``has_others`` says whether there are more, at other paths."""

    view: ChangesView
    lines: Sequence[str]
    has_others: bool


async def _looked(settings: Settings, state: RunState, path: str, *, with_lines: bool) -> _Found:
    """Compare what lies on this machine."""
    from orket.bootstrap.workspaces import open_workspaces, workspace_place

    place, workspaces = workspace_place(settings, state), open_workspaces()
    found = await workspaces.changes(place)
    shown = chosen(found.changes, path)
    lines = [line async for line in patch(workspaces, place, shown)] if with_lines else ()
    view = changes_view(state.run_id, found, shown)
    return _Found(view=view, lines=lines, has_others=len(shown) < len(found.changes))


async def _asked(settings: Settings, run_id: RunId, path: str, *, with_lines: bool) -> _Found:
    """Have the bridge compare, where the workspace lies."""
    from orket.interfaces.cli.elsewhere import named_bridge

    async with named_bridge(settings) as client:
        view = await client.workspace_changes(run_id, path=path or ".")
        whole = view if view.changes or not path else await client.workspace_changes(run_id)
        text = await client.workspace_diff(run_id, path=path or ".") if with_lines else b""
    lines = text.decode("utf-8", "surrogateescape").split("\n")[:-1]
    return _Found(view=view, lines=lines, has_others=bool(whole.changes))


def _list(out: Out, changes: Sequence[ChangeView]) -> None:
    for one in changes:
        entry = one.after or one.before
        mark = "" if entry is None else _MARKS[entry.kind]
        out.line(f"{one.change:<8}{printable(one.path)}{mark}" + (f"  ({one.clash})" if one.clash else ""))


def _safe(out: Out, line: str) -> str:
    """What a run wrote must not steer the terminal; a file or a pipe gets it as it is."""
    if not out.is_terminal:
        return line
    return "".join(one if one.isprintable() or one == "\t" else "\N{REPLACEMENT CHARACTER}" for one in line)


def _remark(out: Out, changes: Sequence[ChangeView]) -> None:
    if not changes:
        out.remark("nothing was changed")
    clashes = [one for one in changes if one.clash]
    for one in clashes[:_CLASHES_MAX]:
        out.remark(f"cannot be applied: {printable(one.path)}: {one.clash}")
    if len(clashes) > _CLASHES_MAX:
        out.remark(f"… and {counted(len(clashes) - _CLASHES_MAX, 'path')} more")


_CLASHES_MAX = 20
_MARKS = {Kind.FILE: "", Kind.LINK: "@", Kind.FOLDER: "/", Kind.OTHER: "?"}
