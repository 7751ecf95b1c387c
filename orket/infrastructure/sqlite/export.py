"""The ledger as a file of lines that can be kept elsewhere and verified without its database.

The first line says what it is, then comes one line per event in order (and per blob, when they are wanted),
and the last line is the anchor: where the ledger ended, its link and seal, and the SHA-256 of all lines
before. The digest shows damage to anyone; that nobody rewrote the file shows only with the database's key.
"""

from __future__ import annotations

import hashlib
import hmac
from base64 import b64encode
from collections.abc import Iterable, Iterator
from contextlib import closing
from pathlib import Path
from sqlite3 import Connection
from typing import Annotated, Protocol

import attrs
import msgspec

from orket.domain.errors import StoreError
from orket.domain.integrity import FAULTS_MAX, Anchor, Fault, LedgerReport
from orket.infrastructure.sqlite.chain import NO_LINK, Row, link, read_key, seal
from orket.infrastructure.sqlite.connections import connect_reader, store_errors

FORMAT = 1


# A line with other numbers or digests than these is damaged, and says so as such.
_Count = Annotated[int, msgspec.Meta(ge=0, le=2**63 - 1)]
_Digest = Annotated[str, msgspec.Meta(pattern="^[0-9a-f]{64}$")]


class Head(msgspec.Struct, tag="ledger", tag_field="line"):
    """The first line."""

    format: int


class EventLine(msgspec.Struct, tag="event", tag_field="line"):
    """An event exactly as it is stored; ``body`` is its canonical JSON, as text, ``chain`` hexadecimal."""

    seq: _Count
    run_id: str
    kind: str
    at_us: _Count
    body: str
    chain: _Digest


class BlobLine(msgspec.Struct, tag="blob", tag_field="line"):
    """A blob under the hexadecimal SHA-256 that events name it by."""

    hash: str
    base64: str


class AnchorLine(msgspec.Struct, tag="anchor", tag_field="line"):
    """The last line; ``sha256`` is over all lines before it, their line ends included."""

    seq: _Count
    chain: _Digest
    seal: _Digest
    sha256: _Digest


_Line = Head | EventLine | BlobLine | AnchorLine


class Sink(Protocol):
    """Where an export is written."""

    def write(self, line: bytes, /) -> object:
        """Take one line."""
        ...


def export(path: Path, to: Sink, *, blobs: bool = False) -> Anchor:
    """Write a database's ledger as of one moment; an engine may be using it. Blocks.

    Raises:
        StoreError: There is no database, no key, or it cannot be read.
        OSError: It cannot be written.
    """
    if not path.exists():
        raise StoreError(f"there is no database at {path}")
    key, digest = read_key(path), hashlib.sha256()
    with store_errors(path), closing(connect_reader(path)) as connection:
        connection.execute("BEGIN")
        seq, chain = 0, NO_LINK.hex()
        for line in _lines(connection, blobs=blobs):
            if isinstance(line, EventLine):
                seq, chain = line.seq, line.chain
            written = msgspec.json.encode(line) + b"\n"
            digest.update(written)
            to.write(written)
    last = seal(key, seq, bytes.fromhex(chain)).hex()
    end = AnchorLine(seq=seq, chain=chain, seal=last, sha256=digest.hexdigest())
    to.write(msgspec.json.encode(end) + b"\n")
    return Anchor(seq, chain)


def _lines(connection: Connection, *, blobs: bool) -> Iterator[Head | EventLine | BlobLine]:
    yield Head(format=FORMAT)
    for seq, run_id, kind, at_us, body, chain in connection.execute(
        "SELECT seq, run_id, kind, at, body, chain FROM events ORDER BY seq"
    ):
        yield EventLine(seq, run_id, kind, at_us, body.decode(), chain.hex())
    if blobs:
        for digest, body in connection.execute("SELECT hash, body FROM blobs ORDER BY id"):
            yield BlobLine(digest.hex(), b64encode(body).decode())


@attrs.define
class _Reader:
    """Checks lines one after the other."""

    key: bytes | None
    digest: hashlib._Hash = attrs.field(factory=hashlib.sha256)
    seq: int = 0
    chain: bytes = NO_LINK
    runs: set[str] = attrs.field(factory=set)
    blobs: int = 0
    ended: bool = False

    def check(self, number: int, line: bytes) -> Iterator[Fault]:
        """Check the line with this number, from 1."""
        try:
            found = msgspec.json.decode(line, type=_Line)
        except (msgspec.MsgspecError, UnicodeDecodeError) as error:
            self.digest.update(line)
            yield Fault(self.seq, f"line {number} is not a line of an export: {error}")
            return
        if isinstance(found, AnchorLine):
            yield from self._end(found)
            return
        self.digest.update(line)
        if self.ended:
            yield Fault(self.seq, f"line {number} stands after the anchor")
        if isinstance(found, Head) != (number == 1):
            yield Fault(0, "the export does not begin with its head")
        if isinstance(found, EventLine):
            yield from self._event(found)
        self.blobs += isinstance(found, BlobLine)

    def _event(self, found: EventLine) -> Iterator[Fault]:
        if found.seq != self.seq + 1:
            yield Fault(found.seq, f"event {found.seq} follows event {self.seq}")
        row = Row(found.seq, found.run_id, found.kind, found.at_us, found.body.encode())
        if self.key is not None and link(self.key, self.chain, row).hex() != found.chain:
            yield Fault(found.seq, f"event {found.seq} or its place is not what was recorded")
        self.seq, self.chain = found.seq, bytes.fromhex(found.chain)
        self.runs.add(found.run_id)

    def _end(self, found: AnchorLine) -> Iterator[Fault]:
        self.ended = True
        if found.sha256 != self.digest.hexdigest():
            yield Fault(self.seq, "the lines are not those that were exported")
        if (found.seq, found.chain) != (self.seq, self.chain.hex()):
            yield Fault(self.seq, f"the export ends with event {self.seq}, its anchor with {found.seq}")
        expected = None if self.key is None else seal(self.key, self.seq, self.chain).hex()
        if expected is not None and not hmac.compare_digest(expected, found.seal):
            yield Fault(self.seq, "the anchor was not sealed with this key")


def verify_export(lines: Iterable[bytes], key: bytes | None, anchor: Anchor | None = None) -> LedgerReport:
    """Check an export line by line, with the database's key (all of it) or without (damage only)."""
    reader, faults = _Reader(key), list[Fault]()
    for number, line in enumerate(lines, start=1):
        faults += reader.check(number, line)
        if anchor is not None and reader.seq == anchor.seq and reader.chain.hex() != anchor.link:
            faults.append(Fault(anchor.seq, f"event {anchor.seq} is not the one that was noted"))
            anchor = None
        if len(faults) >= FAULTS_MAX:
            break
    if anchor is not None and anchor.seq > reader.seq:
        faults.append(Fault(reader.seq, f"it ends with event {reader.seq}, before the one that was noted"))
    if not reader.ended:
        faults.append(Fault(reader.seq, "the export has no anchor: its end is missing"))
    return LedgerReport(
        end=Anchor(reader.seq, reader.chain.hex()),
        events=reader.seq,
        runs=len(reader.runs),
        blobs=reader.blobs,
        faults=tuple(faults[:FAULTS_MAX]),
    )
