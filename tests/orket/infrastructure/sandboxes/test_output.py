"""Bounded output: laws over any way of cutting a stream into chunks."""

import os

import anyio
import pytest
from hypothesis import given
from hypothesis import strategies as st

from orket.infrastructure.sandboxes.output import READ_BYTES, Kept, drain


@given(st.lists(st.binary(max_size=200)), st.integers(min_value=0, max_value=300))
def test_what_fits_is_kept_whole_and_the_rest_is_bounded(chunks: list[bytes], bytes_max: int) -> None:
    kept, whole = Kept(bytes_max), b"".join(chunks)
    for chunk in chunks:
        kept.add(chunk)
    assert kept.seen == len(whole)
    assert kept.truncated == (len(whole) > bytes_max)
    if not kept.truncated:
        assert kept.value() == whole
        return
    value = kept.value()
    assert len(value) <= bytes_max
    assert value[: bytes_max // 2] == whole[: bytes_max // 2]
    if b"left out" in value and b"left out" not in whole:
        assert whole.endswith(value.rpartition(b" ...]\n")[2])


def test_memory_stays_bounded_however_much_flows() -> None:
    kept = Kept(1000)
    for _ in range(1000):
        kept.add(b"x" * READ_BYTES)
    assert kept.seen == 1000 * READ_BYTES
    assert len(kept._head) + len(kept._tail) < 4 * READ_BYTES
    assert len(kept.value()) == 1000


@pytest.mark.anyio
async def test_draining_ends_with_the_last_writer() -> None:
    read_end, write_end = os.pipe()
    os.set_blocking(read_end, False)
    other, kept = os.dup(write_end), Kept(100)
    async with anyio.create_task_group() as group:
        group.start_soon(drain, read_end, kept)
        os.write(write_end, b"one ")
        os.close(write_end)
        os.write(other, b"two")
        os.close(other)
    os.close(read_end)
    assert kept.value() == b"one two"
