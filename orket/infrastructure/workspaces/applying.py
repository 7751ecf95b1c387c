"""A run's changes written into the project, and taken back: one path at a time, each whole or not at all.

Every step looks before it acts: what is as it shall be already is passed over, so a list that was cut off
anywhere is simply carried out again; what is neither as it was nor as it shall be stops the list.
"""

from __future__ import annotations

import errno
import hashlib
import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

from orket.domain.errors import RunConflict
from orket.domain.workspaces import Change, Entry, Kind
from orket.infrastructure.workspaces.copying import copy_file
from orket.infrastructure.workspaces.prints import entry_at
from orket.infrastructure.workspaces.state import sync_folder

TEMPORARY = ".orket-tmp-"
_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
# What was in a folder may be gone with it, or a link may lie where it was, even one that leads to itself.
_NO_FOLDER_NOW = (errno.ENOENT, errno.ENOTDIR, errno.ELOOP)


_Make = Callable[[str], None]


def apply_changes(plan: Sequence[Change], project: str, source: str, undo: str) -> None:
    """Write what ``plan`` lists from ``source`` into ``project``; what is replaced is kept in ``undo``.

    Raises:
        RunConflict: A path of the project, or of the workspace, is not as the plan says; the steps before
            it are done.
        OSError: A path cannot be written; likewise.
    """
    os.makedirs(undo, exist_ok=True)
    numbered = list(enumerate(plan))
    _keep_all(numbered, project, undo)
    for number, change in reversed(numbered):  # what a folder holds goes before the folder
        if change.after is None or _makes_way(change):
            with _at(project, change) as spot:
                _remove(change, spot, f"{undo}/{number}")
    for number, change in numbered:
        if change.after is not None:
            with _at(project, change) as spot:
                _put(change, spot, f"{source}/{change.path}", f"{undo}/{number}")
    _sync(plan, project)


def hindrances(plan: Sequence[Change], project: str) -> tuple[str, ...]:
    """Name the paths of a project that are neither as ``plan`` found them nor as it leaves them."""
    return tuple(one.path for one in plan if _is_foreign(one, project))


def take_back(plan: Sequence[Change], project: str, undo: str) -> None:
    """Put back what ``apply_changes`` has replaced, and remove what it has added.

    Raises:
        RunConflict: A path was changed since; the steps before it are done.
        OSError: A path cannot be written; likewise.
    """
    backwards = [Change(path=one.path, before=one.after, after=one.before) for one in plan]
    for change in reversed(backwards):
        if change.after is None or _makes_way(change):
            with _at(project, change) as spot:
                _remove(change, spot, "")
    for number, change in enumerate(backwards):
        if change.after is not None:
            with _at(project, change) as spot:
                _put(change, spot, f"{undo}/{number}", "")
    _sync(plan, project)


def _makes_way(change: Change) -> bool:
    """Whether something of one kind is replaced by something of another."""
    before, after = change.before, change.after
    return before is not None and after is not None and before.kind is not after.kind


def _is_foreign(change: Change, project: str) -> bool:
    try:
        with _at(project, change) as spot:
            return entry_at(spot) not in (change.before, change.after)
    except RunConflict:
        return change.after is not None


@contextmanager
def _at(project: str, change: Change) -> Iterator[str]:
    """Reach the folder that holds a path, by way of no link; give a name for the path that stays good."""
    *folders, name = change.path.split("/")
    here = os.open(project, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        for folder in folders:
            try:
                below = os.open(folder, _FOLDER, dir_fd=here)
            except (FileNotFoundError, NotADirectoryError):
                if change.after is None:  # nothing is there, as it shall be
                    break
                raise RunConflict(f"{change.path}: a folder above it is not there any more") from None
            os.close(here)
            here = below
        with suppress(OSError):  # what an attempt has left that was killed
            os.unlink(_beside(name), dir_fd=here)
        yield f"/proc/self/fd/{here}/{name}"
    finally:
        os.close(here)


def _remove(change: Change, spot: str, undo: str) -> None:
    found = entry_at(spot)
    if found is None or (_makes_way(change) and found == change.after):
        return
    _require(change, found)
    if found.kind is Kind.FOLDER:
        with suppress(OSError):  # it holds what somebody has put there meanwhile, and stays
            os.rmdir(spot)
        return
    _keep(spot, found, undo)
    os.unlink(spot)


def _put(change: Change, spot: str, source: str, undo: str) -> None:
    wanted, found = change.after, entry_at(spot)
    assert wanted is not None
    if found == wanted:
        return
    if not (found is None and _makes_way(change)):
        _require(change, found)
    match wanted.kind:
        case Kind.FOLDER if found is None:
            os.mkdir(spot)
            os.chmod(spot, wanted.mode)
            _hand_over(spot)
        case Kind.FOLDER:
            os.chmod(spot, wanted.mode)
        case Kind.LINK:
            _replace(spot, found, undo, lambda fresh: os.symlink(wanted.content, fresh))
        case _:
            _replace(spot, found, undo, lambda fresh: _fill(change, wanted, source, fresh))


def _replace(spot: str, found: Entry | None, undo: str, make: _Make) -> None:
    """Make what is wanted beside its place, keep what is there, then let the one take the other's name."""
    fresh = f"{os.path.dirname(spot)}/{_beside(os.path.basename(spot))}"
    try:
        make(fresh)
        _hand_over(fresh)
        if found is not None:
            _keep(spot, found, undo)
        os.replace(fresh, spot)
    finally:
        with suppress(FileNotFoundError):  # it has its name now, or was never made
            os.unlink(fresh)


def _beside(name: str) -> str:
    """Name what is going to be ``name``, the same in each attempt."""
    return TEMPORARY + hashlib.sha256(os.fsencode(name)).hexdigest()[:16]


def _hand_over(made: str) -> None:
    """Give what root has made to the owner of the folder it lies in."""
    if os.geteuid() == 0:
        above = os.stat(os.path.dirname(made))
        os.chown(made, above.st_uid, above.st_gid, follow_symlinks=False)


def _fill(change: Change, wanted: Entry, source: str, fresh: str) -> None:
    try:
        copy_file(source, fresh)
    except FileNotFoundError:
        raise RunConflict(f"{change.path}: what was to be written is not there any more") from None
    os.chmod(fresh, wanted.mode)
    if entry_at(fresh) != wanted:
        raise RunConflict(f"{change.path}: changed in the run's workspace since it was planned")
    _sync_file(fresh)


def _keep_all(numbered: Sequence[tuple[int, Change]], project: str, undo: str) -> None:
    """Keep all that is going to be replaced, and make that durable at once and not file by file."""
    for number, change in numbered:
        if change.before is not None and change.before.kind is Kind.FILE:
            with _at(project, change) as spot:
                if (found := entry_at(spot)) == change.before:
                    _keep(spot, found, f"{undo}/{number}", sync=False)
    sync_folder(undo)


def _keep(spot: str, found: Entry, undo: str, *, sync: bool = True) -> None:
    """Keep what is about to go, unless an earlier attempt has: under another name, or as a copy."""
    if not undo or found.kind is not Kind.FILE or os.path.lexists(undo):
        return
    try:
        os.link(spot, undo, follow_symlinks=False)
    except OSError:  # another file system, or one without links
        with suppress(FileNotFoundError):  # an earlier attempt's
            os.unlink(f"{undo}.new")
        copy_file(spot, f"{undo}.new")
        _sync_file(f"{undo}.new")
        os.replace(f"{undo}.new", undo)
    if sync:
        sync_folder(Path(undo).parent)


def _sync_file(path: str) -> None:
    fd = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)


def _require(change: Change, found: Entry | None) -> None:
    if found != change.before:
        raise RunConflict(f"{change.path}: changed in the project meanwhile")


def _sync(plan: Sequence[Change], project: str) -> None:
    for folder in sorted({os.path.dirname(one.path) for one in plan}):
        try:
            sync_folder(f"{project}/{folder}" if folder else project)
        except OSError as error:
            if error.errno not in _NO_FOLDER_NOW:
                raise
