"""One command in a container of its own: made, attached to, started, ended, looked at, removed."""

from __future__ import annotations

import errno
import os
import signal
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import aclosing, suppress

import anyio
import attrs
import msgspec
from anyio.abc import SocketStream
from anyio.streams.buffered import BufferedByteReceiveStream

from orket.domain.errors import SandboxError
from orket.domain.sandboxes import CommandEnd, CommandResult, Limits
from orket.infrastructure.sandboxes.engine_api import EngineApi, EngineRefused
from orket.infrastructure.sandboxes.frames import drain_frames
from orket.infrastructure.sandboxes.output import Kept

CREATE_S, READY_S, REMOVE_S, GRACE_S = 60.0, 60.0, 60.0, 20.0
ARGUMENT_BYTES_MAX = 131_071
TMP_BYTES, SHARED_BYTES = 256 * 1024 * 1024, 64 * 1024 * 1024
MASKED = ("/proc/acpi", "/proc/kcore", "/proc/keys", "/proc/latency_stats", "/proc/timer_list", "/proc/scsi")
MASKED_MORE = ("/proc/timer_stats", "/proc/sched_debug", "/proc/asound", "/sys")
READ_ONLY = ("/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys", "/proc/sysrq-trigger")
NOWHERE = "192.0.2.1"  # set aside for examples: no machine has it
_LIMITS = {int(signal.SIGXCPU): "cpu", int(signal.SIGXFSZ): "file"}
_KILLED = -int(signal.SIGKILL)


@attrs.frozen(kw_only=True)
class Place:
    """A directory or file of this machine that a container sees at ``target``."""

    source: str
    target: str
    writable: bool = False


@attrs.frozen(kw_only=True)
class Contained:
    """What to start: the image, the command, its user, what it sees, and how it is labelled.

    ``profile`` is the list of refused system calls, as the engine wants to be told of it.
    ``user_processes`` is the limit of a whole user's processes, 0 to leave it to the engine. ``network`` is
    the id of the one network it is connected with; empty: none.
    """

    image: str
    workspace: str
    user: str
    cpus: float
    profile: str
    user_processes: int
    places: tuple[Place, ...]
    labels: Mapping[str, str]
    argv: tuple[str, ...] = ()
    environment: Mapping[str, str] = attrs.field(factory=dict)
    limits: Limits = attrs.field(factory=Limits)
    stdin: bytes = b""
    network: str = ""

    def body(self) -> dict[str, object]:
        """Write it as the engine's API wants it."""
        return {
            "Image": self.image,
            "Entrypoint": [],
            "Cmd": list(self.argv),
            # A name without a value takes away what the engine would set.
            "Env": ["HOSTNAME", *(f"{name}={value}" for name, value in self.environment.items())],
            "User": self.user,
            "WorkingDir": self.workspace,
            "Hostname": "sandbox",
            "Labels": dict(self.labels),
            "OpenStdin": True,
            "StdinOnce": True,
            "AttachStdin": True,
            "AttachStdout": True,
            "AttachStderr": True,
            "HostConfig": self._host(),
        }

    def _host(self) -> dict[str, object]:
        limits = self.limits
        return {
            "Init": True,  # the first process of a container is deaf to signals, and would reap nobody
            "NetworkMode": self.network or "none",
            # Engines pass on questions for other names, some even from inside a network that leads nowhere.
            **({"Dns": [NOWHERE], "DnsOptions": ["timeout:1", "attempts:1"]} if self.network else {}),
            "ReadonlyRootfs": True,
            "CapDrop": ["ALL"],
            "SecurityOpt": ["no-new-privileges", f"seccomp={self.profile}"],
            "MaskedPaths": [*MASKED, *MASKED_MORE],
            "ReadonlyPaths": list(READ_ONLY),
            "IpcMode": "private",
            "Memory": limits.memory_bytes,
            "MemorySwap": limits.memory_bytes,
            "PidsLimit": limits.processes + 1,  # the first process is the engine's
            "NanoCpus": int(self.cpus * 1e9),
            "Ulimits": [
                _ulimit("cpu", limits.cpu_s, limits.cpu_s + 5),
                _ulimit("fsize", limits.file_bytes),
                _ulimit("nofile", limits.open_files),
                _ulimit("core", 0),
                *([_ulimit("nproc", self.user_processes)] if self.user_processes else []),
            ],
            "Tmpfs": {"/tmp": f"rw,nosuid,nodev,exec,mode=1777,size={TMP_BYTES}"},
            "ShmSize": SHARED_BYTES,
            "LogConfig": {"Type": "none"},
            "Mounts": [_mount(place) for place in self.places],
        }


def _ulimit(name: str, soft: int, hard: int | None = None) -> dict[str, object]:
    return {"Name": name, "Soft": soft, "Hard": soft if hard is None else hard}


def _mount(place: Place) -> dict[str, object]:
    return {
        "Type": "bind",
        "Source": place.source,
        "Target": place.target,
        "ReadOnly": not place.writable,
        "BindOptions": {"Propagation": "rprivate"},
    }


class _Created(msgspec.Struct):
    id: str = msgspec.field(name="Id")


class _State(msgspec.Struct):
    exit_code: int = msgspec.field(name="ExitCode", default=0)
    out_of_memory: bool = msgspec.field(name="OOMKilled", default=False)


class _Inspected(msgspec.Struct):
    state: _State = msgspec.field(name="State")


class Container:
    """A command under way; ``end`` may be called from elsewhere meanwhile."""

    def __init__(self, api: EngineApi, contained: Contained) -> None:
        self._api, self._contained, self._id = api, contained, ""
        bytes_max = contained.limits.output_bytes
        self._out, self._err = Kept(bytes_max), Kept(bytes_max)
        self._ended: CommandEnd | None = None
        self._failure: SandboxError | None = None
        self._started = False

    async def run(self) -> CommandResult:
        """Run it to its end; nothing of it is left when this returns or is cancelled.

        Raises:
            SandboxError: The engine could not make, start or end it.
        """
        if (refusal := _impossible(self._contained.argv)) is not None:
            return refusal
        try:
            # Not interrupted: a container whose name nobody learned could not be removed.
            with anyio.CancelScope(shield=True):
                self._id = await self._create()
            wanted = {"stream": "1", "stdin": "1", "stdout": "1", "stderr": "1"}
            attach = f"/containers/{self._id}/attach"
            async with self._api.stream("POST", attach, query=wanted) as (said, stream):
                began = anyio.current_time()
                if self._ended is None:
                    await self._start()
                    await self._follow(said, stream)
                return await self._result(int((anyio.current_time() - began) * 1000))
        finally:
            with anyio.CancelScope(shield=True):
                await self._remove()

    async def end(self, how: CommandEnd) -> None:
        """Kill it; the first reason given is the one that is told."""
        if self._ended is None:
            self._ended = how
        if self._started:
            with suppress(EngineRefused):  # it has ended by itself
                await self._api.call(
                    "POST", f"/containers/{self._id}/kill", kind=bytes, query={"signal": "KILL"}
                )

    async def _create(self) -> str:
        made = await self._api.call(
            "POST", "/containers/create", kind=_Created, body=self._contained.body(), within_s=CREATE_S
        )
        return made.id

    async def _start(self) -> None:
        self._started = True
        await self._api.call("POST", f"/containers/{self._id}/start", kind=bytes, within_s=READY_S)
        if self._ended is not None:  # it was to end before there was anything to kill
            await self.end(self._ended)

    async def _follow(self, said: BufferedByteReceiveStream, stream: SocketStream) -> None:
        """Take its output to the end, which comes when it and all its children are gone."""
        async with anyio.create_task_group() as group:
            group.start_soon(self._tell, stream)
            for beside in (self._watch_memory, self._alarm):
                group.start_soon(self._heeded, beside, group.cancel_scope)
            await drain_frames(said, self._out, self._err)
            group.cancel_scope.cancel()
        if self._failure is not None:
            raise self._failure

    async def _heeded(self, act: Callable[[], Awaitable[None]], scope: anyio.CancelScope) -> None:
        """Let a failure beside end the following; raised as what it is, not as one of a group."""
        try:
            await act()
        except SandboxError as error:
            self._failure = error
            scope.cancel()

    async def _tell(self, stream: SocketStream) -> None:
        with suppress(anyio.BrokenResourceError, anyio.ClosedResourceError):
            if self._contained.stdin:
                await stream.send(self._contained.stdin)
            await stream.send_eof()

    async def _watch_memory(self) -> None:
        """End the whole when the kernel begins to end parts of it for want of memory."""
        wanted = msgspec.json.encode({"container": [self._id], "event": ["oom"]}).decode()
        async with aclosing(self._api.lines("/events", query={"filters": wanted, "since": "1"})) as lines:
            async for _ in lines:
                await self.end(CommandEnd.MEMORY)

    async def _alarm(self) -> None:
        await anyio.sleep(self._contained.limits.wall_s)
        await self.end(CommandEnd.TIMEOUT)
        await anyio.sleep(GRACE_S)
        raise SandboxError(f"the container engine did not end a command within {GRACE_S:g} s")

    async def _result(self, duration_ms: int) -> CommandResult:
        code = _KILLED
        if self._started:
            await self._api.call("POST", f"/containers/{self._id}/wait", kind=bytes, within_s=GRACE_S)
            state = (await self._api.call("GET", f"/containers/{self._id}/json", kind=_Inspected)).state
            code = state.exit_code
            if state.out_of_memory and self._ended is None:
                self._ended = CommandEnd.MEMORY
        if self._ended is None and code == 1 and (why := _not_started(self._err.value())):
            return not_begun(self._contained.argv[0], why, duration_ms)
        end, exit_code, limit = verdict(self._ended, code)
        return CommandResult(
            end=end,
            exit_code=exit_code,
            stdout=self._out.value(),
            stderr=self._err.value(),
            duration_ms=duration_ms,
            truncated=self._out.truncated or self._err.truncated,
            limit=limit,
        )

    async def _remove(self) -> None:
        if self._id:
            with suppress(EngineRefused):  # the guard or a person was faster
                await self._api.call(
                    "DELETE",
                    f"/containers/{self._id}",
                    kind=bytes,
                    query={"force": "1", "v": "1"},
                    within_s=REMOVE_S,
                )


def verdict(ended: CommandEnd | None, code: int) -> tuple[CommandEnd, int, str]:
    """How it ended, its exit code, and which limit; above 128 a code is a signal, as a shell would say."""
    if ended is not None:
        return ended, _KILLED, ""
    if (limit := _LIMITS.get(code - 128)) is not None:
        return CommandEnd.LIMIT, 128 - code, limit
    if code == 0:
        return CommandEnd.OK, 0, ""
    return CommandEnd.NONZERO, 128 - code if 128 < code < 193 else code, ""


def _not_started(stderr: bytes) -> str:
    """What podman's first process says when the command cannot be started; empty: something else was said."""
    head, mark, why = stderr.partition(b": failed to exec pid1: ")
    return why.decode("utf-8", "replace").strip() if mark and head.startswith(b"ERROR (catatonit:") else ""


def not_begun(program: str, why: str, duration_ms: int) -> CommandResult:
    """A command that could not be started, as every level tells it."""
    return CommandResult(
        end=CommandEnd.NONZERO,
        exit_code=127 if why == os.strerror(errno.ENOENT) else 126,
        stdout=b"",
        stderr=f"{program}: {why}".encode("utf-8", "backslashreplace"),
        duration_ms=duration_ms,
    )


def _impossible(argv: Sequence[str]) -> CommandResult | None:
    """Tell what no system could start, before a container is made for it."""
    why, code = "", 126
    try:
        if not argv:
            why, code = "no program is named", 127
        elif any("\0" in word for word in argv):
            why = "an argument holds a NUL character"
        elif any(len(word.encode()) > ARGUMENT_BYTES_MAX for word in argv):
            why = f"{argv[0][:200]}: Argument list too long"
    except UnicodeEncodeError:
        why = "an argument is not valid Unicode"
    if not why:
        return None
    return CommandResult(
        end=CommandEnd.NONZERO, exit_code=code, stdout=b"", stderr=why.encode(), duration_ms=0
    )
