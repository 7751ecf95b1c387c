"""Taking a snapshot of a system, in its own event loop and between two of its steps."""

import os
import time

from actors._observe import Info
from actors._system import ActorSystem
from actors.top._records import ActorLine, Snapshot


def take(system: ActorSystem, limit: int = 1000) -> Snapshot:
    """Look at a running system now.

    Takes about 10 µs for each of its actors, during which nothing else runs.

    Args:
        system: A system that was entered, in whose event loop this is called.
        limit: When there are more actors, these many of the busiest and those above them.
    """
    books = system.statistics()
    return Snapshot(
        system=system.name,
        alive=system.alive,
        pid=os.getpid(),
        taken_s=time.monotonic(),
        actors_total=books.actors,
        workers=books.workers,
        queued=books.queued,
        handled=books.handled,
        restarts=books.restarts,
        dead_letters=books.dead_letters,
        actors=tuple(map(line_of, system.survey(limit))),
    )


def line_of(info: Info) -> ActorLine:
    """What travels of an actor: its messages as class names only."""
    return ActorLine(
        path=info.path,
        kind=info.kind,
        state=info.state,
        mailbox_depth=info.mailbox_depth,
        mailbox_capacity=info.mailbox_capacity,
        oldest_s=info.oldest_s,
        offers_waiting=info.offers_waiting,
        current=type(info.current).__name__ if info.current is not None else None,
        current_s=info.current_s,
        waiting_on=info.waiting_on,
        restarts=info.restarts,
        accepted=info.accepted,
        handled=info.handled,
        dead_letters=sum(info.dead_letters.values()),
    )
