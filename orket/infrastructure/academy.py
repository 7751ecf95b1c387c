"""What seats may keep outside their workspace: copies of workspaces, and prompts that proved good."""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

import anyio.to_thread
import attrs

from orket.domain.errors import ToolError
from orket.domain.identifiers import sanitise
from orket.infrastructure.sandboxes import workspace as files

FILES_MAX = 20_000
BYTES_MAX = 1024 * 1024 * 1024
CHUNK_BYTES = 1024 * 1024

_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_FILE = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
_NEW = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC


@attrs.define
class _Budget:
    """How much a copy may still hold."""

    files: int
    size_bytes: int

    def take(self, size_bytes: int) -> None:
        """Count a file or a folder.

        Raises:
            ToolError: ``too_large``.
        """
        self.files -= 1
        self.size_bytes -= size_bytes
        if self.files < 0 or self.size_bytes < 0:
            raise ToolError("the workspace is too large to be kept", code="too_large")


class FileArchive:
    """Keeps copies of workspaces in a folder; see ``Archive`` among the ports.

    Args:
        folder: Where; made at need.
        now: The time of day.
        files_max: Files and folders that a copy may have.
        size_bytes_max: And what they may hold together.
    """

    def __init__(
        self,
        folder: Path,
        now: Callable[[], datetime],
        *,
        files_max: int = FILES_MAX,
        size_bytes_max: int = BYTES_MAX,
    ) -> None:
        self._folder, self._now = folder, now
        self._bounds = (files_max, size_bytes_max)

    async def keep(self, workspace: str, label: str, mark: str) -> str:
        """Copy a workspace; see the port."""
        return await anyio.to_thread.run_sync(self._keep, workspace, sanitise(label), sanitise(mark))

    def _keep(self, workspace: str, label: str, mark: str) -> str:
        import shutil  # which takes a third of a megabyte, and hardly any run is kept

        try:
            self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            if (kept := next(self._folder.glob(f"[!.]*_{label}_{mark}"), None)) is not None:
                return str(kept)
            name = f"{self._now():%Y%m%dT%H%M%SZ}_{label}_{mark}"
            part = self._folder / f".{name}.part"
            shutil.rmtree(part, ignore_errors=True)
            try:
                self._copy_all(workspace, part)
                part.rename(self._folder / name)  # whole or not at all
            finally:
                shutil.rmtree(part, ignore_errors=True)
        except OSError as error:
            raise ToolError(f"the workspace cannot be kept: {error.strerror or error}") from error
        return str(self._folder / name)

    def _copy_all(self, workspace: str, part: Path) -> None:
        budget = _Budget(*self._bounds)
        part.mkdir(mode=0o700)
        source = os.open(workspace, _FOLDER)
        target = os.open(part, _FOLDER)
        try:
            _copy_folder(source, target, budget, 0)
        finally:
            os.close(target)
            os.close(source)


def _copy_folder(source: int, target: int, budget: _Budget, depth: int) -> None:
    """Copy what is in an open folder: files and folders; links and special files are left out."""
    if depth > files.COMPONENTS_MAX:
        raise ToolError("the workspace is too deep to be kept", code="too_large")
    with os.scandir(source) as entries:
        names = sorted(one.name for one in entries)
    for name in names:
        try:
            mode = os.stat(name, dir_fd=source, follow_symlinks=False).st_mode
            if stat.S_ISREG(mode):
                _copy_file(source, target, name, mode, budget)
            elif stat.S_ISDIR(mode):
                budget.take(0)
                os.mkdir(name, 0o755, dir_fd=target)
                _enter(source, target, name, budget, depth)
        except OSError as error:  # it is gone, or became a link meanwhile
            if error.errno not in (errno.ENOENT, errno.ELOOP, errno.ENOTDIR, errno.ENXIO):
                raise


def _enter(source: int, target: int, name: str, budget: _Budget, depth: int) -> None:
    below = os.open(name, _FOLDER, dir_fd=source)
    try:
        inside = os.open(name, _FOLDER, dir_fd=target)
        try:
            _copy_folder(below, inside, budget, depth + 1)
        finally:
            os.close(inside)
    finally:
        os.close(below)


def _copy_file(source: int, target: int, name: str, mode: int, budget: _Budget) -> None:
    budget.take(0)
    with open(os.open(name, _FILE, dir_fd=source), "rb", buffering=0) as reading:
        if not stat.S_ISREG(os.fstat(reading.fileno()).st_mode):
            return
        made = os.open(name, _NEW, 0o600 | (mode & 0o111), dir_fd=target)
        with open(made, "wb", buffering=0) as writing:
            while chunk := reading.read(CHUNK_BYTES):
                budget.take(len(chunk))
                budget.files += 1
                writing.write(chunk)


class FilePrompts:
    """Keeps prompts beneath the model directory; see ``PromptShelf`` among the ports."""

    def __init__(self, model_dir: Path) -> None:
        self._model_dir = model_dir

    async def put(self, seat: str, family: str, content: str) -> str:
        """Write a prompt whole; see the port."""
        path = f"prompts/{sanitise(seat)}/{sanitise(family)}.txt"
        await anyio.to_thread.run_sync(self._put, path, content.encode())
        return str(self._model_dir / path)

    def _put(self, path: str, content: bytes) -> None:
        try:
            self._model_dir.mkdir(parents=True, exist_ok=True)
            root = os.open(self._model_dir, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        except OSError as error:
            raise ToolError(f"the model directory cannot be used: {error.strerror or error}") from error
        try:
            files.write_file(root, path, content)
        finally:
            os.close(root)
