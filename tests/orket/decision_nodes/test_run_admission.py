"""Which runs may start."""

from datetime import UTC, datetime

import attrs
import pytest

from orket.decision_nodes.run_admission import DefaultRunAdmission
from orket.domain.assets import Organization, Workload
from orket.domain.identifiers import RunId
from orket.domain.ports import RunSummary
from orket.domain.runs import FINAL_RUN, RunStatus
from tests.orket.decision_nodes.cases import epic, workload
from tests.orket.domain.cases import card


def running(workspace: str, status: RunStatus = RunStatus.RUNNING) -> RunSummary:
    return RunSummary(
        run_id=RunId("0a1b2c3d"),
        target="other",
        status=status,
        workspace=workspace,
        accepted_at=datetime(2026, 1, 1, tzinfo=UTC),
        finished_at=None,
        last_seq=1,
    )


def refusal(workspace: str = "/w", *, runs: tuple[RunSummary, ...] = (), load: Workload | None = None) -> str:
    return DefaultRunAdmission().admit(load or workload(), workspace, runs).refusal


def test_an_ordinary_run_may_start() -> None:
    assert refusal(runs=(running("/elsewhere"), running("/w2"))) == ""


@pytest.mark.parametrize("taken", ["/w", "/w/", "//w/.", "/", "/w/inner"])
def test_a_workspace_belongs_to_one_open_run(taken: str) -> None:
    assert refusal(runs=(running(taken),)).startswith("workspace /w overlaps that of run 0a1b2c3d")
    assert refusal("/w/inner/deep", runs=(running(taken, RunStatus.PAUSED),))


@pytest.mark.parametrize("status", sorted(FINAL_RUN))
def test_a_run_that_has_ended_gives_its_workspace_back(status: RunStatus) -> None:
    assert refusal(runs=(running("/w", status),)) == ""


def test_many_issues_without_idesign_are_refused() -> None:
    house = Organization(idesign_threshold=2)
    three = tuple(card(f"C{n}") for n in range(3))
    assert refusal(load=workload(epic(*three, idesign=True), organization=house)) == ""
    assert refusal(load=workload(epic(*three[:2], idesign=False), organization=house)) == ""
    said = refusal(load=workload(epic(*three, idesign=False), organization=house))
    assert said.startswith("epic Ledger CLI has 3 issues and opts out of iDesign; beyond 2 issues")


def test_a_run_without_issues_is_refused() -> None:
    empty = workload(attrs.evolve(epic(), issues=()))
    assert refusal(load=empty) == "ledger_cli has no issues, so there is nothing to run"


def test_house_rules_that_cannot_be_used_are_refused() -> None:
    house = Organization(process_rules=(("command_wall_s", "soon"),))
    assert refusal(load=workload(organization=house)).startswith("process_rules.command_wall_s: 'soon'")
