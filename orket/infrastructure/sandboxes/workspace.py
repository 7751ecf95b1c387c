"""Files beneath one directory, reached without ever following a link.

Each function walks from an open directory, one component at a time, with ``O_NOFOLLOW`` on every step, so no
rename or link planted meanwhile by a running command leads outside. Everything blocks: call in a thread.
"""

from __future__ import annotations

import errno
import os
import secrets
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from orket.domain.errors import SandboxError, ToolError

COMPONENTS_MAX = 64
COMPONENT_BYTES_MAX = 255
FILE_BYTES_MAX = 64 * 1024 * 1024
ENTRIES_MAX = 10_000
TEMPORARY = ".orket-tmp-"

_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
# Without O_NONBLOCK, opening a FIFO that was put in place meanwhile would wait for a writer.
_FILE = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC
_NEW = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC

_CODES = {
    errno.ENOENT: "not_found",
    errno.ELOOP: "outside_workspace",
    errno.ENOTDIR: "not_a_folder",
    errno.EISDIR: "not_a_file",
    errno.ENXIO: "not_a_file",
    errno.ENAMETOOLONG: "bad_arguments",
    errno.EINVAL: "bad_arguments",
    errno.EFBIG: "too_large",
    errno.EEXIST: "failed",
    errno.EACCES: "failed",
    errno.EPERM: "failed",
    errno.EROFS: "failed",
    errno.ENOSPC: "failed",
    errno.EDQUOT: "failed",
}


def read_file(root: int, path: str, bytes_max: int) -> bytes:
    """Read a regular file of at most ``bytes_max`` bytes."""
    with reported(path), _parent(root, path, make=False) as (folder, name):
        _require_regular(path, os.stat(name, dir_fd=folder, follow_symlinks=False))
        with open(os.open(name, _FILE, dir_fd=folder), "rb", buffering=0) as file:
            found = os.fstat(file.fileno())
            _require_regular(path, found)
            content = b"" if found.st_size > bytes_max else _read_up_to(file.fileno(), bytes_max + 1)
            if found.st_size > bytes_max or len(content) > bytes_max:
                size = max(found.st_size, len(content))
                raise ToolError(f"{path}: {size} bytes, allowed are {bytes_max}", code="too_large")
            return content


def write_file(root: int, path: str, content: bytes) -> None:
    """Write a file whole: into a new file beside it, made durable, then renamed over it."""
    if len(content) > FILE_BYTES_MAX:
        raise ToolError(f"{path}: {len(content)} bytes, allowed are {FILE_BYTES_MAX}", code="too_large")
    with reported(path), _parent(root, path, make=True) as (folder, name):
        mode = _mode_of(folder, name, path)
        temporary = TEMPORARY + secrets.token_hex(8)
        fd = os.open(temporary, _NEW, mode, dir_fd=folder)
        try:
            with open(fd, "wb") as file:
                os.fchmod(fd, mode)
                file.write(content)
                file.flush()
                os.fsync(fd)
            os.replace(temporary, name, src_dir_fd=folder, dst_dir_fd=folder)
        except OSError:
            os.unlink(temporary, dir_fd=folder)
            raise
        os.fsync(folder)


def list_folder(root: int, path: str) -> tuple[str, ...]:
    """List a folder, sorted; folders end in ``/``, links are listed and not followed."""
    with reported(path), _folder(root, parts_of(path), make=False) as folder:
        found: list[str] = []
        with os.scandir(folder) as entries:
            for entry in entries:
                if len(found) == ENTRIES_MAX:
                    raise ToolError(f"{path}: more than {ENTRIES_MAX} entries", code="too_large")
                name = os.fsencode(entry.name).decode("utf-8", "replace")
                if not name.startswith(TEMPORARY):
                    found.append(name + "/" if entry.is_dir(follow_symlinks=False) else name)
        return tuple(sorted(found))


def parts_of(path: str) -> list[str]:
    """Split a relative path, refusing whatever could point elsewhere."""
    if path.startswith("/"):
        raise ToolError(f"{path}: absolute", code="outside_workspace", hint="use a path in the workspace")
    parts = [part for part in path.split("/") if part not in ("", ".")]
    if ".." in parts:
        raise ToolError(f"{path}: leads upwards", code="outside_workspace", hint="leave out '..'")
    try:
        sizes = [len(part.encode()) for part in parts]
    except UnicodeEncodeError:
        raise ToolError("a path must be valid Unicode", code="bad_arguments") from None
    if "\0" in path or len(parts) > COMPONENTS_MAX or max(sizes, default=0) > COMPONENT_BYTES_MAX:
        raise ToolError("a path has no NUL and a bounded length and depth", code="bad_arguments")
    if any(part.startswith(TEMPORARY) for part in parts):
        raise ToolError(f"{path}: the name is reserved", code="bad_arguments")
    return parts


@contextmanager
def _parent(root: int, path: str, *, make: bool) -> Iterator[tuple[int, str]]:
    """Open the folder a file is in; give its descriptor and the file's name."""
    parts = parts_of(path)
    if not parts:
        raise ToolError(f"{path or '(empty path)'}: is the workspace itself", code="not_a_file")
    if path.endswith(("/", "/.")):
        raise ToolError(f"{path}: names a folder", code="not_a_file")
    with _folder(root, parts[:-1], make=make) as folder:
        yield folder, parts[-1]


@contextmanager
def _folder(root: int, parts: list[str], *, make: bool) -> Iterator[int]:
    """Walk down from ``root``, making missing folders if told to; give the last one's descriptor."""
    here = os.dup(root)
    try:
        for part in parts:
            below = _step(here, part, make=make)
            os.close(here)
            here = below
        yield here
    finally:
        os.close(here)


def _step(here: int, part: str, *, make: bool) -> int:
    if make:
        with suppress(FileExistsError):
            os.mkdir(part, 0o755, dir_fd=here)
    try:
        return os.open(part, _FOLDER, dir_fd=here)
    except NotADirectoryError:
        if stat.S_ISLNK(os.stat(part, dir_fd=here, follow_symlinks=False).st_mode):
            raise _is_link(part) from None
        raise


def _mode_of(folder: int, name: str, path: str) -> int:
    """The permissions of the file that is about to be replaced, or those of a new one."""
    try:
        found = os.stat(name, dir_fd=folder, follow_symlinks=False)
    except FileNotFoundError:
        return 0o644
    _require_regular(path, found)
    return stat.S_IMODE(found.st_mode) & 0o777


def _require_regular(path: str, found: os.stat_result) -> None:
    if stat.S_ISLNK(found.st_mode):
        raise _is_link(path)
    if not stat.S_ISREG(found.st_mode):
        kind = "a folder" if stat.S_ISDIR(found.st_mode) else "a special file"
        raise ToolError(f"{path}: is {kind}", code="not_a_file")


def _is_link(name: str) -> ToolError:
    return ToolError(f"{name}: is a symbolic link, which is never followed", code="outside_workspace")


def _read_up_to(fd: int, bytes_max: int) -> bytes:
    content = bytearray()
    while len(content) < bytes_max and (chunk := os.read(fd, bytes_max - len(content))):
        content += chunk
    return bytes(content)


@contextmanager
def reported(path: str) -> Iterator[None]:
    """Turn what the file system says about this path into a tool's error."""
    try:
        yield
    except OSError as error:
        text = f"{path}: {os.strerror(error.errno or errno.EIO)}"
        code = _CODES.get(error.errno or 0)
        if code is None:
            raise SandboxError(text) from error
        raise ToolError(text, code=code) from error
