"""Finding what answers: over the socket while another process holds the database, by ourselves otherwise."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import AsyncExitStack, asynccontextmanager
from urllib.parse import urlsplit

from orket.interfaces.cli.exits import BadInput
from orket.interfaces.cli.reach import Control, Database, Own, Reach
from orket.settings import Settings

_LOOPBACK = ("127.0.0.1", "localhost", "::1")


def is_served(settings: Settings) -> bool:
    """Whether another process holds the database and answers."""
    from orket.bootstrap import running_engine

    return bool(settings.url) or running_engine(settings) is not None


def is_near(settings: Settings) -> bool:
    """Whether the engine is on this machine, so that both mean the same by a path."""
    return not settings.url or urlsplit(settings.url).hostname in _LOOPBACK


@asynccontextmanager
async def reach_engine(settings: Settings) -> AsyncGenerator[Control]:
    """Reach the running engine, or be it, answering other commands on the socket meanwhile.

    Raises:
        StoreLocked: Another engine holds the database and does not answer (yet).
    """
    from orket.bootstrap import open_orket, running_engine

    if settings.url:
        from orket.interfaces.cli.remote import connect_url

        async with connect_url(settings.url, settings.key) as remote:
            yield remote
        return
    if (socket := running_engine(settings)) is not None:
        from orket.interfaces.cli.remote import connect

        async with connect(socket) as remote:
            yield remote
        return
    from orket.interfaces.collecting import collecting_seldom
    from orket.interfaces.serve import serve_socket

    with collecting_seldom():
        async with open_orket(settings) as orket, serve_socket(orket):
            yield Own(ledger=orket.ledger, engine=orket.engine, live=orket.live)


@asynccontextmanager
async def reach_ledger(settings: Settings) -> AsyncGenerator[Reach]:
    """Reach the running engine, or just the database: enough for looking.

    Raises:
        StoreError: There is no database, or it cannot be read.
    """
    from orket.bootstrap import open_reader

    if settings.url:
        async with reach_engine(settings) as control:
            yield control
        return
    async with AsyncExitStack() as stack:
        reach = await _answering(settings, stack)
        yield reach or Database(ledger=await stack.enter_async_context(open_reader(settings)))


async def _answering(settings: Settings, stack: AsyncExitStack) -> Reach | None:
    """Reach the running engine, unless it starts, stops or hangs: that keeps nobody from looking."""
    from orket.bootstrap import running_engine

    if (socket := running_engine(settings)) is None:
        return None
    from orket.client import Unreachable
    from orket.interfaces.cli.remote import connect

    try:
        return await stack.enter_async_context(connect(socket, start_s=0.0))
    except Unreachable:
        return None


def require_here(settings: Settings, command: str) -> None:
    """Refuse a command that reads this machine's database when another place is meant.

    Raises:
        BadInput: A bridge was named, by an option or by the environment.
    """
    if settings.url:
        raise BadInput(f"orket {command} works on this machine only; leave out --url and ORKET_URL")
