"""Serving MCP on standard input and output, or on a loopback port, at an engine that runs or its own."""

from __future__ import annotations

import logging
import signal
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager, contextmanager
from pathlib import Path

import anyio
import uvicorn
from mcp.server.mcpserver import MCPServer

from orket.bootstrap import open_orket, running_engine
from orket.client import OrketClient
from orket.interfaces.listening import base_url, tcp_listener
from orket.interfaces.mcp.tools import make_server
from orket.interfaces.serve import serve_socket
from orket.settings import Settings

SESSIONS_MAX = 64
BODY_BYTES_MAX = 1024 * 1024
DRAIN_S = 2
PATH = "/mcp"
LOOPBACK = "127.0.0.1"


async def serve_stdio(settings: Settings) -> None:
    """Speak MCP until standard input ends; nothing else may write to standard output meanwhile.

    Ctrl-C and SIGTERM end the process at once: a thread that reads cannot be woken, and the ledger loses
    nothing by it.
    """
    _quiet()
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    async with _bridge(settings) as client:
        await make_server(client).run_stdio_async()


async def serve_http(settings: Settings, port: int, say: Callable[[str], None]) -> None:
    """Speak MCP over streamable HTTP on a loopback port (0: any), until SIGTERM or SIGINT.

    The port asks for no key, so whoever may connect to loopback may use it; the SDK checks Host and Origin.

    Raises:
        SettingsError: The port is taken.
    """
    _quiet()
    with tcp_listener(LOOPBACK, port) as tcp:
        async with _bridge(settings) as client, anyio.create_task_group() as group:
            server = _http_server(make_server(client))
            await group.start(_heed_signals, server)
            say(f"orket: serving MCP on {base_url(tcp)}{PATH}")
            await server.serve([tcp])
            group.cancel_scope.cancel()


class _Server(uvicorn.Server):
    """uvicorn without its signal handling, which would end the process before the engine has stopped."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Leave the signals alone."""
        yield


def _http_server(server: MCPServer) -> _Server:
    app = server.streamable_http_app(
        streamable_http_path=PATH,
        max_request_body_size=BODY_BYTES_MAX,
        max_sessions=SESSIONS_MAX,
        host=LOOPBACK,
    )
    config = uvicorn.Config(
        app,
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,
        timeout_graceful_shutdown=DRAIN_S,
    )
    return _Server(config)


async def _heed_signals(server: uvicorn.Server, *, task_status: anyio.abc.TaskStatus[None]) -> None:
    with anyio.open_signal_receiver(signal.SIGTERM, signal.SIGINT) as signals:
        task_status.started()
        async for _ in signals:
            server.should_exit = True


@asynccontextmanager
async def _bridge(settings: Settings) -> AsyncIterator[OrketClient]:
    """Reach the engine that runs, by URL or by its socket, or be it."""
    if settings.url:
        async with OrketClient.connect(url=settings.url, key=settings.key) as client:
            yield client
        return
    if (socket := running_engine(settings)) is not None:
        async with OrketClient.connect(socket=socket) as client:
            yield client
        return
    async with open_orket(settings) as orket, serve_socket(orket) as path, _client(path) as own:
        yield own


def _client(socket: Path) -> AbstractAsyncContextManager[OrketClient]:
    return OrketClient.connect(socket=socket)


def _quiet() -> None:
    """Keep the SDK's chatter about single requests off the terminal; what fails is told."""
    logging.getLogger("mcp").setLevel(logging.WARNING)
