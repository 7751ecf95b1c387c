"""Start one command, and leave nothing of it behind; forked by ``serving`` for each command.

It is a process of its own because only a parent can adopt: as *child subreaper* it inherits every
descendant that gets away by ``setsid`` or a double fork, and ends them all when the command ends, when its
time is up, or when the control pipe closes. The kernel closes that pipe even when the engine dies by SIGKILL,
so a launcher never outlives its engine. Standard library only, and of this package what stands beside it.

Arguments: control fd, report fd, private directory, wall seconds, then the resource limits (CPU seconds,
address space, file size, open files, processes; bytes and counts), then the number of words of a jail and
those words (see ``jail`` and ``restrict``; none: no jail), then the command.

The report is one line ``HOW CODE MILLISECONDS WORDS``; HOW is ``exit``, ``signal``, ``timeout``, ``limit``
(too many processes), ``memory`` (too much of it together), ``canceled``, ``exec`` (could not be started, CODE
is the errno), ``jail`` (bubblewrap could not set up or start it, and has said why on standard error) or
``setup`` (the launcher itself could not work, CODE is the errno, WORDS may say at which step).
"""

from __future__ import annotations

import ctypes
import errno
import os
import resource
import select
import signal
import time
from collections.abc import Callable
from typing import NamedTuple

from orket.infrastructure.sandboxes import jail, restrict

SUBREAPER, DEATH_SIGNAL = 36, 1
FREEZE_PASSES_MAX = 100
LOOK_S = 0.05
JAILERS = 2  # bubblewrap itself, and the first process of its sandbox
SLACK = 16
PAGE_BYTES = os.sysconf("SC_PAGE_SIZE")


class Given(NamedTuple):
    """What a launcher inherits: root's users, and where to join a control group (-1: there is none)."""

    users: jail.Users
    group: int = -1


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
        if value < 0:
            continue
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


def become(
    argv: list[str], limits: list[int], launcher: int, words: list[str], gate: jail.Gate, users: jail.Users
) -> None:
    """Turn this forked child into the command; returns only by raising OSError."""
    os.setsid()
    ignored = (signal.SIGPIPE, signal.SIGXFSZ, signal.SIGINT, signal.SIGHUP, signal.SIGQUIT)
    for one in ignored:  # an ignored signal stays ignored across exec
        signal.signal(one, signal.SIG_DFL)
    os.umask(0o022)
    if words[:1] == [restrict.MARK]:
        set_limits(limits)
        restrict.enter(words)
    elif words:
        argv = [*jail.enter(words, gate, users), *argv]
    prctl(DEATH_SIGNAL, signal.SIGKILL)  # after a change of user, which would cancel it
    if os.getppid() != launcher:
        os._exit(127)
    set_limits(limits)
    os.execvp(argv[0], argv)


def is_jail(words: list[str]) -> bool:
    """Tell whether bubblewrap stands between launcher and command."""
    return bool(words) and words[0] != restrict.MARK


def start(
    argv: list[str], limits: list[int], words: list[str], gate: jail.Gate, given: Given
) -> tuple[int, str]:
    """Fork and exec; return the pid, and what hindered it as ``HOW CODE WORDS``, empty when it runs."""
    launcher = os.getpid()
    # A control group counts what is really held; what is merely reserved is then nobody's business.
    memory_bytes = limits[1] if given.group < 0 else -1
    limits = [
        limits[0],
        memory_bytes,
        *limits[2:4],
        gate.limit_at_start if is_jail(words) else limits[4] + threads_of_user(),
    ]
    answer, failure = os.pipe()
    if (pid := os.fork()) == 0:
        try:
            if given.group >= 0:
                os.write(given.group, b"0")
            become(argv, limits, launcher, words, gate, given.users)
        except jail.Unprepared as error:
            os.write(failure, f"setup {error.errno} {error.strerror}".encode())
        except OSError as error:
            how = "setup" if is_jail(words) and error.errno != errno.E2BIG else "exec"
            os.write(failure, f"{how} {error.errno or errno.EPERM} ".encode())
        except ValueError:  # an empty name
            os.write(failure, f"exec {errno.ENOENT} ".encode())
        finally:
            os._exit(127)
    os.close(failure)
    gate.keep_ours()
    with os.fdopen(answer, "rb") as told:
        return pid, told.read().decode()


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


class Watch:
    """Waits until the command ends, the time is up, there is too much of it or the engine lets go.

    Processes and memory are looked at now and then: the kernel counts processes of a user and memory of a
    process, and neither binds root.
    """

    def __init__(self, pid: int, deadline: float, limits: list[int], gate: jail.Gate | None) -> None:
        self._pid, self._deadline, self._gate = pid, deadline, gate
        self._memory_bytes = limits[1]
        self._processes = limits[4] + (JAILERS if gate is not None else 0)

    def until_over(self, control: int, woken: int) -> tuple[str, int]:
        """Say how it ended."""
        waiting = select.poll()
        heard = () if self._gate is None else (self._gate.status,)
        for fd in (control, woken, *heard):
            waiting.register(fd, select.POLLIN)
        looked = 0.0
        while True:
            _, status = reap(self._pid)
            if status is not None:
                return self._ended(status)
            now = time.monotonic()
            if now >= self._deadline:
                return "timeout", signal.SIGKILL
            if now >= looked + LOOK_S:
                looked = now
                if excess := too_much(os.getpid(), self._processes, self._memory_bytes):
                    return excess, signal.SIGKILL
            ready = {fd for fd, _ in waiting.poll(min(self._deadline - now, LOOK_S) * 1000)}
            if control in ready or (woken in ready and signal.SIGTERM in os.read(woken, 4096)):
                return "canceled", signal.SIGKILL
            if self._gate is not None and self._gate.status in ready and not self._gate.heed():
                waiting.unregister(self._gate.status)

    def _ended(self, status: int) -> tuple[str, int]:
        code = os.waitstatus_to_exitcode(status)
        if self._gate is not None and code >= 0:
            told = self._gate.exit_code()
            if told is None:
                return "jail", code
            code = told if not 128 < told <= 128 + signal.SIGRTMIN else 128 - told
        return ("signal", -code) if code < 0 else ("exit", code)


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


def too_much(top: int, processes_max: int, memory_bytes: int) -> str:
    """Say ``limit`` for more than so many processes below ``top``, ``memory`` for more than so much held."""
    count, held, todo = 0, 0, [top]
    while todo and count <= processes_max:
        found = children_of(todo.pop())
        count += len(found)
        held += sum(map(resident_bytes, found))
        todo.extend(found)
    if count > processes_max:
        return "limit"
    return "memory" if held > memory_bytes else ""


def resident_bytes(pid: int) -> int:
    """Read how much memory a process has in use that it does not share with others."""
    try:
        with open(f"/proc/{pid}/statm", "rb") as file:
            _, resident, shared = map(int, file.read().split()[:3])
    except (OSError, ValueError):
        return 0
    return (resident - shared) * PAGE_BYTES


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


def run(arguments: list[str], given: Given, started: float) -> str:
    """Run one command to its end; return the report."""
    control, wall_s = int(arguments[0]), float(arguments[3])
    limits, count = [int(one) for one in arguments[4:9]], int(arguments[9])
    words, argv = arguments[10 : 10 + count], arguments[10 + count :]
    for fd in inherited():
        os.set_inheritable(fd, False)
    prctl(SUBREAPER, 1)
    woken = wake_on_signals()
    gate = jail.Gate(limits[4] + JAILERS + SLACK)
    pid, hindered = start(argv, limits, words, gate, given)
    let_go_of_streams()
    how, code = "", 0
    if not hindered:
        watch = Watch(pid, started + wall_s, limits, gate if is_jail(words) else None)
        how, code = watch.until_over(control, woken)
    duration_ms = round((time.monotonic() - started) * 1000)
    end_everything(woken)
    if hindered:
        how, code_said, said = hindered.split(" ", 2)
        return f"{how} {code_said} {duration_ms} {said}\n"
    return f"{how} {code} {duration_ms}\n"


def main(arguments: list[str], given: Given) -> None:
    """Run one command to its end and report it."""
    try:
        said = run(arguments, given, time.monotonic())
    except OSError as error:
        said = f"setup {error.errno or errno.EPERM} 0\n"
    remove(arguments[2])
    os.write(int(arguments[1]), said.encode())
