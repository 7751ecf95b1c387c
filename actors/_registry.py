"""Finding actors: by a typed key, or as members of a typed group."""

from typing import Any, Generic, TypeVar

import attrs

from actors._cell import Cell, State
from actors._ref import Ref, cell_of

M = TypeVar("M")


@attrs.frozen
class Key(Generic[M]):
    """A name that carries the protocol: ``LEDGER = Key[Append | Read]("ledger")``."""

    name: str


class Registry:
    """The keys and groups of one system. What stops leaves it."""

    __slots__ = ("_groups", "_named")

    def __init__(self) -> None:
        self._named: dict[Key[Any], Cell] = {}
        self._groups: dict[Key[Any], dict[Cell, None]] = {}

    def register(self, key: Key[M], ref: Ref[M]) -> None:
        """Let ``key`` find ``ref`` until it stops.

        Raises:
            ValueError: The key finds another actor that has not stopped.
        """
        found = self.lookup(key)
        if found is not None and found != ref:
            raise ValueError(f"{key.name!r} is registered for {found.path}")
        self._named[key] = cell_of(ref)

    def unregister(self, key: Key[Any]) -> None:
        """Forget a key; unknown ones are ignored."""
        self._named.pop(key, None)

    def lookup(self, key: Key[M]) -> Ref[M] | None:
        """The actor registered under ``key``, if it has not stopped."""
        cell = self._named.get(key)
        if cell is not None and cell.state is State.STOPPED:
            del self._named[key]
            cell = None
        return Ref(cell) if cell is not None else None

    def join(self, group: Key[M], ref: Ref[M]) -> None:
        """Make ``ref`` a member until it leaves or stops; joining twice is harmless."""
        self.members(group)
        self._groups.setdefault(group, {})[cell_of(ref)] = None

    def leave(self, group: Key[M], ref: Ref[M]) -> None:
        """End a membership; unknown ones are ignored."""
        self._groups.get(group, {}).pop(cell_of(ref), None)

    def members(self, group: Key[M]) -> tuple[Ref[M], ...]:
        """The members that have not stopped, in the order they joined."""
        cells = self._groups.get(group, {})
        for cell in [cell for cell in cells if cell.state is State.STOPPED]:
            del cells[cell]
        if not cells:
            self._groups.pop(group, None)
        return tuple(Ref(cell) for cell in cells)
