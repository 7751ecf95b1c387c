"""Connections that say nothing, or never end what they begin to say, are hung up on; others are not."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest

from orket.interfaces.limits import HttpLimits
from orket.interfaces.silence import Silence
from tests.orket.interfaces.serving import served

WHOLE = b"GET /livez HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"


@pytest.mark.parametrize("said", [b"", b"GET /livez HTT", WHOLE + b"GET /"])
def test_who_does_not_go_on_is_hung_up_on(tmp_path: Path, said: bytes) -> None:
    with served(tmp_path, limits=HttpLimits(head_s=0.05)) as server:
        host, port = server.url.removeprefix("http://").split(":")
        with socket.create_connection((host, int(port)), timeout=10) as client:
            client.sendall(said)
            told = b""
            try:
                while piece := client.recv(4096):
                    told += piece
            except ConnectionResetError:
                pass
            assert told.count(b"HTTP/1.1 200") == said.count(b"\r\n\r\n")


def test_who_follows_a_run_may_be_quiet(tmp_path: Path) -> None:
    with served(tmp_path, limits=HttpLimits(head_s=0.01, heartbeat_s=0.05)) as server:
        run = server.run()
        host, port = server.url.removeprefix("http://").split(":")
        with socket.create_connection((host, int(port)), timeout=10) as client:
            client.sendall(f"GET /v1/runs/{run}/events HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n".encode())
            told = b""
            while told.count(b"still here") < 3:
                piece = client.recv(4096)
                assert piece
                told += piece


class Connection:
    """A connection of the server, as far as it is looked at."""

    def __init__(self, cycle: object, timer: object = None) -> None:
        self.cycle, self.timeout_keep_alive_task = cycle, timer


class Cycle:
    def __init__(self, complete: bool) -> None:
        self.response_complete = complete


def test_only_silence_without_a_break_counts() -> None:
    quiet, busy, kept = Connection(None), Connection(Cycle(False)), Connection(Cycle(True), object())
    half, other = Connection(Cycle(True)), object()
    silence, everyone = Silence(1.0), [quiet, busy, kept, half, other]
    assert silence.overdue(everyone, 0.0) == []
    assert silence.overdue(everyone, 1.0) == []
    assert silence.overdue(everyone, 1.1) == [quiet, half]
    half.cycle = Cycle(False)
    assert silence.overdue(everyone, 1.2) == [quiet]
    half.cycle = Cycle(True)
    assert silence.overdue(everyone, 1.3) == [quiet]
    assert silence.overdue([half], 3.0) == [half]


def test_a_body_that_does_not_come_is_not_waited_for(tmp_path: Path) -> None:
    with served(tmp_path, limits=HttpLimits(body_s=0.05)) as server:
        host, port = server.url.removeprefix("http://").split(":")
        with socket.create_connection((host, int(port)), timeout=10) as client:
            client.sendall(
                b"POST /v1/runs HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"
                b"Content-Length: 100\r\n\r\n{"
            )
            assert client.recv(4096).startswith(b"HTTP/1.1 408 ")
