"""The links of the chain, against the standard library's own HMAC."""

from __future__ import annotations

import hashlib
import hmac
import struct

from hypothesis import given
from hypothesis import strategies as st

from orket.infrastructure.sqlite.chain import Row, link, links

KINDS = st.sampled_from(["RunPaused", "CardCommented"])
EVENTS = st.lists(st.tuples(KINDS, st.binary(max_size=200)), max_size=6)


@given(st.binary(min_size=32, max_size=32), st.binary(min_size=32, max_size=32), st.integers(1, 9), EVENTS)
def test_links_are_macs_of_all_that_was_recorded(
    key: bytes, before: bytes, seq: int, events: list[tuple[str, bytes]]
) -> None:
    run, at_us = "ab\u00e9", 1_700_000_000_000_000
    found = links(key, before, seq, run, at_us, events)
    assert len(found) == len(events)
    for number, ((kind, body), one) in enumerate(zip(events, found, strict=True), start=seq):
        sizes = (len(run.encode()), len(kind), len(body))
        head = struct.pack(">qqIIQ", number, at_us, *sizes)
        text = b"event" + before + head + run.encode() + kind.encode() + body
        assert one == hmac.new(key, text, hashlib.sha256).digest()
        assert one == link(key, before, Row(number, run, kind, at_us, body))
        before = one
