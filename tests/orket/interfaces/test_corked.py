"""What a connection writes in one step goes out together, in order, and before it is closed."""

from __future__ import annotations

import asyncio
import json
import socket

import anyio.lowlevel
from hypothesis import given
from hypothesis import strategies as st

from orket.interfaces.corked import HELD_BYTES, Cork

# What is written in each step of the event loop.
STEPS = st.lists(st.lists(st.binary(max_size=8), max_size=5), max_size=6)


class Heard(asyncio.Protocol):
    """The other end: all that came."""

    def __init__(self) -> None:
        self.data, self.over = b"", asyncio.Event()

    def data_received(self, data: bytes) -> None:
        self.data += data

    def connection_lost(self, error: Exception | None) -> None:
        self.over.set()


@given(STEPS)
def test_nothing_is_lost_and_nothing_overtakes(steps: list[list[bytes]]) -> None:
    assert asyncio.run(_through(steps)) == b"".join(one for step in steps for one in step)


async def _through(steps: list[list[bytes]]) -> bytes:
    here, there = socket.socketpair()
    loop, heard = asyncio.get_running_loop(), Heard()
    await loop.create_connection(lambda: heard, sock=there)
    transport, _ = await loop.create_connection(asyncio.Protocol, sock=here)
    cork = Cork(transport, loop)
    for number, step in enumerate(steps):
        for one in step:
            cork.write(one)
        if number < len(steps) - 1:
            await anyio.lowlevel.checkpoint()
    cork.close()  # in the step of the last writes
    assert cork.is_closing()
    await heard.over.wait()
    return heard.data


def test_writes_of_a_step_are_one() -> None:
    written: list[bytes] = []

    class Wire:
        """Takes down what is written in one go."""

        def write(self, data: bytes) -> None:
            written.append(data)

    async def write() -> None:
        cork = Cork(Wire(), asyncio.get_running_loop())
        for number in range(100):
            cork.write(json.dumps(number).encode())
        await anyio.lowlevel.checkpoint()
        cork.write(b".")
        await anyio.lowlevel.checkpoint()
        cork.write(bytes(HELD_BYTES))
        assert len(written) == 2
        cork.write(b"!")  # too much is held: it goes out at once
        assert len(written) == 3

    asyncio.run(write())
    assert written == ["".join(map(str, range(100))).encode(), b".", bytes(HELD_BYTES) + b"!"]
