"""The stacks of project sandboxes: what their compose files say, and the rules around them."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orket.decision_nodes.sandbox_policy import DefaultSandboxPolicy
from orket.decision_nodes.stacks import STACKS
from orket.domain.assets import Organization
from orket.domain.projects import ProjectLimits, ServiceState, Stack
from orket.domain.redaction import Redactor, secret_values
from orket.domain.sandboxes import SandboxStatus

POLICY, HOUSE = DefaultSandboxPolicy(), Organization()
LABELS = {"orket.owner": "me", "orket.sandbox": "sandbox-x"}
TRUST = ";TrustServerCertificate=True"
GOLDEN = Path(__file__).parent / "stacks"
NAMES = (
    "fastapi-react-postgres",
    "fastapi-vue-mongo",
    "csharp-razor-ef",
    "node-react-postgres",
    "django-react-postgres",
)

stacks = pytest.mark.parametrize("stack", STACKS, ids=lambda one: one.name)


def written(stack: Stack) -> str:
    """A stack's compose file, as it is kept to be compared with."""
    return json.dumps(POLICY.compose(stack, "sandbox-x", LABELS), indent=1) + "\n"


@stacks
def test_the_compose_file_is_the_one_that_is_kept(stack: Stack) -> None:
    kept = GOLDEN / f"{stack.name}.json"
    assert written(stack) == kept.read_text(), "run: python -m tests.orket.decision_nodes.test_project_policy"


@stacks
def test_the_compose_file_holds_together(stack: Stack) -> None:
    document: Any = POLICY.compose(stack, "sandbox-x", LABELS)
    services = document["services"]
    assert document["name"] == "orket-sandbox-x"
    for one in services.values():
        assert ("image" in one) != ("build" in one)
        assert LABELS.items() <= one["labels"].items()
        assert set(one.get("depends_on", ())) <= services.keys()
        assert all(re.fullmatch(r"127\.0\.0\.1::\d+", port) for port in one.get("ports", ()))
        assert {entry.split(":")[0] for entry in one.get("volumes", ())} <= document.get("volumes", {}).keys()
        assert set(one["networks"]) <= document["networks"].keys()
        assert ("edge" in one["networks"]) == ("ports" in one)
        assert "no-new-privileges:true" in one["security_opt"]
        assert one["mem_limit"]
        assert one["pids_limit"]
    for place in (*document["networks"].values(), *document.get("volumes", {}).values()):
        assert LABELS.items() <= place["labels"].items()
    assert document["networks"]["inside"]["internal"]


@stacks
def test_credentials_are_named_and_each_would_be_taken_out_of_a_log(stack: Stack) -> None:
    made = POLICY.credentials(stack, b"e" * 32)
    document: Any = POLICY.compose(stack, "sandbox-x", LABELS)
    used = set(re.findall(r"\$\{(\w+)\}", json.dumps(document)))
    assert used == set(stack.credentials) == {one.name for one in made}
    known = set[str]()
    for service in document["services"].values():
        environment = {
            key: next((one.value for one in made if value == f"${{{one.name}}}"), value)
            for key, value in service["environment"].items()
        }
        known.update(secret_values(environment))
    redactor = Redactor(tuple(known))
    assert all(one.value not in redactor.text(f"password={one.value}") for one in made)


@given(st.binary(min_size=32, max_size=32), st.binary(min_size=32, max_size=32))
def test_credentials_follow_from_their_entropy_and_suit_every_server(one: bytes, other: bytes) -> None:
    for stack in STACKS:
        made, again = POLICY.credentials(stack, one), POLICY.credentials(stack, one)
        assert made == again
        assert (made == POLICY.credentials(stack, other)) == (one == other)
        assert len({each.value for each in made}) == len(made)
        for each in made:
            assert re.fullmatch(r"(?=.*[a-z])(?=.*[A-Z])(?=.*\d)[A-Za-z0-9]{40,}", each.value)
            assert each.value not in repr(each)


@pytest.mark.parametrize(
    ("name", "url"),
    [
        ("fastapi-react-postgres", "postgresql://app:${DB_PASSWORD}@db:5432/app"),
        ("node-react-postgres", "postgresql://app:${DB_PASSWORD}@db:5432/app"),
        ("django-react-postgres", "postgresql://app:${DB_PASSWORD}@db:5432/app"),
        ("fastapi-vue-mongo", "mongodb://app:${DB_PASSWORD}@db:27017/app?authSource=admin"),
        (
            "csharp-razor-ef",
            "Server=db,1433;Database=app;User Id=sa;Password=${DB_PASSWORD}" + TRUST,
        ),
    ],
)
def test_the_database_url(name: str, url: str) -> None:
    stack = POLICY.choose_stack(name, HOUSE)
    assert stack is not None
    assert POLICY.database_url(stack) == url


def test_a_stack_without_a_database_has_no_url() -> None:
    assert POLICY.database_url(Stack(name="x", services=())) == ""


def test_the_stack_is_the_one_asked_for_then_the_houses_then_the_first() -> None:
    assert tuple(one.name for one in POLICY.stacks()) == NAMES
    house = Organization(process_rules=(("sandbox_stack", "csharp-razor-ef"),))
    chosen = [POLICY.choose_stack(wanted, house) for wanted in ("", "fastapi-vue-mongo", "cobol")]
    assert [one and one.name for one in chosen] == ["csharp-razor-ef", "fastapi-vue-mongo", None]
    first = POLICY.choose_stack("", HOUSE)
    assert first is not None
    assert first.name == NAMES[0]


@given(st.text(max_size=40))
def test_every_project_has_a_name_that_compose_takes(name: str) -> None:
    project = POLICY.project_name(POLICY.sandbox_id(name))
    assert re.fullmatch(r"[a-z0-9][a-z0-9_-]*", project)


STATES = st.sampled_from(["running", "exited", "restarting", "created"])


@given(st.lists(st.tuples(STATES, st.sampled_from([True, False, None])), max_size=5), st.booleans())
def test_well_is_only_what_is_all_there_runs_and_answers(
    found: list[tuple[str, bool | None]], whole: bool
) -> None:
    stack = STACKS[0]
    names = [one.name for one in stack.services] if whole else ["api", "db"]
    pairs = zip(names, found, strict=False)
    seen = [ServiceState(service=name, state=state, answers=asked) for name, (state, asked) in pairs]
    health = POLICY.health(stack, seen)
    well = {one.service for one in seen} == {one.name for one in stack.services} and all(
        one.state == "running" and one.answers is not False for one in seen
    )
    assert (health.status is SandboxStatus.RUNNING) == well
    assert bool(health.reason) != well


def test_nothing_at_all_is_not_well() -> None:
    assert POLICY.health(None, ()).reason == "no service is there"


def test_the_house_sets_the_deadlines() -> None:
    assert POLICY.project_limits(HOUSE) == ProjectLimits()
    rules = (
        ("project_create_s", "5"),
        ("project_ready_s", "6"),
        ("project_lease_s", "70"),
        ("project_log_lines", "8"),
    )
    told = POLICY.project_limits(Organization(process_rules=rules))
    assert (told.create_s, told.ready_s, told.lease_s, told.log_lines) == (5.0, 6.0, 70.0, 8)


if __name__ == "__main__":
    GOLDEN.mkdir(exist_ok=True)
    for one in STACKS:
        (GOLDEN / f"{one.name}.json").write_text(written(one))
