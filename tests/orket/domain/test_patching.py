"""Unified diffs: what difflib writes, what models write, and what cannot be applied."""

import difflib
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orket.domain.errors import ToolError
from orket.domain.patching import apply_patch, read_patch

LINES = st.lists(st.sampled_from(["a", "b", "c", "", "- a", "+ b", " c", "@ d"]), max_size=12)
FILE = "one\ntwo\nthree\nfour\n"


def diff(old: list[str], new: list[str], context: int = 3) -> str:
    return "\n".join(difflib.unified_diff(old, new, "a/x", "b/x", lineterm="", n=context))


def text(lines: list[str]) -> str:
    return "".join(f"{line}\n" for line in lines)


@given(LINES, LINES, st.integers(min_value=0, max_value=3))
def test_a_diff_leads_from_the_old_text_to_the_new_one_and_back(
    old: list[str], new: list[str], context: int
) -> None:
    if old == new:
        return
    hunks = read_patch(diff(old, new, context))
    assert apply_patch(text(old), hunks) == text(new)
    assert apply_patch(text(new), [one.reversed() for one in hunks]) == text(old)


@given(LINES, st.integers(min_value=0, max_value=5), st.integers(min_value=1, max_value=30))
def test_a_wrong_line_number_does_no_harm_where_the_place_is_certain(
    before: list[str], at: int, wrong: int
) -> None:
    unique = ["first of its kind", "second of its kind"]
    at = min(at, len(before))
    old = [*before[:at], *unique, *before[at:]]
    patch = f"@@ -{wrong},2 +{wrong},2 @@\n first of its kind\n-second of its kind\n+changed"
    assert apply_patch(text(old), read_patch(patch)) == text(old).replace(unique[1], "changed")


@pytest.mark.parametrize(
    ("patch", "result"),
    [
        ("@@ -2 +2 @@\n-two\n+2", "one\n2\nthree\nfour\n"),
        ("@@\n one\n-two\n three", "one\nthree\nfour\n"),
        ("```diff\n--- a/x\n+++ b/x\n@@ -4,1 +4,2 @@\n four\n+five\n```\nDone.", FILE + "five\n"),
        ("@@ -0,0 +1 @@\n+zero", "zero\n" + FILE),
        ("@@ -4,0 +5 @@\n+five", FILE + "five\n"),
        ("@@ -4 +4 @@\n-four\n+4\n\\ No newline at end of file", "one\ntwo\nthree\n4"),
        ("@@ -1 +1 @@\r\n-one\r\n+1\r\n", "1\ntwo\nthree\nfour\n"),
    ],
)
def test_what_models_write(patch: str, result: str) -> None:
    assert apply_patch(FILE, read_patch(patch)) == result


def test_a_text_keeps_its_ends_of_lines() -> None:
    assert apply_patch("a\r\nb\r\n", read_patch("@@ -1 +1 @@\n-a\n+c")) == "c\r\nb\r\n"
    assert apply_patch("a\nb", read_patch("@@ -1 +1 @@\n-a\n+c")) == "c\nb"
    assert apply_patch("a\nb", read_patch("@@ -2 +2 @@\n-b\n+c")) == "a\nc"
    ended = read_patch("@@ -2 +2 @@\n-b\n\\ No newline at end of file\n+b")
    assert apply_patch("a\nb", ended) == "a\nb\n"
    assert apply_patch("", read_patch("@@ -0,0 +1,2 @@\n+a\n+b")) == "a\nb\n"


@pytest.mark.parametrize(
    ("patch", "why"),
    [
        ("", "changes nothing"),
        ("make it faster", "before the first hunk"),
        ("--- a/x\n+++ b/x", "changes nothing"),
        ("--- a/x\n+++ /dev/null\n@@ -1 +0,0 @@\n-one", "removes a file"),
        ("@@ -1 +1 @@\n one", "changes nothing"),
        ("@@ -1 +1 @@\none\n+two", "begins with none of"),
        ("@@ -1 +1 @@\n-uno\n+1", "no line of the file reads 'uno'"),
        ("@@ -1,2 +1 @@\n-one\n-three\n+1", "not one after another"),
        ("@@ -9,0 +10 @@\n+ten", "the file has 4"),
        ("@@\n+ten", "neither a line number nor context"),
        ("@@ -1 +1 @@\n-one\n+1\n@@ -1 +1 @@\n-one\n+1", "hunk 2 of 2"),
    ],
)
def test_what_does_not_fit_is_told(patch: str, why: str) -> None:
    with pytest.raises(ToolError, match=why) as told:
        apply_patch(FILE, read_patch(patch))
    assert told.value.code == "bad_patch"


def test_a_place_that_is_not_certain_is_not_guessed() -> None:
    same = "x = 1\n" * 4
    with pytest.raises(ToolError, match="several places"):
        apply_patch(same, read_patch("@@ -9 +9 @@\n-x = 1\n+x = 2"))
    assert apply_patch(same, read_patch("@@ -3 +3 @@\n-x = 1\n+x = 2")) == "x = 1\nx = 1\nx = 2\nx = 1\n"


@given(st.text(), st.text())
def test_any_patch_is_applied_or_refused(content: str, patch: str) -> None:
    with suppress(ToolError):
        assert isinstance(apply_patch(content, read_patch(patch)), str)
