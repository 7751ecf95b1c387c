"""What the ledger says for a heartbeat, asked again only when something was recorded since."""

from __future__ import annotations

import anyio
import attrs

from orket.domain.events import EngineHalted
from orket.domain.halts import Halts
from orket.domain.ports import LedgerReader

RUNS_MAX = 500


@attrs.frozen
class Beat:
    """Whether the engine is halted, and how many runs are open (counted up to ``RUNS_MAX``)."""

    halted: bool
    runs_open: int


class Pulse:
    """The last beat of one ledger; those who ask together while it has moved on share one look."""

    def __init__(self, ledger: LedgerReader) -> None:
        self._ledger, self._halts = ledger, Halts(ledger)
        self._looking = anyio.Lock()
        self._seq, self._beat = -1, Beat(halted=False, runs_open=0)

    async def beat(self) -> Beat:
        """Say how it stands now.

        Raises:
            StoreError: The ledger cannot be read.
        """
        if await self._newest() != self._seq:
            async with self._looking:
                newest = await self._newest()
                if newest != self._seq:
                    self._beat = await self._look()
                    self._seq = newest
        return self._beat

    async def standing(self) -> EngineHalted | None:
        """Find the halt that was not released yet, or None.

        Raises:
            StoreError: The ledger cannot be read.
        """
        return await self._halts.standing()

    async def _newest(self) -> int:
        return await self._ledger.wait(-1)

    async def _look(self) -> Beat:
        halted = await self._halts.standing() is not None
        return Beat(halted, len(await self._ledger.runs(limit=RUNS_MAX, open_only=True)))
