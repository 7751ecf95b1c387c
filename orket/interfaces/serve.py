"""Serving the bridge: the actor system is the outer scope, uvicorn a child of it, the signals are ours.

The other way round a system that dies would leave a server that answers 200, and uvicorn, which raises
SIGTERM again when it is done, would end the process before the system has stopped.
"""

from __future__ import annotations

import asyncio
import signal
import sys
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from socket import socket

import anyio
import uvicorn
from starlette.applications import Starlette

from actors import ActorsError, top
from orket.bootstrap import Orket, open_keys, open_orket
from orket.domain.errors import OrketError, SettingsError
from orket.interfaces.api import create_app
from orket.interfaces.bridge import Bridge
from orket.interfaces.collecting import collecting_seldom
from orket.interfaces.listening import base_url, tcp_listener, unix_listener
from orket.interfaces.protocol import CorkedSocket, bounded_http
from orket.interfaces.silence import hang_up
from orket.settings import Settings

# What is under way when the server stops gets this long, in whole seconds.
DRAIN_S = 2
# The event loop takes the backlog it is told also for how many connections it accepts before anything else.
ACCEPTED_PER_STEP = 32
WAITING_MAX = 2048
# Clients have nothing to say over a WebSocket.
SAID_BYTES = 4096
EXIT_OK = 0
EXIT_FAILED = 1


Opener = Callable[[Settings], AbstractAsyncContextManager[Orket]]


async def serve(
    settings: Settings, *, say: Callable[[str], None] | None = None, opener: Opener = open_orket
) -> int:
    """Run the engine and serve the bridge on TCP and on the Unix socket, until SIGTERM or SIGINT.

    A signal stops intake, ends the streams, lets requests under way end, and stops the system in order; a
    second one ends the process at once, as that signal does. Needs asyncio and the main thread.

    Args:
        settings: Where to listen, and where the database is.
        say: Takes lines for the person who started it; standard error by default.
        opener: Opens the engine, for those who bring nodes or sandbox drivers of their own.

    Returns:
        The exit code: 0 after a signal, 1 when the system died.

    Raises:
        SettingsError: The host is not loopback though nobody has a key, or the port is taken.
        StoreLocked: Another engine owns the database.
        StoreError, AssetError: The engine cannot start.
    """
    _require_asyncio()
    stopping = anyio.Event()
    refusal: OrketError | None = None
    code = EXIT_FAILED
    async with anyio.create_task_group() as group:
        await group.start(_heed_signals, stopping)
        try:
            with collecting_seldom():
                code = await _serve_until(stopping, settings, say or _to_stderr, opener)
        except OrketError as error:
            refusal = error  # a task group would wrap it
        group.cancel_scope.cancel()
    if refusal is not None:
        raise refusal
    return code


@asynccontextmanager
async def serve_socket(orket: Orket, path: Path | None = None) -> AsyncIterator[Path]:
    """Serve the bridge on a Unix socket only, while the block runs.

    Args:
        orket: The engine of this process.
        path: The socket; by default the one that the settings, and so the lock file, name.

    Yields:
        The socket's path.

    Raises:
        SettingsError: The socket cannot be made, or this is not asyncio.
    """
    _require_asyncio()
    path = path or orket.settings.socket_path
    with unix_listener(path) as listener:
        async with serve_app(create_app(orket), [listener]):
            yield path


async def _serve_until(
    stopping: anyio.Event, settings: Settings, say: Callable[[str], None], opener: Opener
) -> int:
    died: list[str] = []
    try:
        with tcp_listener(settings.host, settings.port, keyed=_has_keys(settings)) as tcp:
            async with opener(settings) as orket:
                with unix_listener(settings.socket_path) as unix, unix_listener(_view(settings)) as view:
                    async with top.serve(orket.system, view), serve_app(create_app(orket), [tcp, unix]):
                        say(_greeting(base_url(tcp), orket))
                        await stopping.wait()
                        say("orket: stopping; again to stop at once")
    except* ActorsError as group:
        died = [f"{type(one).__name__}: {one}" for one in _leaves(group)]
    if died:
        say(f"orket: the engine died: {'; '.join(died)}")
        return EXIT_FAILED
    return EXIT_OK


def _has_keys(settings: Settings) -> bool:
    now = datetime.now(UTC)
    return any(one.usable(now) for one in open_keys(settings).all())


def _view(settings: Settings) -> Path:
    """Where the actors can be watched: ``python -m actors.top .orket/run/actors.sock``."""
    return settings.socket_path.with_name("actors.sock")


class _Server(uvicorn.Server):
    """uvicorn without its signal handling, and with an announcement that it listens."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.listening = anyio.Event()

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Leave the signals alone: they are handled outside, and not raised again at the end."""
        yield

    async def startup(self, sockets: list[socket] | None = None) -> None:
        """Begin to accept: so many in one step, and as many as the system allows may wait for that."""
        await super().startup(sockets)
        for one in sockets or ():
            one.listen(WAITING_MAX)
        self.listening.set()


@asynccontextmanager
async def serve_app(app: Starlette, sockets: Sequence[socket]) -> AsyncIterator[None]:
    """Accept requests on sockets that listen, while the block runs.

    Afterwards streams are ended, and requests under way have 2 s to finish; the sockets are closed.

    Args:
        app: What ``create_app`` made.
        sockets: TCP or Unix, listening.
    """
    bridge: Bridge = app.state.bridge
    server = _Server(
        uvicorn.Config(
            app,
            lifespan="off",
            log_config=None,
            access_log=False,
            server_header=False,
            proxy_headers=False,
            http=bounded_http(lambda scope: bridge.urgent(scope)),
            backlog=ACCEPTED_PER_STEP,
            ws=CorkedSocket,
            ws_max_size=SAID_BYTES,
            ws_per_message_deflate=False,
            timeout_graceful_shutdown=DRAIN_S,
        )
    )

    async def run() -> None:
        # It ends by itself, within bounds, once it is told to; cancelled, it would leave connections open.
        with anyio.CancelScope(shield=True):
            await server.serve(list(sockets))

    bridge.connections = lambda: len(server.server_state.connections)
    async with bridge.departures.watched(), anyio.create_task_group() as group:
        group.start_soon(run)
        try:
            await server.listening.wait()
            async with anyio.create_task_group() as meanwhile:
                meanwhile.start_soon(hang_up, lambda: server.server_state.connections, bridge.limits.head_s)
                yield
                meanwhile.cancel_scope.cancel()
        finally:
            bridge.streams.close()
            server.should_exit = True


async def _heed_signals(stopping: anyio.Event, *, task_status: anyio.abc.TaskStatus[None]) -> None:
    with anyio.open_signal_receiver(signal.SIGTERM, signal.SIGINT) as signals:
        task_status.started()
        async for number in signals:
            if stopping.is_set():
                signal.signal(number, signal.SIG_DFL)
                signal.raise_signal(number)
            stopping.set()


def _require_asyncio() -> None:
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        raise SettingsError("the HTTP server needs asyncio; the app itself also runs on trio") from None


def _greeting(url: str, orket: Orket) -> str:
    levels = ", ".join(orket.nodes.sandbox_policy.levels(orket.organization))
    data = orket.settings
    return f"orket: serving {url} and {data.socket_path} · database {data.db_path} · sandboxes: {levels}"


def _leaves(group: BaseExceptionGroup[ActorsError]) -> Iterator[BaseException]:
    for one in group.exceptions:
        if isinstance(one, BaseExceptionGroup):
            yield from _leaves(one)
        else:
            yield one


def _to_stderr(line: str) -> None:
    sys.stderr.write(f"{line}\n")
    sys.stderr.flush()
