"""The churn report, run on small histories made here: spans, equal names, renames, merges, bad input."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

SCRIPT = Path(__file__).parent.parent.parent / "scripts" / "churn_report.py"
QUIET = {
    **os.environ,
    "GIT_CONFIG_GLOBAL": os.devnull,
    "GIT_CONFIG_NOSYSTEM": "1",
    "GIT_AUTHOR_NAME": "A",
    "GIT_AUTHOR_EMAIL": "a@example.org",
    "GIT_COMMITTER_NAME": "A",
    "GIT_COMMITTER_EMAIL": "a@example.org",
    "COLUMNS": "200",
}

TWO_CLASSES = """\
class Left:
    def run(self):
        return 1

    def stop(self):
        return 2


class Right:
    def run(self):
        return 3
"""


class Repository:
    """A git repository in a temporary folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.git("init", "-q", "-b", "main")

    def git(self, *arguments: str) -> str:
        ran = subprocess.run(
            ["git", *arguments], cwd=self.folder, env=QUIET, check=True, capture_output=True, text=True
        )
        return ran.stdout

    def commit(self, **files: str | None) -> None:
        """Write (or delete) files, named with ``__`` for ``/`` and without ``.py``, and commit."""
        self.write({f"{name.replace('__', '/')}.py": text for name, text in files.items()})

    def write(self, files: dict[str, str | None]) -> None:
        for name, text in files.items():
            path = self.folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.unlink(missing_ok=True) if text is None else path.write_text(text, encoding="utf-8")
        self.git("add", "-A")
        self.git("commit", "-q", "--allow-empty", "-m", "A change")


def run(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, SCRIPT, *arguments],
        cwd=folder,
        env=QUIET,
        capture_output=True,
        text=True,
        check=False,
    )


def report(folder: Path, *arguments: str) -> dict[str, Any]:
    out = folder / "out.json"
    ran = run(folder, "--out", str(out), *arguments)
    assert ran.returncode == 0, ran.stdout + ran.stderr
    made: dict[str, Any] = json.loads(out.read_text(encoding="utf-8"))
    return made


def symbols(made: dict[str, Any]) -> dict[str, tuple[int, int, int]]:
    rows = made["top_symbols_by_touches"]
    return {row["symbol"]: (row["touches"], row["adds"], row["deletes"]) for row in rows}


def files(made: dict[str, Any]) -> dict[str, tuple[int, int, int]]:
    rows = made["top_files_by_touches"]
    return {row["path"]: (row["touches"], row["adds"], row["deletes"]) for row in rows}


@pytest.fixture
def repository(tmp_path: Path) -> Repository:
    return Repository(tmp_path)


def test_equal_names_in_different_classes_are_different_symbols(repository: Repository) -> None:
    repository.commit(orket__a=TWO_CLASSES)
    repository.commit(orket__a=TWO_CLASSES.replace("return 3", "return 33"))
    repository.commit(orket__a=TWO_CLASSES.replace("return 3", "return 333"))
    assert symbols(report(repository.folder)) == {
        "orket/a.py:Right.run": (3, 4, 2),
        "orket/a.py:Left.run": (1, 2, 0),
        "orket/a.py:Left.stop": (1, 2, 0),
        "orket/a.py:Left": (1, 2, 0),  # its own line and the empty one between its methods
        "orket/a.py:Right": (1, 1, 0),
    }


def test_spans_are_those_of_the_commit_and_not_of_today(repository: Repository) -> None:
    """What moved down in the file stays the same symbol, and is not touched by moving."""
    repository.commit(orket__a="def old():\n    return 1\n")
    above = "def new():\n    x = 1\n    y = 2\n    return x + y\n\n\n"
    repository.commit(orket__a=above + "def old():\n    return 1\n")
    repository.commit(orket__a=above + "def old():\n    return 2\n")
    assert symbols(report(repository.folder)) == {"orket/a.py:old": (2, 3, 1), "orket/a.py:new": (1, 4, 0)}


def test_decorators_nested_functions_and_kinds(repository: Repository) -> None:
    repository.commit(
        orket__a="@wrap\nasync def outer():\n    def inner():\n        pass\n    return inner\n"
    )
    made = report(repository.folder)
    assert symbols(made) == {"orket/a.py:outer": (1, 3, 0), "orket/a.py:outer.inner": (1, 2, 0)}
    assert {row["kind"] for row in made["top_symbols_by_touches"]} == {"function"}


def test_a_renamed_file_keeps_its_history(repository: Repository) -> None:
    repository.commit(old__place=TWO_CLASSES)
    repository.git("mv", "old", "orket")
    repository.git("commit", "-q", "-m", "Move")
    repository.commit(orket__place=TWO_CLASSES.replace("return 2", "return 22"))
    repository.commit(old__place="x = 1\n")  # another file under the old name is another file
    made = report(repository.folder)
    assert files(made) == {"orket/place.py": (3, 12, 1)}
    assert symbols(made)["orket/place.py:Left.stop"] == (2, 3, 1)


def test_two_files_that_swap_names_keep_their_histories(repository: Repository) -> None:
    other = "".join(f"value_{number} = {number}\n" for number in range(12))
    repository.commit(orket__a=TWO_CLASSES, orket__b=other)
    repository.commit(orket__a=None, orket__c=TWO_CLASSES, orket__b=None, orket__d=other)
    repository.commit(orket__c=None, orket__d=None, orket__b=TWO_CLASSES, orket__a=other)
    assert files(report(repository.folder)) == {"orket/a.py": (3, 12, 0), "orket/b.py": (3, 11, 0)}


def test_a_merge_is_counted_once(repository: Repository) -> None:
    repository.commit(orket__a=TWO_CLASSES)
    repository.git("switch", "-q", "-c", "side")
    repository.commit(orket__a=TWO_CLASSES.replace("return 1", "return 11"))
    repository.git("switch", "-q", "main")
    repository.commit(orket__b="def alone():\n    pass\n")
    repository.git("merge", "-q", "--no-ff", "--no-edit", "side")
    made = report(repository.folder)
    assert files(made) == {"orket/a.py": (2, 12, 1), "orket/b.py": (1, 2, 0)}
    assert made["totals"]["commits_analyzed"] == 3


def test_an_old_version_that_does_not_parse_counts_for_the_file_only(repository: Repository) -> None:
    repository.commit(orket__a="print 'hello'\n")
    repository.commit(orket__a="def now():\n    pass\n")
    made = report(repository.folder)
    assert files(made) == {"orket/a.py": (2, 3, 1)}
    assert symbols(made) == {"orket/a.py:now": (1, 2, 0)}
    assert made["totals"]["versions_not_parsed"] == 1
    assert "not valid Python" in " ".join(made["method"]["notes"])


def test_unusual_names_binaries_and_other_languages(repository: Repository) -> None:
    (repository.folder / "orket").mkdir()
    (repository.folder / "orket" / "picture.bin").write_bytes(b"\0\1\2")
    repository.write({'orket/a "b" ü.txt': "one\n", "orket/with space.py": "def f():\n    pass\n"})
    repository.write({"orket/diff.txt": "diff --git a/x b/x\n@@ -1 +1 @@\n:100644\n"})
    assert files(report(repository.folder)) == {
        "orket/diff.txt": (1, 3, 0),
        "orket/with space.py": (1, 2, 0),
        'orket/a "b" ü.txt': (1, 1, 0),
        "orket/picture.bin": (1, 0, 0),
    }


def test_scope_top_and_ties(repository: Repository) -> None:
    repository.commit(orket__b="x = 1\n", orket__a="x = 1\n", orketeer__c="x = 1\n")
    assert list(files(report(repository.folder, "--top", "1"))) == ["orket/a.py"]
    assert list(files(report(repository.folder, "--scope", "."))) == [
        "orket/a.py",
        "orket/b.py",
        "orketeer/c.py",
    ]
    assert list(files(report(repository.folder, "--scope", "orket/b.py"))) == ["orket/b.py"]


WORDS = ["def f():", "    return 1", "class C:", "    def g(self):", "        pass", "", "x = 1"]
TEXTS = st.lists(st.sampled_from(WORDS).map(lambda line: f"{line}\n"), max_size=12).map("".join)
STATES = st.dictionaries(st.sampled_from(["orket/a.py", "orket/b.py", "orket/c.txt"]), TEXTS)


@settings(max_examples=8, deadline=None)
@given(history=st.lists(STATES, min_size=1, max_size=6))
def test_files_are_counted_as_git_counts_them_and_symbols_never_more(history: list[dict[str, str]]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        repository = Repository(Path(folder))
        repository.write({"orket/start.txt": "begun\n"})
        for state in history:
            gone = {path: None for path in ("orket/a.py", "orket/b.py", "orket/c.txt") if path not in state}
            repository.write(state | gone)
        made = report(repository.folder)
        told = repository.git("log", "-M", "--numstat", "--format=").split("\n")
    counted = [line.split("\t")[:2] for line in told if line]
    rows = made["top_files_by_touches"]
    assert sum(row["adds"] for row in rows) == sum(int(adds) for adds, _ in counted)
    assert sum(row["deletes"] for row in rows) == sum(int(deletes) for _, deletes in counted)
    by_path = {row["path"]: row for row in rows}
    for path in by_path:
        inside = [one for one in made["top_symbols_by_touches"] if one["symbol"].startswith(f"{path}:")]
        assert sum(one["adds"] for one in inside) <= by_path[path]["adds"]
        assert sum(one["deletes"] for one in inside) <= by_path[path]["deletes"]
        assert all(one["touches"] <= by_path[path]["touches"] for one in inside)


def test_a_shallow_clone_says_so_and_does_not_count_the_whole_tree_as_new(
    repository: Repository, tmp_path_factory: pytest.TempPathFactory
) -> None:
    for number in range(4):
        repository.commit(orket__a=TWO_CLASSES + f"x = {number}\n")
    clone = tmp_path_factory.mktemp("shallow") / "clone"
    repository.git("clone", "-q", "--depth", "2", repository.folder.as_uri(), str(clone))
    made = report(clone)
    assert files(made) == {"orket/a.py": (1, 1, 1)}
    assert "shallow" in " ".join(made["method"]["notes"])


def test_default_output_and_the_keys_of_the_report(repository: Repository) -> None:
    repository.commit(orket__a=TWO_CLASSES)
    ran = run(repository.folder, "--scope", "orket", "--top", "20")
    assert ran.returncode == 0, ran.stderr
    (out,) = (repository.folder / "benchmarks" / "results").glob("????-??-??_churn.json")
    assert set(json.loads(out.read_text(encoding="utf-8"))) == {
        "generated_at_utc", "scope", "head", "method", "totals",
        "top_files_by_touches", "top_files_by_lines", "top_symbols_by_touches", "top_symbols_by_lines",
    }  # fmt: skip
    assert "orket/a.py:Left.run" in ran.stdout


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (("--scope", "attic"), "'attic'"),
        (("--top", "0"), "--top"),
        (("--out", "orket/a.py/x.json"), "orket/a.py"),
    ],
)
def test_bad_input_is_named_and_ends_in_2(
    repository: Repository, arguments: tuple[str, ...], complaint: str
) -> None:
    repository.commit(orket__a="x = 1\n")
    ran = run(repository.folder, *arguments)
    assert (ran.returncode, complaint in ran.stderr) == (2, True), ran.stderr
    assert "Traceback" not in ran.stderr


@pytest.mark.parametrize("empty_repository", [True, False])
def test_without_a_history_it_says_so(tmp_path: Path, *, empty_repository: bool) -> None:
    if empty_repository:
        Repository(tmp_path)
    ran = run(tmp_path)
    assert ran.returncode == 2
    assert "churn_report: git rev-parse" in ran.stderr
    assert "Traceback" not in ran.stderr
