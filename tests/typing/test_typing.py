"""Both type checkers accept and refuse what they should, and know every public type."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

HERE = Path(__file__).parent
ROOT = HERE.parent.parent
BASEDPYRIGHT = Path(sys.executable).with_name("basedpyright")

pytestmark = pytest.mark.timeout(300)


def run(*command: str | Path) -> str:
    # Without it basedpyright would look into the interpreter behind the virtual environment.
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(ROOT), *sys.path])}
    return subprocess.run(
        command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False
    ).stdout


#: They show types of Hypothesis and pytest, which are not complete themselves.
BORROWED = ("actors.testing.hypothesis.", "actors.testing.plugin.")


def mypy_errors(path: Path) -> set[int]:
    output = run(sys.executable, "-m", "mypy", "--strict", path)
    return {int(line) for line in re.findall(rf"{path.name}:(\d+): error", output)}


def pyright_errors(path: Path) -> set[int]:
    report = json.loads(run(BASEDPYRIGHT, "--outputjson", path))
    return {found["range"]["start"]["line"] + 1 for found in report["generalDiagnostics"]}


def marked(path: Path) -> set[int]:
    lines = path.read_text().splitlines()
    return {number for number, line in enumerate(lines, 1) if line.endswith("# E")}


@pytest.mark.parametrize("checker", [mypy_errors, pyright_errors])
@pytest.mark.parametrize("name", ["accepted.py", "refused.py"])
def test_the_marked_lines_are_refused_and_no_other(checker: object, name: str) -> None:
    assert callable(checker)
    assert checker(HERE / name) == marked(HERE / name)


def test_every_public_type_is_known() -> None:
    report = json.loads(
        run(BASEDPYRIGHT, "--outputjson", "--verifytypes", "actors", "--pythonpath", sys.executable)
    )
    unknown = {
        symbol["name"]
        for symbol in report["typeCompleteness"]["symbols"]
        if symbol["isExported"] and not symbol["isTypeKnown"] and not symbol["name"].startswith(BORROWED)
    }
    assert unknown == set()
