"""Reading files: bounded, UTF-8, JSON, and every complaint with its place."""

from __future__ import annotations

import json
import math
import os
import stat
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import attrs

from orket.domain.errors import AssetError
from orket.infrastructure.assets.looks import look_at

DOCUMENT_BYTES_MAX = 4 * 1024 * 1024
FIXTURE_BYTES_MAX = 1024 * 1024
REASON_CHARS_MAX = 1_000


@attrs.frozen
class Document:
    """A JSON file that was read; ``file`` is its name for messages, ``path`` where it lies."""

    file: str
    path: Path
    value: object

    def error(self, pointer: str, reason: str) -> AssetError:
        """Make the error that names this file; a reason that quotes a very long value is cut."""
        cut = reason if len(reason) <= REASON_CHARS_MAX else f"{reason[:REASON_CHARS_MAX]}…"
        return AssetError(self.file, pointer, cut)

    @property
    def home(self) -> Path:
        """The directory whose ``epics``, ``teams`` … folder the file lies in."""
        return self.path.parent.parent


def pointer_to(*steps: str | int) -> str:
    """Write a JSON pointer (RFC 6901); no step means the whole document."""
    return "".join("/" + str(one).replace("~", "~0").replace("/", "~1") for one in steps)


def read_bytes(path: Path, file: str, bytes_max: int) -> bytes:
    """Read a regular file whole.

    Raises:
        AssetError: It is missing, no regular file, unreadable, or larger than ``bytes_max``.
    """
    look_at(path)  # before it is read: a change in between is then seen as one
    try:
        # A pipe in place of a file must not hang the loader, hence O_NONBLOCK.
        handle = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        with open(handle, "rb") as opened:
            if not stat.S_ISREG(os.fstat(handle).st_mode):
                raise AssetError(file, "", "is not a regular file")
            content = opened.read(bytes_max + 1)
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else str(error)
        raise AssetError(file, "", f"cannot be read: {reason}") from error
    if len(content) > bytes_max:
        raise AssetError(file, "", f"is larger than {bytes_max} bytes")
    return content


def read_text(path: Path, file: str, bytes_max: int) -> str:
    """Read a UTF-8 file whole; a byte order mark is dropped.

    Raises:
        AssetError: As ``read_bytes``, or it is not UTF-8.
    """
    content = read_bytes(path, file, bytes_max)
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise AssetError(
            file, "", f"is not UTF-8: byte {error.start} (line {line}) is {content[error.start]:#04x}"
        ) from error


def read_document(
    path: Path, file: str, *, raw_newlines: bool = False, bytes_max: int = DOCUMENT_BYTES_MAX
) -> Document:
    """Read a JSON file.

    Args:
        path: Where it lies.
        file: Its name for messages.
        raw_newlines: Accept control characters inside strings, as older dialect files have them.
        bytes_max: How large the file may be.

    Raises:
        AssetError: It cannot be read, is not JSON (with line and column), names a key twice, or holds a
            number or a text that cannot be written again.
    """
    text = read_text(path, file, bytes_max)
    twice: list[tuple[object, str]] = []

    def pairs(found: list[tuple[str, object]]) -> dict[str, object]:
        made = dict(found)
        if len(made) != len(found):
            (name, _), *_ = (Counter(one for one, _ in found) - Counter(list(made))).items()
            twice.append((made, name))
        return made

    try:
        value: object = json.loads(text, strict=not raw_newlines, object_pairs_hook=pairs)
    except json.JSONDecodeError as error:
        reason = f"is not valid JSON: line {error.lineno} column {error.colno}: {error.msg}"
        raise AssetError(file, "", reason) from error
    except RecursionError:
        raise AssetError(file, "", "is nested too deeply") from None
    except ValueError as error:
        raise AssetError(file, "", f"holds a number that cannot be read: {error}") from error
    document = Document(file, path, value)
    for pointer, one in walk(value):
        _check_writable(document, pointer, one)
        for holder, key in twice:
            if holder is one:
                raise document.error(pointer + pointer_to(key), f"the key {key!r} is given twice")
    return document


def walk(value: object) -> Iterator[tuple[str, object]]:
    """Visit every value of a JSON document with its pointer, parents before children."""
    todo: list[tuple[str, object]] = [("", value)]
    while todo:
        pointer, one = todo.pop()
        yield pointer, one
        if isinstance(one, dict):
            todo.extend((pointer + pointer_to(str(key)), child) for key, child in one.items())
        elif isinstance(one, list):
            todo.extend((pointer + pointer_to(index), child) for index, child in enumerate(one))


def _check_writable(document: Document, pointer: str, value: object) -> None:
    """What is recorded must survive JSON and UTF-8: no NaN, no infinity, no half surrogate."""
    if isinstance(value, float) and not math.isfinite(value):
        raise document.error(pointer, "is not a finite number")
    texts = (value,) if isinstance(value, str) else tuple(value) if isinstance(value, dict) else ()
    for text in texts:
        try:
            text.encode("utf-8")
        except UnicodeEncodeError:
            raise document.error(pointer, "holds half of a surrogate pair, which is no character") from None


def canonical(value: object) -> str:
    """Write a JSON value in its canonical form: sorted keys, no spaces."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)
