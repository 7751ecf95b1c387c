"""A bridge on real sockets, in a thread with an event loop of its own: clients run on whichever they like."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path

import attrs
from anyio.from_thread import BlockingPortal, start_blocking_portal

from orket.domain import events as e
from orket.domain.identifiers import RunId
from orket.interfaces.limits import HttpLimits
from orket.interfaces.listening import base_url, tcp_listener, unix_listener
from orket.interfaces.serve import serve_app
from tests.orket.interfaces.engines import House, open_house


@attrs.frozen
class Served:
    """Where it is reached, and ways to let things happen in it."""

    portal: BlockingPortal
    house: House
    url: str
    path: Path

    def run(self, *events: e.Event) -> RunId:
        """Put a run on the ledger."""
        return self.portal.call(lambda: self.house.run(*events))

    def append(self, run: RunId, *events: e.Event) -> None:
        """Let something happen in a run."""
        self.portal.call(lambda: self.house.ledger.append(run, events))

    def seqs(self, run: RunId) -> list[int]:
        """What the ledger holds about a run."""
        return [one.seq for one in self.portal.call(self.house.ledger.read, run)]


@contextmanager
def served(folder: Path, *, limits: HttpLimits | None = None) -> Iterator[Served]:
    """Serve a scripted engine on TCP and on a Unix socket in ``folder``."""
    with (
        start_blocking_portal("asyncio") as portal,
        portal.wrap_async_context_manager(_served(folder, limits)) as (house, url, path),
    ):
        yield Served(portal, house, url, path)


@asynccontextmanager
async def _served(folder: Path, limits: HttpLimits | None) -> AsyncIterator[tuple[House, str, Path]]:
    path = folder / "run" / "orket.sock"
    async with open_house(limits=limits) as house:
        with tcp_listener("127.0.0.1", 0) as tcp, unix_listener(path) as unix:
            async with serve_app(house.app, [tcp, unix]):
                yield house, base_url(tcp), path
