"""The other side of ``warm``: forks a launcher for each request; standard library only."""

from __future__ import annotations

import gc
import os
import select
import signal
import socket

from orket.infrastructure.sandboxes import jail, launcher, overlay

DESCRIPTORS_MAX = 16
CLOSE_ON_EXEC = 0x40000000  # MSG_CMSG_CLOEXEC
GO = b"g"
PLAIN, MAPPED = b"x", b"m"  # whether root's command is to be another user
WORKSPACE, GROUP = 6, 8  # places among the descriptors; the claim on the workspace is between them
SHOWN, ANOTHER, SAME = b"\0shown", "another", "same"
SAID_BYTES_MAX = 1024


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
    waiting = select.poll()
    for one in (requests.fileno(), woken):
        waiting.register(one, select.POLLIN)
    users = jail.Users()
    # What a launcher changes of all this is copied, so nothing is to be changed that need not be.
    gc.freeze()
    gc.disable()
    while True:
        ready = {one for one, _ in waiting.poll()}
        if woken in ready:
            os.read(woken, 4096)
        if requests.fileno() in ready:
            said, descriptors, _, _ = socket.recv_fds(requests, 16, DESCRIPTORS_MAX, CLOSE_ON_EXEC)
            if not said:
                break
            _answer(requests, list(descriptors), users, mapped=said == MAPPED)
        _reap(users)
    waiting.unregister(requests.fileno())
    while _reap(users):
        waiting.poll()
        os.read(woken, 4096)


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


def _answer(requests: socket.socket, descriptors: list[int], users: jail.Users, *, mapped: bool) -> None:
    if mapped and os.geteuid() == 0:
        users.take(os.fstat(descriptors[WORKSPACE]))
    if (pid := os.fork()) == 0:
        try:
            requests.close()
            _launch(descriptors, users)
        finally:
            os._exit(0)
    for one in descriptors:
        os.close(one)
    if mapped:
        users.lend(pid)
    handle = os.pidfd_open(pid)
    socket.send_fds(requests, [b"y"], [handle])
    os.close(handle)


def _reap(users: jail.Users) -> bool:
    """Collect the launchers that have ended; tell whether any is left."""
    while True:
        try:
            pid, _ = os.waitpid(-1, os.WNOHANG)
        except ChildProcessError:
            return False
        if pid == 0:
            return True
        users.give_back(pid)


def _launch(descriptors: list[int], users: jail.Users) -> None:
    """In the child: become a launcher as if it had been started afresh."""
    packed, control, report, *streams, workspace = descriptors[:7]
    group = descriptors[GROUP] if len(descriptors) > GROUP else -1
    arguments, environment = _unpacked(packed)
    os.setsid()
    for number, stream in enumerate(streams):
        os.dup2(stream, number)
        os.close(stream)
    os.fchdir(workspace)
    os.close(workspace)
    os.environ.clear()
    os.environ.update(environment)
    if os.read(control, 1) != GO:
        return
    launcher.main([str(control), str(report), *arguments], launcher.Given(users, group))


def _unpacked(packed: int) -> tuple[list[str], dict[str, str]]:
    with os.fdopen(packed, "rb") as file:
        count, *words = file.read().decode("utf-8", "surrogateescape").split("\0")
    settings = (word.partition("=") for word in words[int(count) :])
    return words[: int(count)], {name: value for name, _, value in settings}
