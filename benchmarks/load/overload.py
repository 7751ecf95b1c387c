"""More work than the bridge takes on, for a while: what becomes of the accepted, the shed, and of control.

Three times as many connections as the bridge has places ask for one run, again and again without a pause.
Meanwhile one person halts and releases the engine.
"""

import asyncio
import json
import time
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks.load.client import exchange_head, percentile, request

PLACES = 256  # HttpLimits.requests
TIMES = 3
CONTROL_GAP_S = 0.05


@dataclass
class Outcome:
    """What came of it: durations in seconds of accepted and control requests; answers by status."""

    accepted: list[float] = field(default_factory=list)
    control: list[float] = field(default_factory=list)
    statuses: dict[int, int] = field(default_factory=dict)
    without_retry_after: int = 0
    broken: int = 0


def resident_mib(pid: int) -> float:
    """Memory that a process has."""
    pages = Path(f"/proc/{pid}/statm").read_text(encoding="ascii").split()[1]
    return int(pages) * 4096 / 2**20


async def overload(port: int, pid: int, run: str, seconds: float) -> dict[str, object]:
    """Overload the bridge and say what it made of that; memory is compared from a third on."""
    outcome, ends = Outcome(), time.monotonic() + seconds
    memory: list[float] = []
    async with asyncio.TaskGroup() as group:
        for _ in range(PLACES * TIMES):
            group.create_task(_worker(port, f"/v1/runs/{run}", ends, outcome))
        group.create_task(_person(port, ends, outcome))
        while time.monotonic() < ends:
            await asyncio.sleep(seconds / 30)
            memory.append(resident_mib(pid))
    settled = memory[len(memory) // 3 :]
    return {
        "seconds": seconds,
        "connections": PLACES * TIMES,
        "answers": {str(status): count for status, count in sorted(outcome.statuses.items())},
        "broken_connections": outcome.broken,
        "shed_without_retry_after": outcome.without_retry_after,
        "accepted_p99_ms": round(1000 * percentile(outcome.accepted, 99), 1),
        "control_requests": len(outcome.control),
        "control_p50_ms": round(1000 * percentile(outcome.control, 50), 1),
        "control_p99_ms": round(1000 * percentile(outcome.control, 99), 1),
        "memory_mib": {
            "first": round(settled[0], 1),
            "last": round(settled[-1], 1),
            "most": round(max(settled), 1),
        },
    }


async def _worker(port: int, path: str, ends: float, outcome: Outcome) -> None:
    sent = request("GET", path)
    try:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
    except OSError:
        outcome.broken += 1
        return
    try:
        while time.monotonic() < ends:
            began = time.perf_counter()
            status, head, _ = await exchange_head(reader, writer, sent)
            outcome.statuses[status] = outcome.statuses.get(status, 0) + 1
            if status == 200:
                outcome.accepted.append(time.perf_counter() - began)
            elif b"\r\nretry-after:" not in head:
                outcome.without_retry_after += 1
    except (OSError, asyncio.IncompleteReadError):
        outcome.broken += 1
    finally:
        writer.close()


async def _person(port: int, ends: float, outcome: Outcome) -> None:
    body = json.dumps({"by": "bench"}).encode()
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    commands = ("/v1/system/halt", "/v1/system/release")
    while time.monotonic() < ends:
        for path in commands:
            began = time.perf_counter()
            status, _, answer = await exchange_head(reader, writer, request("POST", path, body))
            if status != 200:
                raise RuntimeError(f"{path}: {status} {answer!r}")
            outcome.control.append(time.perf_counter() - began)
            await asyncio.sleep(CONTROL_GAP_S)
    writer.close()
