"""Laws of loading: what is written is what is read; what is broken is told with a place that exists."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import anyio
import attrs
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from orket.domain.cards import Card, CardStatus, parse_priority
from orket.domain.errors import AssetError, CardNotFound, DependencyCycle
from orket.domain.graph import check_acyclic
from orket.domain.identifiers import CardId
from orket.domain.verification import Scenario, Verification
from orket.infrastructure.assets.documents import canonical, pointer_to, walk
from tests.orket.infrastructure.assets.desk import ENVIRONMENT, GUARD, ROLE, TEAM, Shelf, epic, issue
from tests.orket.infrastructure.assets.pointers import resolves

TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
    max_leaves=6,
)
IDS = st.from_regex(r"[A-Za-z][A-Za-z0-9_.:@+-]{0,8}", fullmatch=True).filter(lambda one: one != "EPIC")
PRIORITIES = (
    st.floats(-1e6, 1e6)
    | st.integers(-99, 99)
    | st.sampled_from(["High", "medium", " LOW "])
    | st.floats(-1e6, 1e6).map(str)
)
FIXTURE = "verification/f.py"
SOURCE = "def verify(given):\n    return given\n"


@st.composite
def issue_lists(draw: st.DrawFn) -> list[dict[str, Any]]:
    """Issues as a file may hold them, each depending on some of those before it."""
    found: list[dict[str, Any]] = []
    for number, key in enumerate(draw(st.lists(IDS, min_size=1, max_size=6, unique=True))):
        one: dict[str, Any] = {
            "id": key,
            draw(st.sampled_from(["name", "summary"])): f"Card {draw(TEXT)}",
            "seat": draw(st.sampled_from(["builder", "guard"])),
            "depends_on": draw(st.lists(st.sampled_from(found), max_size=3)) if found else [],
            "priority": draw(PRIORITIES),
            "status": draw(st.sampled_from(["ready", "ready", "done", "canceled", "archived"])),
            "description": draw(TEXT),
            "labels": draw(st.lists(TEXT, max_size=2, unique=True)),
            "params": draw(st.dictionaries(TEXT, JSON, max_size=2)),
        }
        one["depends_on"] = [before["id"] for before in one["depends_on"]]
        if scenarios := draw(st.lists(st.tuples(JSON, JSON), max_size=2)):
            named = [
                {"id": f"s{n}", "input_data": given, "expected_output": expected}
                for n, (given, expected) in enumerate(scenarios)
            ]
            alias = draw(st.sampled_from(["fixture_path", "verification_fixture"]))
            one["verification"] = {alias: FIXTURE, "scenarios": named}
        found.append(draw(st.permutations(list(one.items())).map(dict)))
        assert len(found) == number + 1
    return found


def meant(told: dict[str, Any]) -> Card:
    """What an issue's words mean, said a second time."""
    verification = None
    if declared := told.get("verification"):
        scenarios = (
            Scenario(
                id=one["id"],
                input_json=canonical(one["input_data"]),
                expected_json=canonical(one["expected_output"]),
            )
            for one in declared["scenarios"]
        )
        verification = Verification(fixture_path=FIXTURE, fixture_source=SOURCE, scenarios=tuple(scenarios))
    return Card(
        id=CardId(told["id"]),
        name=(told.get("name") or told.get("summary") or "").strip(),
        status=CardStatus(told["status"]),
        seat=told["seat"],
        depends_on=tuple(dict.fromkeys(told["depends_on"])),
        priority=parse_priority(told["priority"]),
        description=told["description"],
        labels=tuple(told["labels"]),
        params_json=canonical(told["params"]),
        parent_id=CardId("EPIC"),
        build_id="build-work",
        verification=verification,
    )


@pytest.fixture(scope="module")
def stocked(tmp_path_factory: pytest.TempPathFactory) -> Shelf:
    shelf = Shelf(tmp_path_factory.mktemp("shelf"))
    shelf.write(FIXTURE, SOURCE)
    return shelf


@given(
    told=issue_lists(), key=st.sampled_from(["issues", "stories", "cards", "tracs"]), ascii_only=st.booleans()
)
@settings(deadline=None)
def test_an_epic_is_read_as_it_was_written(
    stocked: Shelf, told: list[dict[str, Any]], key: str, ascii_only: bool
) -> None:
    text = json.dumps({**epic(), "issues": None, key: told}, ensure_ascii=ascii_only)
    workload = anyio.run(stocked.load, stocked.write("epics/work.json", text))
    (one,) = workload.epics
    assert one.issues == tuple(map(meant, told))
    check_acyclic(one.issues)


FILES: dict[str, Any] = {
    "epics/work.json": epic(
        issue("A", verification={"fixture_path": FIXTURE, "scenarios": [{"id": "s"}]}),
        issue("B", "A", priority="High", params={"x": [1]}),
        architecture_governance={"idesign": True},
        type="epic",
    ),
    "teams/pair.json": {**TEAM, "roles": {"odd": {"name": "Odd"}}},
    "roles/builder_role.json": {**ROLE, "capabilities": {"issue_types": ["issue"]}},
    "roles/integrity_guard.json": GUARD,
    "environments/local.json": {**ENVIRONMENT, "timeout": 5, "seed": 7, "params": {}},
    "dialects/plain.json": {"model_family": "plain", "constraints": ["One"]},
    "organization.json": {
        "name": "Acme",
        "departments": ["core"],
        "architecture": {"idesign_threshold": 7},
        "process_rules": {"planner_node": "default"},
        "sandbox": {"levels": ["process"], "command_recovery": "idempotent"},
        "policy": [{"effect": "deny", "tool": "write_file"}],
    },
}


@pytest.fixture
def whole(stocked: Shelf) -> Shelf:
    for path, value in FILES.items():
        stocked.write(path, value)
    return stocked


def attempt(shelf: Shelf) -> None:
    """Load; a refusal names a file, and a place in it that exists whenever the file can be read at all."""
    try:
        workload = anyio.run(shelf.load, shelf.home / "epics" / "work.json")
    except AssetError as refused:
        check_place(shelf, refused)
        return
    except (DependencyCycle, CardNotFound):
        return
    # What was accepted can be written down again: finite numbers, whole characters.
    assert all(math.isfinite(card.priority) for one in workload.epics for card in one.issues)
    json.dumps(attrs.asdict(workload), allow_nan=False, ensure_ascii=False).encode()


def check_place(shelf: Shelf, refused: AssetError) -> None:
    """Follow a refusal into its file."""
    assert refused.reason
    content = (shelf.root / refused.file).read_bytes()
    try:
        document = json.loads(content.decode("utf-8-sig"), strict="dialects" not in refused.file)
    except (ValueError, RecursionError):
        document = None
    assert resolves(refused.pointer, document), refused


@st.composite
def mutations(draw: st.DrawFn) -> tuple[str, Any]:
    """One file with one value replaced, removed, renamed or added, anywhere in it."""
    path = draw(st.sampled_from(sorted(FILES)))
    document = json.loads(json.dumps(FILES[path]))
    holders = [one for _, one in walk(document) if isinstance(one, dict | list) and one]
    holder = draw(st.sampled_from(holders))
    key = draw(st.sampled_from(sorted(holder) if isinstance(holder, dict) else range(len(holder))))
    value = draw(JSON | st.sampled_from(["A", "../x", "a/b", "\0", "ready", "inf", -1, 10**30, "x" * 300]))
    action = draw(st.sampled_from(["replace", "remove", "rename", "add"]))
    if action == "replace":
        holder[key] = value
    elif action == "remove" or isinstance(holder, list):
        del holder[key]
    elif action == "rename":
        holder[f"{key}s"] = holder.pop(key)
    else:
        holder[draw(TEXT)] = value
    return path, document


@given(mutations())
@settings(deadline=None, max_examples=300, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_a_changed_document_is_accepted_or_told_with_a_place(whole: Shelf, change: tuple[str, Any]) -> None:
    path, document = change
    whole.write(path, document)
    try:
        attempt(whole)
    finally:
        whole.write(path, FILES[path])


@given(
    path=st.sampled_from(sorted(FILES)),
    start=st.integers(0, 400),
    length=st.integers(0, 40),
    instead=st.binary(max_size=8)
    | st.sampled_from([b'"a":1,"a":2,', b'"\\ud800"', b"NaN", b"1e999", b"(deep)"]),
)
@example(path="organization.json", start=1, length=0, instead=b'"name":"\\udfff",')
@settings(deadline=None, max_examples=200, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_a_damaged_file_is_accepted_or_told_with_a_place(
    whole: Shelf, path: str, start: int, length: int, instead: bytes
) -> None:
    instead = b"[" * 100_000 if instead == b"(deep)" else instead
    content = json.dumps(FILES[path]).encode()
    start = min(start, len(content))
    whole.write(path, content[:start] + instead + content[start + length :])
    try:
        attempt(whole)
    finally:
        whole.write(path, FILES[path])


@given(st.dictionaries(TEXT, JSON, max_size=4))
def test_pointers_lead_where_they_came_from(document: dict[str, Any]) -> None:
    for pointer, _ in walk(document):
        assert resolves(pointer, document)
    for key in document:
        assert resolves(pointer_to(key), document)


def test_a_missing_home_is_no_crash(tmp_path: Path) -> None:
    shelf = Shelf(tmp_path)
    with pytest.raises(CardNotFound):
        anyio.run(shelf.load, "nothing")
