"""Whether the engine is halted, as the ledger says."""

from __future__ import annotations

from orket.domain.events import EngineHalted
from orket.domain.identifiers import ENGINE
from orket.domain.ports import LedgerReader

PAGE = 1000


class Halts:
    """Whether the engine is halted, and by what, as the ledger has it; reads on from where it was last."""

    def __init__(self, ledger: LedgerReader) -> None:
        self._ledger = ledger
        self._after = 0
        self._standing: EngineHalted | None = None

    async def standing(self) -> EngineHalted | None:
        """Find the halt that was not released yet, or None."""
        newest = await self._ledger.wait(-1)
        while newest > self._after:
            page = await self._ledger.read(ENGINE, after=self._after, limit=PAGE)
            reached = page[-1].seq if page else newest
            if page and reached > self._after:  # who asked at the same time may have read further
                last = page[-1].event  # only halts and releases stand there
                self._standing = last if isinstance(last, EngineHalted) else None
            self._after = max(self._after, reached)
        return self._standing
