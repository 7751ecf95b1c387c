"""The shipped cards: they load, and their scripts tell a story that is true of the code they write."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import anyio
import pytest

from orket.decision_nodes.decisions import GateInput
from orket.decision_nodes.loader_strategy import DefaultLoaderStrategy
from orket.decision_nodes.tool_gate import IDesignToolGate
from orket.decision_nodes.tool_strategy import DefaultToolStrategy
from orket.domain.assets import Epic, Workload
from orket.domain.cards import Card, CardStatus
from orket.domain.graph import independent_ready
from orket.domain.identifiers import RunId, call_id
from orket.domain.models import ProposedCall
from orket.domain.tools import ToolCall, Verdict
from orket.domain.verification import Verification
from orket.infrastructure.assets import DEMO_EPIC, demo_dir
from orket.infrastructure.assets.scripts import ScriptedReply, read_script
from orket.infrastructure.assets.workloads import FileWorkloads
from orket.services.tools.toolbox import TOOLBOX

ROOT = Path(__file__).parents[4]
SPECS = tuple(tool.spec for tool in TOOLBOX.values())
CARDS = ROOT / "docs" / "examples" / "cards"
EPICS = {"demo": demo_dir() / DEMO_EPIC, "example": CARDS / "epics" / "ledger_cli.json"}


def load(path: Path) -> Workload:
    """Load an epic or rock by its file."""
    return anyio.run(FileWorkloads(Path("model"), DefaultLoaderStrategy(), ROOT).load, str(path))


def lines_of(epic: Epic) -> tuple[ScriptedReply, ...]:
    """Read the script that the epic's environment names."""
    path = Path(epic.environment.model.removeprefix("scripted:"))
    return read_script(path, path.name)


def in_order(epic: Epic) -> Iterator[Card]:
    """Go through the issues as their dependencies allow."""
    cards = {card.id: card for card in epic.issues}
    while ready := independent_ready(cards):
        for card in ready:
            yield card
            cards[card.id] = Card(id=card.id, name=card.name, status=CardStatus.DONE)


def verdict(epic: Epic, workload: Workload, line: ScriptedReply, call: ProposedCall) -> Verdict:
    """Ask the strictest gate that ships about a call of the script."""
    card = next(one for one in epic.issues if one.id == line.card)
    seat = epic.team.seat(line.seat or "")
    assert seat is not None
    role = workload.role(seat.roles[0])
    assert role is not None
    offered = DefaultToolStrategy().compose(SPECS, role, workload.organization)
    assert [spec.name for spec in offered] == list(role.tools)
    here = CardStatus.CODE_REVIEW if line.seat == "guard" else CardStatus.IN_PROGRESS
    given = GateInput(
        call=ToolCall(
            id=call_id(RunId("r"), card.id, line.turn, 0),
            run_id=RunId("r"),
            card_id=card.id,
            turn=line.turn,
            index=0,
            tool=call.name,
            arguments_json=call.arguments_json,
        ),
        arguments=json.loads(call.arguments_json),
        spec=next((spec for spec in offered if spec.name == call.name), None),
        seat=seat.key,
        roles=seat.roles,
        role_tools=role.tools,
        card=Card(id=card.id, name=card.name, status=here),
        verification=None,
        policy=workload.organization.policy,
        idesign=epic.idesign,
    )
    return IDesignToolGate().judge(given).verdict


def act(call: ProposedCall, workspace: Path) -> bool:
    """Carry out a call in a folder; whether it succeeded."""
    arguments: dict[str, Any] = json.loads(call.arguments_json)
    place = workspace / str(arguments.get("path", ""))
    match call.name:
        case "write_file":
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_text(arguments["content"], encoding="utf-8")
        case "read_file":
            return place.is_file()
        case "list_directory":
            return place.is_dir()
        case "run_command":
            argv = [sys.executable if one == "python3" else one for one in arguments["argv"]]
            ended = subprocess.run(argv, cwd=workspace, capture_output=True, check=False)
            return ended.returncode == 0
    return True


def verify(declared: Verification, workspace: Path) -> list[str]:
    """Call a fixture over what was written; what each scenario returned, as JSON."""
    program = (  # what the sandbox's runner does, without its bounds
        "import json, sys\nnames = {'__name__': 'fixture'}\n"
        "exec(sys.argv[1], names)\n"
        "for given in json.loads(sys.argv[2]):\n"
        "    print(json.dumps(names['verify'](given), sort_keys=True))\n"
    )
    inputs = json.dumps([json.loads(one.input_json) for one in declared.scenarios])
    argv = [sys.executable, "-I", "-c", program, declared.fixture_source, inputs]
    told = subprocess.run(argv, cwd=workspace, capture_output=True, text=True, check=True)
    return told.stdout.splitlines()


@pytest.mark.parametrize("name", EPICS)
def test_the_script_keeps_its_story(name: str, tmp_path: Path) -> None:
    """Every call is allowed and succeeds, except those that the demo wants to be seen failing."""
    workload = load(EPICS[name])
    (epic,) = workload.epics
    lines = lines_of(epic)
    denied, failed = [], []
    for card in in_order(epic):
        mine = [line for line in lines if line.card == card.id]
        assert [line.turn for line in mine] == list(range(1, len(mine) + 1))
        for line in mine:
            if line.seat == "guard" and card.verification is not None:
                expected = [json.loads(one.expected_json) for one in card.verification.scenarios]
                assert [json.loads(one) for one in verify(card.verification, tmp_path)] == expected
            for call in line.reply.calls:
                if verdict(epic, workload, line, call) is not Verdict.ALLOW:
                    denied.append((line.card, line.turn, call.name))
                elif not act(call, tmp_path):
                    failed.append((line.card, line.turn, call.name))
        assert '"done"' in mine[-1].reply.calls[-1].arguments_json
    assert {line.card for line in lines} == {card.id for card in epic.issues}
    if name == "demo":
        assert denied == [("KIT-3", 1, "write_file")]
        assert failed == [("KIT-4", 1, "run_command")]
    else:
        assert (denied, failed) == ([], [])


@pytest.mark.parametrize("name", EPICS)
def test_the_epic_has_a_diamond_and_a_verification(name: str) -> None:
    (epic,) = load(EPICS[name]).epics
    assert len(epic.issues) >= 4
    needs = {card.id: set(card.depends_on) for card in epic.issues}
    assert any(
        needs[left] & needs[right]
        for joins in needs.values()
        for left in joins
        for right in joins
        if left != right
    )
    assert any(card.verification is not None for card in epic.issues)


def test_weaker_sandboxes_are_allowed_by_name() -> None:
    for path in EPICS.values():
        organization = load(path).organization
        assert organization.sandbox_levels == ("bubblewrap", "process")
        assert organization.command_recovery == "idempotent"


def test_the_example_rock() -> None:
    workload = load(CARDS / "rocks" / "bookkeeping.json")
    assert workload.rock is not None
    assert [epic.card.parent_id for epic in workload.epics] == [workload.rock.id]
    assert {one.model_family for one in workload.dialects} == {"generic", "plainjson"}
