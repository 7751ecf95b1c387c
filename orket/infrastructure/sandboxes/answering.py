"""Asking a service on the loopback address whether it is well: by us, whatever the engine thinks."""

from __future__ import annotations

import anyio

LOOPBACK = "127.0.0.1"
CONNECT_S, HTTP_S, OPEN_S = 2.0, 5.0, 0.3


async def answers(port: int, path: str) -> bool:
    """Say whether a service answers: to a request for ``path`` if there is one, else by staying connected.

    A container engine accepts connections for services that do not listen yet, and closes them at once.
    """
    try:
        with anyio.fail_after(HTTP_S if path else CONNECT_S):
            async with await anyio.connect_tcp(LOOPBACK, port) as stream:
                if path:
                    await stream.send(f"GET {path} HTTP/1.0\r\nHost: localhost\r\n\r\n".encode())
                    return _is_well(await stream.receive(256))
                with anyio.move_on_after(OPEN_S):
                    await stream.receive(1)
                return True
    except (OSError, TimeoutError, anyio.EndOfStream, anyio.BrokenResourceError):
        return False


def _is_well(head: bytes) -> bool:
    words = head.split(maxsplit=2)
    return len(words) > 1 and words[0].startswith(b"HTTP/") and words[1].isdigit() and int(words[1]) < 500
