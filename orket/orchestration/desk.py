"""What everybody who works on a run needs at hand: the ledger, the refs to ask, the decision nodes."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import attrs

from actors import Ref
from orket.decision_nodes.registry import Nodes
from orket.domain.assets import Organization
from orket.domain.identifiers import CallId
from orket.domain.ports import Clock, Ledger, ModelClient
from orket.domain.redaction import Redactor
from orket.domain.sandboxes import SandboxSpec
from orket.domain.tools import ToolSpec
from orket.domain.verification import Verification, VerificationResult
from orket.orchestration.inbox import Inbox
from orket.orchestration.live import Live
from orket.services.sandbox_messages import CloseSandbox, ReadFile, RunInSandbox, WriteFile
from orket.services.tool_messages import EndCalls, ExecuteTool, Settle
from orket.services.tools.toolbox import Toolbox, make_toolbox


@attrs.frozen(kw_only=True)
class Desk:
    """The tools of the orchestration, the same for all runs of an engine.

    ``nodes`` selects the decision nodes for an organization, ``model`` opens a model by name; both refuse
    an unknown name with a ``SettingsError``. ``verify`` executes what a card declares, under the name given.
    ``inbox`` is where workers look for notes and memories. ``redactor`` takes secrets out of what models and
    tools say, before anything is made of it. ``proposing`` are the tools that only propose: who works on a
    card makes such calls itself, all others go to the ``executor``. ``live`` shows watchers what models are
    writing.
    """

    ledger: Ledger
    clock: Clock
    executor: Ref[ExecuteTool | EndCalls | Settle]
    sandboxes: Ref[RunInSandbox | ReadFile | WriteFile | CloseSandbox]
    nodes: Callable[[Organization], Nodes]
    model: Callable[[str, Nodes], ModelClient]
    toolbox: Toolbox
    verify: Callable[[Verification, SandboxSpec, CallId], Awaitable[VerificationResult]]
    inbox: Inbox
    redactor: Redactor = attrs.field(factory=Redactor)

    proposing: Toolbox = attrs.field(factory=lambda: make_toolbox(()))
    live: Live = attrs.field(factory=Live)

    @property
    def tools(self) -> tuple[ToolSpec, ...]:
        """What every tool declares now; approving an MCP server adds to them while the engine runs."""
        return tuple(tool.spec for tool in self.toolbox.values())
