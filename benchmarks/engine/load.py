"""What everybody does, and how it is timed. Standard library only: peers import it in their environments."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable
from typing import Any, Final

#: What a step records.
STEP_TEXT: Final = ("The guard looked at the file and found the total right. " * 6)[:300]
#: Model replies of one conversation; all but a peer's last one carry a tool call.
TURNS_PER_CARD: Final = 6
#: What the scripted model says in a turn, and what the tool is given.
SAYING: Final = "I have looked at the card and go on with the next part of the work, as it was asked for."
REMARK: Final = "This part is finished; the next one is about the tables and their columns. " * 3


class Stopwatch:
    """Elapsed seconds, and CPU seconds of all threads, between entering and leaving the block."""

    def __init__(self) -> None:
        self.wall_s = self.cpu_s = 0.0

    def __enter__(self) -> Stopwatch:
        self._from = time.perf_counter(), time.process_time()
        return self

    def __exit__(self, *_: object) -> None:
        self.wall_s = time.perf_counter() - self._from[0]
        self.cpu_s = time.process_time() - self._from[1]

    def per(self, units: int) -> dict[str, float]:
        """Microseconds per unit, by clock."""
        return {"wall_us": self.wall_s / units * 1e6, "cpu_us": self.cpu_s / units * 1e6}


def answer(main: Callable[[dict[str, Any]], Any]) -> None:
    """As a child process: do what ``argv`` says and print the result as one line of JSON."""
    print(json.dumps(main(json.loads(sys.argv[1]))), flush=True)
