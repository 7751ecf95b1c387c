"""What everybody who works on a run needs at hand: the ledger, the refs to ask, the decision nodes."""

from __future__ import annotations

from collections.abc import Callable

import attrs

from actors import Ref
from orket.decision_nodes.registry import Nodes
from orket.domain.assets import Organization
from orket.domain.ports import Clock, Ids, Ledger, ModelClient
from orket.domain.tools import ToolSpec
from orket.services.sandbox_messages import CloseSandbox, RunInSandbox
from orket.services.tool_messages import EndCalls, ExecuteTool, Settle


@attrs.frozen(kw_only=True)
class Desk:
    """The tools of the orchestration, the same for all runs of an engine.

    ``nodes`` selects the decision nodes for an organization, ``model`` opens a model by name; both refuse
    an unknown name with a ``SettingsError``. ``python`` is the interpreter that executes verifications;
    relative workspaces start at ``cwd``.
    """

    ledger: Ledger
    clock: Clock
    ids: Ids
    executor: Ref[ExecuteTool | EndCalls | Settle]
    sandboxes: Ref[RunInSandbox | CloseSandbox]
    nodes: Callable[[Organization], Nodes]
    model: Callable[[str, Nodes], ModelClient]
    tools: tuple[ToolSpec, ...]
    python: str
    data_dir: str
    cwd: str
