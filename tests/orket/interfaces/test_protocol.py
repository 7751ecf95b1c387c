"""What a client begins and does not end is bounded before anything else looks at it; the rest is HTTP."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest

from orket.interfaces.protocol import HEAD_BYTES
from tests.orket.interfaces.serving import served

LIVE = b"GET /livez HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"
CHUNKED = (
    b"POST /v1/system/halt HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"
    b"Transfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n"
)


def told(url: str, *said: bytes) -> bytes:
    """Say something piece by piece, and hear what comes back until the server hangs up."""
    host, port = url.removeprefix("http://").split(":")
    heard = b""
    with socket.create_connection((host, int(port)), timeout=10) as client:
        try:
            for piece in said:
                client.sendall(piece)
            while piece := client.recv(65536):
                heard += piece
        except (ConnectionResetError, BrokenPipeError):
            pass
    return heard


@pytest.mark.parametrize(
    ("begun", "more"),
    [
        (b"GET /", b"a" * 4096),
        (b"GET /livez HTTP/1.1\r\nHost: 127.0.0.1\r\nX-A: ", b"b" * 4096),
        (b"GET /livez HTTP/1.1\r\nHost: 127.0.0.1\r\n", b"X-A: b\r\n" * 512),
        (CHUNKED + b"2;", b"c" * 4096),
        (CHUNKED + b"0\r\nX-A: ", b"d" * 4096),
        (CHUNKED + b"0\r\n", b"X-A: b\r\n" * 512),
    ],
    ids=["target", "header", "headers", "extension", "trailer", "trailers"],
)
def test_what_does_not_end_is_given_up(tmp_path: Path, begun: bytes, more: bytes) -> None:
    with served(tmp_path) as server:
        heard = told(server.url, begun, *([more] * (2 * HEAD_BYTES // len(more))))
        assert not heard or heard.startswith(b"HTTP/1.1 400 ")  # a reset may overtake the answer
        assert told(server.url, LIVE.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n")).startswith(
            b"HTTP/1.1 200 "
        )


@pytest.mark.parametrize(
    "said",
    [
        b"GET /livez HTTP/1.1\r\nHost : 127.0.0.1\r\n\r\n",
        b"GET /livez HTTP/1.1\r\nHost: 127.0.0.1\r\n folded\r\n\r\n",
        b"POST /v1/runs HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\n{}x",
        b"POST /v1/runs HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n{}",
        b"POST /v1/runs HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: +2\r\n\r\n{}",
        b"POST /v1/runs HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n-2\r\n{}\r\n0\r\n\r\n",
        b"GET /a\x00b HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n",
        b"GET /livez HTTP/1.1\nX\n\n\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
    ],
)
def test_what_two_servers_could_read_in_two_ways_is_refused(tmp_path: Path, said: bytes) -> None:
    with served(tmp_path) as server:
        heard = told(server.url, said + LIVE)
        assert heard.startswith(b"HTTP/1.1 400 ")
        assert heard.count(b"HTTP/1.1 ") == 1  # and the connection is closed: nothing behind it is believed


def test_one_request_behind_the_other_is_answered_in_order(tmp_path: Path) -> None:
    ready = LIVE.replace(b"livez", b"readyz")
    last = LIVE.replace(b"livez", b"nowhere").replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n")
    with served(tmp_path) as server:
        heard = told(server.url, LIVE + ready + last)
        assert [one[:3] for one in heard.split(b"HTTP/1.1 ")[1:]] == [b"200", b"200", b"404"]


def test_trailers_change_nothing(tmp_path: Path) -> None:
    with served(tmp_path) as server:
        body = b"0\r\nContent-Type: text/plain\r\nHost: evil.example\r\nX-Request-Id: forged\r\n\r\n"
        last = LIVE.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n")
        heard = told(server.url, CHUNKED + body + last)
        assert [one[:3] for one in heard.split(b"HTTP/1.1 ")[1:]] == [b"200", b"200"]
        assert b"forged" not in heard


def test_a_refused_websocket_is_no_fault_of_the_server(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    asked = (
        b"GET /v1/runs/none/events HTTP/1.1\r\nHost: 127.0.0.1\r\n"
        b"Upgrade: websocket\r\nConnection: Upgrade\r\n"
        b"Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\nSec-WebSocket-Version: 13\r\n\r\n"
    )
    with served(tmp_path) as server:
        heard = told(server.url, asked)
    assert heard.startswith(b"HTTP/1.1 404 ")
    assert b"run-not-found" in heard
    assert not [one for one in caplog.records if one.levelname == "ERROR"]
