"""``python -m benchmarks http``: the bridge by CPU time per request, and its event streams.

The servers run side by side, each in its own process, and take turns in rounds; the CPU time that a server
used divided by its requests does not depend on what else the machine does, up to caches. The best round of
each is compared.
"""

import argparse
import asyncio
import json
import socket
import time
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from benchmarks.actors.machine import machine, versions
from benchmarks.http.load import Server, follow, load, server
from benchmarks.http.server import RUN

RESULTS = Path(__file__).parent.parent / "results"
PATH = f"/v1/runs/{RUN}/pause"
EVENTS = f"/v1/runs/{RUN}/events"
KINDS = {"bare": 200, "ask": 200, "mounted": 200, "full": 503}
TARGETS = {"ask": 0.70, "mounted": 0.60, "full": 0.60}
IDLE_KIB_MAX, EVENTS_PER_S_MIN, IDLE_CPU_MAX = 25.0, 10_000, 0.02


def per_request(rounds: int, count: int, connections: int) -> dict[str, float]:
    """CPU time of the server per request, in microseconds, of each kind: its best round."""
    best: dict[str, float] = {}
    with ExitStack() as stack:
        servers = {kind: stack.enter_context(server(kind)) for kind in KINDS}
        for number in range(rounds + 1):
            for kind, one in servers.items():
                used = _round(one, count, connections, KINDS[kind])
                if number:  # the first warms up
                    best[kind] = min(best.get(kind, used), used)
    return best


def _round(one: Server, count: int, connections: int, status: int) -> float:
    began = one.cpu_s()
    asyncio.run(load(one.port, PATH, count, connections, status))
    return (one.cpu_s() - began) / count * 1e6


def idle_streams(clients: int, seconds: float) -> dict[str, float]:
    """Memory of each idle event stream, and the CPU that all of them cost."""
    with server("ask") as one, ExitStack() as stack:
        for _ in range(20):
            stack.enter_context(follow(one.port, EVENTS))
        before = one.resident_bytes()
        for _ in range(clients):
            stack.enter_context(follow(one.port, EVENTS))
        grown = one.resident_bytes() - before
        began = one.cpu_s()
        time.sleep(seconds)
        used = one.cpu_s() - began
        return {
            "clients": clients,
            "kib_each": round(grown / clients / 1024, 1),
            "cpu_share": round(used / seconds, 4),
            "watched_s": seconds,
        }


def busy_stream(events: int) -> dict[str, float]:
    """Events per second that one client of a run gets that is written as fast as it can be."""
    with server("events") as one, follow(one.port, EVENTS) as client:
        began_cpu, began = one.cpu_s(), time.perf_counter()
        with socket.create_connection(("127.0.0.1", one.port)) as other:
            other.sendall(b"POST /begin HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 0\r\n\r\n")
            seen = 0
            while seen < events:
                seen += client.recv(1 << 20).count(b"\nid: ")
        took = time.perf_counter() - began
        return {
            "events": seen,
            "per_s": round(seen / took),
            "server_cpu_us_each": round((one.cpu_s() - began_cpu) / seen * 1e6, 1),
        }


def measure(given: argparse.Namespace) -> dict[str, Any]:
    """Measure everything."""
    rounds, count = (2, 640) if given.short else (given.rounds, given.count)
    costs = per_request(rounds, count, 32)
    shares = {kind: round(costs["bare"] / costs[kind], 3) for kind in TARGETS}
    idle = idle_streams(100 if given.short else 1000, 1.0 if given.short else 20.0)
    busy = busy_stream(5_000 if given.short else 100_000)
    return {
        "kind": "http",
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "command": "python -m benchmarks http" + (" --short" if given.short else ""),
        "machine": machine(),
        "versions": versions(),
        "cpu_us_per_request": {kind: round(cost, 1) for kind, cost in costs.items()},
        "share_of_bare": shares,
        "idle_streams": idle,
        "busy_stream": busy,
        "targets": {
            **{f"{kind} >= {share:.0%} of bare": shares[kind] >= share for kind, share in TARGETS.items()},
            f"idle stream <= {IDLE_KIB_MAX:g} KiB": idle["kib_each"] <= IDLE_KIB_MAX,
            f"idle streams <= {IDLE_CPU_MAX:.0%} CPU": idle["cpu_share"] <= IDLE_CPU_MAX,
            f"busy stream >= {EVENTS_PER_S_MIN} events/s": busy["per_s"] >= EVENTS_PER_S_MIN,
        },
    }


def main(arguments: list[str]) -> int:
    """Measure, print, and keep the result as JSON."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks http", description=__doc__.split("\n")[0])
    parser.add_argument("--rounds", type=int, default=5, help="rounds of each server")
    parser.add_argument("--count", type=int, default=1600, help="requests of a round")
    parser.add_argument("--short", action="store_true", help="a quick look; the figures mean little")
    parser.add_argument("--out", type=Path, help="write the result there")
    given = parser.parse_args(arguments)
    report = measure(given)
    text = json.dumps(report, indent=1)
    print(text)
    path = given.out or (None if given.short else RESULTS / f"{report['date'][:10]}_http.json")
    if path is not None:
        path.write_text(text + "\n", encoding="utf-8")
    return 0
