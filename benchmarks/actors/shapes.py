"""The shapes of the workloads, the same for every candidate. Imports nothing: peers run without Orket."""

from typing import Final, NamedTuple

#: Messages sent before the sender waits until they are handled: fits the default mailbox.
WAVE: Final = 1_000
#: Asks in flight at once.
FLIGHT: Final = 100
#: Actors in the ring.
RING: Final = 1_000
#: Concurrent senders to one actor.
SENDERS: Final = 100
#: One message in so many crashes its actor.
CRASH_EVERY: Final = 10
#: Room in the mailbox, or in the stream of a floor.
ROOM: Final = 1_024


class Workload(NamedTuple):
    """One workload: what it is called, what one unit is, and how many units one repetition has."""

    name: str
    title: str
    unit: str
    units: int
    short_units: int
    peer_units: int


WORKLOADS: Final = (
    Workload("tell", "tell", "message", 5_000, 2_000, 5_000),
    Workload("ask", "ask, one after the other", "ask", 1_000, 400, 1_000),
    Workload("ask_many", "ask, 100 in flight", "ask", 4_000, 2_000, 4_000),
    Workload("ping_pong", "ping-pong", "message", 2_000, 800, 2_000),
    Workload("ring", "ring of 1,000", "message", 3_000, 2_000, 4_000),
    Workload("spawn", "spawn + stop of 10,000", "actor", 10_000, 2_000, 5_000),
    Workload("fan_in", "fan-in of 100 senders", "message", 5_000, 2_000, 5_000),
    Workload("crash", "crash every 10th, supervised", "message", 2_000, 1_000, 2_000),
)
