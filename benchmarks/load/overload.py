"""More work than the bridge takes on, for a while: what becomes of the accepted, the shed, and of control.

Three times as many connections as the bridge has places ask for one run, again and again without a pause.
Meanwhile one person, a process of its own, halts and releases the engine.
"""

import json
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks.load.client import Sample, percentile, request
from benchmarks.load.lean import ask

ROOT = Path(__file__).parent.parent.parent
PLACES = 256  # HttpLimits.requests
TIMES = 3


@dataclass
class Outcome:
    """What came of it: durations in seconds of accepted requests; answers by status."""

    accepted: list[float] = field(default_factory=list)
    statuses: dict[int, int] = field(default_factory=dict)
    without_retry_after: int = 0
    broken: int = 0


def resident_mib(pid: int) -> float:
    """Memory that a process has."""
    pages = Path(f"/proc/{pid}/statm").read_text(encoding="ascii").split()[1]
    return int(pages) * 4096 / 2**20


def overload(port: int, pid: int, run: str, seconds: float) -> dict[str, object]:
    """Overload the bridge and say what it made of that; memory is compared from a third on."""
    command = [sys.executable, "-m", "benchmarks.load.person", str(port), str(seconds)]
    memory: list[float] = []
    with (
        subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE) as person,
        ThreadPoolExecutor(1) as pool,
    ):
        flood = pool.submit(_flood, port, f"/v1/runs/{run}", seconds)
        while not flood.done():
            time.sleep(seconds / 30)
            memory.append(resident_mib(pid))
        outcome, (told, _) = flood.result(), person.communicate()
    if person.returncode:
        raise RuntimeError(f"{' '.join(command)} ended with {person.returncode}")
    control: list[float] = json.loads(told)
    settled = memory[len(memory) // 3 :]
    return {
        "seconds": seconds,
        "connections": PLACES * TIMES,
        "answers": {str(status): count for status, count in sorted(outcome.statuses.items())},
        "broken_connections": outcome.broken,
        "shed_without_retry_after": outcome.without_retry_after,
        "accepted_p99_ms": round(1000 * percentile(outcome.accepted, 99), 1),
        "control_requests": len(control),
        **{f"control_p{one}_ms": round(1000 * percentile(control, one), 1) for one in (50, 99)},
        "control_longest_ms": round(1000 * max(control), 1),
        "memory_mib": {
            "first": round(settled[0], 1),
            "last": round(settled[-1], 1),
            "most": round(max(settled), 1),
        },
    }


def _flood(port: int, path: str, seconds: float) -> Outcome:
    outcome, sample, again = Outcome(), Sample(), request("GET", path)
    ends = time.monotonic() + seconds

    def told(head: bytes, body: bytes, took: float) -> bytes | None:
        status = int(head[9:12])
        outcome.statuses[status] = outcome.statuses.get(status, 0) + 1
        if status == 200:
            outcome.accepted.append(took)
        elif b"\r\nretry-after:" not in head.lower():
            outcome.without_retry_after += 1
        return again if time.monotonic() < ends else None

    ask(port, [again] * (PLACES * TIMES), told, sample)
    outcome.broken = len(sample.failures)
    return outcome
