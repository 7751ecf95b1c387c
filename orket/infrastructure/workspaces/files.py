"""What the workspaces port does to this machine's files; all of it blocks, ``OSError`` comes as it is."""

from __future__ import annotations

import hashlib
import os
import shutil
from collections.abc import Callable
from functools import partial
from pathlib import Path

from orket.domain.errors import RunConflict
from orket.domain.workspaces import (
    Change,
    Changes,
    Isolation,
    Kind,
    Place,
    Plan,
    WorkspaceLevel,
    decode_plan,
    encode_plan,
    named,
)
from orket.infrastructure.workspaces.applying import apply_changes, hindrances, take_back
from orket.infrastructure.workspaces.comparing import compare, source_of
from orket.infrastructure.workspaces.prints import Print, look_beneath
from orket.infrastructure.workspaces.state import Base, load_base, state_of, store_base, write_durably

CONTENT_BYTES_MAX = 4 * 1024 * 1024


def _base(place: Place) -> Base:
    if place.is_whole:
        project = place.isolation.project or f"{state_of(place.workspace)}/nothing"
        isolation = Isolation(project=project)
        base = Base(isolation=isolation, prints={}, level=WorkspaceLevel.OWN)
    elif (known := load_base(state_of(place.workspace))) is not None:
        base = known
    else:
        raise RunConflict("the run has no workspace: it has not opened it yet, or it was discarded")
    if not os.path.isdir(place.workspace):
        raise RunConflict("the run has no workspace: it has not opened it yet, or it was discarded")
    return base


def changes(place: Place) -> Changes:
    """List what the run changed; see the port."""
    return compare(_base(place), place.workspace, state_of(place.workspace))


def contents(place: Place, change: Change) -> tuple[bytes | None, bytes | None]:
    """Read what a change is from and to; see the port."""
    base = _base(place)
    source = source_of(base, place.workspace, state_of(place.workspace))
    before = f"{base.isolation.project}/{change.path}"
    return (
        _content(before) if change.before is not None and change.before.kind is Kind.FILE else None,
        _content(f"{source}/{change.path}")
        if change.after is not None and change.after.kind is Kind.FILE
        else None,
    )


def _content(path: str) -> bytes | None:
    try:
        fd = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except FileNotFoundError:
        return None
    with open(fd, "rb") as file:
        content = file.read(CONTENT_BYTES_MAX + 1)
    return None if len(content) > CONTENT_BYTES_MAX else content


def _undo(place: Place, number: int) -> Path:
    return Path(state_of(place.workspace), "undo", str(number))


def plan(place: Place, number: int) -> Plan:
    """Write down what is going to be done; see the port."""
    if not os.path.isdir(place.isolation.project):
        raise RunConflict(f"{place.isolation.project} is no folder")
    found = changes(place)
    if found.clashes:
        listed = named([f"{one.path} ({one.clash})" for one in found.clashes])
        raise RunConflict(f"{len(found.clashes)} of {len(found.changes)} changes cannot be applied: {listed}")
    content = encode_plan(found.changes)
    undo = _undo(place, number)
    undo.mkdir(parents=True, exist_ok=True)
    write_durably(undo / "plan.jsonl", content)
    return Plan(name=hashlib.sha256(content).hexdigest(), changes=found.changes)


def _planned(place: Place, number: int, plan: str) -> tuple[Change, ...]:
    file = _undo(place, number) / "plan.jsonl"
    try:
        content = file.read_bytes()
    except FileNotFoundError:
        raise RunConflict(f"{file} is missing, so it is not known what was to be done") from None
    if hashlib.sha256(content).hexdigest() != plan:
        raise RunConflict(f"{file} is not the plan that the ledger names")
    return decode_plan(content)


def still_hindered(place: Place, number: int, plan: str) -> tuple[str, ...]:
    """Name the paths that are not as an application has left or found them; see the port."""
    return hindrances(_planned(place, number, plan), place.isolation.project)


def apply(place: Place, number: int, plan: str) -> None:
    """Carry a plan out; see the port."""
    changes, base = _planned(place, number, plan), _base(place)
    source = source_of(base, place.workspace, state_of(place.workspace))
    apply_changes(changes, base.isolation.project, source, str(_undo(place, number)))
    _look_again(place, base, changes)


def put_back(place: Place, number: int, plan: str) -> None:
    """Put the project back; see the port."""
    changes, project = _planned(place, number, plan), place.isolation.project
    take_back(changes, project, str(_undo(place, number)))
    base = None if place.is_whole else load_base(state_of(place.workspace))
    if base is not None:
        _look_again(place, base, changes)


def _look_again(place: Place, base: Base, changes: tuple[Change, ...]) -> None:
    """What we have written ourselves is no change that somebody else has made."""
    if place.is_whole:
        return
    for change in changes:
        if (found := look_beneath(base.isolation.project, change.path)) is None:
            base.prints.pop(change.path, None)
        else:
            base.prints[change.path] = Print.of(found)
    store_base(state_of(place.workspace), base)


def discard(place: Place) -> None:
    """Delete the workspace; see the port."""
    state = Path(state_of(place.workspace))
    remove = partial(shutil.rmtree, onerror=_insist)
    layers = [str(state / name) for name in ("upper", "work", "lower", "layers")]
    for folder in (place.workspace, *layers):
        if os.path.lexists(folder):
            remove(folder)
    (state / "base.json").unlink(missing_ok=True)


def _insist(act: Callable[..., object], path: str, caught: object) -> None:
    """Remove what lies in a folder that its maker has locked."""
    os.chmod(os.path.dirname(path), 0o700)
    if os.path.isdir(path) and not os.path.islink(path):
        os.chmod(path, 0o700)
        shutil.rmtree(path)
    else:
        os.unlink(path)
