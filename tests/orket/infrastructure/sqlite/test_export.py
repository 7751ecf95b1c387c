"""Exports of a ledger: whole ones verify, and no change of a single byte goes unnoticed."""

from __future__ import annotations

from io import BytesIO
from pathlib import Path

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from orket.domain import events as e
from orket.domain.errors import StoreError
from orket.domain.identifiers import RunId
from orket.domain.integrity import Anchor
from orket.infrastructure.clock import SystemClock
from orket.infrastructure.sqlite import open_ledger
from orket.infrastructure.sqlite.chain import read_key_file
from orket.infrastructure.sqlite.export import export, verify_export
from tests.orket.services.rooms import CARD, WORKLOAD

pytestmark = pytest.mark.anyio

RUN = RunId("r1")


@pytest.fixture
async def ledger(tmp_path: Path) -> tuple[bytes, bytes, Anchor]:
    """An export, the key of its database, and where it ends."""
    path = tmp_path / "orket.db"
    async with open_ledger(path, SystemClock()) as opened:
        await opened.append(RUN, [e.RunAccepted(workload=WORKLOAD, workspace="w"), e.CardAdded(card=CARD)])
        await opened.append(RUN, [e.RunPaused(by="x")], blobs=[b"prompt"])
    out = BytesIO()
    end = export(path, out, blobs=True)
    return out.getvalue(), read_key_file(tmp_path / "orket.db.key"), end


def lines(content: bytes) -> list[bytes]:
    return content.splitlines(keepends=True)


async def test_a_whole_export_verifies(ledger: tuple[bytes, bytes, Anchor]) -> None:
    content, key, end = ledger
    for known in (key, None):
        report = verify_export(lines(content), known, end)
        assert report.ok, report.faults
        assert (report.events, report.runs, report.blobs, report.end) == (3, 1, 1, end)


async def test_an_anchor_beyond_it_is_missed(ledger: tuple[bytes, bytes, Anchor]) -> None:
    content, key, end = ledger
    assert not verify_export(lines(content), key, Anchor(end.seq + 1, end.link)).ok
    assert not verify_export(lines(content), key, Anchor(2, "0" * 64)).ok


async def test_another_key_did_not_seal_it(ledger: tuple[bytes, bytes, Anchor]) -> None:
    assert not verify_export(lines(ledger[0]), bytes(32)).ok


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(somewhere=st.integers(0, 2**31), change=st.integers(1, 255))
async def test_no_changed_byte_goes_unnoticed(
    ledger: tuple[bytes, bytes, Anchor], somewhere: int, change: int
) -> None:
    content, key, _ = ledger
    place = somewhere % (len(content) - 1)  # the very last byte ends the last line
    harmed = content[:place] + bytes([content[place] ^ change]) + content[place + 1 :]
    assert not verify_export(lines(harmed), key).ok


@given(junk=st.lists(st.binary(max_size=40), max_size=5))
async def test_junk_is_no_export(junk: list[bytes]) -> None:
    assert not verify_export(junk, None).ok


async def test_there_is_nothing_to_export(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="there is no database"):
        export(tmp_path / "none", BytesIO())


NAMES = ("seq", "run_id", "kind", "at_us", "body", "chain", "seal", "sha256", "hash", "format")
ODD = st.one_of(st.text(max_size=70), st.integers(), st.text("0123456789abcdef", min_size=64, max_size=64))


@given(
    line=st.sampled_from(["event", "anchor", "blob", "ledger"]),
    fields=st.fixed_dictionaries({}, optional=dict.fromkeys(NAMES, ODD)),
)
async def test_odd_values_in_whole_lines_are_damage(line: str, fields: dict[str, str | int]) -> None:
    head, odd = b'{"line":"ledger","format":1}\n', msgspec.json.encode({"line": line} | fields) + b"\n"
    report = verify_export([head, odd], bytes(32))
    assert not report.ok
