"""Requests over keep-alive connections, each timed from its first byte out to its last byte in."""

import asyncio
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

TIMEOUT_S = 60.0


@dataclass
class Sample:
    """What came of one workload: how long each success took, in seconds, and what failed."""

    durations: list[float] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)

    def row(self) -> dict[str, float | int]:
        """Percentiles by nearest rank over successes; the rate of errors counts everything."""
        total = len(self.durations) + len(self.failures)
        found: dict[str, float | int] = {"samples": total, "failures": len(self.failures)}
        for percent in (50, 95, 99):
            found[f"p{percent}_ms"] = round(1000 * percentile(self.durations, percent), 3)
        return {**found, "error_rate_percent": round(100 * len(self.failures) / max(total, 1), 3)}


def percentile(values: Sequence[float], percent: int) -> float:
    """The smallest value that so many percent do not exceed; 0 without values."""
    ordered = sorted(values)
    return ordered[max(0, -(-len(ordered) * percent // 100) - 1)] if ordered else 0.0


async def drive(
    port: int, make: Callable[[int], bytes], total: int, concurrency: int, wanted: int
) -> tuple[Sample, list[bytes]]:
    """Send ``total`` requests over ``concurrency`` connections; anything but ``wanted`` is a failure."""
    sample, bodies = Sample(), list[bytes]()
    numbers = iter(range(total))
    async with asyncio.TaskGroup() as group:
        for _ in range(min(concurrency, total)):
            group.create_task(_connection(port, make, numbers, wanted, sample, bodies))
    return sample, bodies


async def _connection(
    port: int,
    make: Callable[[int], bytes],
    numbers: Iterator[int],
    wanted: int,
    sample: Sample,
    bodies: list[bytes],
) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        for number in numbers:
            began = time.perf_counter()
            async with asyncio.timeout(TIMEOUT_S):
                status, body = await exchange(reader, writer, make(number))
            if status == wanted:
                sample.durations.append(time.perf_counter() - began)
                bodies.append(body)
            else:
                sample.failures.append(f"{status} {body[:200]!r}")
    except (OSError, TimeoutError, asyncio.IncompleteReadError) as error:
        sample.failures.append(f"{type(error).__name__}: {error}")
    finally:
        writer.close()


async def exchange(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, request: bytes
) -> tuple[int, bytes]:
    """Send one request and read its answer."""
    status, _, body = await exchange_head(reader, writer, request)
    return status, body


async def exchange_head(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, request: bytes
) -> tuple[int, bytes, bytes]:
    """Send one request; the status, the head in lower case and the body of its answer."""
    writer.write(request)
    head = (await reader.readuntil(b"\r\n\r\n")).lower()
    length = head.partition(b"content-length: ")[2].partition(b"\r\n")[0]
    return int(head.split(b" ", 2)[1]), head, await reader.readexactly(int(length or 0))


def request(method: str, path: str, body: bytes = b"", **headers: str) -> bytes:
    """Write a request; ``_`` in the names of headers stands for ``-``."""
    lines = [f"{method} {path} HTTP/1.1", "Host: 127.0.0.1", "Content-Type: application/json"]
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    return "\r\n".join([*lines, f"Content-Length: {len(body)}", "", ""]).encode() + body
