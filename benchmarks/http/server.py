"""``python -m benchmarks.http.server KIND``: one server of the comparison, on a port it prints.

``bare`` is what Starlette gives: read JSON, answer JSON. ``ask`` is the whole bridge with an engine that
answers at once, ``mounted`` the same app under a server that runs no lifespan, ``full`` the bridge with an
engine whose mailbox is full, ``events`` the bridge with a run to follow.
"""

import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, cast

import anyio
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from actors import Actor, ActorSystem, Mailbox, on
from orket.bootstrap import Orket, Root
from orket.decision_nodes.registry import NodeRegistry
from orket.domain import events as e
from orket.domain.assets import Organization, Workload
from orket.domain.correlation import REQUEST
from orket.domain.identifiers import CardId, RunId
from orket.domain.runs import RunStatus
from orket.infrastructure.clock import SystemClock
from orket.infrastructure.memory import MemoryLedger, open_ledger
from orket.interfaces.api import create_app
from orket.interfaces.collecting import collecting_seldom
from orket.interfaces.limits import HttpLimits
from orket.interfaces.listening import tcp_listener
from orket.interfaces.serve import serve_app
from orket.orchestration.messages import PauseRun, RunTicket
from orket.settings import load_settings

RUN = RunId("5f1c09ab")
PATH = "/v1/runs/{run_id}/pause"
LIMITS = HttpLimits(rate_per_s=1e9, rate_burst=1e9, refusals_per_s=0, streams=1100)
BATCH = 100


class Prompt(Actor[PauseRun]):
    """An engine that answers at once: what is left is the bridge."""

    @on(PauseRun)
    async def pause(self, m: PauseRun) -> RunTicket:
        return RunTicket(run_id=m.run_id, status=RunStatus.PAUSED)


class Busy(Actor[PauseRun], mailbox=Mailbox(1)):
    """An engine that is at something and stays there."""

    @on(PauseRun)
    async def pause(self, m: PauseRun) -> RunTicket:
        await anyio.sleep_forever()
        raise AssertionError


async def bare(request: Request) -> Response:
    """What a handler does that has nothing to do: read a body, answer with one."""
    body = await request.json()
    status = "paused" if body["by"] else "running"
    return JSONResponse({"id": request.path_params["run_id"], "status": status})


@asynccontextmanager
async def engine(kind: type[Actor[Any]]) -> AsyncIterator[tuple[Orket, MemoryLedger]]:
    """Everything behind the bridge, with an engine that costs nothing."""
    async with open_ledger(SystemClock()) as ledger, ActorSystem("bench", carry=(REQUEST,)) as system:
        yield (
            Orket(
                system=system,
                root=cast("Root", None),
                engine=system.spawn(kind),
                projects=cast("Any", None),
                ledger=ledger,
                nodes=NodeRegistry().resolve((), {}),
                settings=load_settings({}, Path.cwd()),
            ),
            ledger,
        )


async def accept(ledger: MemoryLedger) -> None:
    """Put a run on the ledger."""
    workload = Workload(target="bench", organization=Organization(), epics=(), roles=(), dialects=())
    await ledger.append(RUN, [e.RunAccepted(workload=workload, workspace="")])


async def write(ledger: MemoryLedger, asked: anyio.Event) -> None:
    """Write events for as long as somebody reads them, in batches as a busy engine commits them."""
    remark = e.CardCommented(card_id=CardId("I-1"), author="bench", text="something of a usual length " * 4)
    while True:
        await asked.wait()
        await ledger.append(RUN, [remark] * BATCH)
        await anyio.lowlevel.checkpoint()


@asynccontextmanager
async def serving(app: Starlette) -> AsyncIterator[None]:
    """Serve on a free port, and say which."""
    with tcp_listener("127.0.0.1", 0) as listener:
        async with serve_app(app, [listener]):
            sys.stdout.write(f"{listener.getsockname()[1]}\n")
            sys.stdout.flush()
            yield


async def serve_bare() -> None:
    """The floor: the same server with the same options, and nothing but a handler."""
    await serve_mounted(Starlette(routes=[Route(PATH, bare, methods=["POST"])]))


async def serve_mounted(app: Starlette) -> None:
    """Serve an app as somebody would who mounts it: without a lifespan."""
    with tcp_listener("127.0.0.1", 0) as listener:
        config = uvicorn.Config(
            app,
            lifespan="off",
            log_config=None,
            access_log=False,
            server_header=False,
            proxy_headers=False,
            http="httptools",
            ws="none",
        )
        sys.stdout.write(f"{listener.getsockname()[1]}\n")
        sys.stdout.flush()
        await uvicorn.Server(config).serve([listener])


async def serve_bridge(kind: str) -> None:
    """The bridge, with the engine of this kind."""
    async with engine(Busy if kind == "full" else Prompt) as (orket, ledger):
        await accept(ledger)
        app = create_app(orket, limits=LIMITS)
        if kind == "full":
            orket.engine.tell(PauseRun(run_id=RUN, by="bench"))
            while orket.system.info(orket.engine).current is None:
                await anyio.lowlevel.checkpoint()
            orket.engine.tell(PauseRun(run_id=RUN, by="bench"))
        if kind == "mounted":
            await serve_mounted(app)
        async with serving(app), anyio.create_task_group() as group:
            if kind == "events":
                asked = anyio.Event()
                group.start_soon(write, ledger, asked)
                app.routes.insert(0, Route("/begin", _beginner(asked), methods=["POST"]))
            await anyio.sleep_forever()


def _beginner(asked: anyio.Event) -> Any:
    async def begin(request: Request) -> Response:
        asked.set()
        return Response(status_code=204)

    return begin


if __name__ == "__main__":
    which = sys.argv[1]
    with collecting_seldom():  # as ``orket serve`` does
        anyio.run(serve_bare) if which == "bare" else anyio.run(serve_bridge, which)
