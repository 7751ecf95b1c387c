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

import errno
import os
import select
import signal
import time
from typing import NamedTuple

from orket.infrastructure.sandboxes import jail, restrict
from orket.infrastructure.sandboxes.family import end_everything, reap, too_much
from orket.infrastructure.sandboxes.limiting import set_limits, threads_of_user

SUBREAPER, DEATH_SIGNAL = 36, 1
DEAF_TO = (signal.SIGPIPE, signal.SIGXFSZ, signal.SIGINT, signal.SIGHUP, signal.SIGQUIT)  # not so the command
LOOK_S = 0.05
JAILERS = 2  # bubblewrap itself, and the first process of its sandbox
SLACK = 16


class Given(NamedTuple):
    """What a launcher inherits: root's users, what is laid out already, where to join a control group.

    ``stage`` is None when nothing is laid out, ``group`` -1 when there is none.
    """

    users: jail.Users
    stage: jail.Stage | None = None
    group: int = -1


def prctl(option: int, value: int) -> None:
    """Set a process attribute, or raise OSError."""
    jail.call("prctl", "prctl", option, value, 0, 0, 0)


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


def become(argv: list[str], limits: list[int], launcher: int, words: list[str]) -> None:
    """Turn this forked child into the command; returns only by raising OSError."""
    os.setsid()
    for one in DEAF_TO:  # an ignored signal stays ignored across exec
        signal.signal(one, signal.SIG_DFL)
    if words:
        set_limits(limits)
        restrict.enter(words)
    prctl(DEATH_SIGNAL, signal.SIGKILL)
    if os.getppid() != launcher:
        os._exit(127)
    set_limits(limits)
    os.execvp(argv[0], argv)


def is_jail(words: list[str]) -> bool:
    """Tell whether bubblewrap stands between launcher and command."""
    return bool(words) and words[0] != restrict.MARK


def jail_among(arguments: list[str]) -> list[str]:
    """Find the words of the jail in a launcher's arguments, which are given from the wall seconds on."""
    return arguments[7 : 7 + int(arguments[6])]


def made_ready(words: list[str], scratch: str, users: jail.Users) -> jail.Stage | None:
    """Lay out, for a jail as the last command's, what the next one will need too; raises OSError."""
    if not is_jail(words) or os.geteuid() != 0:
        return None
    return jail.Stage(users, scratch, [one for one in jail.places_of(words) if not _is_in(scratch, one)])


def _is_in(scratch: str, place: jail.Place) -> bool:
    return os.path.dirname(place[1]) == scratch


def start(argv: list[str], limits: list[int], words: list[str], group: int) -> tuple[int, str]:
    """Fork and exec; return the pid, and what hindered it as ``HOW CODE WORDS``, empty when it runs."""
    launcher = os.getpid()
    answer, failure = os.pipe()
    if (pid := os.fork()) == 0:
        try:
            if group >= 0:
                os.write(group, b"0")
            become(argv, [*limits[:4], limits[4] + threads_of_user()], launcher, words)
        except jail.Unprepared as error:
            os.write(failure, f"setup {error.errno} {error.strerror}".encode())
        except OSError as error:
            os.write(failure, f"exec {error.errno or errno.EPERM} ".encode())
        except ValueError:  # an empty name
            os.write(failure, f"exec {errno.ENOENT} ".encode())
        finally:
            os._exit(127)
    os.close(failure)
    with os.fdopen(answer, "rb") as told:
        return pid, told.read().decode()


def start_jailed(argv: list[str], words: list[str], gate: jail.Gate) -> tuple[int, str]:
    """Start bubblewrap, which does not copy this process for it; answers as ``start`` does.

    It is bounded when it has told its child, and asks to be killed with its parent itself.
    """
    line = [*gate.line(words), *argv]
    try:
        with gate.as_its_user():
            pid = os.posix_spawn(line[0], line, os.environ, setsid=True, setsigmask=(), setsigdef=DEAF_TO)
    except OSError as error:
        how = "exec" if error.errno == errno.E2BIG else "setup"
        return 0, f"{how} {error.errno or errno.EPERM} "
    gate.keep_ours()
    return pid, ""


def staged(words: list[str], private: str, given: Given) -> jail.Stage | None:
    """Lay out, being root, what bubblewrap needs and is not laid out yet; None: it needs nothing."""
    if os.geteuid() != 0:
        return None
    places = jail.places_of(words)
    stage = given.stage or jail.Stage(given.users, os.path.dirname(private), places)
    stage.lay_out(places)
    return stage


def let_go_of_streams() -> None:
    """Give up the command's own streams, so that they end when its processes do."""
    nothing = os.open(os.devnull, os.O_RDWR)
    for stream in (0, 1, 2):
        os.dup2(nothing, stream)


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


def inherited() -> list[int]:
    """List the descriptors that the engine passed on: the pipes, and the claim on the workspace."""
    found = []
    for fd in map(int, os.listdir("/proc/self/fd")):
        try:
            found += [fd] if fd > 2 and os.get_inheritable(fd) else []
        except OSError:
            continue  # the listing's own
    return found


def remove(name: str, start: int) -> None:
    """Delete a directory tree in the folder ``start``, following no links; what cannot be deleted stays."""
    try:
        for _, folders, files, fd in os.fwalk(name, topdown=False, dir_fd=start):
            for one in files:
                os.unlink(one, dir_fd=fd)
            for one in folders:
                try:
                    os.rmdir(one, dir_fd=fd)
                except NotADirectoryError:
                    os.unlink(one, dir_fd=fd)
        os.rmdir(name, dir_fd=start)
    except (OSError, RecursionError):
        pass  # the engine looks again, with more patience


def run(arguments: list[str], given: Given, started: float) -> str:
    """Run one command to its end; return the report."""
    control, wall_s = int(arguments[0]), float(arguments[3])
    limits, words = [int(one) for one in arguments[4:9]], jail_among(arguments[3:])
    argv = arguments[10 + len(words) :]
    for fd in inherited():
        os.set_inheritable(fd, False)
    prctl(SUBREAPER, 1)
    woken = wake_on_signals()
    # A control group counts what is really held; what is merely reserved is then nobody's business.
    kept = [limits[0], limits[1] if given.group < 0 else -1, *limits[2:]]
    os.umask(0o022)
    gate = None
    if is_jail(words):
        bounds = [*kept[:4], kept[4] + JAILERS + SLACK]
        gate = jail.Gate(bounds, given.group, staged(words, arguments[2], given))
        pid, hindered = start_jailed(argv, words, gate)
    else:
        pid, hindered = start(argv, kept, words, given.group)
    let_go_of_streams()
    how, code = "", 0
    if not hindered:
        watch = Watch(pid, started + wall_s, limits, gate)
        how, code = watch.until_over(control, woken)
    duration_ms = round((time.monotonic() - started) * 1000)
    end_everything(woken)
    if hindered:
        how, code_said, said = hindered.split(" ", 2)
        return f"{how} {code_said} {duration_ms} {said}\n"
    return f"{how} {code} {duration_ms}\n"


def main(arguments: list[str], given: Given) -> None:
    """Run one command to its end and report it."""
    scratch, private = os.path.split(arguments[2])
    start_at = os.open(scratch, os.O_PATH | os.O_DIRECTORY) if given.stage is None else given.stage.scratch
    try:
        said = run(arguments, given, time.monotonic())
    except jail.Unprepared as error:
        said = f"setup {error.errno} 0 {error.strerror}\n"
    except OSError as error:
        said = f"setup {error.errno or errno.EPERM} 0\n"
    remove(private, start_at)
    os.write(int(arguments[1]), said.encode())
