"""The system's clock and its source of random names."""

from __future__ import annotations

import secrets
from datetime import UTC, datetime

from orket.domain.identifiers import CardId, RunId


class SystemClock:
    """The time of day of this machine."""

    def now(self) -> datetime:
        """Return the current time, aware, in UTC."""
        return datetime.now(UTC)


class RandomIds:
    """Names from the operating system's random source."""

    def run_id(self) -> RunId:
        """Make a run id: 8 hexadecimal digits."""
        return RunId(secrets.token_hex(4))

    def card_id(self) -> CardId:
        """Make a card id: ``ISSUE-`` and 8 hexadecimal digits, in capitals."""
        return CardId(f"ISSUE-{secrets.token_hex(4).upper()}")
