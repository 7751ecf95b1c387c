"""The ledger under simulation: any ledger, with the faults a ledger may have."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from actors.testing import port_faults
from orket.domain.events import Event, Recorded
from orket.domain.identifiers import RunId
from orket.domain.ports import CommandKey, Ledger


class SimulatedLedger:
    """A ledger whose commits may take long (``Faults(delay=["simulatedledger"])``).

    Put it around the ledger in memory and make it ``sim.fragile(SimulatedLedger(ledger))``. It never
    loses, tears or doubles an append: an adapter that did would not be a ledger.

    Args:
        ledger: The ledger that it stands before.
        seen: Is given the events of every append, at the moment at which they are recorded.
    """

    def __init__(
        self, ledger: Ledger, seen: Callable[[tuple[Recorded, ...]], object] = lambda recorded: None
    ) -> None:
        self._ledger, self._seen = ledger, seen

    def __getattr__(self, name: str) -> Any:
        return getattr(self._ledger, name)

    @port_faults("delay")
    async def append(
        self,
        run_id: RunId,
        events: Sequence[Event],
        *,
        blobs: Sequence[bytes] = (),
        key: CommandKey | None = None,
    ) -> tuple[Recorded, ...]:
        """Record events, blobs and idempotency key, all or none; see ``orket.domain.ports.Ledger``."""
        recorded = await self._ledger.append(run_id, events, blobs=blobs, key=key)
        self._seen(recorded)
        return recorded
