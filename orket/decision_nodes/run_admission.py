"""``run_admission_node``: whether a run may start now."""

from __future__ import annotations

from orket.decision_nodes.decisions import Admission
from orket.decision_nodes.house_rules import unusable
from orket.domain.assets import Workload
from orket.domain.ports import RunSummary
from orket.domain.runs import FINAL_RUN

ISSUES_MAX = 10_000


class DefaultRunAdmission:
    """Refuses, with a sentence that says what would help:

    a run without issues or with more than 10,000; process rules that are no numbers where numbers are
    wanted; an epic with more issues than ``architecture.idesign_threshold`` that opts out of iDesign; a
    workspace that is, holds or lies in the workspace of a run that has not ended.
    """

    def admit(self, workload: Workload, workspace: str, open_runs: tuple[RunSummary, ...]) -> Admission:
        """Judge a run before it is recorded."""
        refusal = (
            _size(workload)
            or unusable(workload.organization)
            or _complexity(workload)
            or _overlap(workspace, open_runs)
        )
        return Admission(refusal=refusal)


def _size(workload: Workload) -> str:
    count = sum(len(epic.issues) for epic in workload.epics)
    if count == 0:
        return f"{workload.target} has no issues, so there is nothing to run"
    return (
        f"{workload.target} has {count} issues, at most {ISSUES_MAX} can be run" if count > ISSUES_MAX else ""
    )


def _complexity(workload: Workload) -> str:
    limit = workload.organization.idesign_threshold
    for epic in workload.epics:
        if not epic.idesign and len(epic.issues) > limit:
            return (
                f"epic {epic.card.name} has {len(epic.issues)} issues and opts out of iDesign; beyond {limit}"
                " issues set architecture_governance.idesign to true, split the epic, or raise the "
                "organization's architecture.idesign_threshold"
            )
    return ""


def _overlap(workspace: str, open_runs: tuple[RunSummary, ...]) -> str:
    wanted = _place(workspace)
    for run in open_runs:
        taken = _place(run.workspace)
        if run.status not in FINAL_RUN and (wanted.startswith(taken) or taken.startswith(wanted)):
            clash = f"workspace {workspace} overlaps that of run {run.run_id}, which is {run.status}"
            return f"{clash}; wait for its end, cancel it, or choose another workspace"
    return ""


def _place(path: str) -> str:
    """Write a path so that containment is a common beginning; the caller has resolved links."""
    return "".join(f"/{one}" for one in path.split("/") if one not in ("", ".")) + "/"
