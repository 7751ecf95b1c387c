"""``/v1/system/heartbeat``, ``/v1/ledger/verify``: how the engine is doing, whether its record is whole."""

from __future__ import annotations

from datetime import UTC, datetime

import anyio.to_thread
from starlette.requests import Request
from starlette.responses import Response

from orket import __version__
from orket.bootstrap.database import verify_ledger
from orket.domain.keys import Scope
from orket.interfaces.answers import json_response
from orket.interfaces.bridge import Bridge
from orket.interfaces.operations import READS, Answer, Operation
from orket.interfaces.problems import OVERLOADED, HttpRefusal
from orket.wire.heartbeat import HeartbeatView, LedgerFaultView, LedgerReportView


async def heartbeat(bridge: Bridge, request: Request) -> Response:
    """Say how the engine is doing."""
    running = bridge.running
    beat = await bridge.pulse.beat()
    return json_response(
        HeartbeatView(
            at=datetime.now(UTC),
            version=__version__,
            halted=beat.halted,
            uptime_s=bridge.uptime_s(),
            runs_open=beat.runs_open,
            commands_waiting=running.system.info(running.engine).mailbox_depth,
            requests_under_way=bridge.admission.under_way(),
            streams_open=len(bridge.streams),
        )
    )


async def verify(bridge: Bridge, request: Request) -> Response:
    """Check every event, blob and list; one check at a time."""
    if bridge.verifying.statistics().borrowed_tokens:
        raise HttpRefusal(OVERLOADED, "The ledger is being checked already.", headers={"retry-after": "5"})
    settings = bridge.running.settings
    report = await anyio.to_thread.run_sync(verify_ledger, settings, limiter=bridge.verifying)
    return json_response(
        LedgerReportView(
            ok=report.ok,
            events=report.events,
            runs=report.runs,
            blobs=report.blobs,
            end_seq=report.end.seq,
            end_link=report.end.link,
            faults=tuple(LedgerFaultView(seq=one.seq, what=one.what) for one in report.faults),
        )
    )


OPERATIONS = (
    Operation(
        name="getHeartbeat",
        method="GET",
        path="/v1/system/heartbeat",
        summary="How the engine is doing",
        handler=heartbeat,
        answers=(Answer(status=200, description="Its figures now.", body=HeartbeatView),),
        problems=READS,
        tag="system",
    ),
    Operation(
        name="verifyLedger",
        method="POST",
        path="/v1/ledger/verify",
        summary="Check the whole ledger",
        description="Finds events that were changed, removed, moved or cut off at the end.",
        handler=verify,
        answers=(Answer(status=200, description="What was found.", body=LedgerReportView),),
        problems=READS,
        tag="ledger",
        scope=Scope.ADMIN,
    ),
)
