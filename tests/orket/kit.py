"""Workloads written for tests, and a way to drive them through a whole engine, all of it real."""

from __future__ import annotations

import json
import os
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

import anyio
import anyio.lowlevel

from orket.bootstrap import Orket, open_orket
from orket.decision_nodes.registry import NodeRegistry
from orket.domain.identifiers import CardId, RunId
from orket.domain.runs import RunState, RunStatus
from orket.orchestration.messages import StartRun
from orket.settings import Settings

JSON = dict[str, Any]


def issue(key: str, *needs: str, **more: Any) -> JSON:
    """One issue of the seat ``builder``."""
    return {"id": key, "summary": f"Write {key}", "seat": "builder", "depends_on": list(needs), **more}


def call(name: str, **arguments: Any) -> JSON:
    """One tool call."""
    return {"name": name, "arguments": arguments}


def reply(card: str, turn: int, *calls: JSON, **more: Any) -> JSON:
    """One line of a script."""
    return {"card": card, "turn": turn, "tool_calls": list(calls), **more}


def status(value: str, **more: Any) -> JSON:
    """The call that moves one's own card."""
    return call("update_issue_status", status=value, **more)


def plain(card: str, *work: JSON) -> list[JSON]:
    """A card that is written in one turn and accepted in the next."""
    done = work or (call("write_file", path=f"{card}.txt", content=f"{card}\n"),)
    return [reply(card, 1, *done, status("code_review")), reply(card, 2, status("done"))]


TOOLS = [
    "read_file",
    "write_file",
    "list_directory",
    "update_issue_status",
    "add_issue_comment",
    "get_issue_context",
    "create_issue",
    "run_command",
]


class Bench:
    """A model directory, a data directory and a workspace under ``root``."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.model = root / "model"
        self.core = self.model / "core"
        self.workspace = root / "work"
        self.workspace.mkdir()
        self.settings = Settings(data_dir=root / "data", model_dir=self.model, cwd=root)

    def write(self, path: str, value: Any) -> Path:
        """Write one JSON file below the department ``core``."""
        file = self.core / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(value if isinstance(value, str) else json.dumps(value), encoding="utf-8")
        return file

    def epic(
        self, issues: Sequence[JSON], replies: Sequence[JSON], *, name: str = "work", **organization: Any
    ) -> Path:
        """Write an epic with its team, roles, environment, script and organization; return its file."""
        self.write("teams/pair.json", TEAM)
        self.write("roles/builder_role.json", role("builder_role", TOOLS))
        self.write("roles/integrity_guard.json", role("integrity_guard", TOOLS))
        self.write(f"scripts/{name}.json", {"replies": list(replies)})
        script = {"name": name, "model": f"scripted:scripts/{name}.json"}
        self.write(f"environments/{name}.json", script)
        house = {"sandbox": {"levels": ["process"], "command_recovery": "idempotent"}, **organization}
        self.write("organization.json", {"name": "Test house", **house})
        card = {"id": f"EPIC-{name}", "name": name, "team": "pair", "environment": name}
        return self.write(f"epics/{name}.json", {**card, "issues": list(issues)})

    @asynccontextmanager
    async def engine(self, registry: NodeRegistry | None = None) -> AsyncIterator[Orket]:
        """Open the engine."""
        async with open_orket(self.settings, registry=registry) as orket:
            yield orket

    @asynccontextmanager
    async def listening(self) -> AsyncIterator[tuple[Orket, Bell]]:
        """Open the engine, and a bell that a command of the run may ring."""
        with Bell(self.workspace) as bell:
            async with self.engine() as orket:
                yield orket, bell

    async def start(self, orket: Orket, target: Path | str, *, only: str | None = None, **more: Any) -> RunId:
        """Start a run in the workspace."""
        wanted = None if only is None else CardId(only)
        asked = StartRun(target=str(target), only=wanted, workspace=str(self.workspace), **more)
        return (await orket.engine.ask(asked, timeout=20)).run_id

    async def drive(self, target: Path | str, *, only: str | None = None, **more: Any) -> RunState:
        """Run a target to where it cannot go on without a person."""
        async with self.engine() as orket:
            return await settled(orket, await self.start(orket, target, only=only, **more))


class Bell:
    """A named pipe in the workspace by which a command tells the test that it has begun."""

    def __init__(self, workspace: Path) -> None:
        os.mkfifo(workspace / "bell")
        self._pipe = os.open(workspace / "bell", os.O_RDONLY | os.O_NONBLOCK)

    def __enter__(self) -> Bell:
        return self

    def __exit__(self, *_: object) -> None:
        os.close(self._pipe)

    async def rung(self) -> None:
        """Wait until a command has rung."""
        while True:
            await anyio.wait_readable(self._pipe)
            with suppress(BlockingIOError):  # one ringer has left and the next one has not rung yet
                if os.read(self._pipe, 1):
                    return
            await anyio.lowlevel.checkpoint()


async def settled(orket: Orket, run_id: RunId) -> RunState:
    """Wait until a run is not running any more."""
    return await reached(orket, run_id, lambda state: state.status is not RunStatus.RUNNING)


async def reached(orket: Orket, run_id: RunId, wanted: Callable[[RunState], bool]) -> RunState:
    """Wait until the ledger shows what is wanted of a run."""
    state, newest = RunState(run_id=run_id), 0
    while True:
        for recorded in await orket.ledger.read(run_id, after=state.last_seq):
            state.apply_recorded(recorded)
        if wanted(state):
            return state
        newest = await orket.ledger.wait(max(newest, state.last_seq))


def role(name: str, tools: Sequence[str]) -> JSON:
    """One role file."""
    return {"id": name, "name": name, "type": "utility", "description": name, "tools": list(tools)}


TEAM: JSON = {
    "name": "pair",
    "seats": {
        "builder": {"name": "Builder", "roles": ["builder_role"]},
        "guard": {"name": "Guard", "roles": ["integrity_guard"]},
    },
}
