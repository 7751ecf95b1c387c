"""What is kept beside an isolated workspace: how the project looked when the run began, and the layers.

::

    WORKSPACE/          where the run works; empty on the disk when it is an overlay
    WORKSPACE.state/    base.json   the project's prints, and the level
                        upper/ work/         the layers of an overlay
                        lower/ layers/       where they are shown under other names
                        undo/N/              what application N replaced, and its plan
"""

from __future__ import annotations

import json
import os
import stat
from pathlib import Path

import attrs

from orket.domain.errors import SandboxUnavailable
from orket.domain.workspaces import Isolation
from orket.infrastructure.workspaces.prints import Print, walk

SUFFIX = ".state"
VERSION = 1


@attrs.define
class Base:
    """The project as the run found it: a print per path, and what the copy of a file looked like when made.

    ``copies`` maps a path to (time of change, inode); empty for an overlay.
    """

    isolation: Isolation
    prints: dict[str, Print]
    level: str = ""
    copies: dict[str, tuple[int, int]] = attrs.field(factory=dict)

    @property
    def hidden(self) -> frozenset[str]:
        """The paths that are not shown."""
        return frozenset(self.isolation.hidden)


def state_of(workspace: str) -> str:
    """Name the folder beside a workspace."""
    return workspace.rstrip("/") + SUFFIX


def load_base(state: str) -> Base | None:
    """Read what is known of the project as the run found it; None: the run has not begun.

    Raises:
        SandboxUnavailable: It cannot be read.
    """
    file = Path(state, "base.json")
    try:
        told = json.loads(file.read_bytes())
        if told["version"] != VERSION:
            raise ValueError(f"version {told['version']}")
        return Base(
            isolation=Isolation(project=told["project"], hidden=tuple(told["hidden"])),
            prints={path: Print(*cells) for path, cells in told["prints"].items()},
            level=told["level"],
            copies={path: (ctime_ns, inode) for path, (ctime_ns, inode) in told["copies"].items()},
        )
    except FileNotFoundError:
        return None
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise SandboxUnavailable(
            f"{file} cannot be read: {error}", remedy="discard the run's workspace"
        ) from error


def store_base(state: str, base: Base) -> None:
    """Write it whole, durable on return."""
    told = {
        "version": VERSION,
        "project": base.isolation.project,
        "hidden": list(base.isolation.hidden),
        "level": base.level,
        "prints": {path: list(attrs.astuple(one)) for path, one in base.prints.items()},
        "copies": base.copies,
    }
    write_durably(Path(state, "base.json"), json.dumps(told).encode())


def write_durably(file: Path, content: bytes) -> None:
    """Write a file of our own by rename."""
    fresh = file.with_name(f"{file.name}.new")
    with fresh.open("wb") as opened:
        opened.write(content)
        opened.flush()
        os.fsync(opened.fileno())
    fresh.replace(file)
    sync_folder(file.parent)


def sync_folder(folder: Path | str) -> None:
    """Make the names in a folder durable; a link to one is not followed (``NotADirectoryError``)."""
    fd = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)


def look_at_project(isolation: Isolation) -> Base:
    """Take the prints of a project.

    Raises:
        SandboxUnavailable: It cannot be read, or is too large.
    """
    try:
        prints = {
            path: Print.of(found) for path, found in walk(isolation.project, frozenset(isolation.hidden))
        }
    except OSError as error:
        raise SandboxUnavailable(
            f"project {isolation.project!r} cannot be read: {error}", remedy="name a folder that can be read"
        ) from error
    return Base(isolation=isolation, prints=prints)


def make_layers(state: str, isolation: Isolation) -> None:
    """Make the folders of an overlay; what is to be hidden is taken away in its upper layer.

    Raises:
        OSError: It cannot be done here; a copy may still do.
    """
    for name in ("upper", "work", "lower", "layers"):
        os.makedirs(f"{state}/{name}", exist_ok=True)
    shown = os.stat(isolation.project)
    os.chmod(f"{state}/upper", stat.S_IMODE(shown.st_mode) & 0o777)
    if os.geteuid() == 0:  # what root makes there for its project's owner is the owner's
        for name in ("upper", "work"):
            os.chown(f"{state}/{name}", shown.st_uid, shown.st_gid)
    for path in isolation.hidden:
        _take_away(state, isolation.project, path)


def _take_away(state: str, project: str, path: str) -> None:
    above = ""
    for part in path.split("/")[:-1]:
        above = f"{above}/{part}"
        made = f"{state}/upper{above}"
        if not os.path.isdir(made):
            found = os.stat(project + above)
            os.mkdir(made)
            os.chmod(made, stat.S_IMODE(found.st_mode) & 0o777)
            if os.geteuid() == 0:
                os.chown(made, found.st_uid, found.st_gid)
    if not os.path.lexists(spot := f"{state}/upper/{path}"):
        os.mknod(spot, stat.S_IFCHR, os.makedev(0, 0))
