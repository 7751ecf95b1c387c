"""The command line as a whole, short of an engine."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from importlib import import_module

import pytest

import orket
from orket.interfaces.cli import app
from orket.interfaces.cli.app import main


def test_every_command_exists_and_says_the_same_at_length(capsys):
    for commands in app._COMMANDS.values():
        for name, (place, told) in commands.items():
            module, _, attribute = place.partition(":")
            found = getattr(import_module(f"{app._HERE}.{module}"), attribute)
            assert callable(found)
            assert main([name, "--help"]) == 0
            assert f"orket {name}" in capsys.readouterr().out
            assert told.endswith(".")


@pytest.mark.parametrize("words", [["--version"], ["version"]])
def test_the_version(words: list[str], capsys):
    assert main(words) == 0
    assert capsys.readouterr().out.strip() == orket.__version__


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["rn"], 'Unknown command "rn". Did you mean "run"?'),
        (["run"], 'Command "run" parameter TARGET requires an argument.'),
        (["run", "x", "--paralel", "3"], "Did you mean --parallel?"),
        (["run", "x", "--parallel", "0"], "--parallel 0: must be from 1 to 64"),
        (["runs", "--limit", "0"], "--limit 0: must be at least 1"),
        (["ledger", "show", "--limit", "-1"], "--limit -1: must be at least 1"),
        (["decide", "a/b/1/0", "--as", "maybe"], 'Invalid value "maybe" for --as.'),
    ],
)
def test_bad_input_is_one_message_and_exit_code_2(words: list[str], said: str, capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert main(words) == 2
    told = capsys.readouterr()
    assert told.out == ""
    assert told.err.startswith("orket: ")
    assert said in told.err
    assert len(told.err.splitlines()) == 1
    assert list(tmp_path.iterdir()) == []  # looking at bad input leaves nothing behind


@pytest.mark.parametrize(
    "words", [["pause", "zz"], ["archive", "zz"], ["restore", "zz", "A"], ["memory", "forget", "1"]]
)
def test_where_there_is_no_database_none_is_made(words: list[str], capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert main(words) == 1
    assert "there is no database at" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("words", "moved"),
    [
        (["--data-dir", "d", "runs"], ["runs", "--data-dir", "d"]),
        (["--data-dir=d", "ledger", "show"], ["ledger", "show", "--data-dir=d"]),
        (["runs", "--data-dir", "d"], ["runs", "--data-dir", "d"]),
        (["--data-dir", "d"], ["--data-dir", "d"]),
        ([], []),
    ],
)
def test_the_global_option_may_stand_first(words: list[str], moved: list[str]):
    assert app._global_last(words) == moved


def test_help_imports_no_engine():
    program = (
        "import sys; from orket.__main__ import main; main(['--help']);"
        "print(sorted({'actors', 'anyio', 'msgspec', 'starlette', 'sqlite3'} & set(sys.modules)))"
    )
    started = time.perf_counter()
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "[]"
    assert time.perf_counter() - started < 5  # the promise is 0.3 s on a quiet machine


def test_a_narrow_colourless_terminal_gets_help_too():
    environ = {**os.environ, "COLUMNS": "40", "NO_COLOR": "1", "PYTHONIOENCODING": "ascii"}
    done = subprocess.run(
        [sys.executable, "-m", "orket", "--help"], capture_output=True, text=True, env=environ, check=True
    )
    assert "\x1b" not in done.stdout
    assert max(len(line) for line in done.stdout.splitlines()) <= 40
