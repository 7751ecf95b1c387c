"""The benchmark of the bridge measures what it says, on every kind of server it has."""

from __future__ import annotations

import asyncio

from benchmarks.http.cli import EVENTS, KINDS, PATH, busy_stream
from benchmarks.http.load import follow, load, server


def test_the_servers_answer_as_they_should() -> None:
    for kind in ("ask", "full"):
        with server(kind) as one:
            asyncio.run(load(one.port, PATH, 8, 2, KINDS[kind]))
            assert one.cpu_s() > 0
            assert one.resident_bytes() > 1024 * 1024
            if kind == "ask":
                follow(one.port, EVENTS).close()


def test_the_busy_stream_is_read() -> None:
    assert busy_stream(300)["events"] >= 300
