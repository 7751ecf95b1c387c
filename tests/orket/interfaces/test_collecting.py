"""The collector is told for the time of the block, and is as before afterwards, whatever happens in it."""

from __future__ import annotations

import gc

import pytest

from orket.interfaces.collecting import THRESHOLDS, collecting_seldom


def fails_while_collecting_seldom() -> None:
    with collecting_seldom():
        assert gc.get_threshold() == THRESHOLDS
        assert gc.get_freeze_count() > 0
        assert gc.isenabled()
        raise LookupError


def test_the_collector_is_as_before_afterwards() -> None:
    before = gc.get_threshold(), gc.get_freeze_count()
    with pytest.raises(LookupError):
        fails_while_collecting_seldom()
    assert (gc.get_threshold(), gc.get_freeze_count()) == before
