"""The git history as changed lines per file, and each file version as the spans of its symbols."""

from __future__ import annotations

import ast
import re
import subprocess
import warnings
from collections import OrderedDict
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

HUNK = re.compile(rb"@@ -(\d+)(?:,(\d+))? \+(\d+)(?:,(\d+))? @@")
ESCAPE = re.compile(rb"\\([0-7]{3}|.)", re.DOTALL)
ESCAPED = {b"n": b"\n", b"t": b"\t", b"r": b"\r", b"a": b"\a", b"b": b"\b", b"f": b"\f", b"v": b"\v"}
CACHED_VERSIONS_MAX = 512
LOG = ("log", "--topo-order", "--no-merges", "--raw", "--patch", "--unified=0", "--find-renames")
PLAIN = ("--full-index", "--no-abbrev", "--no-color", "--no-ext-diff", "--no-textconv", "--format=%x00%H")


class ReportError(Exception):
    """The report cannot be made; the text says why, for a person."""


@dataclass(frozen=True)
class Span:
    """A symbol's lines in one version of a file, first and last included, decorators too."""

    name: str
    kind: str
    first: int
    last: int


@dataclass
class FileChange:
    """One file in one commit; ``hunks`` are (old start, old count, new start, new count), lines from 1."""

    commit: str
    old_path: str
    new_path: str
    old_blob: str
    new_blob: str
    hunks: list[tuple[int, int, int, int]] = field(default_factory=list)


def git(folder: Path, *arguments: str) -> str:
    """Run git and return its output.

    Raises:
        ReportError: git is missing or refuses.
    """
    try:
        ran = subprocess.run(["git", *arguments], cwd=folder, capture_output=True, check=False)
    except OSError as error:
        raise ReportError(f"cannot run git in {folder}: {error.strerror}") from error
    if ran.returncode:
        raise ReportError(f"git {arguments[0]}: {ran.stderr.decode(errors='replace').strip()}")
    return ran.stdout.decode(errors="surrogateescape")


def unquote(path: bytes) -> str:
    """Undo git's C-style quoting of unusual paths."""
    if path.startswith(b'"'):
        path = ESCAPE.sub(
            lambda m: bytes([int(m[1], 8)]) if len(m[1]) == 3 else ESCAPED.get(m[1], m[1]), path[1:-1]
        )
    return path.decode(errors="surrogateescape")


def parse_log(lines: Iterable[bytes]) -> Iterator[list[FileChange]]:
    """Read ``git log --raw --patch --unified=0``: the file changes of one commit after the other.

    In each commit the raw lines come first and name the files; the patches follow in the same order, one
    each, two for a change of type (file to link).
    """
    commit, at = "", -1
    changes: list[FileChange] = []
    patches: list[FileChange] = []
    for line in lines:
        if line.startswith(b"\0"):
            yield changes
            commit, changes, patches, at = line[1:].strip().decode(), [], [], -1
        elif line.startswith(b":"):
            facts, *paths = line.rstrip(b"\n").split(b"\t")
            old_mode, new_mode, old_blob, new_blob, status = facts.decode()[1:].split(" ")
            change = FileChange(commit, unquote(paths[0]), unquote(paths[-1]), old_blob, new_blob)
            if "160000" not in (old_mode, new_mode):  # a submodule is another history
                changes.append(change)
            patches += [change] * (2 if status == "T" else 1)
        elif line.startswith(b"diff --git "):
            at += 1
        elif found := HUNK.match(line):
            a, b, c, d = (1 if one is None else int(one) for one in found.groups())
            patches[at].hunks.append((a, b, c, d))
    yield changes


def read_history(top: Path) -> Iterator[list[FileChange]]:
    """Stream the changes of every commit but merges, newest first."""
    command = ["git", "-c", "core.quotePath=off", "-c", "diff.noprefix=false", *LOG, *PLAIN, "HEAD"]
    with subprocess.Popen(command, cwd=top, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as log:
        assert log.stdout is not None
        yield from parse_log(log.stdout)
    if log.returncode:
        raise ReportError(f"git log ended with {log.returncode}")


class Versions:
    """The symbol spans of file versions, read through one ``git cat-file --batch``."""

    def __init__(self, cat: subprocess.Popen[bytes]) -> None:
        self._cat = cat
        self._known: OrderedDict[str, list[Span]] = OrderedDict()
        self.unparsed = 0

    def spans(self, blob: str) -> list[Span]:
        """The spans of one version, outermost first; none when it is not valid Python."""
        if blob in self._known:
            self._known.move_to_end(blob)
            return self._known[blob]
        found = self._parse(self._read(blob))
        self._known[blob] = found
        if len(self._known) > CACHED_VERSIONS_MAX:
            self._known.popitem(last=False)
        return found

    def _read(self, blob: str) -> bytes:
        assert self._cat.stdin is not None
        assert self._cat.stdout is not None
        self._cat.stdin.write(blob.encode() + b"\n")
        self._cat.stdin.flush()
        header = self._cat.stdout.readline().split()
        if len(header) != 3:
            return b""  # a partial clone may lack it
        content = self._cat.stdout.read(int(header[2]) + 1)
        return content[:-1]

    def _parse(self, source: bytes) -> list[Span]:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # old code may hold escapes that Python warns about now
            try:
                return list(walk_spans(ast.parse(source)))
            except (SyntaxError, ValueError, RecursionError, MemoryError):
                self.unparsed += 1
                return []


@contextmanager
def open_versions(top: Path) -> Iterator[Versions]:
    """Keep one reader of blobs open."""
    pipe = subprocess.PIPE
    with subprocess.Popen(["git", "cat-file", "--batch"], cwd=top, stdin=pipe, stdout=pipe) as cat:
        yield Versions(cat)


def walk_spans(node: ast.AST, prefix: str = "", inside: str = "module") -> Iterator[Span]:
    """List classes, functions and methods with their spans, an outer one before its inner ones."""
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            kind = (
                "class" if isinstance(child, ast.ClassDef) else "method" if inside == "class" else "function"
            )
            first = min([child.lineno, *(one.lineno for one in child.decorator_list)])
            name = prefix + child.name
            yield Span(name, kind, first, child.end_lineno or child.lineno)
            yield from walk_spans(child, f"{name}.", "class" if kind == "class" else "function")
        else:
            yield from walk_spans(child, prefix, inside)


def innermost(spans: Sequence[Span], line: int) -> Span | None:
    """Find the symbol a line belongs to: the last span that begins before it and still covers it."""
    return next((span for span in reversed(spans) if span.first <= line <= span.last), None)


def read_boundary(root: Path) -> list[str]:
    """List the commits a shallow clone was cut at: they would count the whole tree as new."""
    shallow = root / git(root, "rev-parse", "--git-path", "shallow").strip()
    return shallow.read_text(encoding="ascii").split() if shallow.exists() else []
