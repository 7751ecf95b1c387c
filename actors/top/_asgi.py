"""The same look as an ASGI app, to be mounted in a web application."""

from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

from actors._system import ActorSystem
from actors.top._take import take

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]


def asgi(system: ActorSystem) -> Callable[[Scope, Receive, Send], Awaitable[None]]:
    """An app that answers every GET with a snapshot of ``system`` as JSON.

    It runs in the system's own event loop. It asks for no key: mount it where only those reach it
    who may see the names of actors and message classes.

    Args:
        system: A system that was entered.
    """

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await _live(receive, send)
        elif scope["type"] == "websocket":
            await send({"type": "websocket.close", "code": 1008})
        elif scope["method"] in ("GET", "HEAD"):
            body = take(system).to_json()
            await _send(send, 200, body, b"" if scope["method"] == "HEAD" else body)
        else:
            body = b'{"error":"only GET"}'
            await _send(send, 405, body, body)

    return app


async def _send(send: Send, status: int, whole: bytes, body: bytes) -> None:
    headers = [
        (b"content-type", b"application/json"),
        (b"content-length", str(len(whole)).encode()),
        (b"cache-control", b"no-store"),
    ]
    if status == 405:
        headers.append((b"allow", b"GET, HEAD"))
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})


async def _live(receive: Receive, send: Send) -> None:
    """Say yes to whoever runs the app by itself; the system is not started or stopped here."""
    while True:
        kind = (await receive())["type"]
        await send({"type": f"{kind}.complete"})
        if kind == "lifespan.shutdown":
            return
