"""Where suspended tasks stand, for the report of a deadlock."""

import linecache
from collections.abc import Iterator
from pathlib import Path
from types import FrameType
from typing import Any

import actors

LIBRARIES = ("site-packages", "dist-packages", "lib/python3", "frozen ", str(Path(actors.__file__).parent))
#: Awaitables between a task and its innermost frame, at most.
DEPTH_MAX = 200


def foreign(filename: str) -> bool:
    """Whether a file is the user's: neither the runtime's nor of an installed library."""
    return not any(library in filename for library in LIBRARIES)


def frames(work: Any) -> Iterator[FrameType]:
    """The frames of a suspended coroutine, outermost first."""
    for _ in range(DEPTH_MAX):
        frame = (
            getattr(work, "cr_frame", None)
            or getattr(work, "gi_frame", None)
            or getattr(work, "ag_frame", None)
        )
        if frame is not None:
            yield frame
        inner = (
            getattr(work, "cr_await", None)
            or getattr(work, "gi_yieldfrom", None)
            or getattr(work, "ag_await", None)
        )
        if inner is None and frame is not None:
            # Whoever drives a coroutine by hand keeps it in a local of this name.
            inner = frame.f_locals.get("work")
        if inner is None or inner is work:
            return
        work = inner


def position(work: Any) -> str | None:
    """Where a coroutine waits: the innermost line of user code, as text; None without one."""
    found = None
    for frame in frames(work):
        name = frame.f_code.co_filename
        if foreign(name):
            line = linecache.getline(name, frame.f_lineno).strip()
            found = f"{Path(name).name}:{frame.f_lineno} in {frame.f_code.co_name}: {line}"
    return found
