"""Each mistake is refused before anything starts, and told with file, JSON pointer and reason."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from orket.domain.errors import AssetError
from tests.orket.infrastructure.assets.desk import TEAM, Shelf, epic, issue
from tests.orket.infrastructure.assets.pointers import resolves

pytestmark = pytest.mark.anyio

VERIFICATION: dict[str, Any] = {"fixture_path": "verification/f.py", "scenarios": [{"id": "s"}]}


def verified(**more: Any) -> dict[str, Any]:
    return issue("A", verification={**VERIFICATION, **more})


EPICS: list[tuple[str, Any, str, str]] = [
    ("no object", [1], "", "object"),
    ("no team", {k: v for k, v in epic(issue("A")).items() if k != "team"}, "", "team"),
    ("team is a number", epic(issue("A"), team=3), "/team", "str"),
    ("unknown team", epic(issue("A"), team="paar"), "/team", "there are: pair"),
    ("unsafe team", epic(issue("A"), team="../pair"), "/team", "no name of an asset"),
    ("hidden team", epic(issue("A"), team=".pair"), "/team", "no name of an asset"),
    ("unknown environment", epic(issue("A"), environment="x"), "/environment", "there are: local"),
    ("no issues", epic(), "/issues", "1 to"),
    ("no list", epic(issues=None), "", "issues, stories, cards, tracs"),
    ("two lists", epic(issue("A"), stories=[]), "/stories", "already listed"),
    ("no name", epic(issue("A"), name=" "), "", "name"),
    ("wrong type", epic(issue("A"), type="rock", team="pair"), "", "epics"),
    ("misspelt key", epic(issue("A"), descripton="x"), "/descripton", "did you mean 'description'"),
    ("issue is a word", epic("A"), "/issues/0", "object"),
    (
        "misspelt dependency",
        epic(issue("A"), {**issue("B"), "depend_on": ["A"]}),
        "/issues/1/depend_on",
        "depends_on",
    ),
    ("two names", epic({**issue("A"), "name": "Other"}), "/issues/0/summary", "otherwise"),
    ("no such type", epic(issue("A", type="epos")), "/issues/0/type", "issue, story, bug, task"),
    ("utility", epic(issue("A", type="utility")), "/issues/0/type", "issue"),
    ("bad priority", epic(issue("A", priority="urgent")), "/issues/0/priority", "high, medium, low"),
    ("infinite priority", epic(issue("A", priority="inf")), "/issues/0/priority", "finite"),
    ("priority is a list", epic(issue("A", priority=[])), "/issues/0/priority", "float"),
    ("bad status", epic(issue("A", status="active")), "/issues/0/status", "ready, in_progress"),
    ("begun", epic(issue("A", status="in_progress")), "/issues/0/status", "cannot start from"),
    ("bad epic status", epic(issue("A"), status="active"), "/status", "ready"),
    ("unknown seat", epic(issue("A", seat="chef")), "/issues/0/seat", "it has: builder, guard"),
    ("default seat", epic({"id": "A", "summary": "x"}), "/issues/0", "no seat 'standard'"),
    ("id twice", epic(issue("A"), issue("A")), "/issues/1/id", "already used"),
    ("id of the epic", epic(issue("EPIC")), "/issues/0/id", "already used"),
    ("id with a slash", epic(issue("a/b")), "/issues/0/id", "no card id"),
    ("id with a space", epic(issue("a b")), "/issues/0/id", "no card id"),
    ("empty id", epic(issue("")), "/issues/0/id", "no card id"),
    ("unknown dependency", epic(issue("A"), issue("B", "Z")), "/issues/1/depends_on", "others are: A"),
    ("dependency is a number", epic(issue("A", *[3])), "/issues/0/depends_on/0", "str"),  # type: ignore[arg-type]
    ("retries", epic(issue("A", max_retries=-1)), "/issues/0/max_retries", "0 to"),
    ("no fixture", epic(verified(fixture_path="x.py")), "/issues/0/verification/fixture_path", "no fixture"),
    (
        "fixture outside",
        epic(verified(fixture_path="../../../x.py")),
        "/issues/0/verification/fixture_path",
        "outside",
    ),
    (
        "absolute fixture",
        epic(verified(fixture_path="/etc/passwd")),
        "/issues/0/verification/fixture_path",
        "outside",
    ),
    (
        "fixture is a folder",
        epic(verified(fixture_path="teams")),
        "/issues/0/verification/fixture_path",
        "no fixture",
    ),
    (
        "fixture is no Python",
        epic(verified(fixture_path="bad.py")),
        "/issues/0/verification/fixture_path",
        "line 2",
    ),
    (
        "fixture is no text",
        epic(verified(fixture_path="latin.py")),
        "/issues/0/verification/fixture_path",
        "UTF-8",
    ),
    (
        "NUL in a fixture",
        epic(verified(fixture_path="a\0b")),
        "/issues/0/verification/fixture_path",
        "no path",
    ),
    (
        "endless fixture",
        epic(verified(fixture_path="x" * 5000)),
        "/issues/0/verification/fixture_path",
        "no fixture",
    ),
    ("long team", epic(issue("A"), team="\U0001f40c" * 128), "/team", "there are: pair"),
    ("no scenario", epic(verified(scenarios=[])), "/issues/0/verification/fixture_path", "scenarios"),
    (
        "scenario twice",
        epic(verified(scenarios=[{"id": "s"}, {"id": "s"}])),
        "/issues/0/verification/scenarios/1/id",
        "twice",
    ),
    (
        "scenario id",
        epic(verified(scenarios=[{"id": "a-b"}])),
        "/issues/0/verification/scenarios/0/id",
        "verify_",
    ),
    (
        "two fixtures",
        epic(verified(verification_fixture="x")),
        "/issues/0/verification/verification_fixture",
        "otherwise",
    ),
    ("half a character", epic(issue("A", note="\ud800")), "/issues/0/note", "surrogate"),
    (
        "iDesign",
        epic(issue("A"), architecture_governance={"idesign": "no"}),
        "/architecture_governance/idesign",
        "bool",
    ),
]


@pytest.mark.parametrize(
    ("told", "pointer", "reason"), [case[1:] for case in EPICS], ids=[case[0] for case in EPICS]
)
async def test_epics(shelf: Shelf, told: Any, pointer: str, reason: str) -> None:
    shelf.write("verification/f.py", "def verify(given): return given\n")
    shelf.write("bad.py", "x = 1\nx x\n")
    shelf.write("latin.py", b"# \xe4\n")
    path = shelf.write("epics/work.json", told)
    with pytest.raises(AssetError) as refused:
        await shelf.load(path)
    assert refused.value.file == "model/core/epics/work.json"
    assert refused.value.pointer == pointer
    assert reason in refused.value.reason
    assert resolves(pointer, told)


async def test_a_link_does_not_lead_out_of_the_model_directory(shelf: Shelf) -> None:
    shelf.write("secret.py", "x = 1\n", below=shelf.root)
    (shelf.home / "link.py").symlink_to(shelf.root / "secret.py")
    with pytest.raises(AssetError, match="outside the model directory"):
        await shelf.load_epic(verified(fixture_path="link.py"))


OTHERS: list[tuple[str, Any, str, str]] = [
    ("teams/pair.json", {**TEAM, "seats": {}}, "/seats", "at least one seat"),
    ("teams/pair.json", {"name": "pair"}, "", "seats"),
    ("teams/pair.json", {"seats": {"a/b": {"roles": ["x"]}}}, "/seats/a~1b", "no name"),
    ("teams/pair.json", {"seats": {"builder": {"roles": []}}}, "/seats/builder/roles", "at least one role"),
    ("teams/pair.json", {"seats": {"builder": {"roles": ["nobody"]}}}, "/seats/builder/roles/0", "nobody"),
    ("teams/pair.json", {"seats": {"builder": {"role": ["x"]}}}, "/seats/builder/role", "'roles'"),
    (
        "teams/pair.json",
        {"seats": {"builder": {"roles": ["x"]}}, "roles": {"x": {"tools": 1}}},
        "/roles/x/tools",
        "array",
    ),
    (
        "roles/builder_role.json",
        {"name": "b", "capabilities": {"issue_types": [1]}},
        "/capabilities/issue_types/0",
        "str",
    ),
    ("environments/local.json", {"timeout": 0}, "/timeout", "above 0"),
    ("environments/local.json", {"temperature": -1}, "/temperature", "0 or more"),
    ("environments/local.json", {"seed": 2**70}, "/seed", "64"),
    ("environments/local.json", {"timeout_s": 5}, "/timeout_s", "'timeout'"),
    ("dialects/x.json", {"dsl_format": "{}"}, "", "model_family"),
    ("organization.json", {"name": 3}, "/name", "str"),
    ("organization.json", {"sandbox": {"level": ["process"]}}, "/sandbox/level", "'levels'"),
    (
        "organization.json",
        {"sandbox": {"anything": 1}},
        "/sandbox/anything",
        "known: levels, command_recovery",
    ),
    ("organization.json", {"sandbox": {"levels": ["process", " "]}}, "/sandbox/levels/1", "no name"),
    (
        "organization.json",
        {"sandbox": {"command_recovery": "hope"}},
        "/sandbox/command_recovery",
        "ask_human",
    ),
    ("organization.json", {"policy": [{"effect": "maybe"}]}, "/policy/0/effect", "allow, deny, ask"),
    ("organization.json", {"policy": [{"effect": "deny", "user": "x"}]}, "/policy/0/user", "known: effect"),
    (
        "organization.json",
        {"process_rules": {"planer_node": "x"}},
        "/process_rules/planer_node",
        "planner_node",
    ),
    (
        "organization.json",
        {"process_rules": {"planner_node": 7}},
        "/process_rules/planner_node",
        "decision node",
    ),
    (
        "organization.json",
        {"architecture": {"idesign_threshold": -1}},
        "/architecture/idesign_threshold",
        "0 or more",
    ),
    ("organization.json", {"departments": ["../x"]}, "/departments/0", "no name"),
    (
        "organization.json",
        {"bottleneck_thresholds": {"dependency_warning_pct": 50}},
        "/bottleneck_thresholds/dependency_warning_pct",
        "from 0 to 1",
    ),
    (
        "organization.json",
        {"bottleneck_thresholds": {"resource_critcal": 4}},
        "/bottleneck_thresholds/resource_critcal",
        "resource_critical",
    ),
    (
        "organization.json",
        {"bottleneck_thresholds": {"wip_limit_per_seat": -1}},
        "/bottleneck_thresholds/wip_limit_per_seat",
        "0 or more",
    ),
]


@pytest.mark.parametrize(("path", "told", "pointer", "reason"), OTHERS)
async def test_what_an_epic_needs(shelf: Shelf, path: str, told: Any, pointer: str, reason: str) -> None:
    shelf.write(path, told)
    with pytest.raises(AssetError) as refused:
        await shelf.load_epic(issue("A"))
    assert (refused.value.file, refused.value.pointer) == (f"model/core/{path}", pointer)
    assert reason in refused.value.reason
    assert resolves(pointer, told)


DOCUMENTS: list[tuple[str, bytes, str, str]] = [
    ("empty", b"", "", "line 1 column 1"),
    ("cut off", b'{"name": "x",\n "team": ', "", "line 2 column"),
    ("a raw newline", b'{"name": "a\nb"}', "", "line 1"),
    ("no UTF-8", b'{\n"name": "\xe4"}', "", "not UTF-8: byte 11 (line 2)"),
    ("a key twice", b'{"a": {"b~/": 1, "b~/": 2}}', "/a/b~0~1", "given twice"),
    ("not a number", b'{"a": [1, NaN]}', "/a/1", "finite"),
    ("too large a number", b'{"a": 1e999}', "/a", "finite"),
    ("far too long a number", b'{"a": ' + b"1" * 5000 + b"}", "", "number"),
    ("too deep", b"[" * 200_000, "", "nested too deeply"),
    ("too large", b" " * (4 * 1024 * 1024 + 1), "", "larger than"),
]


@pytest.mark.parametrize(
    ("content", "pointer", "reason"), [case[1:] for case in DOCUMENTS], ids=[case[0] for case in DOCUMENTS]
)
async def test_documents(shelf: Shelf, content: bytes, pointer: str, reason: str) -> None:
    path = shelf.write("epics/work.json", content)
    with pytest.raises(AssetError) as refused:
        await shelf.load(path)
    assert (refused.value.file, refused.value.pointer) == ("model/core/epics/work.json", pointer)
    assert reason in refused.value.reason


async def test_a_byte_order_mark_is_dropped(shelf: Shelf) -> None:
    path = shelf.write("epics/work.json", epic(issue("A")))
    path.write_bytes(b"\xef\xbb\xbf" + path.read_bytes())
    assert (await shelf.load(path)).epics


@pytest.mark.parametrize("make", [os.mkfifo, os.mkdir], ids=["pipe", "folder"])
async def test_only_regular_files(shelf: Shelf, make: Callable[[Path], None]) -> None:
    (shelf.home / "epics").mkdir()
    path = shelf.home / "epics" / "work.json"
    make(path)
    with pytest.raises(AssetError, match=r"work\.json"):
        await shelf.load(path)
