"""A warm launcher: one process per sandbox that forks a launcher for each command.

Starting an interpreter costs more than starting a sandbox, so it is done once. The process holds no power of
its own: it ends when its engine or its sandbox does, and a launcher begins only at the word of an engine that
holds a handle of it, so nothing runs that nobody could end.
"""

from __future__ import annotations

import errno
import os
import socket
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

import anyio

from orket.infrastructure.sandboxes.serving import MAPPED, PLAIN, SAID_BYTES_MAX

ROOT = str(Path(__file__).parents[3])
# As a module it is compiled once and for all, as a script each time.
BARE = (
    "import sys; sys.path.append(sys.argv[1]); "
    "from orket.infrastructure.sandboxes.serving import serve; serve(int(sys.argv[2]), sys.argv[3:])"
)
REPLY_S = 30.0


class Warm:
    """The process, started at need and again when a command has killed it.

    Args:
        overlaid: What it shows its launchers in the place of the workspace, see ``serving.serve``.
        mapped: Whether commands that root starts run as a user of their own.
    """

    def __init__(self, overlaid: Sequence[str] = (), *, mapped: bool = False) -> None:
        self._word = MAPPED if mapped else PLAIN
        self._overlaid = tuple(overlaid)
        self._shown = -1
        self._one_at_a_time = anyio.Lock()
        self._process: subprocess.Popen[bytes] | None = None
        self._socket: socket.socket | None = None

    async def launch(
        self, arguments: Sequence[str], environment: Mapping[str, str], descriptors: Sequence[int]
    ) -> int:
        """Have a launcher forked; return a handle of it. It waits for a byte on its control pipe.

        ``descriptors`` are control, report, standard input, output, error, and the workspace, then whatever
        it is to hold.

        Raises:
            OSError: There is none; whatever was forked ends when the control pipe closes.
        """
        async with self._one_at_a_time:
            with anyio.CancelScope(shield=True):
                return await self._ask_or_forget(_packed(arguments, environment), descriptors)
        raise AssertionError("a shielded scope is not cancelled")

    async def show(self) -> None:
        """Start it now, so that what it shows can be had.

        Raises:
            OSError: It cannot be shown here.
        """
        async with self._one_at_a_time:
            with anyio.CancelScope(shield=True):
                await self._ready()

    def shown(self) -> int:
        """Open what it shows once more; the descriptor is the caller's."""
        return os.dup(self._shown)

    async def close(self) -> None:
        """End it and wait for that; its launchers have ended before."""
        async with self._one_at_a_time:
            with anyio.CancelScope(shield=True):
                await self._forget()
                if self._shown >= 0:
                    os.close(self._shown)
                    self._shown = -1

    async def _ask_or_forget(self, packed: int, descriptors: Sequence[int]) -> int:
        if self._process is not None and self._process.poll() is not None:
            await self._forget()  # a command at level 0 can kill it; nothing of this launch has begun
        try:
            return await self._ask_twice(packed, descriptors)
        except OSError:
            await self._forget()
            raise
        finally:
            os.close(packed)

    async def _ask_twice(self, packed: int, descriptors: Sequence[int]) -> int:
        try:
            return await self._ask(packed, descriptors)
        except (BrokenPipeError, ConnectionResetError):  # it ended before it read that: nothing has begun
            await self._forget()
            return await self._ask(packed, descriptors)

    async def _ask(self, packed: int, descriptors: Sequence[int]) -> int:
        ours = await self._ready()
        socket.send_fds(ours, [self._word], [packed, *descriptors])
        with anyio.move_on_after(REPLY_S):
            await anyio.wait_readable(ours)
            _, handles, _, _ = socket.recv_fds(ours, 16, 1)
            if handles:
                os.set_inheritable(handles[0], False)
                return handles[0]
        raise ConnectionAbortedError("the warm launcher is gone")

    async def _ready(self) -> socket.socket:
        if self._socket is not None:
            return self._socket
        ours = self._begin()
        if self._overlaid:
            try:
                await self._wait_until_shown(ours)
            except OSError:
                await self._forget()
                raise
        return ours

    async def _wait_until_shown(self, ours: socket.socket) -> None:
        with anyio.move_on_after(REPLY_S):
            await anyio.wait_readable(ours)
            said, handles, _, _ = socket.recv_fds(ours, SAID_BYTES_MAX, 1)
            if not handles:
                raise OSError(errno.ENOTSUP, said.decode("utf-8", "replace") or "the warm launcher is gone")
            os.set_inheritable(handles[0], False)
            if self._shown >= 0:
                os.close(self._shown)
            self._shown = handles[0]
            return
        raise BrokenPipeError("the warm launcher is gone")

    def _begin(self) -> socket.socket:
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with theirs:
            self._process = subprocess.Popen(
                [sys.executable, "-I", "-S", "-c", BARE, ROOT, str(theirs.fileno()), *self._overlaid],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                cwd="/",
                env={"LANG": "C.UTF-8"},
                pass_fds=(theirs.fileno(),),
                start_new_session=True,
            )
        self._socket = ours
        return ours

    async def _forget(self) -> None:
        ours, process, self._socket, self._process = self._socket, self._process, None, None
        if ours is not None:
            ours.close()
        if process is not None and process.poll() is None:
            handle = os.pidfd_open(process.pid)
            try:
                with anyio.move_on_after(REPLY_S) as patience:
                    await anyio.wait_readable(handle)
                if patience.cancelled_caught:
                    process.kill()
            finally:
                os.close(handle)
            process.wait()


def _packed(arguments: Sequence[str], environment: Mapping[str, str]) -> int:
    """Write what is too large for a message into a file without a name."""
    words = [*arguments, *(f"{name}={value}" for name, value in environment.items())]
    content = "\0".join([str(len(arguments)), *words]).encode("utf-8", "surrogateescape")
    packed = os.memfd_create("launch", os.MFD_CLOEXEC)
    os.write(packed, content)
    os.lseek(packed, 0, os.SEEK_SET)
    return packed
