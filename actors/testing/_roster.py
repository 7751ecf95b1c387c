"""Names for tasks: the same in every process, on both backends, and after small changes."""

from collections import Counter
from typing import Any

from actors.testing._mixing import fingerprint

#: Tasks of the runtime, whoever happened to start them.
OWN = {
    "Worker.run": "worker",
    "Sweeper.run": "timers",
    "ActorSystem._keep": "system",
}
NAME_MAX = 96


class Entry:
    """One task as the scheduler knows it.

    ``label`` is the incarnation whose handler it has suspended, and stands for its name then: which
    of the workers a handler got is an accident. ``handle`` is how its loop runs it.
    """

    __slots__ = ("handle", "label", "name", "number", "work")

    def __init__(self, number: int, name: str) -> None:
        self.number: int = number
        self.name: str = name
        self.label: str | None = None
        self.handle: Any = None
        self.work: Any = None

    @property
    def called(self) -> str:
        """The name to choose by."""
        return self.label or self.name


class Roster:
    """Gives each new task its number and its name."""

    def __init__(self) -> None:
        self._counts: Counter[str] = Counter()
        self._number = 0

    def admit(self, function: str, creator: Entry | None) -> Entry:
        """The entry of a task that runs ``function`` and was started by ``creator``."""
        short = ".".join(part for part in function.split(".")[-2:] if part != "<locals>")
        base = OWN.get(short)
        if base is None:
            last = short.rpartition(".")[2]
            parent = creator.called if creator is not None else ""
            base = "main" if creator is None else last if parent == "main" else f"{parent}>{last}"
            if len(base) > NAME_MAX:
                base = f"{last}~{fingerprint(base):x}"
        count = self._counts[base]
        self._counts[base] = count + 1
        self._number += 1
        return Entry(self._number, base if not count else f"{base}.{count + 1}")
