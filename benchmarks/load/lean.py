"""A load generator that costs little: plain sockets, one epoll loop, requests that are made beforehand.

On two cores a generator on an event loop and its streams takes as long for a request as the server does, and
its own queue is what it would measure: with 50 connections that ask together, the last answer waits for the
generator to have read the other 49.
"""

import base64
import selectors
import socket
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from benchmarks.load.client import Sample

TIMEOUT_S = 60.0
PIECE_BYTES = 1 << 16
_NO_MASK = 0x7F

Told = Callable[[bytes, bytes, float], bytes | None]


@dataclass
class _Exchange:
    """One connection, what it sends, and what has come back since."""

    connection: socket.socket
    ended: Callable[[bytes], int]
    began: float = 0.0
    came: bytearray = field(default_factory=bytearray)

    def send(self, request: bytes) -> None:
        self.came.clear()
        self.began = time.perf_counter()
        self.connection.sendall(request)


def drive(port: int, requests: Sequence[bytes], concurrency: int, wanted: int) -> tuple[Sample, list[bytes]]:
    """Send the requests over so many connections; anything but the status ``wanted`` is a failure."""
    sample, bodies = Sample(), list[bytes]()
    left = iter(requests)

    def told(head: bytes, body: bytes, took: float) -> bytes | None:
        if int(head[9:12]) == wanted:
            sample.durations.append(took)
            bodies.append(body)
        else:
            sample.failures.append(f"{head[:60]!r} {body[:200]!r}")
        return next(left, None)

    ask(port, [next(left) for _ in range(min(concurrency, len(requests)))], told, sample)
    return sample, bodies


def ask(port: int, firsts: Sequence[bytes], told: Told, sample: Sample) -> None:
    """Send each first request over a connection of its own, and what ``told`` gives for each answer.

    Args:
        port: Of the server, on this machine.
        firsts: The first requests.
        told: Takes the head and the body of an answer, and how long it took in seconds; gives the next
            request of that connection, None to close it.
        sample: Gets the failures of connections.
    """

    def over(one: _Exchange, size: int, took: float) -> bytes | None:
        head, _, body = bytes(one.came[:size]).partition(b"\r\n\r\n")
        return told(head, body, took)

    exchanges = [_Exchange(_connected(port), _answer_bytes) for _ in firsts]
    _carry_out(zip(exchanges, firsts, strict=True), over, sample)


def open_sockets(port: int, path: str, clients: int) -> Sample:
    """Open WebSockets together; each counts from its connecting until the first message is there whole."""
    sample = Sample()

    def over(one: _Exchange, size: int, took: float) -> None:
        if one.came.startswith(b"HTTP/1.1 101 "):
            sample.durations.append(took)
        else:
            sample.failures.append(repr(bytes(one.came[:200])))

    def begin() -> Iterator[tuple[_Exchange, bytes]]:
        for number in range(clients):
            began = time.perf_counter()
            one = _Exchange(_connected(port), _first_message_bytes)
            yield one, _upgrade(path, number)
            one.began = began  # as told: connecting counts

    _carry_out(begin(), over, sample)
    return sample


def _carry_out(
    begun: Iterable[tuple[_Exchange, bytes]],
    over: Callable[[_Exchange, int, float], bytes | None],
    sample: Sample,
) -> None:
    with selectors.EpollSelector() as selector:
        for one, request in begun:
            selector.register(one.connection, selectors.EVENT_READ, one)
            one.send(request)
        while open_ones := selector.get_map():
            ready = selector.select(TIMEOUT_S)
            for key, _ in ready or [(key, 0) for key in list(open_ones.values())]:
                one = key.data
                if _read(one, over, sample) if ready else _give_up(one, sample):
                    selector.unregister(one.connection)
                    one.connection.close()


def _read(one: _Exchange, over: Callable[[_Exchange, int, float], bytes | None], sample: Sample) -> bool:
    """Take what has come; whether the connection is done with."""
    try:
        piece = one.connection.recv(PIECE_BYTES)
        now = time.perf_counter()
        one.came += piece
        if not piece:
            sample.failures.append(f"closed after {bytes(one.came[:100])!r}")
            return True
        if not (size := one.ended(one.came)):
            return False
        following = over(one, size, now - one.began)
        if following is not None:
            one.send(following)
    except OSError as error:
        sample.failures.append(f"{type(error).__name__}: {error}")
        return True
    return following is None


def _give_up(one: _Exchange, sample: Sample) -> bool:
    sample.failures.append(f"nothing for {TIMEOUT_S:g} s after {bytes(one.came[:100])!r}")
    return True


def _connected(port: int) -> socket.socket:
    connection = socket.create_connection(("127.0.0.1", port), TIMEOUT_S)
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return connection


def _answer_bytes(came: bytearray) -> int:
    """How long an answer is, head and body; 0 while it is not all there."""
    end = came.find(b"\r\n\r\n") + 4
    if end < 4:
        return 0
    declared = bytes(came[:end]).lower().partition(b"content-length: ")[2].partition(b"\r\n")[0]
    size = end + int(declared or 0)
    return size if len(came) >= size else 0


def _first_message_bytes(came: bytearray) -> int:
    """How long the answer to an upgrade and the first frame are together; 0 while they are not all there."""
    end = came.find(b"\r\n\r\n") + 4
    if end < 4:
        return 0
    if not came.startswith(b"HTTP/1.1 101 "):
        return _answer_bytes(came)
    if len(came) < end + 2:
        return 0
    told = came[end + 1] & _NO_MASK
    wide = {126: 2, 127: 8}.get(told, 0)
    if len(came) < end + 2 + wide:
        return 0
    size = end + 2 + wide + (int.from_bytes(came[end + 2 : end + 2 + wide]) if wide else told)
    return size if len(came) >= size else 0


def _upgrade(path: str, number: int) -> bytes:
    key = base64.b64encode(number.to_bytes(16)).decode()
    lines = (
        f"GET {path} HTTP/1.1",
        "Host: 127.0.0.1",
        "Upgrade: websocket",
        "Connection: Upgrade",
        f"Sec-WebSocket-Key: {key}",
        "Sec-WebSocket-Version: 13",
    )
    return "\r\n".join((*lines, "", "")).encode()
