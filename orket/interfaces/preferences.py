"""``Prefer`` (RFC 7240): whether a caller waits for a run, and for how long."""

from __future__ import annotations

import re
from collections.abc import Mapping

import anyio
from starlette.requests import Request

from orket.domain.identifiers import RunId
from orket.domain.ports import LedgerReader, RunSummary
from orket.domain.runs import RunStatus
from orket.interfaces.bridge import Bridge
from orket.interfaces.problems import INVALID, HttpRefusal
from orket.interfaces.visits import header
from orket.wire.problems import Fault

_WAIT = re.compile(r"[0-9]{1,9}")


def wait_s(request: Request, max_s: float) -> float | None:
    """Read ``Prefer: wait=N``; None when the caller does not want to wait.

    Of contradicting preferences the first counts (RFC 7240); those that nobody knows are passed over.

    Raises:
        HttpRefusal: What stands behind ``wait=`` is no number of seconds.
    """
    if header(request.scope, b"prefer") is None:
        return None
    for one in ",".join(request.headers.getlist("prefer")).split(","):
        name, _, value = one.partition(";")[0].strip().partition("=")
        if name.strip().lower() == "respond-async":
            return None
        if name.strip().lower() == "wait":
            text = value.strip().strip('"')
            if not _WAIT.fullmatch(text):
                detail = f"wait must be a number of seconds, not {text[:100]!r}"
                fault = Fault(place="header", pointer="/Prefer", detail=detail)
                raise HttpRefusal(INVALID, f"Prefer: {detail}", faults=[fault])
            return min(float(text), max_s)
    return None


def applied(seconds: float | None) -> Mapping[str, str]:
    """Say which preference was heeded."""
    return {} if seconds is None else {"preference-applied": f"wait={seconds:g}"}


async def rested(bridge: Bridge, request: Request, run_id: RunId, seconds: float) -> RunSummary | None:
    """Wait until a run rests: it has ended, or waits for a person; or until the time is over.

    Returns:
        The run as it stands then, None if there is no such run.

    Raises:
        ClientDisconnect: The client has left; the run goes on.
    """
    return await bridge.departures.unless_left(
        request.receive, lambda: _until_rest(bridge.running.ledger, run_id, seconds)
    )


async def _until_rest(ledger: LedgerReader, run_id: RunId, seconds: float) -> RunSummary | None:
    found = await ledger.run(run_id)
    newest = 0
    with anyio.move_on_after(seconds):
        while found is not None and found.status is RunStatus.RUNNING:
            newest = await ledger.wait(max(newest, found.last_seq), run_id)
            found = await ledger.run(run_id)
    return found
