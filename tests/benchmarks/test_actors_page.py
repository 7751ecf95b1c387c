"""The performance page takes its tables from a result."""

import json

from benchmarks.actors.children import ROOT
from benchmarks.actors.page import renew

PAGE = (
    "before\n<!-- constructors -->\nold\n<!-- end constructors -->\n<!-- peers -->\nold\n<!-- end peers -->\n"
)


def test_the_tables_between_the_marks_are_renewed_and_what_was_not_measured_stays() -> None:
    spawn = {"actors": 0.5, "anyio": 50.0, "actors, constructor": 5.0}
    figures = {"spawn": {name: {"min_us": used} for name, used in spawn.items()}}
    report = {"runs": [{"loops": {"trio": figures, "uvloop": {}}}], "peers": {}}
    renewed = renew(PAGE, report)
    assert "| trio | 0.5 | 100 | 5 | 10 |\n<!-- end constructors -->\n<!-- peers -->\nold\n" in renewed
    assert "uvloop" not in renewed
    assert renew(renewed, report) == renewed


def test_the_page_is_renewed_from_the_newest_result() -> None:
    page = (ROOT / "docs" / "explanation" / "performance.md").read_text(encoding="utf-8")
    newest = sorted((ROOT / "benchmarks" / "results").glob("*_actors.json"))[-1]
    renewed = renew(page, json.loads(newest.read_text(encoding="utf-8")))
    assert [line for line in renewed.splitlines() if line not in page] == []
