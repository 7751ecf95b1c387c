"""What people do to the project's memory; runs have ``DecisionRemembered``."""

from __future__ import annotations

import attrs


@attrs.frozen(kw_only=True)
class MemoryAdded:
    """A person added something to know in all later runs; no run's event."""

    by: str
    text: str


@attrs.frozen(kw_only=True)
class MemoryForgotten:
    """A person took event ``number`` out of the memory: it is recalled no more; no run's event.

    The ledger keeps what it was, as it keeps everything.
    """

    number: int
    by: str
    reason: str = ""
