"""A command inside a service that runs already."""

from __future__ import annotations

import os
import signal
from contextlib import suppress

import anyio
import anyio.to_thread
import msgspec

from orket.domain.errors import SandboxError
from orket.domain.redaction import Redactor
from orket.domain.sandboxes import Command, CommandEnd, CommandResult
from orket.infrastructure.sandboxes.container import verdict
from orket.infrastructure.sandboxes.engine_api import EngineApi
from orket.infrastructure.sandboxes.frames import drain_frames
from orket.infrastructure.sandboxes.output import Kept

PASSES_MAX = 20


class _Made(msgspec.Struct):
    id: str = msgspec.field(name="Id")


class _Stands(msgspec.Struct):
    exit_code: int | None = msgspec.field(name="ExitCode", default=None)
    pid: int = msgspec.field(name="Pid", default=0)


async def run_inside(api: EngineApi, container: str, command: Command, redactor: Redactor) -> CommandResult:
    """Run ``command`` in a container; secrets are taken out of what it says.

    A command that takes too long is killed with its children, as far as this process may; one that detached
    itself from them stays in the service until the service is stopped.

    Raises:
        SandboxError: The engine could not start it.
    """
    if not command.argv:
        raise SandboxError("no program is named")
    body = {
        "Cmd": list(command.argv),
        "AttachStdin": False,
        "AttachStdout": True,
        "AttachStderr": True,
    }
    made = await api.call("POST", f"/containers/{container}/exec", kind=_Made, body=body)
    out, err = Kept(command.limits.output_bytes), Kept(command.limits.output_bytes)
    began, late = anyio.current_time(), False
    start = {"Detach": False, "Tty": False}
    try:
        async with api.stream("POST", f"/exec/{made.id}/start", body=start) as (said, _):
            with anyio.move_on_after(command.limits.wall_s) as patience:
                await drain_frames(said, out, err)
            late = patience.cancelled_caught
    finally:
        with anyio.CancelScope(shield=True):
            stands = await api.call("GET", f"/exec/{made.id}/json", kind=_Stands)
            if stands.exit_code is None and stands.pid > 0:
                await anyio.to_thread.run_sync(_kill, stands.pid, container)
    end, code, limit = verdict(CommandEnd.TIMEOUT if late else None, stands.exit_code or 0)
    return CommandResult(
        end=end,
        exit_code=code,
        stdout=_clean(out, redactor),
        stderr=_clean(err, redactor),
        duration_ms=int((anyio.current_time() - began) * 1000),
        truncated=out.truncated or err.truncated,
        limit=limit,
    )


def _clean(kept: Kept, redactor: Redactor) -> bytes:
    try:
        return redactor.text(kept.value().decode()).encode()
    except UnicodeDecodeError:
        return redactor.text(kept.value().decode("latin-1")).encode("latin-1", "replace")


def _kill(pid: int, container: str) -> None:
    """Kill a process and its descendants, once it is sure that it belongs to the container."""
    with suppress(OSError):
        with open(f"/proc/{pid}/cgroup", encoding="utf-8") as file:
            if container not in file.read():
                return
        family: list[int] = []
        for _ in range(PASSES_MAX):
            family = _family(pid)
            for one in family:
                with suppress(OSError):
                    os.kill(one, signal.SIGSTOP)
            if _family(pid) == family:
                break
        for one in reversed(family):
            with suppress(OSError):
                os.kill(one, signal.SIGKILL)


def _family(pid: int) -> list[int]:
    found = [pid]
    for one in found:
        with suppress(OSError), open(f"/proc/{one}/task/{one}/children", encoding="utf-8") as file:
            found += map(int, file.read().split())
    return found
