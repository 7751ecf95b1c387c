"""What a look at a system finds, and its form as JSON."""

import json
from typing import Any

import attrs


@attrs.frozen
class ActorLine:
    """One actor at one moment.

    Attributes:
        path: Names from the system down, joined by ``/``.
        kind: Name of its class.
        state: ``starting``, ``running``, ``suspended``, ``down`` or ``stopped``.
        mailbox_depth: Messages that wait.
        mailbox_capacity: Messages that may wait.
        oldest_s: Seconds the longest waiting message has waited; None when that is not known.
        offers_waiting: Senders blocked for room.
        current: Class of the message that a suspended handler is at; None when idle.
        current_s: Seconds since that handler was suspended first; None when idle.
        waiting_on: Paths of the actors its handlers wait for.
        restarts: Restarts by its supervisor.
        accepted: Messages its mailbox took so far.
        handled: Messages handled so far.
        dead_letters: Messages that ended as dead letters so far.
    """

    path: str
    kind: str
    state: str
    mailbox_depth: int
    mailbox_capacity: int
    oldest_s: float | None
    offers_waiting: int
    current: str | None
    current_s: float | None
    waiting_on: tuple[str, ...]
    restarts: int
    accepted: int
    handled: int
    dead_letters: int


@attrs.frozen
class Snapshot:
    """A system at one moment.

    Attributes:
        system: Its name.
        alive: Whether it takes messages; a system that stops does not.
        pid: The process it runs in.
        taken_s: Reading of that process's monotonic clock, in seconds: differences count.
        actors_total: Actors that are not stopped, the root excepted.
        workers: Tasks that run handlers, idle ones included.
        queued: Messages that wait.
        handled: Messages handled so far, by stopped actors too.
        restarts: Restarts so far.
        dead_letters: Dead letters so far, by reason.
        actors: Parents before children, in start order, the root first; the busiest when there
            are more than were asked for.
    """

    system: str
    alive: bool
    pid: int
    taken_s: float
    actors_total: int
    workers: int
    queued: int
    handled: int
    restarts: int
    dead_letters: dict[str, int]
    actors: tuple[ActorLine, ...]

    def to_json(self) -> bytes:
        """The snapshot as a JSON object whose keys are the attributes."""
        return json.dumps(attrs.asdict(self), separators=(",", ":")).encode()

    @classmethod
    def from_json(cls, text: bytes) -> "Snapshot":
        """Read what ``to_json`` wrote, here or in a newer version: unknown keys are skipped.

        Raises:
            ValueError: Not a snapshot.
        """
        try:
            read: Snapshot = _known(cls, json.loads(text))
            lines = tuple(_known(ActorLine, line) for line in read.actors)
            return attrs.evolve(
                read,
                actors=tuple(attrs.evolve(line, waiting_on=tuple(line.waiting_on)) for line in lines),
            )
        except (TypeError, AttributeError) as error:
            raise ValueError(f"not a snapshot of an actor system: {error}") from error


def _known(cls: type[Any], found: Any) -> Any:
    names = {field.name for field in attrs.fields(cls)}
    return cls(**{name: value for name, value in found.items() if name in names})
