"""Single keys from the terminal, without waiting for Enter."""

import contextlib
import os
import select
import sys
import termios
import tty
from collections.abc import Iterator

#: What arrow and paging keys send.
SEQUENCES = {
    b"\x1b[A": "up",
    b"\x1b[B": "down",
    b"\x1bOA": "up",
    b"\x1bOB": "down",
    b"\x1b[5~": "page up",
    b"\x1b[6~": "page down",
}


class Keys:
    """Keys as they are pressed; none when the input is not a terminal."""

    def __init__(self, descriptor: int | None) -> None:
        self._descriptor = descriptor

    def wait(self, timeout_s: float) -> str | None:
        """The key pressed within ``timeout_s`` seconds: a character, or a name such as ``up``."""
        if self._descriptor is None:
            select.select([], [], [], timeout_s)
            return None
        ready, _, _ = select.select([self._descriptor], [], [], timeout_s)
        if not ready:
            return None
        pressed = os.read(self._descriptor, 16)
        if not pressed:
            return "q"  # the terminal has gone
        return SEQUENCES.get(pressed, pressed[:1].decode("ascii", "replace"))


@contextlib.contextmanager
def open_keys() -> Iterator[Keys]:
    """Read keys one by one while the block runs; the terminal is as before afterwards."""
    if not sys.stdin.isatty():
        yield Keys(None)
        return
    descriptor = sys.stdin.fileno()
    before = termios.tcgetattr(descriptor)
    try:
        tty.setcbreak(descriptor)
        yield Keys(descriptor)
    finally:
        termios.tcsetattr(descriptor, termios.TCSADRAIN, before)
