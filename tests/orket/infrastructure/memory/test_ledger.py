"""The memory ledger keeps the port's word."""

from __future__ import annotations

import pytest

from orket.infrastructure.memory import open_ledger
from tests.contracts.ledger import LedgerContract, Opening
from tests.contracts.recall import RecallContract


class TestMemoryLedger(LedgerContract, RecallContract):
    @pytest.fixture
    def opening(self) -> Opening:
        return open_ledger
