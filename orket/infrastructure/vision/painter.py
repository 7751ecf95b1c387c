"""Painting in a process of its own: a model takes gigabytes, and inside ours nothing could stop it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
from contextlib import suppress
from importlib.util import find_spec
from pathlib import Path
from typing import IO

import anyio
import anyio.to_thread
import attrs
import msgspec

from orket.domain.errors import ToolError
from orket.domain.pictures import PICTURE_BYTES_MAX, Picture

PROGRAM = Path(__file__).with_name("paint.py")
HEAD_BYTES_MAX = 4_096
LOG_CHARS = 300
_NEEDED = ("torch", "diffusers", "transformers", "PIL")
_SETTING = "ORKET_IMAGE_MODEL"


class _Told(msgspec.Struct):
    error: str = ""


def why_absent(model: Path | None) -> str:
    """Say why nothing can be painted here; empty when it can."""
    if missing := [name for name in _NEEDED if find_spec(name) is None]:
        return f"not installed: {', '.join(missing)}; pip install 'orket[vision]'"
    if model is None:
        return f"{_SETTING} names no folder with a diffusers pipeline"
    if not (model / "model_index.json").is_file():
        return f"{_SETTING}: there is no model_index.json in {model}"
    return ""


@attrs.frozen
class LocalPainter:
    """Paints with the pipeline of a folder, one picture at a time; see ``orket.domain.pictures.Painter``.

    Args:
        model: The folder, as diffusers saves a pipeline.
        threads: How many of the machine's cores it may use.
        program: What is run, by this Python.
    """

    model: Path
    threads: int
    program: Path = PROGRAM
    _one_at_a_time: anyio.Semaphore = attrs.field(factory=lambda: anyio.Semaphore(1), repr=False)

    async def paint(self, picture: Picture) -> bytes:
        """Paint in a child process, which is gone when this returns, however it does.

        Raises:
            ToolError: ``timeout``, ``failed``.
        """
        with anyio.move_on_after(picture.within_s):
            async with self._one_at_a_time:
                return await self._paint(picture)
        raise ToolError(
            f"no picture within {picture.within_s:g} s; the painting was stopped",
            code="timeout",
            hint="ask for a smaller picture, or fewer steps",
        )

    async def _paint(self, picture: Picture) -> bytes:
        with tempfile.TemporaryFile() as log:
            process = await anyio.to_thread.run_sync(self._spawn, log)
            try:
                told = await anyio.to_thread.run_sync(self._talk, process, picture, abandon_on_cancel=True)
            finally:
                with anyio.CancelScope(shield=True):
                    await anyio.to_thread.run_sync(_end, process)
            return _png(told, log)

    def _spawn(self, log: IO[bytes]) -> subprocess.Popen[bytes]:
        return subprocess.Popen(
            [sys.executable, "-I", self.program],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=log,
            env=_environment(self.threads),
            cwd="/",
            start_new_session=True,  # a Ctrl-C is the engine's matter
        )

    def _talk(self, process: subprocess.Popen[bytes], picture: Picture) -> bytes:
        assert process.stdin is not None
        assert process.stdout is not None
        given = {"model": str(self.model), "threads": self.threads, **attrs.asdict(picture)}
        with suppress(BrokenPipeError):  # it has ended, and its log says why
            process.stdin.write(msgspec.json.encode(given) + b"\n")
            process.stdin.flush()
        return process.stdout.read(PICTURE_BYTES_MAX + HEAD_BYTES_MAX + 1)


def _end(process: subprocess.Popen[bytes]) -> None:
    """End the program and whatever it has started."""
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    for pipe in (process.stdin, process.stdout):
        if pipe is not None:
            with suppress(BrokenPipeError):
                pipe.close()


def _png(told: bytes, log: IO[bytes]) -> bytes:
    head, _, png = told.partition(b"\n")
    try:
        error = msgspec.json.decode(head, type=_Told).error
    except msgspec.MsgspecError:
        error = f"it ended without a picture; {_last_words(log)}"
    if error:
        raise ToolError(f"the picture could not be painted: {error}")
    if len(png) > PICTURE_BYTES_MAX:
        raise ToolError(f"a picture of more than {PICTURE_BYTES_MAX} bytes", code="too_large")
    return png


def _last_words(log: IO[bytes]) -> str:
    log.seek(0)
    words = log.read(1_000_000).decode("utf-8", "replace")
    return " ".join(words[-LOG_CHARS:].split()) or "it said nothing"


def _environment(threads: int) -> dict[str, str]:
    """What the program may know of ours: how to find its libraries; no keys, and no way out."""
    kept = {name: os.environ[name] for name in ("PATH", "LD_LIBRARY_PATH", "TMPDIR") if name in os.environ}
    offline = dict.fromkeys(("HF_HUB_OFFLINE", "TRANSFORMERS_OFFLINE", "DIFFUSERS_OFFLINE"), "1")
    return {**kept, **offline, "OMP_NUM_THREADS": str(threads), "OMP_WAIT_POLICY": "passive"}
