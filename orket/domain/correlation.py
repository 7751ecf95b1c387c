"""On whose behalf something is done: the request that came in from outside, carried with each message."""

from __future__ import annotations

from contextvars import ContextVar

import attrs


@attrs.frozen
class Origin:
    """A request of the outside world: its id, and the trace it belongs to (W3C ``traceparent``, or empty)."""

    request_id: str
    traceparent: str = ""


REQUEST: ContextVar[Origin] = ContextVar("orket.request")
"""The request that is being carried out, if one is; it travels in the envelope of every message."""
