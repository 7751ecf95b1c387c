"""Start one command, and leave nothing of it behind; run by ``launching`` as ``python -I -S launcher.py``.

It is a process of its own because only a parent can adopt: as *child subreaper* it inherits every
descendant that gets away by ``setsid`` or a double fork, and ends them all when the command ends, when its
time is up, or when the control pipe closes. The kernel closes that pipe even when the engine dies by SIGKILL,
so a launcher never outlives its engine. Standard library only, nothing of this package is imported.

Arguments: control fd, report fd, private directory, wall seconds, then the resource limits (CPU seconds,
address space, file size, open files, processes; bytes and counts), then the command. The report is one line
``HOW CODE MILLISECONDS``; HOW is ``exit``, ``signal``, ``timeout``, ``limit`` (too many processes),
``canceled``, ``exec`` (could not be started, CODE is the errno) or ``setup`` (the launcher itself could not
work, CODE is the errno).
"""

from __future__ import annotations

import ctypes
import errno
import os
import resource
import select
import signal
import sys
import time
from collections.abc import Callable

SUBREAPER, DEATH_SIGNAL = 36, 1
FREEZE_PASSES_MAX = 100
LOOK_S = 0.05


def prctl(option: int, value: int) -> None:
    """Set a process attribute, or raise OSError."""
    if ctypes.CDLL(None, use_errno=True).prctl(option, value, 0, 0, 0) != 0:
        raise OSError(ctypes.get_errno(), "prctl")


def wake_on_signals() -> int:
    """Turn SIGCHLD and SIGTERM into bytes on a pipe, and shrug off the rest of the terminal's signals."""
    woken, waker = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
    signal.pthread_sigmask(signal.SIG_SETMASK, [])
    signal.set_wakeup_fd(waker, warn_on_full_buffer=False)
    for one in (signal.SIGCHLD, signal.SIGTERM):
        signal.signal(one, lambda *_: None)
    for one in (signal.SIGINT, signal.SIGHUP, signal.SIGQUIT):
        signal.signal(one, signal.SIG_IGN)
    return woken


def set_limits(values: list[int]) -> None:
    """Bound this process and all it will start; a limit is never raised above the one in force."""
    kinds = (
        resource.RLIMIT_CPU,
        resource.RLIMIT_AS,
        resource.RLIMIT_FSIZE,
        resource.RLIMIT_NOFILE,
        resource.RLIMIT_NPROC,
        resource.RLIMIT_CORE,
    )
    for kind, value in zip(kinds, (*values, 0), strict=True):
        _, hard = resource.getrlimit(kind)
        # One second between SIGXCPU, which names the limit, and the SIGKILL that cannot be caught.
        top = value + 1 if kind == resource.RLIMIT_CPU else value
        top = top if hard == resource.RLIM_INFINITY else min(top, hard)
        resource.setrlimit(kind, (min(value, top), top))


def threads_of_user() -> int:
    """Count what the kernel counts against RLIMIT_NPROC, which is per user and does not bind root."""
    if os.geteuid() == 0:
        return 0
    count = 0
    for name in os.listdir("/proc"):
        if name.isdigit():
            try:
                if os.stat(f"/proc/{name}").st_uid == os.geteuid():
                    count += len(os.listdir(f"/proc/{name}/task"))
            except OSError:
                continue
    return count


def become(argv: list[str], limits: list[int], launcher: int) -> None:
    """Turn this forked child into the command; returns only by raising OSError."""
    os.setsid()
    prctl(DEATH_SIGNAL, signal.SIGKILL)
    if os.getppid() != launcher:
        os._exit(127)
    ignored = (signal.SIGPIPE, signal.SIGXFSZ, signal.SIGINT, signal.SIGHUP, signal.SIGQUIT)
    for one in ignored:  # an ignored signal stays ignored across exec
        signal.signal(one, signal.SIG_DFL)
    os.umask(0o022)
    set_limits(limits)
    os.execvp(argv[0], argv)


def start(argv: list[str], limits: list[int]) -> tuple[int, int]:
    """Fork and exec; return the pid and the errno of a failed exec (0 when it runs)."""
    launcher = os.getpid()
    limits = [*limits[:4], limits[4] + threads_of_user()]
    answer, failure = os.pipe()
    if (pid := os.fork()) == 0:
        try:
            become(argv, limits, launcher)
        except OSError as error:
            os.write(failure, str(error.errno or errno.EPERM).encode())
        except ValueError:  # an empty name
            os.write(failure, str(errno.ENOENT).encode())
        finally:
            os._exit(127)
    os.close(failure)
    with os.fdopen(answer, "rb") as told:
        return pid, int(told.read() or b"0")


def let_go_of_streams() -> None:
    """Give up the command's own streams, so that they end when its processes do."""
    nothing = os.open(os.devnull, os.O_RDWR)
    for stream in (0, 1, 2):
        os.dup2(nothing, stream)


def reap(pid: int) -> tuple[bool, int | None]:
    """Collect every child that has died; tell whether any is left, and the wait status of ``pid``."""
    found = None
    while True:
        try:
            one, status = os.waitpid(-1, os.WNOHANG)
        except ChildProcessError:
            return False, found
        if one == 0:
            return True, found
        if one == pid:
            found = status


def watch(pid: int, control: int, woken: int, deadline: float, processes_max: int) -> tuple[str, int]:
    """Wait until the command ends, the time is up, there are too many of it or the engine lets go.

    The number of processes is looked at now and then, because RLIMIT_NPROC counts all of a user's and does
    not bind root.
    """
    waiting = select.poll()
    for fd in (control, woken):
        waiting.register(fd, select.POLLIN)
    while True:
        _, status = reap(pid)
        if status is not None:
            code = os.waitstatus_to_exitcode(status)
            return ("signal", -code) if code < 0 else ("exit", code)
        left = deadline - time.monotonic()
        if left <= 0:
            return "timeout", signal.SIGKILL
        if too_many(os.getpid(), processes_max):
            return "limit", signal.SIGKILL
        ready = {fd for fd, _ in waiting.poll(min(left, LOOK_S) * 1000)}
        if control in ready or (woken in ready and signal.SIGTERM in os.read(woken, 4096)):
            return "canceled", signal.SIGKILL


def parent_of(pid: int) -> int:
    """Read a process's parent; 0 when the process is gone or a zombie."""
    try:
        with open(f"/proc/{pid}/stat", "rb") as file:
            state, parent = file.read().rpartition(b")")[2].split()[:2]
    except (OSError, ValueError):
        return 0
    return 0 if state in (b"Z", b"X") else int(parent)


def children_of(pid: int) -> list[int]:
    """List a process's children; a kernel that keeps no such list is asked about every process."""
    found: list[int] = []
    try:
        for thread in os.listdir(f"/proc/{pid}/task"):
            with open(f"/proc/{pid}/task/{thread}/children", "rb") as file:
                found.extend(map(int, file.read().split()))
    except OSError:
        if os.path.exists("/proc/self/task") and not os.path.exists(
            f"/proc/self/task/{os.getpid()}/children"
        ):
            return [
                one for one in map(int, filter(str.isdigit, os.listdir("/proc"))) if parent_of(one) == pid
            ]
    return found


def too_many(top: int, processes_max: int) -> bool:
    """Tell whether more than so many processes are below ``top``."""
    count, todo = 0, [top]
    while todo and count <= processes_max:
        found = children_of(todo.pop())
        count += len(found)
        todo.extend(found)
    return count > processes_max


def send(pid: int, what: signal.Signals, is_meant: Callable[[int], bool]) -> bool:
    """Signal a process if it is still the one that is meant; its number may have a new owner by now."""
    try:
        handle = os.pidfd_open(pid)
    except OSError:
        return False
    try:
        if not is_meant(pid):
            return False
        signal.pidfd_send_signal(handle, what)
    except OSError:
        return False
    finally:
        os.close(handle)
    return True


def freeze(top: int, frozen: dict[int, int]) -> bool:
    """Stop all below ``top``, parents first, noting each with its parent; tell whether any was new."""
    new, todo = False, [top]
    while todo:
        parent = todo.pop()
        for pid in children_of(parent):
            if frozen.get(pid) != parent and send(pid, signal.SIGSTOP, lambda one: parent_of(one) == parent):  # noqa: B023  # called at once
                frozen[pid], new = parent, True
            todo.append(pid)
    return new


def end_everything(woken: int) -> None:
    """Kill all descendants; they are frozen first, because what is stopped cannot fork."""
    me = os.getpid()
    pause = select.poll()
    pause.register(woken, select.POLLIN)
    while reap(0)[0]:
        frozen: dict[int, int] = {}
        for _ in range(FREEZE_PASSES_MAX):
            if not freeze(me, frozen):
                break
        for pid in reversed(frozen):  # children first: the death of a parent would wake a stopped group
            send(pid, signal.SIGKILL, lambda one: parent_of(one) in (frozen[one], me))  # noqa: B023  # likewise
        if pause.poll(5):
            os.read(woken, 4096)


def inherited() -> list[int]:
    """List the descriptors that the engine passed on: the pipes, and the claim on the workspace."""
    found = []
    for fd in map(int, os.listdir("/proc/self/fd")):
        try:
            found += [fd] if fd > 2 and os.get_inheritable(fd) else []
        except OSError:
            continue  # the listing's own
    return found


def remove(folder: str) -> None:
    """Delete a directory tree without following links; what cannot be deleted stays."""
    try:
        for _, folders, files, fd in os.fwalk(folder, topdown=False):
            for name in files:
                os.unlink(name, dir_fd=fd)
            for name in folders:
                try:
                    os.rmdir(name, dir_fd=fd)
                except NotADirectoryError:
                    os.unlink(name, dir_fd=fd)
        os.rmdir(folder)
    except (OSError, RecursionError):
        pass  # the engine looks again, with more patience


def main(arguments: list[str]) -> None:
    """Run one command to its end and report it."""
    control, report = int(arguments[0]), int(arguments[1])
    private, wall_s = arguments[2], float(arguments[3])
    started = time.monotonic()
    try:
        for fd in inherited():
            os.set_inheritable(fd, False)
        prctl(SUBREAPER, 1)
        woken = wake_on_signals()
        pid, failed = start(arguments[9:], [int(one) for one in arguments[4:9]])
        let_go_of_streams()
        how, code = (
            ("exec", failed) if failed else watch(pid, control, woken, started + wall_s, int(arguments[8]))
        )
        duration_s = time.monotonic() - started
        end_everything(woken)
    except OSError as error:
        how, code, duration_s = "setup", error.errno or errno.EPERM, 0.0
    remove(private)
    os.write(report, f"{how} {code} {round(duration_s * 1000)}\n".encode())


if __name__ == "__main__":
    main(sys.argv[1:])
