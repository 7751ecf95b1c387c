"""The contract of a tool, as a test that its author runs: ``await check_tool(TOOL, examples=[...])``."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import attrs

from actors import ActorSystem
from orket.decision_nodes.argument_schema import problems
from orket.domain.assets import Environment, Epic, Organization, Team, Workload
from orket.domain.cards import Card, CardStatus, CardType
from orket.domain.errors import ToolError
from orket.domain.events import RunAccepted
from orket.domain.identifiers import CardId, RunId, call_id
from orket.domain.sandboxes import SandboxSpec
from orket.domain.tools import Finding, Permission, Recovery, ToolCall, ToolResult, failed
from orket.infrastructure.clock import SystemClock
from orket.infrastructure.memory import open_ledger
from orket.infrastructure.sandboxes.process import ProcessDriver
from orket.services.sandbox_orchestrator import SandboxOrchestrator
from orket.services.tool_messages import CallContext
from orket.services.tools.tool import OUTPUT_CHARS_MAX, Tool, ToolContext
from orket.services.tools.workbench import Workbench

_RUN = RunId("checktool")
_EPIC = Card(id=CardId("CHECK"), type=CardType.EPIC, name="Check")
_CARD = Card(
    id=CardId("CHECK-1"), name="Check", parent_id=_EPIC.id, seat="builder", status=CardStatus.IN_PROGRESS
)
_WORKLOAD = Workload(
    target="check",
    organization=Organization(),
    epics=(
        Epic(card=_EPIC, team=Team(name="check"), environment=Environment(name="check"), issues=(_CARD,)),
    ),
    roles=(),
    dialects=(),
)
Files = Mapping[str, bytes]


class ToolContractBroken(AssertionError):
    """A tool does not keep its contract; the message says which line of it, and with which arguments."""


async def check_tool(
    tool: Tool[Any], *, examples: Sequence[Mapping[str, object]], files: Files | None = None
) -> None:
    """Check that a tool keeps the contract of ``docs/how-to/write-a-tool.md``.

    Each example is carried out in a workspace of its own, by the ``process`` sandbox, as an engine would: the
    tool really acts.

    Args:
        tool: The tool.
        examples: Arguments with which it succeeds, one object each.
        files: What lies in the workspace before, by path.

    Raises:
        ToolContractBroken: It does not; nothing is left behind.
    """
    _declared(tool)
    if not examples:
        raise ToolContractBroken(f"{tool.spec.name}: give at least one example")
    for example in examples:
        await _example(tool, example, files or {})


def _declared(tool: Tool[Any]) -> None:
    """The declaration says enough, in words that the gate and a model can read."""
    spec = tool.spec
    _must(
        spec.name.isidentifier() and spec.name.islower(), spec.name, "its name is lower_case_with_underscores"
    )
    _must(bool(spec.description.strip()), spec.name, "it is described")
    _must(bool(spec.permissions), spec.name, "it declares what it touches")
    schema = json.loads(spec.parameters_json)
    properties: Mapping[str, Mapping[str, object]] = schema.get("properties", {})
    for key, one in properties.items():
        _must(bool(one.get("description")), spec.name, f"its argument {key!r} is described")
    unreadable = [
        one for one in problems(spec.parameters_json, dict.fromkeys(properties)) if "declaration" in one
    ]
    _must(not unreadable, spec.name, f"the gate can read its schema ({'; '.join(unreadable)})")
    _must(set(spec.path_arguments) <= set(properties), spec.name, "its path arguments are arguments")
    files = {Permission.READ_FILES, Permission.WRITE_FILES} & set(spec.permissions)
    _must(
        bool(spec.path_arguments) == bool(files),
        spec.name,
        "it names its path arguments if it touches files, and only then",
    )


async def _example(tool: Tool[Any], example: Mapping[str, object], files: Files) -> None:
    name, arguments = tool.spec.name, json.dumps(example)
    found = problems(tool.spec.parameters_json, example)
    _must(not found, name, f"the example {arguments} fits its schema ({'; '.join(found)})")
    _refuses(tool, {**example, "no_such_argument": 1})
    with TemporaryDirectory(prefix="check-tool-") as folder:
        async with _bench(Path(folder), tool, arguments, files) as bench:
            await bench.probe(Finding.DID_NOT_HAPPEN)
            before = bench.snapshot()
            _result(name, arguments, await bench.run())
            await bench.probe(Finding.HAPPENED)
            await bench.recover(before)


def _refuses(tool: Tool[Any], example: Mapping[str, object]) -> None:
    try:
        tool.decode(json.dumps(example))
    except ToolError as error:
        _must(error.code == "bad_arguments", tool.spec.name, "unknown arguments are bad_arguments")
    else:
        raise ToolContractBroken(f"{tool.spec.name}: an argument that it does not know is refused")


def _result(name: str, arguments: str, result: ToolResult) -> None:
    _must(result.ok, name, f"with {arguments} it succeeds (it said {result.code}: {result.output})")
    _must(not result.code, name, "a success has no code")
    _must(
        len(result.output) <= 2 * OUTPUT_CHARS_MAX, name, f"it says at most {2 * OUTPUT_CHARS_MAX} characters"
    )
    try:
        answer = json.loads(result.output)
    except ValueError:
        answer = None
    _must(isinstance(answer, dict), name, "what it says on success is a JSON object: use done()")


@attrs.frozen
class _Bench:
    """One example's workspace, with the tool at it."""

    tool: Tool[Any]
    arguments: str
    work: Path
    workbench: Workbench
    context: ToolContext

    async def run(self) -> ToolResult:
        try:
            return await self.tool.run(self.arguments, self.context, self.workbench)
        except ToolError as error:
            return failed(error.detail, code=error.code)

    async def probe(self, wanted: Finding) -> None:
        """A tool that probes tells before from after."""
        if self.tool.probe is None:
            return
        before = self.snapshot()
        seen = await self.tool.probe(self.tool.decode(self.arguments), self.context, self.workbench)
        name = self.tool.spec.name
        _must(seen.finding is wanted, name, f"its probe finds {wanted} ({seen.finding}: {seen.evidence})")
        _must(self.snapshot() == before, name, "its probe changes nothing")

    async def recover(self, before: Files) -> None:
        """The declared recovery is true: acting again does no harm, or undoing undoes, twice over."""
        name, after = self.tool.spec.name, self.snapshot()
        if self.tool.spec.recovery is Recovery.IDEMPOTENT:
            _result(name, self.arguments, await self.run())
            _must(self.snapshot() == after, name, "it is idempotent: twice leaves what once left")
        if self.tool.compensate is not None:
            for _ in range(2):
                given = self.tool.decode(self.arguments)
                await self.tool.compensate(given, self.context, self.workbench)
                _must(self.snapshot() == before, name, "its compensation undoes what it did, however often")

    def snapshot(self) -> Files:
        """Read the whole workspace."""
        paths = sorted(one for one in self.work.rglob("*") if one.is_file())
        return {str(one.relative_to(self.work)): one.read_bytes() for one in paths}


@asynccontextmanager
async def _bench(folder: Path, tool: Tool[Any], arguments: str, files: Files) -> AsyncIterator[_Bench]:
    """Lay out a workspace and open a sandbox on it."""
    work = folder / "work"
    for path, content in files.items():
        (work / path).parent.mkdir(parents=True, exist_ok=True)
        (work / path).write_bytes(content)
    work.mkdir(exist_ok=True)
    spec = SandboxSpec(run_id=_RUN, workspace=str(work), levels=("process",))
    call = ToolCall(
        id=call_id(_RUN, _CARD.id, 1, 0),
        run_id=_RUN,
        card_id=_CARD.id,
        turn=1,
        index=0,
        tool=tool.spec.name,
        arguments_json=arguments,
    )
    async with open_ledger(SystemClock()) as ledger, ActorSystem("check-tool") as system:
        await ledger.append(_RUN, [RunAccepted(workload=_WORKLOAD, workspace=str(work))])
        sandboxes = system.spawn(SandboxOrchestrator, (ProcessDriver(),), ledger)
        yield _Bench(
            tool=tool,
            arguments=arguments,
            work=work,
            workbench=Workbench(sandboxes=sandboxes, spec=spec, call_id=call.id, memory=ledger),
            context=ToolContext(call=call, given=_given(tool, spec)),
        )


def _given(tool: Tool[Any], spec: SandboxSpec) -> CallContext:
    return CallContext(
        seat="builder",
        roles=("builder",),
        role_tools=(tool.spec.name,),
        card=_CARD,
        comments=(),
        verification=None,
        organization=Organization(),
        idesign=False,
        sandbox=spec,
    )


def _must(holds: bool, name: str, contract: str) -> None:
    if not holds:
        raise ToolContractBroken(f"{name}: broken contract: {contract}")
