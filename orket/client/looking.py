"""The part of the client that only looks."""

from __future__ import annotations

from datetime import date

from orket.client.calls import Calls, path_of, run_path
from orket.wire.accounts import CardAccountView
from orket.wire.approvals import ApprovalPage, ApprovalView
from orket.wire.board import BoardView
from orket.wire.budgets import BudgetPage, BudgetView
from orket.wire.calendar import CalendarView
from orket.wire.calls import CallPage
from orket.wire.cards import CardPage
from orket.wire.diagnosis import DiagnosisView
from orket.wire.events import EventPage
from orket.wire.heartbeat import HeartbeatView
from orket.wire.keys import KeyPage
from orket.wire.mcp import McpServersView
from orket.wire.memory import ForgetBody, MemoriesFound, MemoryView, RememberBody
from orket.wire.operations import OperationPage, OperationView
from orket.wire.policies import PoliciesView
from orket.wire.prompts import PromptView
from orket.wire.runs import RunPage, RunView
from orket.wire.sandboxes import SandboxLog, SandboxPage, SandboxView
from orket.wire.system import EngineView, HealthView, VersionView
from orket.wire.turns import TurnPage


class Looking(Calls):
    """Everything that can be looked at.

    A list comes in pages: ``page`` is the ``next`` of the page before, and the other arguments then do not
    count. ``wait_s`` waits for a run to rest (it has ended, or needs a person), at most so many seconds.
    """

    async def version(self) -> VersionView:
        """Ask which Orket it is."""
        return await self._get("/v1/system/version", VersionView)

    async def ready(self) -> HealthView:
        """Ask whether it takes commands; a problem when it does not."""
        return await self._get("/readyz", HealthView)

    async def heartbeat(self) -> HeartbeatView:
        """Ask how the engine is doing."""
        return await self._get("/v1/system/heartbeat", HeartbeatView)

    async def engine(self) -> EngineView:
        """Ask whether the engine is halted."""
        return await self._get("/v1/system/engine", EngineView)

    async def policies(self) -> PoliciesView:
        """Show what decides: nodes, tool policy, sandbox levels."""
        return await self._get("/v1/policies", PoliciesView)

    async def mcp_servers(self) -> McpServersView:
        """Show the MCP servers of the house, and how they stand."""
        return await self._get("/v1/mcp/servers", McpServersView)

    async def run(self, run_id: str, *, wait_s: float | None = None) -> RunView:
        """Show a run."""
        return await self._get(run_path(run_id), RunView, wait_s=wait_s)

    async def runs(self, *, limit: int = 50, open_only: bool = False, page: str = "") -> RunPage:
        """List runs, newest first."""
        return await self._get(page or path_of("v1", "runs", limit=limit, open=open_only), RunPage)

    async def operation(self, operation_id: str, *, wait_s: float | None = None) -> OperationView:
        """Ask how far accepted work has come."""
        return await self._get(path_of("v1", "operations", operation_id), OperationView, wait_s=wait_s)

    async def operations(self, *, limit: int = 50, open_only: bool = False, page: str = "") -> OperationPage:
        """List operations, newest first."""
        path = page or path_of("v1", "operations", limit=limit, open=open_only)
        return await self._get(path, OperationPage)

    async def cards(self, run_id: str | None = None, *, limit: int = 100, page: str = "") -> CardPage:
        """List the cards of a run, or of all runs."""
        path = "/v1/cards" if run_id is None else f"{run_path(run_id)}/cards"
        return await self._get(page or f"{path}?limit={limit}", CardPage)

    async def card(self, run_id: str, card_id: str) -> CardAccountView:
        """Show one card of a run with its history."""
        return await self._get(path_of("v1", "runs", run_id, "cards", card_id), CardAccountView)

    async def prompt(self, run_id: str, card_id: str) -> PromptView:
        """Show what a card's next turn would send to the model; nothing is sent."""
        return await self._get(path_of("v1", "runs", run_id, "cards", card_id, "prompt"), PromptView)

    async def board(self, run_id: str, *, limit: int = 50) -> BoardView:
        """Show a run's issues by where they stand, so many of each column."""
        return await self._get(path_of("v1", "runs", run_id, "board", limit=limit), BoardView)

    async def why_blocked(self, run_id: str, *, card: str | None = None) -> DiagnosisView:
        """Ask why a run's cards, or one of them, do not move."""
        only = {} if card is None else {"card": card}
        return await self._get(path_of("v1", "runs", run_id, "why-blocked", **only), DiagnosisView)

    async def calendar(self, day: date | None = None, *, weeks: int = 1) -> CalendarView:
        """Show the sprint of a day (today in UTC), and so many in all from there on."""
        first = {} if day is None else {"day": day.isoformat()}
        return await self._get(path_of("v1", "calendar", weeks=weeks, **first), CalendarView)

    async def memory(self, words: str = "", *, limit: int = 20) -> MemoriesFound:
        """Search what was remembered over all runs, the best first; without words the newest."""
        return await self._get(path_of("v1", "memory", q=words, limit=limit), MemoriesFound)

    async def remember(self, text: str, *, by: str) -> MemoryView:
        """Put something into the project's memory."""
        return await self._post(path_of("v1", "memory"), RememberBody(text=text, by=by), MemoryView)

    async def forget(self, number: int, *, by: str, reason: str = "") -> MemoryView:
        """Take what is remembered under a number out of the project's memory; shows what it was."""
        path = path_of("v1", "memory", str(number), "forget")
        return await self._post(path, ForgetBody(by=by, reason=reason), MemoryView)

    async def turns(self, run_id: str, *, limit: int = 100, page: str = "") -> TurnPage:
        """List a run's turns, each card's latest 20."""
        return await self._get(page or path_of("v1", "runs", run_id, "turns", limit=limit), TurnPage)

    async def tool_calls(
        self, run_id: str, *, waiting: bool = False, limit: int = 100, page: str = ""
    ) -> CallPage:
        """List a run's tool calls, or those a person must decide about."""
        path = page or path_of("v1", "runs", run_id, "tool-calls", limit=limit, waiting=waiting)
        return await self._get(path, CallPage)

    async def budget(self, run_id: str) -> BudgetView:
        """Show what a run may spend and has spent."""
        return await self._get(f"{run_path(run_id)}/budget", BudgetView)

    async def budgets(self, *, limit: int = 20, page: str = "") -> BudgetPage:
        """List the budgets of the open runs."""
        return await self._get(page or path_of("v1", "budgets", limit=limit), BudgetPage)

    async def approvals(self, *, limit: int = 100, page: str = "") -> ApprovalPage:
        """List what waits for a person, of all open runs."""
        return await self._get(page or path_of("v1", "approvals", limit=limit), ApprovalPage)

    async def approval(self, approval_id: str) -> ApprovalView:
        """Show one thing that waits for a person."""
        return await self._get(path_of("v1", "approvals", approval_id), ApprovalView)

    async def sandboxes(self, *, limit: int = 20, page: str = "") -> SandboxPage:
        """List the sandboxes of so many runs, the newest first."""
        return await self._get(page or path_of("v1", "sandboxes", limit=limit), SandboxPage)

    async def sandbox(self, sandbox_id: str) -> SandboxView:
        """Show one sandbox."""
        return await self._get(path_of("v1", "sandboxes", sandbox_id), SandboxView)

    async def sandbox_logs(self, sandbox_id: str, *, after: int = 0, page: str = "") -> SandboxLog:
        """Show what happened in a sandbox after an event."""
        path = page or path_of("v1", "sandboxes", sandbox_id, "logs", after=after)
        return await self._get(path, SandboxLog)

    async def ledger(self, *, after: int = 0, limit: int = 100, run_id: str | None = None) -> EventPage:
        """List events above a sequence number, of all runs or of one."""
        only = {} if run_id is None else {"run": run_id}
        return await self._get(path_of("v1", "ledger", after=after, limit=limit, **only), EventPage)

    async def content(self, content_id: str) -> bytes:
        """Fetch what events refer to by its hash."""
        return await self._bytes(path_of("v1", "ledger", "contents", content_id))

    async def keys(self, *, limit: int = 100, page: str = "") -> KeyPage:
        """List the keys of the bridge; needs the scope ``admin``."""
        return await self._get(page or path_of("v1", "keys", limit=limit), KeyPage)
