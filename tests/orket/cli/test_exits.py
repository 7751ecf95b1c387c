"""Exit codes tell the truth."""

from __future__ import annotations

import pytest

from orket.domain import errors as e
from orket.domain.runs import RunState, RunStatus
from orket.interfaces.cli import exits
from orket.interfaces.cli.complaints import complaint, leaves
from orket.interfaces.cli.exits import BadInput, Exit
from tests.orket.cli.recorded import RUN


@pytest.mark.parametrize("status", RunStatus)
def test_only_a_run_that_is_done_exits_with_zero(status: RunStatus):
    code = exits.for_run(RunState(run_id=RUN, status=status))
    assert (code == 0) is (status is RunStatus.DONE)


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (BadInput("x"), Exit.BAD_INPUT),
        (e.AssetError("a.json", "/issues/0", "no seat"), Exit.BAD_INPUT),
        (e.UnknownNode("planner_node", "x", ["default"]), Exit.BAD_INPUT),
        (e.DependencyCycle(["a", "b", "a"]), Exit.BAD_INPUT),
        (e.RunNotFound("no run"), Exit.BAD_INPUT),
        (e.RunConflict("it is done"), Exit.NOT_DONE),
        (e.StoreLocked("in use"), Exit.NOT_DONE),
        (OSError("disk"), Exit.NOT_DONE),
    ],
)
def test_bad_input_is_told_from_bad_luck(error: Exception, code: Exit):
    assert exits.for_error(error) is code


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (e.AssetError("a.json", "/issues/0", "no seat"), "a.json#/issues/0: no seat"),
        (e.RunNotFound("no run 'x'"), "no run 'x'; `orket runs` lists the runs"),
        (e.RunConflict("it is done", allowed=["cancel"]), "it is done; possible: cancel"),
        (e.StoreLocked("in use"), "in use; wait for it to end, or use another --data-dir"),
        (FileNotFoundError(2, "No such file or directory", "x.json"), "x.json: No such file or directory"),
        (e.StoreError("bad\x1b[2J"), "bad [2J"),
    ],
)
def test_a_complaint_names_what_and_what_to_do(error: Exception, said: str):
    assert complaint(error) == said


def test_nested_groups_are_taken_apart():
    first, second = ValueError("1"), OSError("2")
    group = ExceptionGroup("", [ExceptionGroup("", [first]), second])
    assert list(leaves(group)) == [first, second]
