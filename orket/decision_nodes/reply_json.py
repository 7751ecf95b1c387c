"""JSON as models write it: found in their text, mended where what is meant is beyond doubt."""

from __future__ import annotations

import ast
import io
import json
import re
import tokenize
from collections.abc import Iterator
from itertools import islice, pairwise

MENDED_CHARS_MAX = 200_000
CLOSERS_MAX = 3
TRIES_MAX = 500
_FENCE = re.compile(r"^[ \t]*(?P<mark>```+|~~~+)[ \t]*(?P<tongue>[\w+.-]*)[^\n]*\n", re.MULTILINE)
_TRAILING = re.compile(r",(?=\s*[}\]])")
_CLOSERS = {"{": "}", "[": "]"}


def loads(text: str) -> object:
    """Read JSON; line breaks inside of strings are taken as they are.

    Raises:
        ValueError: It is none; the message says where.
    """
    try:
        return json.loads(text, strict=False, parse_constant=_refuse)
    except RecursionError:
        raise ValueError("nested too deeply") from None


def mended(text: str) -> object:
    """Read what was meant as JSON: a comma too many, a bracket too few, Python's way of writing it.

    Never mended is a string that was not ended: what it should have been nobody knows.

    Raises:
        ValueError: It is not clear what was meant; the message says where plain JSON ends.
    """
    try:
        return loads(text)
    except ValueError as error:
        if len(text) > MENDED_CHARS_MAX:
            raise
        for attempt in _attempts(text.strip().rstrip(";")):
            try:
                return loads(attempt)
            except ValueError:
                continue
        return _python(text, error)


def _attempts(text: str) -> Iterator[str]:
    without = _outside_strings(text)
    yield without
    missing = _missing(without)
    if missing and len(missing) <= CLOSERS_MAX:
        yield without.rstrip().rstrip(",") + missing
    # A bracket too many at the end; or doubled ones, as in the templates that a model has seen.
    for text in (without, without[1:] if without.startswith("{{") else ""):
        try:
            _, end = json.JSONDecoder(strict=False).raw_decode(text)
        except (ValueError, RecursionError):
            continue
        if not text[end:].strip("}] \n\r\t`"):
            yield text[:end]


def _outside_strings(text: str) -> str:
    """Take out commas before a closing bracket, but not those inside of strings."""
    parts: list[str] = []
    at = 0
    for begin, end in strings(text):
        parts += [_TRAILING.sub("", text[at:begin]) if at < begin else "", text[begin:end]]
        at = end
    return "".join((*parts, _TRAILING.sub("", text[at:])))


def strings(text: str) -> Iterator[tuple[int, int]]:
    """Find the JSON strings of a text, with their quotes; one that is not ended goes to the text's end."""
    at = text.find('"')
    while at >= 0:
        end = at + 1
        while end < len(text) and text[end] != '"':
            end += 2 if text[end] == "\\" else 1
        end = min(end + 1, len(text))
        yield at, end
        at = text.find('"', end)


def _missing(text: str) -> str | None:
    """Name the brackets that are open at the end; None when a string is, or when they do not match."""
    open_: list[str] = []
    at = 0
    for begin, end in (*strings(text), (len(text), len(text))):
        for sign in text[at:begin]:
            if sign in _CLOSERS:
                open_.append(_CLOSERS[sign])
            elif sign in "}]" and (not open_ or open_.pop() != sign):
                return None
        if end == len(text) and begin < end and not ended(text[begin:end]):
            return None
        at = end
    return "".join(reversed(open_))


def ended(string: str) -> bool:
    """Whether a JSON string that was found ends with a quote of its own."""
    body = string[1:]
    slashes = len(body) - 1 - len(body[:-1].rstrip("\\")) if body.endswith('"') else 1
    return slashes % 2 == 0


def is_cut_off(text: str) -> bool:
    """Whether a text that begins like JSON is not at its end: a bracket or a string is still open."""
    return _missing(text) != ""


def _python(text: str, error: ValueError) -> object:
    """Read what Python would: single quotes, True, None. Only literals can come of it, and no calls."""
    try:
        if _has_strings_side_by_side(text):
            raise error
        value: object = ast.literal_eval(text.strip())
        return loads(json.dumps(value))  # what JSON cannot say (sets, bytes, numbers as keys) is not meant
    except (ValueError, SyntaxError, TypeError, MemoryError, RecursionError):
        raise error from None


def _has_strings_side_by_side(text: str) -> bool:
    """Python would join them; whoever wrote them forgot a comma or a colon, and nobody knows which."""
    try:
        kinds = [one.type for one in tokenize.generate_tokens(io.StringIO(text).readline)]
    except (tokenize.TokenError, IndentationError, SyntaxError):
        return True
    told = [one for one in kinds if one not in (tokenize.NL, tokenize.NEWLINE, tokenize.COMMENT)]
    return any(one == other == tokenize.STRING for one, other in pairwise(told))


def fenced(text: str) -> tuple[list[str], str]:
    """Take a text apart: what stands in fences, and the rest. A fence that is not closed goes to the end."""
    blocks: list[str] = []
    rest: list[str] = []
    at = 0
    while (begin := _FENCE.search(text, at)) is not None:
        rest.append(text[at : begin.start()])
        close = re.compile(rf"^[ \t]*{re.escape(begin['mark'])}[ \t]*$", re.MULTILINE).search(
            text, begin.end()
        )
        blocks.append(text[begin.end() : len(text) if close is None else close.start()])
        at = len(text) if close is None else close.end()
    rest.append(text[at:])
    return blocks, "\n".join(rest)


def begins_whole(text: str) -> bool:
    """Whether a text begins with a whole JSON value, whatever comes after it."""
    try:
        json.JSONDecoder(strict=False).raw_decode(text)
    except (ValueError, RecursionError):
        return False
    return True


def standing_alone(text: str) -> Iterator[str]:
    """Find the JSON objects and lists that begin a line and after which their line has nothing more."""
    decoder = json.JSONDecoder(strict=False)
    at = 0
    begins = re.finditer(r"^[ \t]*(?=[{\[])", text, re.MULTILINE)
    for begin in islice(begins, TRIES_MAX):  # each may be read to the end before it turns out to be none
        if begin.end() < at:
            continue
        try:
            _, end = decoder.raw_decode(text, begin.end())
        except (ValueError, RecursionError):
            continue
        if not text[end:].partition("\n")[0].strip(" \t\r,;"):
            yield text[begin.end() : end]
        at = end


def _refuse(constant: str) -> object:
    raise ValueError(f"{constant} is not JSON")
