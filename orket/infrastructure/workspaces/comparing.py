"""What a run has changed: the upper layer of an overlay, or a copy against what it was copied from."""

from __future__ import annotations

import bisect
import os
import stat
from collections.abc import Iterator

import attrs

from orket.domain.workspaces import Change, Changes, Kind, WorkspaceLevel, is_untouchable
from orket.infrastructure.workspaces.prints import Print, entry_beneath, look_beneath, walk
from orket.infrastructure.workspaces.state import Base

OPAQUE = ("trusted.overlay.opaque", "user.overlay.opaque")


def compare(base: Base, workspace: str, state: str, project: str = "") -> Changes:
    """List all paths at which the workspace differs from the project as it is now.

    Args:
        base: The project as the run found it.
        workspace: Where the run works.
        state: What is kept beside it.
        project: Compare with this folder instead.
    """
    into = project or base.isolation.project
    overlaid = base.level == WorkspaceLevel.OVERLAY
    source = f"{state}/upper" if overlaid else workspace
    touched = _overlaid(base, source) if overlaid else _copied(base, source)
    found = []
    for path in sorted(touched):
        change = _change(base, into, path, source, gone=not touched[path])
        if change is not None:
            found.append(change)
    return Changes(project=into, level=base.level, changes=tuple(found))


def source_of(base: Base, workspace: str, state: str) -> str:
    """Name the folder that holds what the run wrote."""
    return f"{state}/upper" if base.level == WorkspaceLevel.OVERLAY else workspace


def _change(base: Base, project: str, path: str, source: str, *, gone: bool) -> Change | None:
    before, after = entry_beneath(project, path), None if gone else entry_beneath(source, path)
    if path in base.copies and after is not None and after.kind is Kind.FOLDER:
        as_found = base.prints[path].mode
        if after.mode == as_found | 0o700:  # a copy can be written by its owner, whatever the original
            after = attrs.evolve(after, mode=as_found)
    if before == after:
        return None
    return Change(
        path=path,
        before=before,
        after=after,
        clash=_clash(base, project, path, None if after is None else after.kind),
    )


def _clash(base: Base, project: str, path: str, kind: Kind | None) -> str:
    if kind is Kind.OTHER:
        return "it is neither file, folder nor link"
    if is_untouchable(path):
        return "a repository's own records are not written"
    found, known = look_beneath(project, path), base.prints.get(path)
    if (None if found is None else Print.of(found)) == known:
        return ""
    if known is None:
        return "something was put there since the run began"
    return "it was removed since the run began" if found is None else "it was changed since the run began"


def _overlaid(base: Base, upper: str) -> dict[str, bool]:
    """Map each path that an upper layer says something about to whether it is there."""
    touched: dict[str, bool] = {}
    known = sorted(base.prints)
    for path, found in walk(upper, base.hidden):
        if stat.S_ISCHR(found.st_mode) and found.st_rdev == 0:
            if path in base.prints:
                touched[path] = False
            hides = True
        else:
            touched[path] = True
            hides = not stat.S_ISDIR(found.st_mode) or is_opaque(f"{upper}/{path}")
        if hides:
            for below in _beneath(known, path):
                touched.setdefault(below, False)
    return touched


def is_opaque(folder: str | int) -> bool:
    """Tell of a folder of an upper layer whether what lies beneath it is gone."""
    for name in OPAQUE:
        try:
            if os.getxattr(folder, name) == b"y":
                return True
        except OSError:
            continue
    return False


def _beneath(known: list[str], folder: str) -> Iterator[str]:
    prefix = f"{folder}/"
    for path in known[bisect.bisect_left(known, prefix) :]:
        if not path.startswith(prefix):
            return
        yield path


def _differs(base: Base, path: str, found: os.stat_result) -> bool:
    """Whether something copied is not as it was when the copy was made."""
    if stat.S_ISDIR(found.st_mode):
        return stat.S_IMODE(found.st_mode) & 0o777 != base.prints[path].mode | 0o700
    return base.copies[path] != (found.st_ctime_ns, found.st_ino)


def _copied(base: Base, workspace: str) -> dict[str, bool]:
    """Map each path of a copy that is not as it was made to whether it is there; folders above it too."""
    touched, seen = {}, set()
    for path, found in walk(workspace, base.hidden):
        seen.add(path)
        if path not in base.copies or _differs(base, path, found):
            touched[path] = True
    touched |= dict.fromkeys(base.copies.keys() - seen, False)
    for path in tuple(touched):
        while path := path.rpartition("/")[0]:
            if path in touched or path not in seen:
                break
            touched[path] = True
    return touched
