"""A person's file into the workspace of a run: judged by the gate's rules, recorded, then written.

It goes through the run's sandbox, as a tool's file does, so that a view of a project is written to as the run
sees it. What is cut off between the two events is done by saving the same again.
"""

from __future__ import annotations

import hashlib

from orket.decision_nodes.file_rules import objection
from orket.decision_nodes.house_rules import forbidden_types
from orket.domain import workspace_events as w
from orket.domain.errors import RunChanged, RunConflict, ToolError
from orket.domain.identifiers import blob_id
from orket.domain.places import place_of
from orket.domain.redaction import REDACTED
from orket.domain.runs import RunState
from orket.domain.sandboxes import SandboxSpec
from orket.orchestration.admission import Intake, sandbox_spec
from orket.orchestration.desk import Desk
from orket.orchestration.messages import SOME, RunTicket, SaveFile
from orket.orchestration.workspaces import own_dir, resting
from orket.services.sandbox_messages import ActionRefused, CloseSandbox, ReadFile, SandboxRefused, WriteFile

LOOKED_AT_BYTES_MAX = 64 * 1024 * 1024


async def save(desk: Desk, intake: Intake, m: SaveFile) -> RunTicket:
    """Write the file.

    Raises:
        RunNotFound, RunConflict: The run is at work, or has no workspace of its own; nothing was recorded.
        RunChanged: Another content is there than the one that is to be replaced; nothing was recorded.
        ToolError: The path, the size or the content is not allowed, and nothing was recorded; or it cannot be
            written, and nothing was.
        SandboxError: No sandbox can be had.
    """
    state = await resting(desk, m.run_id)
    _require_workspace(state, intake)
    _require_allowed(desk, state, m)
    accepted = state.accepted
    assert accepted is not None  # it has a workspace
    spec = sandbox_spec(desk.nodes(accepted.workload.organization), m.run_id, accepted)
    try:
        return await _save(desk, spec, state, m)
    except (ActionRefused, SandboxRefused) as refusal:
        raise refusal.error from refusal
    finally:
        await desk.sandboxes.ask(CloseSandbox(run_id=m.run_id))


async def _save(desk: Desk, spec: SandboxSpec, state: RunState, m: SaveFile) -> RunTicket:
    known = await _digest(desk, spec, m.path)
    content = blob_id(m.content)
    if known != content:
        if not _is_meant(known, m.if_content):
            there = f"its content is {known} now" if known else "there is no such file"
            raise RunChanged(f"{m.path}: {there}")
        saving = w.WorkspaceFileSaving(
            path=m.path, content=content, size_bytes=len(m.content), replaces=known, by=m.by
        )
        await desk.ledger.append(m.run_id, [saving], blobs=[m.content])
        await desk.sandboxes.ask(WriteFile(spec=spec, path=m.path, content=m.content))
        await desk.ledger.append(m.run_id, [w.WorkspaceFileSaved(path=m.path, content=content)])
    return RunTicket(run_id=m.run_id, status=state.status, made=not known)


def _is_meant(known: str, wanted: str | None) -> bool:
    return wanted is None or known == wanted or (wanted == SOME and bool(known))


async def _digest(desk: Desk, spec: SandboxSpec, path: str) -> str:
    """Hash what is there; empty: nothing."""
    try:
        found = await desk.sandboxes.ask(ReadFile(spec=spec, path=path, bytes_max=LOOKED_AT_BYTES_MAX))
    except ActionRefused as refusal:
        if refusal.error.code == "not_found":
            return ""
        raise
    return hashlib.sha256(found).hexdigest()


def _require_workspace(state: RunState, intake: Intake) -> None:
    place_of(state, own_dir(intake))
    if state.workspace.discarded:
        raise RunConflict("the run has no workspace any more: it was discarded")
    if state.workspace.under_way is not None:
        raise RunConflict(
            "its changes are half applied: finish that, or roll it back", allowed=("apply", "rollback")
        )


def _require_allowed(desk: Desk, state: RunState, m: SaveFile) -> None:
    assert state.accepted is not None
    house = state.accepted.workload.organization
    if problem := objection(m.path, len(m.content), house.policy, forbidden_types(house)):
        raise ToolError(problem, code="denied")
    if REDACTED.encode() in m.content or desk.redactor.blob(m.content) != m.content:
        raise ToolError(
            f"{m.path}: the content holds a secret, or the mark that stands for one", code="denied"
        )
