"""Real blocking inside a simulation is an error that names the line."""

import sys
import threading
import time
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any

from actors.testing._stacks import foreign
from actors.testing.errors import RealBlocking

#: What the interpreter announces before it blocks or leaves the thread, and how it reads.
REFUSED = {
    "time.sleep": "time.sleep",
    "_thread.start_new_thread": "starting a thread",
    "subprocess.Popen": "starting a process",
    "os.system": "os.system",
    "os.posix_spawn": "starting a process",
    "os.fork": "os.fork",
    "socket.connect": "connecting a socket",
    "socket.bind": "binding a socket",
    "socket.getaddrinfo": "looking up a host",
}


class Guard:
    """Refuses real blocking in one thread while ``guarded`` lasts."""

    def __init__(self) -> None:
        self.threads: dict[int, int] = {}

    def audit(self, event: str, _: tuple[Any, ...]) -> None:
        """Called by the interpreter for everything it announces."""
        if event in REFUSED and self.threads.get(threading.get_ident()):
            raise RealBlocking(f"{REFUSED[event]} inside the simulation, at {caller()}")

    @contextmanager
    def here(self, active: bool) -> Iterator[None]:
        """Refuse in this thread (or, not ``active``, allow again inside a guarded block)."""
        thread = threading.get_ident()
        before = self.threads.get(thread, 0)
        self.threads[thread] = int(active)
        try:
            with self._wrapped():
                yield
        finally:
            self.threads[thread] = before
            if not before:
                del self.threads[thread]

    @contextmanager
    def _wrapped(self) -> Iterator[None]:
        """Before Python 3.12 neither a sleep nor the start of a thread is announced."""
        sleep, start = time.sleep, threading.Thread.start

        def refuse_sleep(seconds: float) -> None:
            self.audit("time.sleep", (seconds,))
            sleep(seconds)

        def refuse_start(thread: threading.Thread) -> None:
            self.audit("_thread.start_new_thread", (thread,))
            start(thread)

        patch: Any = threading.Thread
        clock: Any = time
        clock.sleep, patch.start = refuse_sleep, refuse_start
        try:
            with self._no_cached_thread():
                yield
        finally:
            clock.sleep, patch.start = sleep, start

    @contextmanager
    def _no_cached_thread(self) -> Iterator[None]:
        """Threads that trio kept idle when an earlier loop ended are used without being started."""
        cache = getattr(sys.modules.get("trio._core._thread_cache"), "ThreadCache", None)
        if cache is None:
            yield
            return
        reuse = cache.start_thread_soon

        def refuse_reuse(*args: Any, **options: Any) -> None:
            self.audit("_thread.start_new_thread", args)
            reuse(*args, **options)

        cache.start_thread_soon = refuse_reuse
        try:
            yield
        finally:
            cache.start_thread_soon = reuse


@cache
def guard() -> Guard:
    """The guard of this process; audit hooks cannot be removed, so there is one."""
    made = Guard()
    sys.addaudithook(made.audit)
    return made


def caller() -> str:
    """The innermost line of user code on this thread's stack, as ``file:line in function``."""
    for frame in reversed(traceback.extract_stack()):
        if foreign(frame.filename):
            return f"{Path(frame.filename).name}:{frame.lineno} in {frame.name}: {frame.line}"
    return "an unknown line"
