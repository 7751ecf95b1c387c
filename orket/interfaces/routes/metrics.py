"""``/metrics``: what the bridge counted and how the engine stands, in the text format of Prometheus."""

from __future__ import annotations

import resource
import time
from collections.abc import Iterator

from starlette.requests import Request
from starlette.responses import Response

from orket import __version__
from orket.domain.keys import Scope
from orket.interfaces.admission import Lane
from orket.interfaces.bridge import Bridge
from orket.interfaces.meter import METRICS_TYPE, family
from orket.interfaces.operations import Answer, Operation

RUNS_MAX = 500


async def metrics(bridge: Bridge, request: Request) -> Response:
    """Tell the figures."""
    lines = [*_bridge(bridge), *bridge.meter.lines(), *_process()]
    if bridge.alive:
        lines += [*_engine(bridge), *await _runs(bridge)]
    return Response("\n".join((*lines, "")), media_type=METRICS_TYPE, headers={"cache-control": "no-store"})


def _bridge(bridge: Bridge) -> Iterator[str]:
    yield from family("orket_info", "gauge", "Which Orket this is.", [({"version": __version__}, 1)])
    yield from family("orket_up", "gauge", "Whether commands can be carried out.", [({}, bridge.alive)])
    under_way = bridge.admission.under_way()
    yield from family("orket_http_requests_under_way", "gauge", "Requests under way.", [({}, under_way)])
    streams = len(bridge.streams)
    yield from family("orket_http_streams_open", "gauge", "Event streams and WebSockets.", [({}, streams)])
    open_now = bridge.connections()
    yield from family("orket_http_connections_open", "gauge", "Connections.", [({}, open_now)])


def _process() -> Iterator[str]:
    used = resource.getrusage(resource.RUSAGE_SELF)
    seconds = used.ru_utime + used.ru_stime
    yield from family("process_cpu_seconds_total", "counter", "CPU time of this process.", [({}, seconds)])
    most = used.ru_maxrss * 1024
    yield from family("process_peak_resident_bytes", "gauge", "Most memory it ever had.", [({}, most)])
    yield from family("process_clock_seconds", "gauge", "The time of day here.", [({}, time.time())])


async def _runs(bridge: Bridge) -> list[str]:
    found = await bridge.running.ledger.runs(limit=RUNS_MAX, open_only=True)
    counts: dict[str, int] = {}
    for one in found:
        counts[one.status.value] = counts.get(one.status.value, 0) + 1
    samples = [({"status": status}, count) for status, count in counts.items()]
    return list(family("orket_runs_open", "gauge", "Runs that have not ended.", samples))


def _engine(bridge: Bridge) -> Iterator[str]:
    running = bridge.running
    info, whole = running.system.info(running.engine), running.system.statistics()
    depth = info.mailbox_depth
    yield from family("orket_engine_mailbox_depth", "gauge", "Commands that wait.", [({}, depth)])
    oldest = info.oldest_s or 0.0
    yield from family("orket_engine_oldest_seconds", "gauge", "How long the first waits.", [({}, oldest)])
    ended = {"handled": info.handled, "rejected": info.rejected, "expired": info.expired}
    samples = [({"end": name}, count) for name, count in ended.items()]
    yield from family("orket_engine_commands_total", "counter", "Commands, by how they ended.", samples)
    restarts = info.restarts
    yield from family("orket_engine_restarts_total", "counter", "Restarts of the engine.", [({}, restarts)])
    yield from family("orket_actors", "gauge", "Actors that live.", [({}, whole.actors)])


OPERATIONS = (
    Operation(
        name="getMetrics",
        method="GET",
        path="/metrics",
        summary="What was counted, for Prometheus",
        handler=metrics,
        answers=(Answer(status=200, description="The figures.", body=str, media_type=METRICS_TYPE),),
        tag="system",
        scope=Scope.READ,
        lane=Lane.CONTROL,
    ),
)
