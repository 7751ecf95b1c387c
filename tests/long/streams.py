"""Clients of a running `orket serve` that come, read slowly, break off and come back.

Runs proceed meanwhile, some of them started by a client that leaves before its answer. At the end every
client has seen exactly the log of its run, in order, every run has come to its own end, and the server has
complained of nothing. Seeded: the same clients do the same things again, though not at the same moments.
``python -m tests.long.streams --seconds 30``.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import random
import signal
import socket
import struct
import tempfile
import time
import urllib.request
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from urllib.parse import urlsplit

from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed

from tests.long.contract import STOP_S, is_quiet, serving

TARGET = "ledger_cli"
RUNS_AT_ONCE = 3
WATCHERS = 4  # of each kind, for each run
WAIT_S = 120.0
# A connection that is broken off at once is reset, not closed: the server learns of it by an error.
RESET = struct.pack("ii", 1, 0)


class Watcher:
    """One client of one run: the sequence numbers it has seen, over all its connections."""

    def __init__(self, port: int, run: str, chance: random.Random) -> None:
        self.port, self.run, self.chance = port, run, chance
        self.seen: list[int] = []
        self.connections = 0
        self.over = False

    @property
    def last(self) -> int:
        return self.seen[-1] if self.seen else 0

    def take(self, data: str) -> None:
        event = json.loads(data)
        assert event["run_id"] == self.run
        self.seen.append(event["seq"])
        self.over = event["kind"] == "RunFinished"

    async def watch(self) -> None:
        """See the run to its end, however often the connection is broken off."""
        while not self.over:
            self.connections += 1
            patience = self.chance.choice([1, 2, 5, 20, 10_000])  # events until it breaks off
            with suppress(OSError, ConnectionClosed, asyncio.IncompleteReadError):
                await self.visit(patience)
            await asyncio.sleep(self.chance.choice([0, 0, 0.01, 0.2]))

    async def visit(self, patience: int) -> None:
        raise NotImplementedError

    async def dawdle(self) -> None:
        """Read on at once, mostly."""
        if self.chance.random() < 0.2:
            await asyncio.sleep(self.chance.choice([0.001, 0.02, 0.1]))


class SseWatcher(Watcher):
    """Over the event stream, on a socket that takes little at a time."""

    async def visit(self, patience: int) -> None:
        plain = socket.socket()
        plain.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        plain.setblocking(False)
        await asyncio.get_running_loop().sock_connect(plain, ("127.0.0.1", self.port))
        reader, writer = await asyncio.open_connection(sock=plain, limit=2**20)
        by_header = self.chance.random() < 0.5
        query = "" if by_header else f"?after={self.last}"
        resume = f"Last-Event-ID: {self.last}\r\n" if by_header else ""
        writer.write(
            f"GET /v1/runs/{self.run}/events{query} HTTP/1.1\r\nHost: 127.0.0.1\r\n{resume}\r\n".encode()
        )
        try:
            head = await reader.readuntil(b"\r\n\r\n")
            status = int(head.split(b" ", 2)[1])
            if status == 204:
                self.over = True
                return
            assert status == 200, head
            await self._read(reader, patience)
        finally:
            if self.chance.random() < 0.5:
                plain.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
            writer.transport.abort()

    async def _read(self, reader: asyncio.StreamReader, patience: int) -> None:
        text = b""
        while patience > 0:
            size = int(await reader.readline(), 16)  # chunked
            text += await reader.readexactly(size)
            await reader.readexactly(2)
            *blocks, text = text.split(b"\n\n")
            for block in blocks:
                lines = dict(one.split(": ", 1) for one in block.decode().splitlines() if one[:1] != ":")
                if "data" in lines:
                    self.take(lines["data"])
                    assert self.last == int(lines["id"])
                    patience -= 1
            if not size or patience <= 0:
                return
            await self.dawdle()


class SocketWatcher(Watcher):
    """Over a WebSocket."""

    async def visit(self, patience: int) -> None:
        url = f"ws://127.0.0.1:{self.port}/v1/runs/{self.run}/events?after={self.last}"
        async with connect(url, proxy=None, max_queue=1, close_timeout=1) as it:
            while patience > 0 and not self.over:
                self.take(str(await it.recv()))
                patience -= 1
                await self.dawdle()
            if not self.over and self.chance.random() < 0.5:
                it.transport.abort()


async def started(port: int, key: str, chance: random.Random) -> str:
    """Start a run, as a client that may leave before its answer and asks again with the same key."""
    body = json.dumps({"target": TARGET}).encode()
    head = (
        f"POST /v1/runs HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"
        f"Idempotency-Key: {key}\r\nContent-Length: {len(body)}\r\n\r\n"
    ).encode()
    while True:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(head + body)
        if chance.random() < 0.5:
            await asyncio.sleep(chance.choice([0, 0.001, 0.01, 0.06]))
            writer.transport.abort()
            continue
        answer = await reader.readuntil(b"\r\n\r\n")
        length = int(answer.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0])
        told = json.loads(await reader.readexactly(length))
        writer.close()
        assert b" 202 " in answer, answer
        return str(told["id"])


async def one_run(port: int, number: int, seed: str) -> tuple[int, int]:
    """Start a run, watch it in many ways, and compare; how many connections and events that took."""
    chance = random.Random(f"{seed}/{number}")
    run = await started(port, f"{seed}-{number}", chance)
    kinds: Sequence[type[Watcher]] = (SseWatcher, SocketWatcher)
    watchers = [kind(port, run, random.Random(chance.random())) for kind in kinds for _ in range(WATCHERS)]
    async with asyncio.timeout(WAIT_S), asyncio.TaskGroup() as group:
        for one in watchers:
            group.create_task(one.watch())
    log = await asyncio.to_thread(history, port, run)
    for one in watchers:
        assert one.seen == [event["seq"] for event in log], f"{type(one).__name__} of run {run}: {one.seen}"
    last = log[-1]
    assert (last["kind"], last["data"]["status"]) == ("RunFinished", "done"), last
    assert not [event for event in log if event["kind"] in ("RunPaused", "CardFaulted")]
    return sum(one.connections for one in watchers), len(log)


def history(port: int, run: str) -> list[dict[str, dict[str, str]]]:
    """Read what the ledger has of a run."""
    found: list[dict[str, dict[str, str]]] = []
    path = f"/v1/ledger?limit=1000&run={run}"
    while path:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=30) as answer:
            page = json.load(answer)
        found += page["events"]
        path = page["next"]
    return found


async def all_runs(port: int, seconds: float, seed: str) -> tuple[int, int, int]:
    """Go on with runs, some at a time, for so long; runs, connections, events."""
    ends = time.monotonic() + seconds
    numbers = iter(range(10_000))
    told: list[tuple[int, int]] = []

    async def lane() -> None:
        while time.monotonic() < ends:
            told.append(await one_run(port, next(numbers), seed))

    async with asyncio.TaskGroup() as group:
        for _ in range(RUNS_AT_ONCE):
            group.create_task(lane())
    return len(told), sum(one[0] for one in told), sum(one[1] for one in told)


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.long.streams")
    parser.add_argument("--seconds", type=float, default=30)
    parser.add_argument("--seed", default="")
    given = parser.parse_args(arguments)
    seed = given.seed or f"{random.randrange(2**32):08x}"
    print(f"streams: seed {seed}", flush=True)
    with (
        tempfile.TemporaryDirectory(prefix="orket-streams-") as name,
        serving(Path(name)) as (server, url, said),
    ):
        port = urlsplit(url).port
        assert port is not None
        runs, connections, events = asyncio.run(all_runs(port, given.seconds, seed))
        with urllib.request.urlopen(f"{url}/v1/system/heartbeat", timeout=10) as answer:
            left = json.load(answer)["streams_open"]
        server.send_signal(signal.SIGTERM)
        ended = server.wait(STOP_S)
    print(
        f"streams: {runs} runs of {events} events, {2 * WATCHERS} watchers each over {connections} "
        f"connections saw the log; streams left open {left}, exit code of the server {ended}"
    )
    broken = connections > 2 * WATCHERS * runs
    return 0 if runs and broken and left == 0 and ended == 0 and is_quiet(said) else 1


if __name__ == "__main__":
    raise SystemExit(main())
