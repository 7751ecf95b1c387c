"""Looking at a running system: small frozen records, made only when somebody asks."""

import heapq
from collections.abc import Callable, Iterable
from typing import Any

import attrs

from actors._cell import Cell
from actors._delivery import content
from actors._kernel import BOOKS, Kernel


@attrs.frozen
class Info:
    """One actor at one moment.

    Attributes:
        path: Names from the system down.
        kind: Name of its class.
        state: ``starting``, ``running``, ``suspended``, ``down`` or ``stopped``.
        mailbox_depth: Messages that wait.
        mailbox_capacity: Messages that may wait.
        oldest_s: Seconds the longest waiting message has waited; None when nothing waits, or when
            nothing stamps messages (a system with ``carry`` or ``telemetry`` does).
        offers_waiting: Senders blocked for room.
        current: The message a suspended handler is at; None when idle. Of several concurrent
            handlers, the one that has been at it longest.
        current_s: Seconds since that handler was suspended first; None when idle.
        waiting_on: Paths of the actors its handlers wait for.
        children: Paths of its children, in start order.
        incarnation: 0 for the first, one more after each end of an incarnation.
        restarts: Restarts by its supervisor.
        accepted: Messages its mailbox took.
        handled: Messages handled, those cut off included.
        rejected: Messages its handlers refused.
        expired: Messages skipped in the queue: deadline passed, asker gone, timer cancelled.
        cut_off: Handlers the runtime cancelled.
        dead_letters: Messages that ended as dead letters, by reason.
    """

    path: str
    kind: str
    state: str
    mailbox_depth: int
    mailbox_capacity: int
    oldest_s: float | None
    offers_waiting: int
    current: Any
    current_s: float | None
    waiting_on: tuple[str, ...]
    children: tuple[str, ...]
    incarnation: int
    restarts: int
    accepted: int
    handled: int
    rejected: int
    expired: int
    cut_off: int
    dead_letters: dict[str, int]


@attrs.frozen
class Statistics:
    """The books of a whole system, stopped actors included.

    Once nothing is in flight, ``accepted`` plus the dead letters ``refused`` at the door equals
    ``handled`` + ``rejected`` + ``expired`` + all dead letters + ``queued``.

    Attributes:
        actors: Actors that are not stopped, the root excepted.
        workers: Tasks that run handlers, idle ones included.
        queued: Messages that wait in mailboxes.
        accepted: Messages mailboxes took.
        handled: Messages handled, those cut off included.
        rejected: Messages handlers refused.
        expired: Messages skipped in the queue.
        cut_off: Handlers the runtime cancelled.
        restarts: Restarts by supervisors.
        second_replies: Replies that came second or too late.
        refused: Dead letters that never entered a mailbox.
        dead_letters: Messages that ended as dead letters, by reason.
    """

    actors: int
    workers: int
    queued: int
    accepted: int
    handled: int
    rejected: int
    expired: int
    cut_off: int
    restarts: int
    second_replies: int
    refused: int
    dead_letters: dict[str, int]


@attrs.frozen
class Node:
    """One actor of the tree, with its children in start order."""

    name: str
    path: str
    kind: str
    state: str
    mailbox_depth: int
    restarts: int
    children: "tuple[Node, ...]"


def state_of(cell: Cell) -> str:
    """The state as a word."""
    return "suspended" if cell.suspended else cell.state.value


def describe_cell(cell: Cell, hands: dict[Any, float]) -> Info:
    """What is known about one actor now; ``hands`` tells since when workers are suspended in which."""
    now = cell.kernel.now()
    since, item, waits = at_work(cell, hands)
    return Info(
        path=cell.path,
        kind=cell.blueprint.actor.__name__,
        state=state_of(cell),
        mailbox_depth=len(cell.queue or ()),
        mailbox_capacity=cell.blueprint.options.mailbox.capacity,
        oldest_s=oldest(cell, now),
        offers_waiting=len(cell.offers or ()),
        current=content(item) if item is not None else None,
        current_s=max(0.0, now - since) if since is not None else None,
        waiting_on=tuple(dict.fromkeys(wait.target.path for wait in waits)),
        children=tuple(child.path for child in cell.offspring()),
        incarnation=cell.generation,
        restarts=cell.restarts,
        accepted=cell.accepted,
        handled=cell.handled,
        rejected=cell.rejected,
        expired=cell.expired,
        cut_off=cell.cut_off,
        dead_letters=dict(cell.dead or {}),
    )


def hands_of(kernel: Kernel) -> dict[Any, float]:
    """The cells in whose handlers workers are suspended, with the clock reading since when."""
    return {worker.cell: worker.since for worker in kernel.workers.values() if worker.cell is not None}


def at_work(cell: Cell, hands: dict[Any, float]) -> "tuple[float | None, Any, list[Any]]":
    """Since when and at what the oldest suspended handler of an actor is; what its handlers wait for."""
    waits = list(cell.waits or ())
    found = [(hands[cell], cell.current)] if cell in hands else []
    for turn in (cell.turns or {}).values():
        found.append((turn.since, turn.item))
        waits.extend(turn.waits or ())
    since, item = min(found, key=lambda one: one[0]) if found else (None, cell.current)
    return since, item, waits


def oldest(cell: Cell, now: float) -> float | None:
    """How long the first message of the mailbox has waited, if it was stamped."""
    luggage = getattr(cell.queue[0], "carried", None) if cell.queue else None
    return max(0.0, now - luggage.sent_at) if luggage is not None else None


def survey(kernel: Kernel, limit: int) -> tuple[Info, ...]:
    """The root and the busiest actors with those above them, parents first, in start order."""
    cells = walk(kernel.root)
    if len(cells) > limit:
        chosen = set()
        for one in heapq.nlargest(limit, cells, key=busy):
            above: Cell | None = one
            while above is not None and above not in chosen:
                chosen.add(above)
                above = above.parent
        cells = [cell for cell in cells if cell in chosen]
    hands = hands_of(kernel)
    return tuple(describe_cell(cell, hands) for cell in cells)


def busy(cell: Cell) -> tuple[int, bool, int]:
    """How much there is to see of an actor: what waits, what runs, what failed."""
    return len(cell.queue or ()) + len(cell.offers or ()), cell.current is not None, cell.restarts


def draw_tree(cell: Cell) -> Node:
    """The tree below and including ``cell``."""
    return Node(
        cell.name,
        cell.path,
        cell.blueprint.actor.__name__,
        state_of(cell),
        len(cell.queue or ()),
        cell.restarts,
        tuple(draw_tree(child) for child in cell.offspring()),
    )


def walk(cell: Cell, below: Callable[[Cell], Iterable[Cell]] = Cell.offspring) -> "list[Cell]":
    """The cell and everything below it, parents first."""
    found, ahead = [], [cell]
    while ahead:
        found.append(ahead.pop())
        ahead.extend(reversed(tuple(below(found[-1]))))
    return found


def add_up(kernel: Kernel) -> Statistics:
    """The books of the living and the stopped together."""
    cells = walk(kernel.root, Cell.grown)
    totals = {name: kernel.counters[name] for name in BOOKS}
    dead = dict(kernel.dead)
    for cell in cells:
        if cell.retired:
            continue
        for name in BOOKS:
            totals[name] += getattr(cell, name)
        for reason, count in (cell.dead or {}).items():
            dead[reason] = dead.get(reason, 0) + count
    return Statistics(
        actors=sum(len(cell.children or ()) for cell in cells),
        workers=len(kernel.workers),
        queued=sum(len(cell.queue or ()) for cell in cells),
        second_replies=kernel.counters["second_replies"],
        refused=kernel.counters["refused"],
        dead_letters=dead,
        **totals,
    )
