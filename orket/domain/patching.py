"""Unified diffs of one file: read leniently, applied exactly.

What models write is often right in its lines and wrong in its numbers. So the counts of a hunk are not read,
and its line number only decides between places that fit equally well. The lines themselves, context included,
must stand in the file as the patch says, or nothing is changed.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

import attrs

from orket.domain.errors import ToolError

_HEADER = re.compile(r"^@@+ *(?:-(\d+)(?:,\d+)? *(?:\+(\d+))?)?.*$")
_NOISE = ("diff --git ", "index ", "--- ", "+++ ", "new file mode ", "old mode ", "new mode ", "```")
_CODE = "bad_patch"


@attrs.frozen
class Hunk:
    """One change: ``old`` are the lines it replaces, ``new`` those it puts there, both with the context.

    ``line`` is where the patch says that ``old`` is, counted from 1, or None, and ``new_line`` the same of
    ``new``; of a side without lines it names the line before. ``old_ends`` and ``new_ends`` are
    False where the patch says that the text has no newline at its end.
    """

    line: int | None
    new_line: int | None
    old: tuple[str, ...]
    new: tuple[str, ...]
    old_ends: bool = True
    new_ends: bool = True

    @property
    def index(self) -> int | None:
        """Where in a list of lines the patch says that the change begins, or None."""
        if self.line is None:
            return None
        return self.line - 1 if self.old else self.line

    def reversed(self) -> Hunk:
        """Make the change that undoes this one."""
        return Hunk(self.new_line, self.line, self.new, self.old, self.new_ends, self.old_ends)


def read_patch(patch: str) -> tuple[Hunk, ...]:
    """Read the hunks of a unified diff; headers of files and a surrounding fence are passed over.

    Raises:
        ToolError: ``bad_patch``: no hunk, a line outside of one, or a file that is to be removed.
    """
    found: list[_Reading] = []
    for number, text in enumerate(patch.replace("\r\n", "\n").rstrip("\n").split("\n"), 1):
        if text.startswith("+++ /dev/null"):
            raise _bad(f"line {number} removes a file", "there is no tool for it; write what shall be there")
        if (header := _HEADER.match(text)) is not None:
            line, new_line = (int(one) if one else None for one in header.groups())
            found.append(_Reading(line, new_line))
        elif not found:
            if text.strip() and not text.startswith(_NOISE):
                raise _bad(f"line {number} stands before the first hunk: {text[:80]!r}")
        elif text.startswith("```"):
            break
        elif not found[-1].take(text):
            raise _bad(f"line {number} begins with none of ' ', '-', '+', '\\': {text[:80]!r}")
    hunks = tuple(one.hunk() for one in found)
    if not any(one.old != one.new or one.old_ends != one.new_ends for one in hunks):
        raise _bad(
            "it changes nothing", "write a unified diff: @@ -1,3 +1,3 @@, then lines with ' ', '-', '+'"
        )
    return hunks


def apply_patch(text: str, hunks: Sequence[Hunk]) -> str:
    """Apply hunks in their order; line ends of the file are kept.

    Raises:
        ToolError: ``bad_patch``: a hunk's lines are not there, or at several places and not where it says.
    """
    newline = "\r\n" if text.count("\r\n") * 2 > text.count("\n") else "\n"
    lines, ends = _lines(text.replace("\r\n", "\n") if newline == "\r\n" else text)
    done, moved = 0, 0
    for number, hunk in enumerate(hunks, 1):
        at = _place(lines, hunk, done, moved, f"hunk {number} of {len(hunks)}")
        if at + len(hunk.old) == len(lines):
            ends = _ends(ends, hunk, len(lines))
        lines[at : at + len(hunk.old)] = hunk.new
        moved = (moved if hunk.index is None else at - hunk.index) + len(hunk.new) - len(hunk.old)
        done = at + len(hunk.new)
    return newline.join(lines) + (newline if ends and lines else "")


@attrs.define
class _Reading:
    """A hunk that is being read."""

    line: int | None
    new_line: int | None
    old: list[str] = attrs.field(factory=list)
    new: list[str] = attrs.field(factory=list)
    old_ends: bool = True
    new_ends: bool = True
    last: str = ""

    def take(self, line: str) -> bool:
        """Take a line; an empty one stands for an empty line of context, as editors leave it."""
        mark, rest = (line[0], line[1:]) if line else (" ", "")
        if mark == "\\":
            self.old_ends = self.old_ends and self.last == "+"
            self.new_ends = self.new_ends and self.last == "-"
            return True
        if mark not in " -+":
            return False
        if mark != "+":
            self.old.append(rest)
        if mark != "-":
            self.new.append(rest)
        self.last = mark
        return True

    def hunk(self) -> Hunk:
        old, new = tuple(self.old), tuple(self.new)
        return Hunk(self.line, self.new_line, old, new, self.old_ends, self.new_ends)


def _lines(text: str) -> tuple[list[str], bool]:
    """Split into lines, and say whether the last one is ended; an empty text has none."""
    if not text:
        return [], True
    lines = text.split("\n")
    return (lines[:-1], True) if lines[-1] == "" else (lines, False)


def _ends(ends: bool, hunk: Hunk, lines: int) -> bool:
    """Whether the text is ended after a hunk that reached its last line."""
    if not hunk.new_ends:
        return False
    return True if not hunk.old_ends or not lines else ends


def _place(lines: list[str], hunk: Hunk, after: int, moved: int, name: str) -> int:
    """Find where a hunk belongs: at or after line ``after``, nearest to where it says that it is."""
    said = None if hunk.index is None else hunk.index + moved
    if not hunk.old:
        return _insertion(lines, hunk, after, said, name)
    size = len(hunk.old)
    fits = [at for at in range(after, len(lines) - size + 1) if tuple(lines[at : at + size]) == hunk.old]
    if not fits:
        raise _bad(f"{name}: {_missing(lines, hunk)}", "read the file again and copy the lines as they are")
    if len(fits) == 1 or said in fits:
        return fits[0] if said not in fits else said
    told = ", ".join(str(at + 1) for at in fits[:5])
    raise _bad(f"{name}: its lines stand at several places (lines {told})", "give it more lines of context")


def _insertion(lines: list[str], hunk: Hunk, after: int, said: int | None, name: str) -> int:
    """Place a hunk without context: after the line that it names."""
    if not lines:
        return 0
    if said is None:
        raise _bad(f"{name}: has neither a line number nor context", "give it lines of context")
    if not after <= said <= len(lines):
        raise _bad(f"{name}: begins after line {hunk.line}; the file has {len(lines)}")
    return said


def _missing(lines: list[str], hunk: Hunk) -> str:
    """Say which line is the first that is not there, so that it can be mended."""
    known = set(lines)
    for line in hunk.old:
        if line not in known:
            return f"no line of the file reads {line[:120]!r}"
    return f"its {len(hunk.old)} lines are in the file, but not one after another"


def _bad(problem: str, hint: str = "") -> ToolError:
    return ToolError(f"the patch does not fit: {problem}", code=_CODE, hint=hint)
