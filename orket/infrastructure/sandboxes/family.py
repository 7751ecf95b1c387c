"""All that a process has started: found, counted, ended; standard library only."""

from __future__ import annotations

import os
import select
import signal
from collections.abc import Callable

FREEZE_PASSES_MAX = 100
PAGE_BYTES = os.sysconf("SC_PAGE_SIZE")


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
