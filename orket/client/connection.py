"""The client: every operation of the bridge as a typed method."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Self
from urllib.parse import quote

import httpx2

from orket.client.calls import MARGIN_S, run_path
from orket.client.events import EventStream, Patience, WatchStream
from orket.client.looking import Looking
from orket.client.projects import Projects
from orket.client.sessions import Sessions
from orket.client.unix import fitting
from orket.client.workspaces import Workspaces
from orket.domain.tools import HumanVerdict
from orket.wire.heartbeat import LedgerReportView
from orket.wire.keys import KeyView
from orket.wire.operations import OperationView
from orket.wire.runs import (
    ArchiveBody,
    BudgetBody,
    CancelBody,
    DecisionBody,
    ForkBody,
    PauseBody,
    ResumeBody,
    RunStanding,
    RunStarted,
    StartRunBody,
)
from orket.wire.system import EngineStanding, HaltBody, ReleaseBody


class OrketClient(Projects, Workspaces, Sessions, Looking):
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
        super().__init__(http, ask_s=ask_s)
        self._patience = patience or Patience()

    @classmethod
    @asynccontextmanager
    async def connect(
        cls,
        *,
        url: str | None = None,
        socket: str | Path | None = None,
        key: str = "",
        ask_s: float = 30.0,
        patience: Patience | None = None,
    ) -> AsyncIterator[Self]:
        """Use the bridge at a URL or behind a Unix socket; nothing is sent before the first request.

        Args:
            url: Where it listens, such as ``http://127.0.0.1:8082``.
            socket: The path of its Unix socket.
            key: What ``orket keys create`` printed; needed everywhere but on loopback and on the socket.
            ask_s: How long the engine may take for a command, in seconds.
            patience: How event streams come back.

        Raises:
            ValueError: Neither or both places were given.
        """
        if (url is None) == (socket is None):
            raise ValueError("give either url or socket")
        async with AsyncExitStack() as stack:
            uds = None if socket is None else stack.enter_context(fitting(Path(socket)))
            http = httpx2.AsyncClient(
                base_url=url or "http://localhost",
                headers={"authorization": f"Bearer {key}"} if key else None,
                # A proxy for the outside world has no business between us and loopback.
                transport=httpx2.AsyncHTTPTransport(uds=uds, trust_env=False),
                timeout=httpx2.Timeout(5.0, read=ask_s + MARGIN_S),
            )
            await stack.enter_async_context(http)
            yield cls(http, ask_s=ask_s, patience=patience)

    async def start_run(self, body: StartRunBody, *, key: str | None = None) -> RunStarted:
        """Start a run; answered when that is durable.

        Args:
            body: What to run.
            key: With the same key the command may be repeated, and is carried out once.
        """
        headers = {} if key is None else {"idempotency-key": key}
        return await self._post("/v1/runs", body, RunStarted, headers)

    async def archive_cards(
        self, run_id: str, *cards: str, by: str, reason: str = "", restore: bool = False
    ) -> RunStanding:
        """Archive cards of a run that has ended, all without names; or bring them back (``restore``)."""
        word = "restore" if restore else "archive"
        body = ArchiveBody(by=by, reason=reason, cards=cards)
        return await self._post(f"{run_path(run_id)}/{word}", body, RunStanding)

    async def halt(self, *, by: str, reason: str = "") -> EngineStanding:
        """End all work of the engine; after the answer nothing starts in any run until it is released."""
        return await self._post("/v1/system/halt", HaltBody(by=by, reason=reason), EngineStanding)

    async def release(self, *, by: str) -> EngineStanding:
        """Let a halted engine work again."""
        return await self._post("/v1/system/release", ReleaseBody(by=by), EngineStanding)

    def events(self, run_id: str, *, after: int = 0) -> EventStream:
        """Follow a run from after a sequence number to its end; see ``EventStream``."""
        return EventStream(self._http, f"{run_path(run_id)}/events", after=after, patience=self._patience)

    def watch(self, run_id: str, *, after: int = 0) -> WatchStream:
        """Follow a run as ``events`` does, and see what models are writing; see ``WatchStream``."""
        path = f"{run_path(run_id)}/events?pieces=true"
        return WatchStream(self._http, path, after=after, patience=self._patience)

    async def pause(
        self, run_id: str, *, by: str, reason: str = "", if_seq: int | None = None
    ) -> RunStanding:
        """Stop a run's work; after the answer no new effect starts.

        ``if_seq`` has it carried out only while that is the number of the run's newest event.
        """
        body = PauseBody(by=by, reason=reason)
        return await self._post(f"{run_path(run_id)}/pause", body, RunStanding, if_seq=if_seq)

    async def resume(
        self,
        run_id: str,
        *,
        by: str,
        budget: BudgetBody | None = None,
        budgets: Mapping[str, BudgetBody] | None = None,
        if_seq: int | None = None,
    ) -> RunStanding:
        """Let a paused run go on; ``budget`` replaces its bounds, ``budgets`` those of single cards.

        ``if_seq`` as for ``pause``.
        """
        body = ResumeBody(by=by, budget=budget, budgets=dict(budgets or {}))
        return await self._post(f"{run_path(run_id)}/resume", body, RunStanding, if_seq=if_seq)

    async def cancel(
        self, run_id: str, *, by: str, reason: str = "", if_seq: int | None = None
    ) -> RunStanding:
        """End a run for good; ``if_seq`` as for ``pause``."""
        body = CancelBody(by=by, reason=reason)
        return await self._post(f"{run_path(run_id)}/cancel", body, RunStanding, if_seq=if_seq)

    async def fork(self, run_id: str, body: ForkBody, *, key: str | None = None) -> RunStarted:
        """Begin a new run with the history of this one; ``key`` as for ``start_run``."""
        headers = {} if key is None else {"idempotency-key": key}
        return await self._post(f"{run_path(run_id)}/forks", body, RunStarted, headers)

    async def decide(self, run_id: str, call_id: str, verdict: HumanVerdict, *, by: str) -> RunStanding:
        """Say what a person decided about a call that waits for one."""
        path = f"{run_path(run_id)}/tool-calls/{quote(call_id, safe='')}/decision"
        return await self._post(path, DecisionBody(verdict=verdict, by=by), RunStanding)

    async def decide_approval(self, approval_id: str, verdict: HumanVerdict, *, by: str) -> RunStanding:
        """Say what a person decided about what waits under a name of ``approvals``."""
        path = f"/v1/approvals/{quote(approval_id, safe='')}/decision"
        return await self._post(path, DecisionBody(verdict=verdict, by=by), RunStanding)

    async def cancel_operation(self, operation_id: str, *, by: str, reason: str = "") -> OperationView:
        """End accepted work for good."""
        path = f"/v1/operations/{quote(operation_id, safe='')}/cancel"
        return await self._post(path, CancelBody(by=by, reason=reason), OperationView)

    async def verify_ledger(self) -> LedgerReportView:
        """Have the whole ledger checked; needs the scope ``admin``."""
        return await self._post("/v1/ledger/verify", None, LedgerReportView)

    async def revoke_key(self, key_id: str) -> KeyView:
        """Have a key open nothing any more; needs the scope ``admin``."""
        return await self._post(f"/v1/keys/{quote(key_id, safe='')}/revoke", None, KeyView)
