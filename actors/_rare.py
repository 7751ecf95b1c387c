"""Fields of a cell that few actors ever need: kept beside it, and only once one of them is set."""

from typing import Any

#: Every such field, with the value it has until it is set.
DEFAULTS: dict[str, Any] = {
    "cut_off": 0,
    "dead": None,
    "expired": 0,
    "extra": None,
    "failed": None,
    "failures": 0,
    "falling": False,
    "history": None,
    "parking": None,
    "pipes": None,
    "rejected": 0,
    "replies": None,
    "restarts": 0,
    "retried": None,
    "sequence": False,
    "stash": None,
    "static": False,
    "suspended": False,
    "thread": None,
    "timers": None,
    "tracers": None,
    "turns": None,
    "watchers": None,
    "watching": None,
}


class Rare:
    """The rare fields of one cell."""

    __slots__ = tuple(DEFAULTS)

    cut_off: Any
    dead: Any
    expired: Any
    extra: Any
    failed: Any
    failures: Any
    falling: Any
    history: Any
    parking: Any
    pipes: Any
    rejected: Any
    replies: Any
    restarts: Any
    retried: Any
    sequence: Any
    stash: Any
    static: Any
    suspended: Any
    thread: Any
    timers: Any
    tracers: Any
    turns: Any
    watchers: Any
    watching: Any

    def __init__(self) -> None:
        for name, value in DEFAULTS.items():
            setattr(self, name, value)


class Rarely:
    """A rare field as an attribute of the cell."""

    __slots__ = ("_default", "_name")

    def __set_name__(self, owner: type[Any], name: str) -> None:
        self._name = name
        self._default = DEFAULTS[name]

    def __get__(self, cell: Any, owner: type[Any]) -> Any:
        if cell is None:
            return self
        return self._default if cell.rare is None else getattr(cell.rare, self._name)

    def __set__(self, cell: Any, value: Any) -> None:
        if cell.rare is None:
            if value == self._default:
                return
            cell.rare = Rare()
        setattr(cell.rare, self._name, value)


def rarely() -> Any:
    """Declare a rare field."""
    return Rarely()


def own(cell: Any) -> Rare:
    """The rare fields of a cell, for code that touches several of them."""
    rare: Rare | None = cell.rare
    if rare is None:
        rare = cell.rare = Rare()
    return rare
