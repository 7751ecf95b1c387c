"""The tamper-evident chain: each event's link depends on every event before it, under a key.

The key lies beside the database and not in it. Who can change the database but cannot read the key can
neither alter, drop, reorder nor append an event unseen, and the sealed head shows a tail cut off. Putting an
older copy of the whole database in place is beyond what a key can show.
"""

from __future__ import annotations

import hashlib
import os
import secrets
import struct
from collections.abc import Iterable
from functools import lru_cache
from pathlib import Path

import attrs

from orket.domain.errors import StoreError

KEY_BYTES = 32
KEY_SUFFIX = ".key"
NO_LINK = bytes(32)
_HEAD = struct.Struct(">qqIIQ")
_INNER, _OUTER = (bytes(byte ^ pad for byte in range(256)) for pad in (0x36, 0x5C))


@attrs.frozen
class Row:
    """One row of events as it is stored, without its link."""

    seq: int
    run_id: str
    kind: str
    at_us: int
    body: bytes


def link(key: bytes, previous: bytes, row: Row) -> bytes:
    """Compute the link of ``row`` that follows the link ``previous``; each part's length is covered."""
    return links(key, previous, row.seq, row.run_id, row.at_us, ((row.kind, row.body),))[0]


def links(
    key: bytes, previous: bytes, seq: int, run_id: str, at_us: int, events: Iterable[tuple[str, bytes]]
) -> list[bytes]:
    """Compute the links of a run's ``events``, each a kind and a body, recorded at once from ``seq`` on."""
    begun, ended = _ends(key)
    run, found = run_id.encode(), list[bytes]()
    for number, (name, body) in enumerate(events, start=seq):
        kind = name.encode()
        head = _HEAD.pack(number, at_us, len(run), len(kind), len(body))
        inner, outer = begun.copy(), ended.copy()  # as ``_mac``, without its calls
        inner.update(b"".join((b"event", previous, head, run, kind, body)))
        outer.update(inner.digest())
        previous = outer.digest()
        found.append(previous)
    return found


def seal(key: bytes, seq: int, chain: bytes) -> bytes:
    """Seal the newest link and its sequence number."""
    return _mac(key, b"head" + struct.pack(">q", seq) + chain)


def _mac(key: bytes, text: bytes) -> bytes:
    """HMAC-SHA-256 by its definition (RFC 2104), its ends prepared: 1.0 µs instead of 3.7."""
    begun, ended = _ends(key)
    inner, outer = begun.copy(), ended.copy()
    inner.update(text)
    outer.update(inner.digest())
    return outer.digest()


@lru_cache(4)
def _ends(key: bytes) -> tuple[hashlib._Hash, hashlib._Hash]:
    block = key.ljust(hashlib.sha256().block_size, b"\0")
    return hashlib.sha256(block.translate(_INNER)), hashlib.sha256(block.translate(_OUTER))


def key_path(path: Path) -> Path:
    """Name the key file of a database."""
    return path.with_name(path.name + KEY_SUFFIX)


def read_key(path: Path) -> bytes:
    """Read the key of the database ``path``.

    Raises:
        StoreError: There is no key, or it is damaged.
    """
    return read_key_file(key_path(path))


def read_key_file(file: Path) -> bytes:
    """Read a key.

    Raises:
        StoreError: It is missing or damaged.
    """
    try:
        key = bytes.fromhex(file.read_text(encoding="ascii").strip())
    except FileNotFoundError:
        name = file.name.removesuffix(KEY_SUFFIX)
        raise StoreError(f"{file} is missing: restore it beside {name}") from None
    except (OSError, ValueError) as error:
        raise StoreError(f"{file} cannot be read: {error}") from error
    if len(key) != KEY_BYTES:
        raise StoreError(f"{file} is damaged: {len(key)} bytes instead of {KEY_BYTES}")
    return key


def make_key(path: Path) -> bytes:
    """Make the key of a new database, readable by its owner only, on disk before this returns."""
    key = secrets.token_bytes(KEY_BYTES)
    _write(key_path(path), key)
    return key


def copy_key(path: Path, to: Path) -> None:
    """Lay the key of the database ``path`` beside its copy ``to``."""
    _write(key_path(to), read_key(path))


def _write(target: Path, key: bytes) -> None:
    draft = target.with_name(target.name + ".new")
    draft.unlink(missing_ok=True)
    file = os.open(draft, os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_CLOEXEC, 0o600)
    try:
        os.write(file, key.hex().encode("ascii"))
        os.fsync(file)
    finally:
        os.close(file)
    os.replace(draft, target)  # whole or not at all
    folder = os.open(target.parent, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(folder)  # a ledger that outlives its key in a power cut could not be opened again
    finally:
        os.close(folder)
