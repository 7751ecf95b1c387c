"""The way to a client that has left, in the words of the framework."""

from __future__ import annotations

import pytest
from starlette.types import Message
from starlette.websockets import WebSocketDisconnect

from orket.interfaces.tail import Line

pytestmark = pytest.mark.anyio


async def test_a_client_that_left_is_no_failure_of_the_server() -> None:
    async def send(message: Message) -> None:
        raise WebSocketDisconnect(1006)

    line = Line(send, 1.0)
    with pytest.raises(BrokenPipeError):
        await line.send({"type": "websocket.send", "text": "{}"})
    assert line.broken
