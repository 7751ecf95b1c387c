"""What the engine's jobs tell it when they are over; nobody else sends these."""

from __future__ import annotations

from typing import Any

import attrs

from actors import Message, Reply, shared
from orket.domain.identifiers import RunId
from orket.domain.ports import RunSummary
from orket.domain.runs import RunStatus
from orket.orchestration.admission import Candidate
from orket.orchestration.messages import EngineTicket, RunTicket, StartRun


@attrs.frozen(kw_only=True)
class Prepared(Message):
    """A run is ready to be admitted; ``over`` names runs that have ended, once the ledger was asked."""

    asked: StartRun
    to: Reply[RunTicket]
    candidate: Candidate
    over: frozenset[RunId] | None = None


@attrs.frozen
class Judged(Message):
    """What the admission rule says of the candidate whose turn it is; empty: it may start."""

    refusal: str


@attrs.frozen(kw_only=True)
class Recorded(Message):
    """An admitted run is on the ledger, or (``ok`` false) could not be recorded and was answered.

    ``status`` is where it stands then: a fork whose workspace could not be rebuilt has failed.
    """

    run_id: RunId
    asked: StartRun
    to: Reply[RunTicket]
    ok: bool
    status: RunStatus = RunStatus.RUNNING


@attrs.frozen(kw_only=True)
class Controlled(Message):
    """A command about a run is on the ledger and was carried out."""

    to: Reply[RunTicket]
    ticket: RunTicket


@attrs.frozen(kw_only=True)
class SystemDone(Message):
    """A command about the engine itself was carried out (``ticket``), or was not (``refused``)."""

    ticket: EngineTicket | None = None
    refused: Any = shared(default=None)  # noqa: RUF009  # it makes an attrs field


@attrs.frozen(kw_only=True)
class Looked(Message):
    """What the ledger says about a run whose child has ended, and what the child died of."""

    summary: RunSummary
    reason: str


@attrs.frozen
class Answered(Message):
    """A job has answered its asker; ``start`` is the command, if it was one to start a run."""

    start: StartRun | None = None


@attrs.frozen
class JobFailed(Message):
    """A job raised what no rule foresees."""

    error: str


Note = Prepared | Judged | Recorded | Controlled | SystemDone | Looked | Answered | JobFailed
