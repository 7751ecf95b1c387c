"""A project copied, by sharing blocks where the file system can, which costs no space until it is changed."""

from __future__ import annotations

import errno
import fcntl
import os
import stat

from orket.domain.errors import SandboxUnavailable
from orket.domain.workspaces import Kind, WorkspaceLevel
from orket.infrastructure.workspaces.prints import look
from orket.infrastructure.workspaces.state import Base

CLONE = 0x40049409  # FICLONE
BYTES_MAX = 8 * 1024**3
_CHUNK = 1 << 24
_NOT_HERE = (errno.EOPNOTSUPP, errno.EXDEV, errno.EINVAL, errno.ENOTTY, errno.ENOSYS, errno.EPERM)
_READ = os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC
_NEW = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC


def copy_project(base: Base, workspace: str) -> None:
    """Fill an empty workspace with what ``base`` lists, and note in it how.

    Raises:
        SandboxUnavailable: It cannot be copied, or is too large.
    """
    size = sum(one.size for one in base.prints.values() if one.kind == Kind.FILE)
    if size > BYTES_MAX:
        raise SandboxUnavailable(
            f"{base.isolation.project} holds {size} bytes, which are too many to copy",
            remedy="use a file system and a kernel that can overlay folders, or name a smaller project",
        )
    shares = True
    try:
        for path in sorted(base.prints):
            shares = _copy_one(base, path, workspace, shares)
    except OSError as error:
        raise SandboxUnavailable(
            f"project {base.isolation.project!r} cannot be copied: {error}",
            remedy="make room, or name a folder that can be read",
        ) from error
    base.level = WorkspaceLevel.REFLINK if shares else WorkspaceLevel.COPY


def _copy_one(base: Base, path: str, workspace: str, shares: bool) -> bool:
    """Copy one path; tell whether blocks can be shared, as far as is known."""
    source, target, wanted = f"{base.isolation.project}/{path}", f"{workspace}/{path}", base.prints[path]
    if wanted.kind == Kind.FOLDER:
        os.mkdir(target)
        os.chmod(target, wanted.mode | 0o700)
    elif wanted.kind == Kind.LINK:
        os.symlink(os.readlink(source), target)
    elif wanted.kind == Kind.FILE:
        shares = copy_file(source, target, share=shares)
    else:
        return shares  # sockets, pipes and devices are not for a copy
    if (found := look(target)) is not None:
        base.copies[path] = (found.st_ctime_ns, found.st_ino)
    return shares


def copy_file(source: str, target: str, *, share: bool = True) -> bool:
    """Copy a regular file with its permissions, sharing its blocks if possible; tell whether it was."""
    taken = os.open(source, _READ)
    try:
        made = os.open(target, _NEW, 0o600)
        try:
            shared = share and _clone(taken, made)
            if not shared:
                _pour(taken, made)
            os.fchmod(made, stat.S_IMODE(os.fstat(taken).st_mode) & 0o777)
        finally:
            os.close(made)
    finally:
        os.close(taken)
    return shared


def _pour(source: int, target: int) -> None:
    try:
        while os.copy_file_range(source, target, _CHUNK):
            pass
    except OSError as error:
        if error.errno not in _NOT_HERE:
            raise
        while chunk := os.read(source, _CHUNK):
            view = memoryview(chunk)
            while view:
                view = view[os.write(target, view) :]


def _clone(source: int, target: int) -> bool:
    try:
        fcntl.ioctl(target, CLONE, source)
    except OSError as error:
        if error.errno in _NOT_HERE:
            return False
        raise
    return True
