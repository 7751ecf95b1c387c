"""The system's clock is aware and in UTC; random names have the agreed form."""

from __future__ import annotations

import re
from datetime import timedelta

from orket.infrastructure.clock import RandomIds, SystemClock


def test_now_is_in_utc() -> None:
    first, second = SystemClock().now(), SystemClock().now()
    assert first.utcoffset() == timedelta(0)
    assert first <= second


def test_names_have_the_agreed_form_and_differ() -> None:
    ids = RandomIds()
    assert re.fullmatch("[0-9a-f]{8}", ids.run_id())
    assert re.fullmatch("ISSUE-[0-9A-F]{8}", ids.card_id())
    assert len({ids.run_id() for _ in range(100)}) == 100
