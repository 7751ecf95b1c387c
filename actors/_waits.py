"""The graph of who waits for whom, and the exact search for a cycle in it.

An edge leads from a turn (a handler that runs) over what it waits for (an ask, or room in a
mailbox) to the turn that must end first. Nothing is kept for asks made outside handlers.
"""

from typing import Any

import attrs

from actors._cell import Cell
from actors._envelope import DEFERRED, RUNNING, Envelope


@attrs.define(eq=False)
class Room:
    """A wait for room in ``target``'s mailbox."""

    target: Cell
    message: Any
    waiter: Any = None
    taken: bool = False
    error: BaseException | None = None


def blocker(wait: Any) -> Any:
    """The turn that must end before ``wait`` can; None when that is open."""
    if isinstance(wait, Envelope):
        if wait.state >= DEFERRED:
            return None
        if wait.state == RUNNING:
            return wait.turn
    return wait.target


def find_cycle(asker: Any, target: Cell, message: Any) -> tuple[list[str], list[Any]] | None:
    """The cycle that closes when ``asker`` waits for ``target``: paths and messages, or None."""
    if target is asker:
        return [asker.path, asker.path], [message]
    seen: list[Any] = [target]
    trails: list[tuple[Any, list[str], list[Any]]] = [(target, [asker.path, target.path], [message])]
    while trails:
        turn, paths, messages = trails.pop()
        for wait in turn.waits or ():
            following = blocker(wait)
            if following is asker:
                return [*paths, asker.path], [*messages, wait.message]
            if following is not None and all(following is not other for other in seen):
                seen.append(following)
                trails.append((following, [*paths, following.path], [*messages, wait.message]))
    return None
