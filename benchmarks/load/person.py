"""``python -m benchmarks.load.person PORT SECONDS``: one person who halts and releases the engine.

A process of its own: in the one that makes the flood, an answer would wait until 768 other tasks had their
turn, and that would be measured.
"""

import json
import socket
import sys
import time

from benchmarks.load.client import request

GAP_S = 0.05
COMMANDS = ("/v1/system/halt", "/v1/system/release")
BODY = b'{"by":"bench"}'


def ask(connection: socket.socket, sent: bytes) -> tuple[float, bytes]:
    """Send a request; how long its answer took, and the answer."""
    began = time.perf_counter()
    connection.sendall(sent)
    came = b""
    while True:
        piece = connection.recv(65536)
        if not piece:
            raise RuntimeError(f"closed after {came!r}")
        came += piece
        head, end, body = came.partition(b"\r\n\r\n")
        length = head.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0]
        if end and len(body) >= int(length or 0):
            return time.perf_counter() - began, came


def main(port: int, seconds: float) -> list[float]:
    """Halt and release until the time is over; each answer's duration in seconds."""
    took: list[float] = []
    ends = time.monotonic() + seconds
    with socket.create_connection(("127.0.0.1", port), 60.0) as connection:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        while time.monotonic() < ends:
            for path in COMMANDS:
                duration, answer = ask(connection, request("POST", path, BODY))
                if not answer.startswith(b"HTTP/1.1 200 "):
                    raise RuntimeError(f"{path}: {answer!r}")
                took.append(duration)
                time.sleep(GAP_S)
    return took


if __name__ == "__main__":
    sys.stdout.write(json.dumps(main(int(sys.argv[1]), float(sys.argv[2]))))
