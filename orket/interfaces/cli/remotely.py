"""Which commands go to a bridge that ``--url`` names: over which operations, by which methods of the client.

A command that is not carried out there has a reason; together these are all commands, which a test holds.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

import attrs


@attrs.frozen
class There:
    """A command that a bridge carries out; ``operations`` and ``methods`` in the order they are needed."""

    operations: tuple[str, ...]
    methods: tuple[str, ...]


@attrs.frozen
class Here:
    """A command of this machine, and why it is one."""

    because: str


_EVENTS = There(("getRun", "listRuns", "listEvents"), ("run", "runs", "ledger"))
_FILES = Here("it reads and writes files of this machine")
_MACHINE = Here("it finds out what this machine can do")


def _on_runs(operation: str, method: str) -> There:
    return There(("getRun", "listRuns", "listEvents", operation), ("run", "runs", "ledger", method))


def _project(operation: str, method: str) -> There:
    return There((operation,), (method,))


COMMANDS: Mapping[str, There | Here] = MappingProxyType(
    {
        "run": There(("startRun", "getRun", "streamRunEvents"), ("start_run", "run", "events")),
        "demo": Here("it needs nothing but this machine, and shows just that"),
        "fork": There(
            ("getRun", "listRuns", "listEvents", "forkRun", "streamRunEvents"),
            ("run", "runs", "ledger", "fork", "events"),
        ),
        "serve": Here("it is the bridge"),
        "runs": There(("listRuns",), ("runs",)),
        "cards": There(
            (*_EVENTS.operations, "listWorkspaceChanges"), (*_EVENTS.methods, "workspace_changes")
        ),
        "card": _EVENTS,
        "why-blocked": _EVENTS,
        "bugs": _EVENTS,
        "calendar": Here("it reckons with dates alone"),
        "prompt": There(
            (*_EVENTS.operations, "previewPrompt", "getContent"), (*_EVENTS.methods, "prompt", "content")
        ),
        "memory search": There(("searchMemory",), ("memory",)),
        "watch": There((*_EVENTS.operations, "streamRunEvents"), (*_EVENTS.methods, "watch")),
        "memory add": There(("addMemory",), ("remember",)),
        "memory forget": There(("forgetMemory",), ("forget",)),
        "events": There((*_EVENTS.operations, "streamRunEvents"), (*_EVENTS.methods, "events")),
        "diff": There(
            (*_EVENTS.operations, "listWorkspaceChanges", "getWorkspaceDiff"),
            (*_EVENTS.methods, "workspace_changes", "workspace_diff"),
        ),
        "explain": _EVENTS,
        "replay": _EVENTS,
        "ledger show": _EVENTS,
        "ledger verify": There(("verifyLedger",), ("verify_ledger",)),
        "ledger export": Here(
            "it copies the database file with its chain; `ledger show` reads over the bridge"
        ),
        "nodes": There(("getPolicies",), ("policies",)),
        "tools": _MACHINE,
        "db check": _FILES,
        "db backup": _FILES,
        "db migrate": _FILES,
        "sandbox create": _project("createProject", "create_project"),
        "sandbox show": _project("getProject", "project"),
        "sandbox logs": There(
            ("getRun", "listRuns", "listEvents", "getProjectLogs"), ("run", "runs", "ledger", "project_logs")
        ),
        "sandbox exec": There(
            ("getRun", "listRuns", "listEvents", "execInProject"),
            ("run", "runs", "ledger", "exec_in_project"),
        ),
        "sandbox renew": _project("renewProject", "renew_project"),
        "sandbox stop": There(
            ("getRun", "listRuns", "listEvents", "stopProject", "pauseRun"),
            ("run", "runs", "ledger", "stop_project", "pause"),
        ),
        "sandbox delete": _project("deleteProject", "delete_project"),
        "sandbox doctor": _MACHINE,
        "sandbox list": There(("listRuns", "listEvents", "listProjects"), ("runs", "ledger", "projects")),
        "keys create": Here("a new key is a secret, and no answer of a bridge has one in it"),
        "keys list": There(("listKeys",), ("keys",)),
        "keys revoke": There(("revokeKey",), ("revoke_key",)),
        "mcp serve": There(
            ("startRun", "getRun", "listRuns", "listRunCards", "listApprovals", "decideApproval"),
            ("start_run", "run", "runs", "cards", "approvals", "decide_approval"),
        ),
        "mcp list": There(("listMcpServers",), ("mcp_servers",)),
        "mcp show": Here("it starts servers of this machine"),
        "mcp approve": _FILES,
        "models list": _MACHINE,
        "models pull": _FILES,
        "models test": _MACHINE,
        "doctor": _MACHINE,
        "version": Here("it is the version of this program; a bridge says its own at /v1/system/version"),
        "pause": _on_runs("pauseRun", "pause"),
        "resume": _on_runs("resumeRun", "resume"),
        "cancel": _on_runs("cancelRun", "cancel"),
        "approvals": _EVENTS,
        "approve": _on_runs("decideToolCall", "decide"),
        "deny": _on_runs("decideToolCall", "decide"),
        "workspace apply": _on_runs("applyWorkspace", "apply_workspace"),
        "workspace rollback": _on_runs("rollBackWorkspace", "roll_back_workspace"),
        "workspace discard": _on_runs("discardWorkspace", "discard_workspace"),
        "archive": _on_runs("archiveCards", "archive_cards"),
        "restore": _on_runs("restoreCards", "archive_cards"),
        "halt": There(("haltEngine",), ("halt",)),
        "release": There(("releaseEngine",), ("release",)),
        "decide": _on_runs("decideToolCall", "decide"),
    }
)


def here_because(words: tuple[str, ...]) -> tuple[str, str] | None:
    """Name the command that begins these words and why it is one of this machine; None: it is not."""
    for name in (" ".join(words[:2]), words[0] if words else ""):
        if isinstance(found := COMMANDS.get(name), Here):
            return name, found.because
    return None
