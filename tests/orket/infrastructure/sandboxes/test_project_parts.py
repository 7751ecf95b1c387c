"""The parts of keeping project sandboxes that need no container engine."""

import os
from pathlib import Path

import anyio
import anyio.abc
import pytest
from hypothesis import given
from hypothesis import strategies as st

from orket.domain.errors import SandboxError
from orket.infrastructure.sandboxes.answering import answers
from orket.infrastructure.sandboxes.compose_program import run_compose
from orket.infrastructure.sandboxes.frames import split_frames
from tests.contracts.sandbox_drivers import Herald, carrying, token

pytestmark = pytest.mark.anyio
ENVIRONMENT = {"PATH": os.defpath}


@given(st.lists(st.tuples(st.sampled_from([1, 2]), st.binary(max_size=30)), max_size=6), st.integers(0, 12))
def test_what_is_framed_comes_out_whole_however_it_ends(frames: list[tuple[int, bytes]], cut: int) -> None:
    said = b"".join(bytes([kind, 0, 0, 0]) + len(one).to_bytes(4, "big") + one for kind, one in frames)
    whole = b"".join(one for _, one in frames)
    assert split_frames(said) == whole
    assert whole.startswith(split_frames(said[: len(said) - cut]))


@pytest.mark.parametrize(
    ("said", "path", "well"),
    [
        (b"HTTP/1.1 200 OK\r\n\r\n", "/ok", True),
        (b"HTTP/1.1 404 Not Found\r\n\r\n", "/ok", True),
        (b"HTTP/1.1 503 Busy\r\n\r\n", "/ok", False),
        (b"220 hello\r\n", "/ok", False),
        (b"", "/ok", False),
        (b"220 hello\r\n", "", True),
        (None, "", True),  # it waits for the client to speak first
        (b"", "", False),  # accepted, and closed at once
    ],
)
async def test_whether_a_service_answers(said: bytes | None, path: str, well: bool) -> None:
    over = anyio.Event()

    async def serve(stream: anyio.abc.SocketStream) -> None:
        async with stream:
            if said is None:
                await over.wait()
            else:
                await stream.send(said)

    async with await anyio.create_tcp_listener(local_host="127.0.0.1") as listener:
        port = listener.extra(anyio.abc.SocketAttribute.local_port)
        async with anyio.create_task_group() as group:
            group.start_soon(listener.serve, serve)
            assert await answers(port, path) is well
            over.set()
            group.cancel_scope.cancel()
    assert not await answers(port, path)


async def test_the_program_reads_the_file_and_is_told_the_secrets(tmp_path: Path) -> None:
    script = f"cat > {tmp_path}/read; echo $DB_PASSWORD > {tmp_path}/told"
    given_ = {**ENVIRONMENT, "DB_PASSWORD": "hunter2hunter2"}
    await run_compose(("sh", "-c", script), document="{}", environment=given_, secrets=("hunter2hunter2",))
    assert ((tmp_path / "read").read_text(), (tmp_path / "told").read_text()) == ("{}", "hunter2hunter2\n")


async def test_a_failure_tells_the_last_words_without_secrets() -> None:
    script = "yes noise | head -c 100000; echo bad $DB_PASSWORD >&2; exit 4"
    given_ = {**ENVIRONMENT, "DB_PASSWORD": "hunter2hunter2"}
    with pytest.raises(SandboxError, match="exit code 4") as caught:
        await run_compose(("sh", "-c", script), document="", environment=given_, secrets=("hunter2hunter2",))
    assert caught.value.detail.endswith("bad [redacted:environment]")
    assert len(caught.value.detail) < 2000


async def test_a_program_that_is_missing_is_a_failure() -> None:
    with pytest.raises(SandboxError, match="compose failed"):
        await run_compose(("no-such-program",), document="", environment=ENVIRONMENT, secrets=())


async def test_cancelling_ends_the_program_and_its_children(tmp_path: Path) -> None:
    word, herald = token(), Herald(tmp_path / "work")
    script = f"sh -c 'echo up > {herald.path}; sleep 300; : {word}' & sleep 300; : {word}"
    async with anyio.create_task_group() as group:
        group.start_soon(
            lambda: run_compose(("sh", "-c", script), document="", environment=ENVIRONMENT, secrets=())
        )
        assert await herald.word() == "up"
        group.cancel_scope.cancel()
    handles = [os.pidfd_open(pid) for pid in carrying(word)]
    for handle in handles:
        await anyio.wait_readable(handle)
        os.close(handle)
    assert not carrying(word)
