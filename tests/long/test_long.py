"""The register of the long suites is runnable, and its last line tells the truth."""

from __future__ import annotations

import sys

import pytest

from tests.long.__main__ import main
from tests.long.suites import SUITES, Suite


def suite(name: str, code: str, limit_s: float = 30.0) -> Suite:
    command = (sys.executable, "-c", code)
    return Suite(name=name, shows="a test", short=command, full=command, limit_s=limit_s)


GOOD = suite("good", "")
BAD = suite("bad", "raise SystemExit(3)")
STUCK = suite("stuck", "import threading; threading.Event().wait()", limit_s=0.2)


def last_line(capsys: pytest.CaptureFixture[str]) -> str:
    return capsys.readouterr().out.rstrip().rpartition("\n")[2]


def test_all_passed(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--short"], [GOOD, GOOD]) == 0
    assert last_line(capsys) == "long: 2 passed, 0 failed"


def test_a_failure_and_a_stuck_suite_are_counted(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([], [GOOD, BAD, STUCK]) == 1
    assert last_line(capsys) == "long: 1 passed, 2 failed"


def test_only(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--only", "good"], [GOOD, BAD]) == 0
    assert last_line(capsys) == "long: 1 passed, 0 failed"


def test_the_list_names_every_suite(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--list"]) == 0
    listed = capsys.readouterr().out
    assert [line.partition(":")[0] for line in listed.splitlines()] == [one.name for one in SUITES]
    assert len({one.name for one in SUITES}) == len(SUITES)


@pytest.mark.parametrize("one", SUITES, ids=[one.name for one in SUITES])
def test_a_script_named_by_a_suite_exists(one: Suite) -> None:
    from tests.long.__main__ import ROOT

    scripts = [word for word in (*one.short, *one.full) if word.endswith(".py")]
    assert all((ROOT / script).is_file() for script in scripts)
