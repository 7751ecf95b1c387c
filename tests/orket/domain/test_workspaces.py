"""Changes as a plan, as a patch, and as words."""

import shutil
import subprocess
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orket.domain.workspaces import (
    Change,
    Entry,
    Kind,
    decode_plan,
    encode_plan,
    header,
    is_binary,
    is_untouchable,
    named,
    unified,
)

ENTRIES = st.builds(
    Entry,
    kind=st.sampled_from(Kind),
    mode=st.integers(0, 0o777),
    size_bytes=st.integers(0, 2**40),
    content=st.text(),
)
CHANGES = st.builds(Change, path=st.text(min_size=1), before=st.none() | ENTRIES, after=st.none() | ENTRIES)
FILE = Entry(kind=Kind.FILE, mode=0o644, size_bytes=1, content="aa")


@given(st.lists(CHANGES))
def test_a_plan_is_read_back_as_it_was_written(changes: list[Change]) -> None:
    assert decode_plan(encode_plan(changes)) == tuple(changes)


def test_a_name_that_is_no_unicode_survives() -> None:
    odd = Change(path="caf\udce9", before=None, after=FILE)
    assert decode_plan(encode_plan([odd])) == (odd,)


@pytest.mark.parametrize("content", [b"{}\n", b"[]\n", b"nonsense", b'{"path": "a", "before": [1]}'])
def test_what_is_no_plan_is_refused(content: bytes) -> None:
    with pytest.raises(ValueError, match=r"\S"):
        decode_plan(content)


@pytest.mark.parametrize(
    ("before", "after", "word"),
    [
        (None, FILE, "added"),
        (FILE, None, "removed"),
        (FILE, Entry(kind=Kind.FILE, mode=0o755, size_bytes=1, content="aa"), "mode"),
        (FILE, Entry(kind=Kind.FILE, mode=0o644, size_bytes=1, content="bb"), "changed"),
        (FILE, Entry(kind=Kind.LINK, content="x"), "kind"),
    ],
)
def test_a_change_has_a_word(before: Entry | None, after: Entry | None, word: str) -> None:
    assert Change(path="p", before=before, after=after).word == word


@pytest.mark.parametrize("path", [".git", ".git/hooks/pre-commit", "sub/.GIT/config"])
def test_the_records_of_a_repository_are_not_touched(path: str) -> None:
    assert is_untouchable(path)
    assert not is_untouchable("src/.gitignore")


def test_binary_files_are_only_named() -> None:
    assert is_binary(b"a\0b")
    assert is_binary(b"\xff\xfe")
    assert unified("p", b"a\0", b"b") == ("Binary files a/p and b/p differ",)


def test_a_file_that_is_too_long_is_only_named() -> None:
    assert "too long" in unified("p", b"", b"x\n" * 30_000)[0]


def test_many_paths_are_counted() -> None:
    assert named(["a", "b"]) == "a, b"
    assert named([str(one) for one in range(25)]).endswith("19 and 5 more")


@pytest.mark.skipif(shutil.which("git") is None, reason="git is not installed")
@pytest.mark.parametrize(
    ("before", "after"),
    [
        (b"one\ntwo\n", b"one\n2\nthree"),
        (b"no end", b"no end\n"),
        (None, b"new\n"),
        (b"old\n", None),
        (b"a\r\nb\x0cc\n", b"a\r\nB\x0cc\n"),
    ],
)
def test_git_takes_the_patch(tmp_path: Path, before: bytes | None, after: bytes | None) -> None:
    file = tmp_path / "p"
    if before is not None:
        file.write_bytes(before)
    change = Change(path="p", before=before and FILE, after=after and FILE)
    patch = "\n".join((*header(change), *unified("p", before, after))) + "\n"
    subprocess.run(["git", "apply"], input=patch.encode(), cwd=tmp_path, check=True)
    assert (file.read_bytes() if file.exists() else None) == after
