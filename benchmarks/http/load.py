"""A load generator on plain sockets: keep-alive connections, one request after the other on each."""

import asyncio
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parent.parent.parent
BODY = b'{"by":"bench","reason":"measured"}'


@dataclass
class Server:
    """A server process and where it listens."""

    pid: int
    port: int

    def cpu_s(self) -> float:
        """CPU time that it has used, of all its threads (the clock of another process, on Linux)."""
        return time.clock_gettime(((~self.pid) << 3) | 2)

    def resident_bytes(self) -> int:
        """Memory that it has."""
        pages = Path(f"/proc/{self.pid}/statm").read_text(encoding="ascii").split()[1]
        return int(pages) * 4096


@contextmanager
def server(kind: str) -> Iterator[Server]:
    """Run one server of the comparison."""
    command = [sys.executable, "-m", "benchmarks.http.server", kind]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            yield Server(process.pid, int(process.stdout.readline()))
        finally:
            process.kill()


def request(path: str) -> bytes:
    """A request as a program would send it."""
    head = (
        f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"
        f"Accept: application/json\r\nUser-Agent: bench\r\nContent-Length: {len(BODY)}\r\n\r\n"
    )
    return head.encode() + BODY


async def load(port: int, path: str, count: int, connections: int, status: int) -> None:
    """Send so many requests over so many connections; every answer must have this status."""
    sent, each = request(path), count // connections
    async with asyncio.TaskGroup() as group:
        for _ in range(connections):
            group.create_task(_one(port, sent, each, f"HTTP/1.1 {status} ".encode()))


async def _one(port: int, sent: bytes, count: int, wanted: bytes) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        for _ in range(count):
            writer.write(sent)
            head = await reader.readuntil(b"\r\n\r\n")
            if not head.startswith(wanted):
                raise RuntimeError(f"wanted {wanted!r}, got {head[:80]!r}")
            length = head.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0]
            await reader.readexactly(int(length))
    finally:
        writer.close()


def follow(port: int, path: str) -> socket.socket:
    """Open an event stream and read its first bytes."""
    client = socket.create_connection(("127.0.0.1", port))
    client.sendall(f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nAccept: text/event-stream\r\n\r\n".encode())
    read = b""
    while b"retry:" not in read:
        piece = client.recv(4096)
        if not piece or not (read + piece).startswith(b"HTTP/1.1 200 "):
            raise RuntimeError(f"no stream: {read + piece!r}")
        read += piece
    return client
