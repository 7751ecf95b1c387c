"""One command from start to end, by way of the launcher."""

from __future__ import annotations

import errno
import os
import signal
from collections.abc import Mapping
from contextlib import ExitStack, suppress
from typing import IO

import anyio
import anyio.to_thread
import attrs

from orket.domain.errors import SandboxError
from orket.domain.sandboxes import CommandEnd, CommandResult, Limits, Talk
from orket.infrastructure.sandboxes.claims import claim
from orket.infrastructure.sandboxes.output import Kept, drain
from orket.infrastructure.sandboxes.sweeping import sweep
from orket.infrastructure.sandboxes.talking import listen, speak
from orket.infrastructure.sandboxes.warm import Warm

GRACE_S = 10.0
DRAIN_S = 2.0
KILLED, CANCELED = "killed -9 0", "canceled -9 0"
GO = b"g"

# A shell says 128 + number when a child of its own died of a signal.
_LIMITS = {int(signal.SIGXCPU): "cpu", int(signal.SIGXFSZ): "file"}
_EXEC_ERRNOS = (errno.ENOENT, errno.ENOTDIR, errno.ENOEXEC, errno.EACCES, errno.E2BIG, errno.ELOOP)
_OUT_OF_MEMORY = (b"MemoryError", b"bad_alloc", b"annot allocate memory", b"ut of memory", b"OutOfMemory")
_KILLED = -int(signal.SIGKILL)


@attrs.frozen(kw_only=True)
class Launch:
    """What to start: the command, where, with which environment, input and limits.

    ``workspace`` is an open directory, ``claimed`` the one that is claimed meanwhile, ``private`` the path of
    the command's own directory, which is gone when the command is. ``jail`` is what ``jail.arguments`` takes
    apart; empty: none. ``group`` is where to join a control group; -1: there is none. With a ``talk``,
    ``stdin`` is not used.
    """

    argv: tuple[str, ...]
    workspace: int
    claimed: int
    private: str
    environment: Mapping[str, str]
    stdin: IO[bytes] | None
    limits: Limits
    jail: tuple[str, ...] = ()
    group: int = -1
    talk: Talk | None = None


class Launched:
    """A launcher and the ends of its pipes that this process holds; they belong to ``fds``."""

    def __init__(self, launch: Launch, fds: ExitStack) -> None:
        self._launch, self._fds, self._theirs = launch, fds, ExitStack()
        self.private, self.limits, self.said, self.ear = launch.private, launch.limits, "", -1
        with self._theirs:
            control, self._control = _pipe(self._theirs, None)
            fds.callback(self.stop)
            self._report, report = _pipe(fds, self._theirs)
            self.out, out = _pipe(fds, self._theirs)
            self.err, err = _pipe(fds, self._theirs)
            claimed = claim(launch.claimed)
            self._theirs.callback(os.close, claimed)
            stdin = self._stdin(launch)
            group = () if launch.group < 0 else (launch.group,)
            self._given = (control, report, stdin, out, err, launch.workspace, claimed, *group)
            self._theirs = self._theirs.pop_all()
        fds.callback(self._theirs.close)

    def _stdin(self, launch: Launch) -> int:
        """Lay out its standard input; with a talk, ``ear`` is our end of it."""
        if launch.talk is None:
            return _nothing(self._theirs) if launch.stdin is None else launch.stdin.fileno()
        heard, self.ear = os.pipe()
        self._theirs.callback(os.close, heard)
        self._fds.callback(self.hush)
        os.set_blocking(self.ear, False)
        return heard

    def hush(self) -> None:
        """Let go of our end of its standard input. May be called twice."""
        if self.ear >= 0:
            os.close(self.ear)
            self.ear = -1

    async def begin(self, warm: Warm) -> bool:
        """Start it; False when it was stopped meanwhile, and nothing has run. Raises OSError."""
        with self._theirs:
            self._handle = await warm.launch(
                _launcher_arguments(self._launch), self._launch.environment, self._given
            )
        self._fds.callback(os.close, self._handle)
        if self._control < 0:
            return False
        os.write(self._control, GO)
        return True

    def stop(self) -> None:
        """Let go of the control pipe: the launcher ends everything. May be called twice."""
        if self._control >= 0:
            os.close(self._control)
            self._control = -1

    async def wait(self) -> None:
        """Return, or let a cancellation through, when the launcher and all that it started are gone.

        A launcher that outstays its welcome was tampered with: it is killed and what it leaves is swept up.
        """
        try:
            with anyio.move_on_after(self.limits.wall_s + GRACE_S):
                await anyio.wait_readable(self._handle)
        finally:
            self.stop()
            with anyio.CancelScope(shield=True):
                await self._collect()

    async def _collect(self) -> None:
        with anyio.move_on_after(GRACE_S) as patience:
            await anyio.wait_readable(self._handle)
        if patience.cancelled_caught:
            signal.pidfd_send_signal(self._handle, signal.SIGKILL)
            await anyio.wait_readable(self._handle)
        with suppress(BlockingIOError):  # somebody else holds the pipe: as good as no report
            self.said = os.read(self._report, 256).decode()
        if not self.said:
            await anyio.to_thread.run_sync(sweep, self.private)
            self.said = KILLED


async def run_launch(launch: Launch, running: set[Launched], warm: Warm) -> CommandResult:
    """Run a command to its end; it stands in ``running`` meanwhile, to be stopped from there.

    Raises:
        SandboxError: It could not be started, or its launcher was killed, for reasons that are not its own.
    """
    if not launch.argv:
        return _not_started("no program is named", 127, 0)
    if any("\0" in word for word in launch.argv):
        return _not_started("an argument holds a NUL character", 126, 0)
    out, err = Kept(launch.limits.output_bytes), Kept(launch.limits.output_bytes)
    with ExitStack() as fds:
        try:
            launched = Launched(launch, fds)
            running.add(launched)
            fds.callback(running.discard, launched)
            begun = await launched.begin(warm)
        except OSError as error:
            raise SandboxError(f"cannot start a process: {error.strerror or error}") from error
        async with anyio.create_task_group() as group:
            group.start_soon(drain, launched.err, err)
            if launch.talk is None:
                group.start_soon(drain, launched.out, out)
                await launched.wait()
            else:
                group.start_soon(listen, launched.out, launch.talk)
                async with speak(launched.ear, launch.talk, launched.hush):
                    await launched.wait()
            # All writers are dead, so both pipes end; the deadline is for what nobody foresaw.
            group.cancel_scope.deadline = anyio.current_time() + DRAIN_S
        return _result(launch, launched.said if begun else CANCELED, out, err)


def _nothing(held: ExitStack) -> int:
    nothing = os.open(os.devnull, os.O_RDONLY | os.O_CLOEXEC)
    held.callback(os.close, nothing)
    return nothing


def _pipe(reading: ExitStack, writing: ExitStack | None) -> tuple[int, int]:
    """Make a pipe whose ends close with the stacks given; with both, its read end does not block."""
    read_end, write_end = os.pipe()
    reading.callback(os.close, read_end)
    if writing is not None:
        writing.callback(os.close, write_end)
        os.set_blocking(read_end, False)
    return read_end, write_end


def _launcher_arguments(launch: Launch) -> list[str]:
    limits = launch.limits
    numbers = (
        limits.cpu_s,
        limits.memory_bytes,
        limits.file_bytes,
        limits.open_files,
        limits.processes,
    )
    head = (launch.private, limits.wall_s, *numbers, len(launch.jail), *launch.jail)
    return [*map(str, head), *launch.argv]


def _not_started(why: str, exit_code: int, duration_ms: int) -> CommandResult:
    return CommandResult(
        end=CommandEnd.NONZERO,
        exit_code=exit_code,
        stdout=b"",
        stderr=why.encode("utf-8", "backslashreplace"),
        duration_ms=duration_ms,
    )


def _result(launch: Launch, said: str, out: Kept, err: Kept) -> CommandResult:
    how, code, duration_ms, detail = _parse(said, err)
    if how == "jail":
        how, code = "exec", _jail_errno(err)
    if how == "exec":
        return _not_started(f"{launch.argv[0]}: {os.strerror(code)}", _exec_exit(code), duration_ms)
    if how == "setup":
        raise SandboxError(f"a command could not be set up: {detail or os.strerror(code)}")
    end, exit_code, limit = _end(how, code)
    if how == "killed":
        err.add(b"\n(its launcher was killed; everything it had started was ended)\n")
    if end is CommandEnd.NONZERO and _ran_out_of_memory(err.value()):
        end = CommandEnd.MEMORY
    return CommandResult(
        end=end,
        exit_code=exit_code,
        stdout=out.value(),
        stderr=err.value(),
        duration_ms=duration_ms,
        truncated=out.truncated or err.truncated,
        limit=limit,
    )


def _parse(said: str, err: Kept) -> tuple[str, int, int, str]:
    try:
        how, code, duration_ms, *words = said.split(maxsplit=3)
        return how, int(code), int(duration_ms), " ".join(words).strip()
    except ValueError:
        raise SandboxError(f"the launcher did not start: {_tail(err)}") from None


def _tail(err: Kept) -> str:
    return err.value().decode("utf-8", "replace").strip()[-200:]


def _jail_errno(err: Kept) -> int:
    """Read why bubblewrap did not start the command; the command has said nothing, for it never ran.

    Raises:
        SandboxError: It did not even come to starting it.
    """
    tail = _tail(err)
    if not tail.startswith("bwrap: execvp "):
        raise SandboxError(f"a command could not be set up: {tail or 'bubblewrap ended early'}")
    return next((code for code in _EXEC_ERRNOS if tail.endswith(os.strerror(code))), errno.EACCES)


def _ran_out_of_memory(stderr: bytes) -> bool:
    """Tell whether the last words are what programs say when the address space is used up."""
    last = stderr.rstrip().rpartition(b"\n")[2]
    return any(word in last for word in _OUT_OF_MEMORY)


def _exec_exit(code: int) -> int:
    return 127 if code == errno.ENOENT else 126


def _end(how: str, code: int) -> tuple[CommandEnd, int, str]:
    match how:
        case "exit" if code == 0:
            return CommandEnd.OK, 0, ""
        case "exit" if (limit := _LIMITS.get(code - 128)) is not None:
            return CommandEnd.LIMIT, code, limit
        case "exit":
            return CommandEnd.NONZERO, code, ""
        case "signal" if (limit := _LIMITS.get(code)) is not None:
            return CommandEnd.LIMIT, -code, limit
        case "signal":
            return CommandEnd.NONZERO, -code, ""
        case "timeout":
            return CommandEnd.TIMEOUT, _KILLED, ""
        case "limit":
            return CommandEnd.LIMIT, _KILLED, "processes"
        case "memory":
            return CommandEnd.MEMORY, _KILLED, ""
        case "canceled":
            return CommandEnd.CANCELED, _KILLED, ""
        case "killed":  # by the command itself, or for want of memory: it may have acted
            return CommandEnd.NONZERO, code, ""
        case _:
            raise SandboxError(f"the launcher could not work: {how}")
