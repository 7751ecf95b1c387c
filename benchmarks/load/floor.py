"""``python -m benchmarks.load.floor``: the least that can be, a bare app on the same server.

It answers without looking at what it is asked and keeps nothing. What the harness measures of it is the
harness, the network and the server; nothing that does more can take less.
"""

import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import anyio
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route, WebSocketRoute
from starlette.websockets import WebSocket

from orket.interfaces.collecting import collecting_seldom
from orket.interfaces.listening import tcp_listener


async def answer(request: Request) -> Response:
    """Read what came, answer."""
    await request.body()
    return JSONResponse({"id": "5f1c09ab"}, status_code=int(request.path_params["status"]))


async def greet(socket: WebSocket) -> None:
    """Accept, say one thing, close."""
    await socket.accept()
    await socket.send_text("{}")
    await socket.close()


@asynccontextmanager
async def _lifespan(app: Starlette) -> AsyncIterator[None]:
    yield


def main() -> None:
    """Serve, and say on which port."""
    app = Starlette(
        routes=[Route("/{status:int}", answer, methods=["GET", "POST"]), WebSocketRoute("/", greet)],
        lifespan=_lifespan,
    )
    with tcp_listener("127.0.0.1", 0) as listener, collecting_seldom():
        config = uvicorn.Config(
            app,
            log_config=None,
            access_log=False,
            http="httptools",
            ws="websockets-sansio",
            ws_per_message_deflate=False,
        )
        sys.stdout.write(f"{listener.getsockname()[1]}\n")
        sys.stdout.flush()
        anyio.run(uvicorn.Server(config).serve, [listener])


if __name__ == "__main__":
    main()
