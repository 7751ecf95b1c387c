"""The commands on the pages exist, with the options they show."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from itertools import takewhile
from pathlib import Path

import pytest
from cyclopts import CycloptsError

from orket.interfaces.cli.app import _global_last, build

ROOT = Path(__file__).parent.parent.parent
BLOCK = re.compile(r"^```(?:sh|console)\n(.*?)^```", re.MULTILINE | re.DOTALL)

SHELL = frozenset({"&&", "||", "|", ";", ">"})


def documented() -> Iterator[list[str]]:
    pages = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
    for page in pages:
        if page.name == "cli.md":
            continue  # generated out of the commands themselves, with placeholders
        for block in BLOCK.findall(page.read_text(encoding="utf-8")):
            for line in block.splitlines():
                if (command := line.removeprefix("$ ")).startswith("orket "):
                    words = shlex.split(command, comments=True)[1:]
                    yield list(takewhile(lambda word: word not in SHELL, words))


def parse(words: list[str]) -> None:
    build().parse_args(_global_last(words), exit_on_error=False, print_error=False)


@pytest.mark.parametrize("words", list(documented()), ids=" ".join)
def test_a_documented_command_parses(words: list[str]) -> None:
    parse(words)


def test_there_are_commands_to_check() -> None:
    assert len(list(documented())) > 10


@pytest.mark.parametrize("words", [["rnu", "x"], ["run", "x", "--paralel", "2"]], ids=" ".join)
def test_a_wrong_command_does_not(words: list[str]) -> None:
    with pytest.raises(CycloptsError):
        parse(words)
