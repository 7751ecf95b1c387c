"""The workspaces port over this machine's files, which are looked at only when somebody asks for changes."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

import anyio.to_thread

from orket.domain.errors import SandboxUnavailable
from orket.domain.workspaces import Change, Changes, Place, Plan

T = TypeVar("T")


class FileWorkspaces:
    """See ``ports.Workspaces``; all of it happens in worker threads and is not cut off in the middle."""

    async def changes(self, place: Place) -> Changes:
        """List what the run changed."""
        from orket.infrastructure.workspaces import files

        return await _in_thread(lambda: files.changes(place))

    async def contents(self, place: Place, change: Change) -> tuple[bytes | None, bytes | None]:
        """Read what a change is from and to."""
        from orket.infrastructure.workspaces import files

        return await _in_thread(lambda: files.contents(place, change))

    async def plan(self, place: Place, number: int) -> Plan:
        """Write down what is going to be done."""
        from orket.infrastructure.workspaces import files

        return await _in_thread(lambda: files.plan(place, number))

    async def apply(self, place: Place, number: int, plan: str) -> None:
        """Carry a plan out."""
        from orket.infrastructure.workspaces import files

        await _in_thread(lambda: files.apply(place, number, plan))

    async def hindrances(self, place: Place, number: int, plan: str) -> tuple[str, ...]:
        """Name the paths that are not as an application has left or found them."""
        from orket.infrastructure.workspaces import files

        return await _in_thread(lambda: files.still_hindered(place, number, plan))

    async def take_back(self, place: Place, number: int, plan: str) -> None:
        """Put the project back."""
        from orket.infrastructure.workspaces import files

        await _in_thread(lambda: files.put_back(place, number, plan))

    async def discard(self, place: Place) -> None:
        """Delete the workspace."""
        from orket.infrastructure.workspaces import files

        await _in_thread(lambda: files.discard(place))


async def _in_thread(act: Callable[[], T]) -> T:
    try:
        return await anyio.to_thread.run_sync(act)
    except OSError as error:
        where = f"{error.filename}: " if error.filename else ""
        raise SandboxUnavailable(
            f"{where}{error.strerror or error}", remedy="mend that, then give the command again"
        ) from error
