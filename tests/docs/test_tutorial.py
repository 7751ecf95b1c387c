"""The tutorial, followed in an empty folder: its files run, its tests pass, its output is true."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent.parent
PAGE = ROOT / "docs" / "tutorial" / "first-actors.md"
FILE = re.compile(r"^```python\n# ([\w.]+)(?:, continued)?\n(.*?)^```", re.MULTILINE | re.DOTALL)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("tutorial")
    for name, text in FILE.findall(PAGE.read_text(encoding="utf-8")):
        with (folder / name).open("a", encoding="utf-8") as file:
            file.write(text)
    return folder


def run(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, *words],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
        timeout=50,
    )


def console(command: str) -> str:
    """What the page says that a command prints."""
    found = re.search(
        rf"^```console\n\$ {re.escape(command)}\n(.*?)^```", PAGE.read_text(), re.MULTILINE | re.DOTALL
    )
    assert found is not None, command
    return found[1]


def test_every_file_is_there(folder: Path) -> None:
    names = {path.name for path in folder.iterdir()}
    assert names == {"bank.py", "main.py", "wrong.py", "test_bank.py", "serve.py"}


def test_the_program_prints_what_the_page_says(folder: Path) -> None:
    result = run(folder, "main.py")
    assert result.returncode == 0, result.stderr
    assert result.stdout == console("python main.py")


def test_its_tests_pass_and_are_as_many(folder: Path) -> None:
    result = run(folder, "-m", "pytest", "-q", "-p", "no:cacheprovider")
    assert result.returncode == 0, result.stdout + result.stderr
    assert console("python -m pytest -q").strip() in result.stdout


@pytest.mark.timeout(120)
def test_its_types_are_right_and_the_wrong_one_is_found(folder: Path) -> None:
    right = run(folder, "-m", "mypy", "--strict", "bank.py", "main.py", "test_bank.py", "serve.py")
    assert right.returncode == 0, right.stdout
    wrong = run(folder, "-m", "mypy", "--strict", "wrong.py")
    assert wrong.returncode == 1
    (line,) = re.findall(
        r"^wrong\.py:(\d+): error", console("python -m mypy --strict wrong.py"), re.MULTILINE
    )
    # The page counts the comment with the file's name as a line; the copy here has none.
    assert f"wrong.py:{int(line) - 1}: error" in wrong.stdout


WATCH = """
import anyio
import serve
from actors.top._pull import Gone, pull_from
from anyio.to_thread import run_sync

async def look():
    while True:
        try:
            seen = await run_sync(pull_from("bank.sock"))
        except Gone:
            continue
        if len(seen.actors) == 5:
            return seen

async def main():
    async with anyio.create_task_group() as group:
        group.start_soon(serve.main)
        print(*(line.path for line in (await look()).actors))
        group.cancel_scope.cancel()

anyio.run(main)
"""


def test_the_last_program_can_be_watched(folder: Path) -> None:
    result = run(folder, "-c", WATCH)
    assert result.returncode == 0, result.stderr
    assert "/savings" in result.stdout
