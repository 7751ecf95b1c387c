"""Sandboxes: where tool calls act, within which limits, and how a command can end."""

from __future__ import annotations

from enum import StrEnum
from typing import Protocol

import attrs

from orket.domain.identifiers import RunId
from orket.domain.workspaces import Isolation


class SandboxStatus(StrEnum):
    """The life of a sandbox; only a project sandbox can be stopped and keep its data."""

    CREATING = "creating"
    RUNNING = "running"
    UNHEALTHY = "unhealthy"
    STOPPING = "stopping"
    STOPPED = "stopped"
    DELETED = "deleted"


@attrs.frozen(kw_only=True)
class Limits:
    """The bounds of one command; every one is enforced by the driver.

    ``output_bytes`` bounds each of the two streams, ``processes`` the command with all its descendants.
    """

    wall_s: float = 60.0
    cpu_s: int = 60
    output_bytes: int = 65_536
    file_bytes: int = 64 * 1024 * 1024
    memory_bytes: int = 2 * 1024 * 1024 * 1024
    open_files: int = 256
    processes: int = 256


@attrs.frozen(kw_only=True)
class SandboxSpec:
    """What a run wants: a private workspace directory and the levels it may use, the wanted one first.

    ``limits`` are what the tools of the run give each of their commands. With an ``isolation`` the workspace
    is a view of a project that is kept apart from it. ``sandbox_id`` names the sandbox; empty: after the run.
    ``services`` is the id of a project sandbox whose services the commands reach; empty: they need none.
    """

    run_id: RunId
    workspace: str
    levels: tuple[str, ...]
    limits: Limits = attrs.field(factory=Limits)
    isolation: Isolation | None = None
    sandbox_id: str = ""
    services: str = ""


#: The levels at which commands can reach the services of a project sandbox, and nothing else.
REACHING = ("compose",)


@attrs.frozen(kw_only=True)
class Terms:
    """What an open sandbox really gives, beside its level.

    ``workspace`` is the level of an isolated workspace, empty for one that is no view of a project.
    ``memory`` says whose memory the limit bounds: ``process`` (each process by itself; the sum is looked at
    now and then) or ``cgroup`` (all of a command together, kept by the kernel).
    """

    workspace: str = ""
    memory: str = "process"


@attrs.frozen(kw_only=True)
class ProbeReport:
    """Whether a driver works here, found out by really running something; reason and remedy when not."""

    driver: str
    level: int
    ok: bool
    states: tuple[str, ...] = ()
    reason: str = ""
    remedy: str = ""


class CommandEnd(StrEnum):
    """How a command ended; the first two are the command's own doing, the rest are ours.

    A command that could not be set up has no end: that is a ``SandboxError``, which no model is to mend.
    """

    OK = "ok"
    NONZERO = "nonzero"
    TIMEOUT = "timeout"
    MEMORY = "memory"
    LIMIT = "limit"
    CANCELED = "canceled"


@attrs.frozen(kw_only=True)
class InputFile:
    """A file that is laid into the command's private directory, outside the workspace, read by it only."""

    name: str
    content: bytes


class Talk(Protocol):
    """Somebody who talks with a command while it runs, over its standard input and output."""

    async def next(self) -> bytes:
        """Return what to write to it next; empty when there will be no more."""
        ...

    async def hear(self, said: bytes) -> None:
        """Take what it has said, empty when there will be no more; it may have to wait meanwhile."""
        ...


@attrs.frozen(kw_only=True)
class Command:
    """One command: argument vector (never a shell string), standard input, private files, limits.

    The working directory is the workspace. ``{private}`` in an argument is replaced by the path of the
    private directory that holds ``files``; it is gone when the command has ended. With a ``talk`` there is no
    ``stdin``, and its standard output goes there, unbounded, and not into its result.
    """

    argv: tuple[str, ...]
    stdin: bytes = b""
    files: tuple[InputFile, ...] = ()
    limits: Limits = attrs.field(factory=Limits)
    # Whoever is asked to run the command may hold it: it is no part of what the command is.
    talk: Talk | None = attrs.field(default=None, eq=False, repr=False, metadata={"actors.shared": True})


@attrs.frozen(kw_only=True)
class CommandResult:
    """How a command ended: exit code (negative signal number when killed), bounded output, duration.

    ``truncated`` says that output beyond the limit was discarded, which is not an error. ``limit`` names the
    limit that ended it when ``end`` is ``limit``: ``cpu``, ``file`` (its size) or ``processes``.
    """

    end: CommandEnd
    exit_code: int
    stdout: bytes
    stderr: bytes
    duration_ms: int
    truncated: bool = False
    limit: str = ""
