"""Bounds of a process, set by itself or by whoever watches over it; standard library only."""

from __future__ import annotations

import os
import resource


def set_limits(values: list[int], process: int = 0) -> None:
    """Bound this process, or another, and all it will start; no limit is raised above the one in force.

    ``values`` are CPU seconds, bytes of address space, of a file, open files, processes; -1: unbounded.
    """
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
        _, hard = resource.prlimit(process, kind)
        # One second between SIGXCPU, which names the limit, and the SIGKILL that cannot be caught.
        top = value + 1 if kind == resource.RLIMIT_CPU else value
        top = top if hard == resource.RLIM_INFINITY else min(top, hard)
        resource.prlimit(process, kind, (min(value, top), top))


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
