"""The warm launcher's part in an isolated workspace: it shows a project with a layer of the run's own on top.

The mount exists only in the mount namespace of the launcher that made it, so it is gone when that is, however
it ends; the engine reaches in by a descriptor. An ordinary user does it in a user namespace. When root shows
it to a sandbox, whose commands run as a user that nobody else is, both layers are *id-mapped*: on the disk
everything belongs to the owner of the project. Standard library only.
"""

from __future__ import annotations

import ctypes
import os
import zlib

from orket.infrastructure.sandboxes import jail

_NEW_MOUNTS, _NEW_USERS = 0x00020000, 0x10000000
_PRIVATE_ALL = 0x40000 | 0x4000
_PLAIN = os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC
OPTIONS = "redirect_dir=off,metacopy=off,index=off"
USER_OPTIONS = "userxattr"
USERS, USERS_MANY = jail.USER_BASE + 140_000_000, 100_000_000  # beyond those that are numbered by a pid


def enter(project: str, state: str, workspace: str, *, as_another: bool) -> int:
    """Mount the overlay over ``workspace`` for this process and its children; open it.

    Args:
        project: The lower layer; it is not written.
        state: The folder with the upper layer.
        workspace: Where it is shown.
        as_another: Show it, being root, as a sandbox user's own.

    Raises:
        OSError: It cannot be had here; the text says at which step.
    """
    if os.geteuid() == 0:
        jail.call("open a mount namespace", "unshare", _NEW_MOUNTS)
        jail.call("keep mounts apart", "mount", None, b"/", None, _PRIVATE_ALL, None)
        lower, layers = _shown_as_another(project, state) if as_another else (project, state)
        options = OPTIONS
    else:
        _become_own_root()
        lower, layers, options = project, state, USER_OPTIONS
    opened = [os.open(one, _PLAIN) for one in (lower, f"{layers}/upper", f"{layers}/work")]
    try:
        # By descriptor: a path may hold the signs that part one option from the next.
        names = ("lowerdir", "upperdir", "workdir")
        pairs = ",".join(f"{name}=/proc/self/fd/{fd}" for name, fd in zip(names, opened, strict=True))
        told = f"{pairs},{options}".encode()
        jail.call("mount an overlay", "mount", b"overlay", os.fsencode(workspace), b"overlay", 0, told)
    finally:
        for fd in opened:
            os.close(fd)
    merged = os.open(workspace, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        _try_to_write(merged)
    except OSError:
        os.close(merged)
        raise
    return merged


def _become_own_root() -> None:
    user, group = os.geteuid(), os.getegid()
    jail.call("open a user namespace", "unshare", _NEW_USERS | _NEW_MOUNTS)
    for name, content in (
        ("setgroups", "deny"),
        ("gid_map", f"{group} {group} 1"),
        ("uid_map", f"{user} {user} 1"),
    ):
        with open(f"/proc/self/{name}", "w") as file:
            file.write(content)


def _shown_as_another(project: str, state: str) -> tuple[str, str]:
    """Show project and layers as belonging to a user of this workspace's own.

    It is the same one each time: what the kernel itself puts into the layers is owned by him on the disk.
    """
    found, user = os.stat(project), USERS + zlib.crc32(os.fsencode(state)) % USERS_MANY
    users = jail.users_of(found.st_uid, found.st_gid, user, keep_root=True)
    try:
        for source, spot in ((project, f"{state}/lower"), (state, f"{state}/layers")):
            tree = jail.clone_tree(source)
            try:
                jail.show_as(tree, users, source)
                jail.place_tree(tree, spot, source)
            finally:
                os.close(tree)
    finally:
        os.close(users)
    return f"{state}/lower", f"{state}/layers"


def _try_to_write(merged: int) -> None:
    """See that it is not one that can only be read, as when the kernel does not like its work folder."""
    if os.fstatvfs(merged).f_flag & os.ST_RDONLY:
        raise OSError(30, "the overlay cannot be written")
    name = ".orket-tmp-overlay"
    with acting_as(merged):
        os.close(os.open(name, os.O_CREAT | os.O_WRONLY | os.O_CLOEXEC, 0o600, dir_fd=merged))
        os.unlink(name, dir_fd=merged)


class acting_as:  # noqa: N801  # it reads as what it is: with acting_as(folder)
    """This thread's file accesses are those of a folder's owner, when root shows it as a sandbox user's."""

    def __init__(self, folder: int) -> None:
        owner = os.fstat(folder)
        self._user, self._group = owner.st_uid, owner.st_gid
        self._needed = os.geteuid() == 0 and self._user >= jail.USER_BASE

    def __enter__(self) -> None:
        if self._needed:
            _set_file_user(self._user, self._group)

    def __exit__(self, *_: object) -> None:
        if self._needed:
            _set_file_user(0, 0)


def _set_file_user(user: int, group: int) -> None:
    """Set whose file accesses this thread makes; the kernel keeps that per thread."""
    libc = ctypes.CDLL(None)
    if user:
        libc.setfsgid(group)
        libc.setfsuid(user)
    else:
        libc.setfsuid(user)
        libc.setfsgid(group)
    if libc.setfsuid(-1) != user:
        raise OSError(1, "act as another user")
