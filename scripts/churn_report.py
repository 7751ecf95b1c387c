#!/usr/bin/env python3
"""Which files and symbols change most, out of the git history: a table, and JSON for the record.

    python scripts/churn_report.py --scope orket --top 20

A symbol is charged with a changed line when the line lies in its span *in that commit's version* of the
file, so equal names in different classes are different symbols (``path:Class.method``), and a method's
lines are not counted again for its class. Added lines are looked up in the new version, deleted lines in
the old one. Renames are followed where git detects them; a file is listed under its last name.
"""

from __future__ import annotations

import argparse
import json
import re
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from churn_history import (
    FileChange,
    ReportError,
    Span,
    Versions,
    git,
    innermost,
    open_versions,
    read_boundary,
    read_history,
)

NO_BLOB = re.compile(r"0+")


@dataclass
class Churn:
    """How often something was touched (commits) and by how many lines."""

    kind: str = "file"
    touches: int = 0
    adds: int = 0
    deletes: int = 0


class Tally:
    """Counts per file and per symbol; commits are fed newest first, so that names can be followed back."""

    def __init__(self, scope: str, versions: Versions) -> None:
        self._scope = scope
        self._versions = versions
        self._last_names: dict[str, str] = {}
        self.files: dict[str, Churn] = {}
        self.symbols: dict[str, Churn] = {}
        self.commits = 0

    def feed(self, changes: Sequence[FileChange]) -> None:
        """Count one commit."""
        counted = [self._count(change, self._last_name(change)) for change in changes]
        self.commits += any(counted)
        renamed = [change for change in changes if change.old_path != change.new_path]
        names = {change.old_path: self._last_name(change) for change in renamed}
        for change in renamed:
            self._last_names.pop(change.new_path, None)  # further back this path was another file
        self._last_names.update(names)

    def _last_name(self, change: FileChange) -> str:
        return self._last_names.get(change.new_path, change.new_path)

    def _count(self, change: FileChange, name: str) -> bool:
        if self._scope != "." and not f"{name}/".startswith(f"{self._scope}/"):
            return False
        churn = self.files.setdefault(name, Churn())
        churn.touches += 1
        churn.deletes += sum(hunk[1] for hunk in change.hunks)
        churn.adds += sum(hunk[3] for hunk in change.hunks)
        if name.endswith(".py"):
            self._count_symbols(change, name)
        return True

    def _count_symbols(self, change: FileChange, name: str) -> None:
        old = self._lines(change.old_blob, [(hunk[0], hunk[1]) for hunk in change.hunks])
        new = self._lines(change.new_blob, [(hunk[2], hunk[3]) for hunk in change.hunks])
        for span in {one.name: one for one in (*old, *new)}.values():
            churn = self.symbols.setdefault(f"{name}:{span.name}", Churn(span.kind))
            churn.kind = span.kind if churn.touches == 0 else churn.kind  # the newest version says what it is
            churn.touches += 1
            churn.deletes += sum(one.name == span.name for one in old)
            churn.adds += sum(one.name == span.name for one in new)

    def _lines(self, blob: str, ranges: Sequence[tuple[int, int]]) -> list[Span]:
        wanted = [line for start, count in ranges for line in range(start, start + count)]
        if not wanted or NO_BLOB.fullmatch(blob):
            return []
        spans = self._versions.spans(blob)
        return [span for line in wanted if (span := innermost(spans, line)) is not None]


def top_rows(counts: dict[str, Churn], key: str, by: str, top: int) -> list[dict[str, object]]:
    """List the ``top`` entries, most first, ties by name."""

    def weight(one: tuple[str, Churn]) -> tuple[int, int]:
        touches, lines = one[1].touches, one[1].adds + one[1].deletes
        return (lines, touches) if by == "lines" else (touches, lines)

    ranked = sorted(sorted(counts.items()), key=weight, reverse=True)
    return [
        {
            key: name,
            "kind": churn.kind,
            "touches": churn.touches,
            "adds": churn.adds,
            "deletes": churn.deletes,
        }
        for name, churn in ranked[:top]
    ]


def make_report(folder: Path, scope: str, top: int) -> dict[str, object]:
    """Read the history of the repository that ``folder`` is in.

    Raises:
        ReportError: Not a repository, no commits, nothing under the scope.
    """
    root = Path(git(folder, "rev-parse", "--show-toplevel").rstrip("\n"))
    head = git(root, "rev-parse", "--verify", "HEAD").strip()
    scope = Path(scope).as_posix()
    boundary = set(read_boundary(root))
    with open_versions(root) as versions:
        tally = Tally(scope, versions)
        for changes in read_history(root):
            if changes and changes[0].commit not in boundary:
                tally.feed(changes)
        unparsed = versions.unparsed
    if not tally.files:
        raise ReportError(f"no commit of this history touches a file under {scope!r}")
    return {
        "generated_at_utc": datetime.now(UTC).isoformat(timespec="seconds"),
        "scope": scope,
        "head": head,
        "method": describe_method(len(boundary), unparsed),
        "totals": {
            "commits_analyzed": tally.commits,
            "files_analyzed": len(tally.files),
            "symbols_analyzed": len(tally.symbols),
            "versions_not_parsed": unparsed,
        },
        "top_files_by_touches": top_rows(tally.files, "path", "touches", top),
        "top_files_by_lines": top_rows(tally.files, "path", "lines", top),
        "top_symbols_by_touches": top_rows(tally.symbols, "symbol", "touches", top),
        "top_symbols_by_lines": top_rows(tally.symbols, "symbol", "lines", top),
    }


def describe_method(cut: int, unparsed: int) -> dict[str, object]:
    """Say how the numbers came about, and what they leave out."""
    notes = [
        "merge commits are left out: their changes are counted in the commits they bring in",
        "renames are followed as git detects them (50 % similar); a file is listed under its last name",
        "a line belongs to the innermost class or function around it; module level belongs to no symbol",
    ]
    if cut:
        notes.append(
            f"the clone is shallow: history before {cut} commit(s) is missing, they are left out too"
        )
    if unparsed:
        notes.append(
            f"{unparsed} version(s) are not valid Python for this interpreter: files only, no symbols"
        )
    return {
        "file_level": "git log --raw --patch --unified=0: commits, added and deleted lines per file",
        "symbol_level": "the same lines, by the span of each symbol in that commit's version (ast)",
        "notes": notes,
    }


def print_tables(report: dict[str, object], out: Path) -> None:
    """Show the report to a person."""
    from rich.console import Console
    from rich.table import Table

    console = Console()
    for title, key, name in (
        ("Files by touches", "top_files_by_touches", "path"),
        ("Symbols by touches", "top_symbols_by_touches", "symbol"),
    ):
        table = Table(name, "touches", "adds", "deletes", title=f"{title} ({report['scope']})")
        for row in report[key]:  # type: ignore[attr-defined]  # the report is plain JSON
            table.add_row(row[name], *(str(row[one]) for one in ("touches", "adds", "deletes")))
        console.print(table)
    console.print(f"written: {out}", soft_wrap=True, highlight=False)


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(
        description="Which files and symbols change most, out of the git history."
    )
    parser.add_argument(
        "--scope", default="orket", help="folder or file, from the top of the repository; . is all"
    )
    parser.add_argument("--top", type=int, default=25, help="how many rows per table (default 25)")
    parser.add_argument(
        "--out", default="", help="JSON file (default benchmarks/results/<UTC date>_churn.json)"
    )
    parser.add_argument("--repo", type=Path, default=Path(), help="a folder in the repository (default here)")
    given = parser.parse_args(arguments)
    try:
        if given.top < 1:
            raise ReportError("--top must be at least 1")
        report = make_report(given.repo, given.scope, given.top)
        name = f"{datetime.now(UTC):%Y-%m-%d}_churn.json"
        out = Path(given.out) if given.out else given.repo / "benchmarks" / "results" / name
        out.parent.mkdir(parents=True, exist_ok=True)
        out.write_text(json.dumps(report, indent=2) + "\n", encoding="utf-8", errors="backslashreplace")
    except (ReportError, OSError) as error:
        print(f"churn_report: {error}", file=sys.stderr)
        return 2
    print_tables(report, out)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
