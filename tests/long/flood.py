"""Three times the work that a running `orket serve` takes on: ``python -m tests.long.flood --seconds 30``.

What is asserted does not depend on how fast the machine is: the memory stays flat, every refusal says when to
come back, what was accepted comes to its end, none of it is lost, and control is answered all the while.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import resource
import signal
import tempfile
import time
import urllib.request
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

from orket.interfaces.limits import HttpLimits
from tests.long.contract import STOP_S, is_quiet, serving

TARGET = "ledger_cli"
TIMES = 3
STARTERS = 8
GROWTH_MIB_MAX = 24.0
SETTLE_S = 180.0


@dataclass
class Outcome:
    """Answers by kind and status; the runs that were accepted, by the key they were asked for with."""

    statuses: Counter[tuple[str, int]] = field(default_factory=Counter)
    without_retry_after: int = 0
    accepted: dict[str, str] = field(default_factory=dict)


def request(method: str, path: str, body: bytes = b"", **headers: str) -> bytes:
    """Write a request; ``_`` in the names of headers stands for ``-``."""
    lines = [f"{method} {path} HTTP/1.1", "Host: 127.0.0.1", "Content-Type: application/json"]
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    return "\r\n".join([*lines, f"Content-Length: {len(body)}", "", ""]).encode() + body


async def exchange(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, sent: bytes
) -> tuple[int, bytes, bytes]:
    """Send one request; the status, the head in lower case and the body of its answer."""
    writer.write(sent)
    head = (await reader.readuntil(b"\r\n\r\n")).lower()
    length = head.partition(b"content-length: ")[2].partition(b"\r\n")[0]
    return int(head.split(b" ", 2)[1]), head, await reader.readexactly(int(length or 0))


def resident_mib(pid: int) -> float:
    """Memory that a process has."""
    pages = Path(f"/proc/{pid}/statm").read_text(encoding="ascii").split()[1]
    return int(pages) * resource.getpagesize() / 2**20


class Client:
    """A connection that is taken up again when a refusal closes it."""

    def __init__(self, port: int, outcome: Outcome) -> None:
        self._port, self._outcome = port, outcome
        self._streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

    async def ask(self, kind: str, sent: bytes) -> tuple[int, bytes]:
        """Send a request and count its answer; status 0 when the connection broke."""
        try:
            if self._streams is None:
                self._streams = await asyncio.open_connection("127.0.0.1", self._port)
            status, head, body = await exchange(*self._streams, sent)
        except (OSError, asyncio.IncompleteReadError):
            self.close()
            self._outcome.statuses[kind, 0] += 1
            return 0, b""
        self._outcome.statuses[kind, status] += 1
        if status in (429, 503) and b"\r\nretry-after:" not in head:
            self._outcome.without_retry_after += 1
        if b"\r\nconnection: close" in head:
            self.close()
        return status, body

    def close(self) -> None:
        """Let go of the connection."""
        if self._streams is not None:
            self._streams[1].close()
        self._streams = None


async def look(port: int, outcome: Outcome, ends: float) -> None:
    """Ask for the list of runs without a pause."""
    client, sent = Client(port, outcome), request("GET", "/v1/runs?limit=5")
    while time.monotonic() < ends:
        await client.ask("look", sent)
    client.close()


async def start(port: int, outcome: Outcome, ends: float, name: str) -> None:
    """Start runs, each with a key of its own, and each asked for until it is accepted."""
    client, body = Client(port, outcome), json.dumps({"target": TARGET}).encode()
    number = 0
    while time.monotonic() < ends:
        key = f"{name}-{number}"
        status, answer = await client.ask("start", request("POST", "/v1/runs", body, Idempotency_Key=key))
        if status == 202:
            outcome.accepted[key] = json.loads(answer)["id"]
            number += 1
        await asyncio.sleep(0.05)
    client.close()


async def control(port: int, outcome: Outcome, ends: float) -> None:
    """Pause and resume whatever was accepted last: control has places of its own."""
    client = Client(port, outcome)
    while time.monotonic() < ends:
        for run in list(outcome.accepted.values())[-1:]:
            for command in ("pause", "resume"):
                body = json.dumps({"by": "flood"}).encode()
                await client.ask("control", request("POST", f"/v1/runs/{run}/{command}", body))
        await asyncio.sleep(0.1)
    client.close()


async def flood(port: int, pid: int, seconds: float) -> tuple[Outcome, list[float]]:
    """Send more than is taken on, for so long; what came of it, and the memory meanwhile."""
    outcome, memory = Outcome(), list[float]()
    ends = time.monotonic() + seconds
    async with asyncio.TaskGroup() as group:
        for _ in range(HttpLimits().requests * TIMES):
            group.create_task(look(port, outcome, ends))
        for number in range(STARTERS):
            group.create_task(start(port, outcome, ends, f"flood-{number}"))
        group.create_task(control(port, outcome, ends))
        while time.monotonic() < ends:
            await asyncio.sleep(seconds / 30)
            memory.append(resident_mib(pid))
    return outcome, memory


async def ends_of(port: int, outcome: Outcome) -> Counter[str]:
    """Ask for each key again, which must name the same run, and see each run to its end."""
    client, found = Client(port, Outcome()), Counter[str]()
    body, by = json.dumps({"target": TARGET}).encode(), json.dumps({"by": "flood"}).encode()
    async with asyncio.timeout(SETTLE_S):
        for key, run in outcome.accepted.items():
            status, answer = await client.ask("again", request("POST", "/v1/runs", body, Idempotency_Key=key))
            assert (status, json.loads(answer)["id"]) == (202, run), (key, run, answer)
            told = "paused"
            while told in ("running", "paused"):
                if told == "paused":  # left so by the control of the flood
                    await client.ask("resume", request("POST", f"/v1/runs/{run}/resume", by))
                _, answer = await client.ask("see", request("GET", f"/v1/runs/{run}", Prefer="wait=10"))
                told = json.loads(answer)["status"]
            found[told] += 1
    client.close()
    return found


def judge(outcome: Outcome, memory: Sequence[float], ends: Counter[str]) -> list[str]:
    """Name what is not as it must be."""
    faults = []
    statuses = outcome.statuses
    shed = sum(count for (_, status), count in statuses.items() if status in (429, 503))
    if not shed:
        faults.append("nothing was shed: this was no overload")
    if outcome.without_retry_after:
        faults.append(f"{outcome.without_retry_after} refusals without Retry-After")
    if odd := {key: count for key, count in statuses.items() if key[1] in (0, 500, 504)}:
        faults.append(f"broken or failed: {odd}")
    if not outcome.accepted:
        faults.append("no run was accepted")
    if ends["done"] != len(outcome.accepted):
        faults.append(f"{len(outcome.accepted)} runs were accepted, their ends: {dict(ends)}")
    if any(status in (429, 503) for (kind, status) in statuses if kind == "control"):
        faults.append("control was shed")
    third = len(memory) // 3
    grown = max(memory[-third:]) - max(memory[third : 2 * third])
    if grown > GROWTH_MIB_MAX:
        faults.append(f"the memory grew by {grown:.0f} MiB in the last third")
    return faults


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.long.flood")
    parser.add_argument("--seconds", type=float, default=30)
    given = parser.parse_args(arguments)
    with (
        tempfile.TemporaryDirectory(prefix="orket-flood-") as name,
        serving(Path(name)) as (server, url, said),
    ):
        port = urlsplit(url).port
        assert port is not None
        outcome, memory = asyncio.run(flood(port, server.pid, given.seconds))
        ends = asyncio.run(ends_of(port, outcome))
        with urllib.request.urlopen(f"{url}/readyz", timeout=10) as answer:
            ready = answer.status == 200
        server.send_signal(signal.SIGTERM)
        ended = server.wait(STOP_S)
    faults = judge(outcome, memory, ends)
    told = ", ".join(
        f"{kind} {status}: {count}" for (kind, status), count in sorted(outcome.statuses.items())
    )
    print(f"flood: {told}; {len(outcome.accepted)} runs accepted, ends {dict(ends)}")
    print(f"flood: memory {memory[0]:.0f} to {memory[-1]:.0f} MiB, ready {ready}, exit code {ended}")
    for fault in faults:
        print(f"flood: {fault}")
    return 0 if not faults and ready and ended == 0 and is_quiet(said) else 1


if __name__ == "__main__":
    raise SystemExit(main())
