"""Seeds: actors of which nothing exists yet but their ref and their place among the siblings.

Nobody can tell when the instance of a *blank* class is made (it has no constructor, no hook, no
state), nor its cell. So a spawn of such a class makes only the ref. Whatever looks at the ref's
cell, a first message for example, makes the cell; a stop before that just removes the seed.
"""

from typing import Any

from actors._cell import RUNNING, STOPPED, Cell
from actors._messages import Exit
from actors._ref import Ref

#: No constructor arguments.
NOTHING: tuple[tuple[Any, ...], dict[str, Any]] = ((), {})


class Seed(Ref[Any]):
    """A ref without a cell: it becomes a plain ``Ref`` when the cell is asked for first."""

    __slots__ = ()

    def __init__(self, seed: tuple[Cell, int, Any]) -> None:
        self._seed = seed

    def __getattr__(self, name: str) -> Any:
        # Only reached for what is not there: the slot of the cell is still empty.
        if name == "_cell":
            return self.grow()
        raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")

    def grow(self) -> Cell:
        """Make the cell: running, or a tombstone when the seed has been removed meanwhile."""
        parent, key, _ = self._seed
        place = (parent.children or {}).get(key)
        if place is None or place is self:
            cell = self._sprout(removed=place is None)
        else:
            # This is a copy of the seed that was sown.
            cell = place if place.__class__ is Cell else place.grow()
        self._cell = cell
        # A plain ref from now on: the interpreter is quicker with a class that has no __getattr__.
        self.__class__ = Ref  # type: ignore[assignment]  # the same layout, without the detour
        del self._seed
        return cell

    def _sprout(self, *, removed: bool) -> Cell:
        parent, key, blueprint = self._seed
        cell = Cell(parent.kernel, parent, key, blueprint, NOTHING, blueprint.options.spec, key)
        if removed:
            cell.state, cell.exit, cell.arguments = STOPPED, Exit("shutdown"), None
            cell.ending = cell.retired = True
        else:
            cell.begun, cell.since = 0, parent.kernel.loop.now()
            cell.state, cell.open = RUNNING, True
            assert parent.children is not None
            parent.children[key] = cell
        return cell


def sown(parent: Cell, actor: Any) -> Seed | None:
    """Spawn ``actor`` as a seed; None when that is not possible, whatever the reason."""
    kernel = parent.kernel
    blueprint = getattr(actor, "__blueprint__", None)
    if blueprint is None or not blueprint.blank or blueprint.actor is not actor or not kernel.plain:
        return None
    if parent.state is not RUNNING or parent.ending or kernel.closed:
        return None
    if parent.children is None:
        parent.children = {}
    key = kernel.next_serial()
    seed = parent.children[key] = Seed((parent, key, blueprint))
    return seed
