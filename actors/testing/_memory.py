"""Failing schedules that are tried first the next time."""

from importlib import import_module
from importlib.util import find_spec
from typing import Any, Protocol

from actors.testing._schedule import Backend, Schedule

#: Remembered schedules that are tried, shortest first.
RECALLED_MAX = 8
TELLING = (int, str, float, bool, bytes, type(None))


class Memory(Protocol):
    """Keeps short texts under a name; ``actors.testing.hypothesis`` has one."""

    def recall(self, name: str) -> list[str]:
        """What is kept under a name."""

    def keep(self, name: str, text: str) -> None:
        """Keep one more."""

    def forget(self, name: str, text: str) -> None:
        """Keep it no longer."""


def find() -> Memory | None:
    """The memory of this process: Hypothesis' example database, where there is Hypothesis."""
    if find_spec("hypothesis") is None:
        return None
    memory: Memory | None = import_module("actors.testing.hypothesis").examples()
    return memory


def name_of(program: Any, given: dict[str, Any] | None = None) -> str | None:
    """What a program is remembered by: where it stands, and which parameters it was given; None for none."""
    name = getattr(program, "__qualname__", None)
    if name is None:
        return None
    told = [f"{key}={value!r}" for key, value in sorted((given or {}).items()) if isinstance(value, TELLING)]
    return f"{getattr(program, '__module__', '')}.{name}({', '.join(told)})"


class Remembered:
    """The failing schedules of one program; nothing is kept of a program without a name."""

    def __init__(self, name: str | None) -> None:
        self._name = name or ""
        self._memory = find() if name else None

    def recall(self, backend: Backend) -> list[Schedule]:
        """The schedules that failed on an event loop, shortest first."""
        if self._memory is None:
            return []
        kept = [one.partition(":") for one in self._memory.recall(self._name)]
        tokens = sorted(
            {token for loop, _, token in kept if loop == backend}, key=lambda one: (len(one), one)
        )
        return [schedule for token in tokens[:RECALLED_MAX] if (schedule := _parsed(token)) is not None]

    def keep(self, backend: Backend, *schedules: Schedule) -> None:
        """Try these first from now on."""
        if self._memory is not None:
            for one in schedules:
                self._memory.keep(self._name, f"{backend}:{one.token}")

    def forget(self, backend: Backend, schedule: Schedule) -> None:
        """It fails no more."""
        if self._memory is not None:
            self._memory.forget(self._name, f"{backend}:{schedule.token}")


def _parsed(token: str) -> Schedule | None:
    """A token that another version wrote is passed over."""
    try:
        return Schedule.parse(token)
    except ValueError:
        return None
