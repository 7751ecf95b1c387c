"""The client: every operation of the bridge as a typed method."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Self, TypeVar
from urllib.parse import quote

import httpx2
import msgspec

from orket.client.events import EventStream, Patience
from orket.client.exchange import read_answer, unreachable
from orket.client.unix import fitting
from orket.domain.tools import HumanVerdict
from orket.wire.approvals import ApprovalPage
from orket.wire.calls import CallPage
from orket.wire.cards import CardPage
from orket.wire.codec import encode
from orket.wire.events import EventPage
from orket.wire.runs import (
    BudgetBody,
    CancelBody,
    DecisionBody,
    ForkBody,
    PauseBody,
    ResumeBody,
    RunPage,
    RunStanding,
    RunStarted,
    RunView,
    StartRunBody,
)
from orket.wire.system import EngineStanding, EngineView, HaltBody, HealthView, ReleaseBody, VersionView
from orket.wire.workspaces import ApplyBody, DiscardBody, RollbackBody

T = TypeVar("T")

# What the answer may take on top of the engine's own deadline.
MARGIN_S = 5.0


class OrketClient:
    """A bridge, reached over HTTP. Made by ``connect``.

    Every method raises ``Unreachable`` when nobody answers, ``ClientProblem`` when the bridge refuses, and
    ``UnexpectedAnswer`` when it is no bridge. Deadlines of the caller's cancel scopes hold as well.

    Args:
        http: The connection; its owner closes it.
        ask_s: How long the engine may take for a command, in seconds.
        patience: How event streams come back.
    """

    def __init__(
        self, http: httpx2.AsyncClient, *, ask_s: float = 30.0, patience: Patience | None = None
    ) -> None:
        self._http, self._ask_s, self._patience = http, ask_s, patience or Patience()

    @classmethod
    @asynccontextmanager
    async def connect(
        cls,
        *,
        url: str | None = None,
        socket: str | Path | None = None,
        ask_s: float = 30.0,
        patience: Patience | None = None,
    ) -> AsyncIterator[Self]:
        """Use the bridge at a URL or behind a Unix socket; nothing is sent before the first request.

        Raises:
            ValueError: Neither or both were given.
        """
        if (url is None) == (socket is None):
            raise ValueError("give either url or socket")
        async with AsyncExitStack() as stack:
            uds = None if socket is None else stack.enter_context(fitting(Path(socket)))
            http = httpx2.AsyncClient(
                base_url=url or "http://localhost",
                # A proxy for the outside world has no business between us and loopback.
                transport=httpx2.AsyncHTTPTransport(uds=uds, trust_env=False),
                timeout=httpx2.Timeout(5.0, read=ask_s + MARGIN_S),
            )
            await stack.enter_async_context(http)
            yield cls(http, ask_s=ask_s, patience=patience)

    async def version(self) -> VersionView:
        """Ask which Orket it is."""
        return await self._get("/v1/system/version", VersionView)

    async def ready(self) -> HealthView:
        """Ask whether it takes commands; a problem when it does not."""
        return await self._get("/readyz", HealthView)

    async def start_run(self, body: StartRunBody, *, key: str | None = None) -> RunStarted:
        """Start a run; answered when that is durable.

        Args:
            body: What to run.
            key: With the same key the command may be repeated, and is carried out once.
        """
        headers = {} if key is None else {"idempotency-key": key}
        return await self._post("/v1/runs", body, RunStarted, headers)

    async def engine(self) -> EngineView:
        """Ask whether the engine is halted."""
        return await self._get("/v1/system/engine", EngineView)

    async def halt(self, *, by: str, reason: str = "") -> EngineStanding:
        """End all work of the engine; after the answer nothing starts in any run until it is released."""
        return await self._post("/v1/system/halt", HaltBody(by=by, reason=reason), EngineStanding)

    async def release(self, *, by: str) -> EngineStanding:
        """Let a halted engine work again."""
        return await self._post("/v1/system/release", ReleaseBody(by=by), EngineStanding)

    async def run(self, run_id: str) -> RunView:
        """Show a run."""
        return await self._get(_run(run_id), RunView)

    async def runs(self, *, limit: int = 50, open_only: bool = False, page: str = "") -> RunPage:
        """List runs, newest first; ``page`` is the ``next`` of the page before."""
        return await self._get(page or f"/v1/runs?limit={limit}&open={str(open_only).lower()}", RunPage)

    async def cards(self, run_id: str | None = None, *, limit: int = 100, page: str = "") -> CardPage:
        """List the cards of a run, or of all runs; ``page`` is the ``next`` of the page before."""
        path = "/v1/cards" if run_id is None else f"{_run(run_id)}/cards"
        return await self._get(page or f"{path}?limit={limit}", CardPage)

    async def tool_calls(
        self, run_id: str, *, waiting: bool = False, limit: int = 100, page: str = ""
    ) -> CallPage:
        """List a run's tool calls, or those a person must decide about; ``page`` as for ``cards``."""
        query = f"limit={limit}&waiting={str(waiting).lower()}"
        return await self._get(page or f"{_run(run_id)}/tool-calls?{query}", CallPage)

    async def ledger(self, *, after: int = 0, limit: int = 100, run_id: str | None = None) -> EventPage:
        """List events above a sequence number, of all runs or of one."""
        only = "" if run_id is None else f"&run={quote(run_id, safe='')}"
        return await self._get(f"/v1/ledger?after={after}&limit={limit}{only}", EventPage)

    def events(self, run_id: str, *, after: int = 0) -> EventStream:
        """Follow a run from after a sequence number to its end; see ``EventStream``."""
        return EventStream(self._http, f"{_run(run_id)}/events", after=after, patience=self._patience)

    async def pause(self, run_id: str, *, by: str, reason: str = "") -> RunStanding:
        """Stop a run's work; after the answer no new effect starts."""
        return await self._post(f"{_run(run_id)}/pause", PauseBody(by=by, reason=reason), RunStanding)

    async def resume(
        self,
        run_id: str,
        *,
        by: str,
        budget: BudgetBody | None = None,
        budgets: Mapping[str, BudgetBody] | None = None,
    ) -> RunStanding:
        """Let a paused run go on; ``budget`` replaces its bounds, ``budgets`` those of single cards."""
        body = ResumeBody(by=by, budget=budget, budgets=dict(budgets or {}))
        return await self._post(f"{_run(run_id)}/resume", body, RunStanding)

    async def cancel(self, run_id: str, *, by: str, reason: str = "") -> RunStanding:
        """End a run for good."""
        return await self._post(f"{_run(run_id)}/cancel", CancelBody(by=by, reason=reason), RunStanding)

    async def fork(self, run_id: str, body: ForkBody, *, key: str | None = None) -> RunStarted:
        """Begin a new run with the history of this one; ``key`` as for ``start_run``."""
        headers = {} if key is None else {"idempotency-key": key}
        return await self._post(f"{_run(run_id)}/forks", body, RunStarted, headers)

    async def decide(self, run_id: str, call_id: str, verdict: HumanVerdict, *, by: str) -> RunStanding:
        """Say what a person decided about a call that waits for one."""
        path = f"{_run(run_id)}/tool-calls/{quote(call_id, safe='')}/decision"
        return await self._post(path, DecisionBody(verdict=verdict, by=by), RunStanding)

    async def apply_workspace(self, run_id: str, *, by: str, into: str = "") -> RunStanding:
        """Write what a run changed into its project; ``into`` for a run that works on no view of one."""
        return await self._post(f"{_run(run_id)}/workspace/apply", ApplyBody(by=by, into=into), RunStanding)

    async def roll_back_workspace(self, run_id: str, *, by: str, to: int | None = None) -> RunStanding:
        """Put the project back: as before the newest application, or before all those after event ``to``."""
        return await self._post(f"{_run(run_id)}/workspace/rollback", RollbackBody(by=by, to=to), RunStanding)

    async def discard_workspace(self, run_id: str, *, by: str) -> RunStanding:
        """Delete the workspace of a run that has ended."""
        return await self._post(f"{_run(run_id)}/workspace/discard", DiscardBody(by=by), RunStanding)

    async def approvals(self, *, limit: int = 100, page: str = "") -> ApprovalPage:
        """List what waits for a person, of all open runs; ``page`` as for ``cards``."""
        return await self._get(page or f"/v1/approvals?limit={limit}", ApprovalPage)

    async def decide_approval(self, approval_id: str, verdict: HumanVerdict, *, by: str) -> RunStanding:
        """Say what a person decided about what waits under a name of ``approvals``."""
        path = f"/v1/approvals/{quote(approval_id, safe='')}/decision"
        return await self._post(path, DecisionBody(verdict=verdict, by=by), RunStanding)

    async def _get(self, path: str, kind: type[T]) -> T:
        return await self._exchange(self._http.build_request("GET", path), kind)

    async def _post(
        self, path: str, body: msgspec.Struct, kind: type[T], headers: dict[str, str] | None = None
    ) -> T:
        given = {"content-type": "application/json", "request-timeout": f"{self._ask_s:g}", **(headers or {})}
        request = self._http.build_request("POST", path, content=encode(body), headers=given)
        return await self._exchange(request, kind)

    async def _exchange(self, request: httpx2.Request, kind: type[T]) -> T:
        try:
            response = await self._http.send(request)
        except httpx2.TransportError as error:
            raise unreachable(error, str(self._http.base_url)) from error
        return read_answer(response, kind)


def _run(run_id: str) -> str:
    return f"/v1/runs/{quote(run_id, safe='')}"
