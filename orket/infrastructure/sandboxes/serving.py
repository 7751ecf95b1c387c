"""The other side of ``warm``: forks launchers, the next one before it is asked for; standard library only.

What a launcher has to do before it can start a command is mostly the same for all commands of a sandbox. So
once a command has been asked for there is a *spare*: a launcher that is forked, has everything laid out, and
waits for its command. It is used once, as any launcher is, and given up when no command comes for a while.
"""

from __future__ import annotations

import errno
import gc
import os
import select
import signal
import socket
from typing import NamedTuple

from orket.infrastructure.sandboxes import jail, launcher, overlay

DESCRIPTORS_MAX = 16
CLOSE_ON_EXEC = 0x40000000  # MSG_CMSG_CLOEXEC
GO = b"g"
PLAIN, MAPPED = b"x", b"m"  # whether root's command is to be another user
WORKSPACE, GROUP = 6, 8  # places among the descriptors; the claim on the workspace is between them
SHOWN, ANOTHER, SAME = b"\0shown", "another", "same"
SAID_BYTES_MAX = 1024
SPARE_S = 60.0


def serve(fd: int, overlaid: list[str]) -> None:
    """Fork launchers until the engine's side closes, then wait for those that are left.

    ``overlaid`` is empty, or project, state, workspace and ``another`` or ``same``: then that overlay is
    shown first, and its folder is the first answer.
    """
    requests = socket.socket(fileno=fd)
    requests.set_inheritable(False)
    if overlaid and not _show(requests, overlaid):
        return
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    woken, waker = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
    signal.set_wakeup_fd(waker, warn_on_full_buffer=False)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    # What a launcher changes of all this is copied, so nothing is to be changed that need not be.
    gc.freeze()
    gc.disable()
    Launchers(requests, woken).serve()


def _show(requests: socket.socket, overlaid: list[str]) -> bool:
    project, state, workspace, whose = overlaid
    try:
        merged = overlay.enter(project, state, workspace, as_another=whose == ANOTHER)
    except OSError as error:
        requests.send(f"{error.strerror or error}".encode("utf-8", "backslashreplace")[:SAID_BYTES_MAX])
        return False
    socket.send_fds(requests, [SHOWN], [merged])
    os.close(merged)
    return True


class _Spare(NamedTuple):
    """A launcher that waits for its command: a handle of it, and where to tell it."""

    handle: int
    ours: socket.socket

    def let_go(self) -> None:
        """Close both; one that has no command yet ends by that."""
        self.ours.close()
        os.close(self.handle)


class _Known(NamedTuple):
    """What the commands of this sandbox have in common: workspace, scratch folder, jail."""

    workspace: int
    scratch: str
    words: list[str]

    def is_at(self, workspace: int) -> bool:
        """Tell whether this is the same workspace."""
        return os.path.samestat(os.fstat(self.workspace), os.fstat(workspace))


class Launchers:
    """Forks the launchers of one sandbox; nothing here runs on its own, only ``serve`` does.

    Args:
        requests: Where the engine asks for launchers.
        woken: The pipe on which the death of a launcher can be heard.
    """

    def __init__(self, requests: socket.socket, woken: int) -> None:
        self._requests, self._woken = requests, woken
        self._users = jail.Users()
        self._known: _Known | None = None
        self._spare: _Spare | None = None

    def serve(self) -> None:
        """Answer until the engine's side closes."""
        waiting = select.poll()
        for one in (self._requests.fileno(), self._woken):
            waiting.register(one, select.POLLIN)
        while True:
            ready = {one for one, _ in waiting.poll(None if self._spare is None else SPARE_S * 1000)}
            if not ready:
                self._give_up()
            if self._woken in ready:
                os.read(self._woken, 4096)
            if self._requests.fileno() in ready:
                said, given, _, _ = socket.recv_fds(self._requests, 16, DESCRIPTORS_MAX, CLOSE_ON_EXEC)
                if not said:
                    break
                self._answer(list(given), mapped=said == MAPPED)
            self._reap()
        waiting.unregister(self._requests.fileno())
        self._give_up()
        while self._reap():
            waiting.poll()
            os.read(self._woken, 4096)

    def _answer(self, descriptors: list[int], *, mapped: bool) -> None:
        if self._known is not None and not self._known.is_at(descriptors[WORKSPACE]):
            self._give_up()
        try:
            handle = self._told(descriptors, mapped=mapped)
        except OSError:  # somebody has killed it
            self._give_up()
            handle = self._told(descriptors, mapped=mapped)
        socket.send_fds(self._requests, [b"y"], [handle])
        os.close(handle)
        if self._known is None:
            self._known = _known(descriptors)
        for one in descriptors:
            os.close(one)
        self._spare = self._forked(self._known.workspace, self._known, mapped=mapped)

    def _told(self, descriptors: list[int], *, mapped: bool) -> int:
        """Hand a command to the spare, or to one that is forked now; return its handle."""
        if self._spare is None:
            self._spare = self._forked(descriptors[WORKSPACE], None, mapped=mapped)
        socket.send_fds(self._spare.ours, [b"x"], descriptors)
        spare, self._spare = self._spare, None
        spare.ours.close()
        return spare.handle

    def _forked(self, workspace: int, known: _Known | None, *, mapped: bool) -> _Spare:
        if mapped and os.geteuid() == 0:
            self._users.take(os.fstat(workspace))
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with theirs:
            if (pid := os.fork()) == 0:
                try:
                    ours.close()
                    self._requests.close()
                    _wait(theirs, known, self._users)
                finally:
                    os._exit(0)
        if mapped:
            self._users.lend(pid)
        return _Spare(os.pidfd_open(pid), ours)

    def _give_up(self) -> None:
        """Let the spare end, and forget what it was made for."""
        if self._spare is not None:
            self._spare.let_go()
        if self._known is not None:
            os.close(self._known.workspace)
        self._spare = self._known = None

    def _reap(self) -> bool:
        """Collect the launchers that have ended; tell whether any is left."""
        while True:
            try:
                pid, _ = os.waitpid(-1, os.WNOHANG)
            except ChildProcessError:
                return False
            if pid == 0:
                return True
            self._users.give_back(pid)


def _known(descriptors: list[int]) -> _Known:
    size = os.fstat(descriptors[0]).st_size
    (private, *rest), _ = _unpacked(os.pread(descriptors[0], size, 0))
    words = launcher.jail_among(rest)
    return _Known(os.dup(descriptors[WORKSPACE]), os.path.dirname(private), words)


def _wait(theirs: socket.socket, known: _Known | None, users: jail.Users) -> None:
    """In the child: make ready, wait for a command, and be a launcher as if it had been started afresh."""
    os.setsid()
    stage, hindered = None, b""
    if known is not None:
        try:
            os.fchdir(known.workspace)
            stage = launcher.made_ready(known.words, known.scratch, users)
        except OSError as error:  # told when there is a command that it hinders
            hindered = f"setup {error.errno or errno.EPERM} 0 {error.strerror or ''}\n".encode()
    said, descriptors, _, _ = socket.recv_fds(theirs, 16, DESCRIPTORS_MAX, CLOSE_ON_EXEC)
    if said:
        theirs.close()
        _launch(list(descriptors), users, stage, hindered)


def _launch(descriptors: list[int], users: jail.Users, stage: jail.Stage | None, hindered: bytes) -> None:
    packed, control, report, *streams, workspace = descriptors[:7]
    group = descriptors[GROUP] if len(descriptors) > GROUP else -1
    with os.fdopen(packed, "rb") as file:
        arguments, environment = _unpacked(file.read())
    for number, stream in enumerate(streams):
        os.dup2(stream, number)
        os.close(stream)
    if stage is None:
        os.fchdir(workspace)
    os.close(workspace)
    os.environ.clear()
    os.environ.update(environment)
    if os.read(control, 1) != GO:
        return
    if hindered:
        os.write(report, hindered)
        return
    launcher.main([str(control), str(report), *arguments], launcher.Given(users, stage, group))


def _unpacked(content: bytes) -> tuple[list[str], dict[str, str]]:
    count, *words = content.decode("utf-8", "surrogateescape").split("\0")
    settings = (word.partition("=") for word in words[int(count) :])
    return words[: int(count)], {name: value for name, _, value in settings}
