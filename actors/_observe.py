"""Looking at a running system: small frozen records, made only when somebody asks."""

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
        state: ``starting``, ``running``, ``suspended``, ``down`` or ``stopped``.
        mailbox_depth: Messages that wait.
        offers_waiting: Senders blocked for room.
        current: The message a suspended handler is at; None when idle.
        waiting_on: Paths of the actors that handler waits for.
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
    state: str
    mailbox_depth: int
    offers_waiting: int
    current: Any
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


def describe_cell(cell: Cell) -> Info:
    """What is known about one actor now."""
    waits = cell.waits or ()
    return Info(
        path=cell.path,
        state=state_of(cell),
        mailbox_depth=len(cell.queue or ()),
        offers_waiting=len(cell.offers or ()),
        current=content(cell.current) if cell.current is not None else None,
        waiting_on=tuple(wait.target.path for wait in waits),
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


def walk(cell: Cell) -> "list[Cell]":
    """The cell and everything below it, parents first."""
    found = [cell]
    for child in cell.offspring():
        found.extend(walk(child))
    return found


def add_up(kernel: Kernel) -> Statistics:
    """The books of the living and the stopped together."""
    cells = walk(kernel.root)
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
        actors=len(cells) - 1,
        workers=len(kernel.workers),
        queued=sum(len(cell.queue or ()) for cell in cells),
        second_replies=kernel.counters["second_replies"],
        refused=kernel.counters["refused"],
        dead_letters=dead,
        **totals,
    )
