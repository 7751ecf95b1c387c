"""Secrets are taken out of text that comes in pieces, before anybody is shown a piece. Pure.

A secret may be cut in two by the way a text comes. So the end of what has come is held back: from the last
place at which no secret can be under way. What was shown is never taken back.

The shapes of ``redaction`` are found as in a whole text, and so are the values known to the engine, also as
JSON writes them. Not found is what only comes to stand side by side when something else has been taken out.
"""

from __future__ import annotations

import json
import re
from functools import cached_property

import attrs

from orket.domain.redaction import Redactor

HELD_CHARS_MAX = 8_192
LEFT_OUT = "[…]"

# Tokens are runs of what is no break; a backslash is none, it may be half of an escape. A password in a URL
# may hold breaks, and a private key has lines.
_BREAK = re.compile(r"[^A-Za-z0-9_.\-\\]")
_TRIES_MAX = 512
_URL_UNDER_WAY = re.compile(r":(?:/(?:/[^\s/@\"'\[]{0,302})?)?\Z")
_URL_CHARS = 320
_BLOCK = re.compile(r"-----BEGIN [A-Z0-9 ]*PRIVATE KEY-----")
_BLOCK_END = re.compile(r"-----END [A-Z0-9 ]*PRIVATE KEY-----")
_BLOCK_UNDER_WAY = re.compile(r"-----(?:B(?:E(?:G(?:I(?:N(?: [A-Z0-9 ]*-{0,5})?)?)?)?)?)?\Z")
_BLOCK_END_CHARS = 64
_PAUSE = re.compile(r"[\s\",]")
_ESCAPE = re.compile(r"\\(?:u([0-9a-fA-F]{4})|(.))", re.DOTALL)
_ESCAPES = {"b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t"}


@attrs.define(slots=False)
class Sifter:
    """One text that comes in pieces; ``feed`` returns what may be shown of it.

    A stretch of more than ``HELD_CHARS_MAX`` characters that cannot be cut is left out.
    """

    redactor: Redactor
    _held: str = ""
    _left_until: re.Pattern[str] | None = None

    def feed(self, text: str) -> str:
        """Take the next piece, and return what can be shown now, often less or more than the piece."""
        self._held += text
        if self._left_until is not None and not self._is_past(self._left_until):
            return ""
        cut = self._cut()
        if not cut and len(self._held) > self._held_max:
            return self._leave_out()
        shown, self._held = self._held[:cut], self._held[cut:]
        return self._clean(shown)

    def rest(self) -> str:
        """Return what was held back: nothing more comes."""
        held, self._held = self._held, ""
        return self._clean(held) if self._left_until is None else ""

    def _leave_out(self) -> str:
        """Give up on a stretch that cannot be cut; its kind decides where it ends."""
        is_block = _BLOCK.search(self._held) is not None
        told = self._clean(self._held) if is_block else LEFT_OUT
        self._left_until = _BLOCK_END if is_block else _PAUSE
        self._is_past(self._left_until)
        return told

    def _is_past(self, end: re.Pattern[str]) -> bool:
        """Drop what is left out; tell whether it has ended."""
        if (found := end.search(self._held)) is None:
            self._held = self._held[-_BLOCK_END_CHARS:]  # the end of a block may itself be cut in two
            return False
        self._held, self._left_until = self._held[found.end() :], None
        return True

    def _cut(self) -> int:
        """Find the last place up to which everything can be shown."""
        begin, end = self._block()
        if end is None:
            return self._last_cut(begin)
        cut = self._last_cut(len(self._held))
        return end if begin < cut < end else cut

    def _block(self) -> tuple[int, int | None]:
        """Find the last private key: where it begins, and where it ends, None when it is still under way."""
        last = (0, 0)
        for begun in _BLOCK.finditer(self._held):
            if (ended := _BLOCK_END.search(self._held, begun.end())) is None:
                return begun.start(), None
            last = begun.start(), ended.end()
        tail = _BLOCK_UNDER_WAY.search(self._held, last[1])
        return last if tail is None else (tail.start(), None)

    def _last_cut(self, end: int) -> int:
        held = self._held
        breaks = [found.end() for found in _BREAK.finditer(held, 0, end)]
        for cut in reversed(breaks[-_TRIES_MAX:]):
            if not _URL_UNDER_WAY.search(held, max(0, cut - _URL_CHARS), cut) and not self._splits(cut):
                return cut
        return 0

    def _splits(self, cut: int) -> bool:
        """Tell whether a known value may lie across a place."""
        held = self._held
        return any(
            held.startswith(one[: len(held) - start], start)
            for one in self._broken
            for start in range(max(0, cut - len(one) + 1), cut)
        )

    @cached_property
    def _broken(self) -> tuple[str, ...]:
        """The known values inside which there is a break, also as JSON writes them."""
        values = [form for one in self.redactor.values for form in (one, *_as_json(one))]
        return tuple(one for one in dict.fromkeys(values) if _BREAK.search(one))

    @cached_property
    def _held_max(self) -> int:
        return max(HELD_CHARS_MAX, *(2 * len(one) for one in ("", *self._broken)))

    def _clean(self, text: str) -> str:
        """Take secrets out of a stretch as it stands, and as what it says if it is a part of JSON."""
        if "\\" in text:
            said = _ESCAPE.sub(_said, text)
            if (clean := self.redactor.text(said)) != said:
                return clean
        return self.redactor.text(text)


def _as_json(value: str) -> tuple[str, ...]:
    return json.dumps(value)[1:-1], json.dumps(value, ensure_ascii=False)[1:-1]


def _said(escape: re.Match[str]) -> str:
    code, sign = escape.groups()
    return chr(int(code, 16)) if code else _ESCAPES.get(sign, sign)
