"""A local model's server is a child process that lives and dies with who owns it."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import anyio
import pytest

from actors import ActorSystem, Ref
from orket.domain.errors import ModelError, SettingsError
from orket.domain.ports import ModelClient
from orket.infrastructure.models import local
from orket.infrastructure.models.local import LlamaServer, LocalServers, Locate, Options
from orket.infrastructure.models.serving import Servers
from orket.infrastructure.models.weights import Weights
from tests.contracts.models import ask, reply_of
from tests.orket.infrastructure.models.children import CHILD


@asynccontextmanager
async def opened(tmp_path: Path, name: str = "m") -> AsyncIterator[ModelClient]:
    """A local model whose server is a stand-in."""
    program = tmp_path / "child.py"
    program.write_text(CHILD, encoding="utf-8")
    async with ActorSystem("models", shutdown=10) as system:

        def spawn(key: str, weights: Weights, options: Options, secret: str, log: Path) -> Ref[Locate]:
            return system.named(key).spawn(LlamaServer, weights, options, secret, log)

        servers = Servers()
        own = LocalServers(spawn, tmp_path / "run", Options(threads=3, program=str(program)))
        servers.local = lambda told: own.serve(Weights(told, tmp_path / told))
        yield servers.open(f"local:{name}", "local")


async def answer(model: ModelClient) -> tuple[int, list[str], int]:
    """Process id, environment and threads of the server that answers."""
    pid, environment, threads = json.loads((await reply_of(model, ask())).text)
    return pid, environment, threads


def is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


@pytest.fixture(autouse=True)
def _installed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(local, "PACKAGE", "json")


@pytest.mark.anyio
async def test_it_starts_once_knows_no_secrets_and_ends_with_its_owner(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "not-for-children")
    async with opened(tmp_path) as model:
        pid, environment, threads = await answer(model)
        assert (await answer(model))[0] == pid
        assert is_alive(pid)
    assert not is_alive(pid)
    assert threads == 3
    assert "OPENAI_API_KEY" not in environment
    assert {"OMP_WAIT_POLICY", "GOMP_SPINCOUNT", "OMP_NUM_THREADS"} <= set(environment)


@pytest.mark.anyio
async def test_one_that_was_killed_is_started_again(tmp_path: Path) -> None:
    async with opened(tmp_path) as model:
        pid, _, _ = await answer(model)
        os.kill(pid, signal.SIGKILL)
        os.waitid(os.P_PID, pid, os.WEXITED | os.WNOWAIT)  # noqa: ASYNC222 - it is dying
        assert (await answer(model))[0] != pid


@pytest.mark.anyio
@pytest.mark.parametrize("name", ["broken", "mortal"])
async def test_one_that_dies_and_dies_is_left_alone(tmp_path: Path, name: str) -> None:
    async with opened(tmp_path, name) as model:
        errors = []
        for _ in range(7):
            with pytest.raises(ModelError) as told:
                await reply_of(model, ask())
            errors.append(told.value)
    assert {one.code for one in errors[:5]} == {"connection"}
    assert all(one.retryable for one in errors)
    assert errors[-1].code == "circuit_open"
    if name == "broken":
        assert "these weights are no weights" in errors[0].detail


@pytest.mark.anyio
async def test_a_stranger_on_this_machine_needs_the_key(tmp_path: Path) -> None:
    async with opened(tmp_path) as model:
        await answer(model)
        model._server.key = "guessed"  # type: ignore[attr-defined]  # what a stranger would have
        with pytest.raises(ModelError) as told:
            await answer(model)
    assert told.value.code == "auth"


def test_without_the_extra_it_says_how_to_get_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(local, "PACKAGE", "orket_no_such_package")
    with pytest.raises(SettingsError, match=r"pip install 'orket\[local\]'"):
        LocalServers(lambda *_: None, tmp_path, Options()).serve(Weights("m", tmp_path))  # type: ignore[arg-type,return-value]  # not called


def test_the_child_ends_when_its_parent_is_killed(tmp_path: Path) -> None:
    program = tmp_path / "child.py"
    program.write_text(CHILD, encoding="utf-8")
    parent = (
        "import subprocess, sys, json\n"
        f"child = subprocess.Popen([sys.executable, {str(program)!r}], stdin=-1, stdout=-1)\n"
        "given = {'name': 'm', 'key': 'k', 'threads': 1}\n"
        "child.stdin.write(json.dumps(given).encode() + b'\\n'); child.stdin.flush()\n"
        "child.stdout.readline(); print(child.pid, flush=True); sys.stdin.read()\n"
    )
    with subprocess.Popen([sys.executable, "-c", parent], stdin=-1, stdout=-1) as process:
        assert process.stdout is not None
        pid = int(process.stdout.readline())
        handle = os.pidfd_open(pid)
        process.kill()

    async def ended() -> None:
        with anyio.fail_after(20):
            await anyio.wait_readable(handle)

    anyio.run(ended)
    os.close(handle)
