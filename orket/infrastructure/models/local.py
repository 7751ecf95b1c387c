"""A model on this machine: llama.cpp's own server as a child process, owned by an actor."""

from __future__ import annotations

import os
import secrets
import subprocess
import sys
from collections.abc import Awaitable, Callable
from importlib.util import find_spec
from pathlib import Path
from typing import Protocol

import anyio
import anyio.to_thread
import attrs
import msgspec

from actors import Actor, DeliveryError, Exit, Ref, ReplyError, Request, on
from orket.domain.errors import ModelError, SettingsError
from orket.infrastructure.models.serving import LocalServer
from orket.infrastructure.models.weights import Weights

CHILD = Path(__file__).with_name("llama_child.py")
PACKAGE = "xllamacpp"
START_S = 120.0
# A small machine reads a long question for minutes before it says the first word.
IDLE_S = 300.0
STARTS_MAX, STARTS_WITHIN_S = 5, 300.0
LOG_CHARS = 600


@attrs.frozen(kw_only=True)
class Options:
    """How the server is run.

    ``context_tokens`` bounds question and answer together. Several threads that spin for each other's work
    are slower than one on a machine that is busy. ``program`` is what a Python runs in the child.
    """

    threads: int = 1
    context_tokens: int = 8192
    cache_mib: int = 1024
    program: str = str(CHILD)


@attrs.frozen(kw_only=True)
class Located:
    """Where the server answers, or why it cannot."""

    url: str = ""
    error: str = ""


@attrs.frozen
class Locate(Request[Located]):
    """Say where the server is; start it when it is not running."""


class LlamaServer(Actor[Locate]):
    """Owns the process: starts it at the first question, again when it has died, and ends it with itself.

    A process that dies is no crash of its owner. One that was started ``STARTS_MAX`` times within
    ``STARTS_WITHIN_S`` seconds is not started again before that time is over.

    Args:
        weights: What to serve.
        options: How.
        key: What to ask every asker for; other programs of this machine can reach the port as well.
        log: Where its words go; the last ones are told when it does not start.
    """

    def __init__(self, weights: Weights, options: Options, key: str, log: Path) -> None:
        self._weights, self._options, self._key, self._log = weights, options, key, log
        self._process: subprocess.Popen[bytes] | None = None
        self._url = ""
        self._starts: list[float] = []

    @on(Locate)
    async def locate(self, m: Locate) -> Located:
        """Answer at once when it runs; starting takes as long as it takes to read the weights."""
        if self._process is not None and self._process.poll() is None:
            return Located(url=self._url)
        now_s = anyio.current_time()
        self._starts = [one for one in self._starts if one > now_s - STARTS_WITHIN_S]
        if len(self._starts) >= STARTS_MAX:
            return Located(
                error=f"died {STARTS_MAX} times within {STARTS_WITHIN_S:g} s; {self._last_words()}"
            )
        self._starts.append(now_s)
        return await self._start()

    async def on_stop(self, reason: Exit) -> None:
        """Take the process along."""
        await self._end()

    async def _start(self) -> Located:
        await self._end()
        try:
            self._process = await anyio.to_thread.run_sync(self._spawn)
            with anyio.move_on_after(START_S):
                self._url = await anyio.to_thread.run_sync(self._first_line, abandon_on_cancel=True)
        except OSError as error:
            return Located(error=f"cannot be started: {error.strerror or error}")
        if self._url.startswith("http://127.0.0.1:"):
            return Located(url=self._url + "/v1")
        await self._end()
        return Located(error=f"did not start; {self._last_words()}")

    def _spawn(self) -> subprocess.Popen[bytes]:
        self._log.parent.mkdir(parents=True, exist_ok=True)
        with open(self._log, "wb") as log:
            process = subprocess.Popen(
                [sys.executable, "-I", self._options.program],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                env=_environment(self._options.threads),
                cwd="/",
                start_new_session=True,  # a Ctrl-C is the engine's matter
            )
        given = {
            "weights": str(self._weights.path),
            "name": self._weights.name,
            "key": self._key,
            **attrs.asdict(self._options),
        }
        assert process.stdin is not None
        process.stdin.write(msgspec.json.encode(given) + b"\n")
        process.stdin.flush()
        return process

    def _first_line(self) -> str:
        assert self._process is not None
        assert self._process.stdout is not None
        return self._process.stdout.readline(1000).decode("utf-8", "replace").strip()

    async def _end(self) -> None:
        process, self._process, self._url = self._process, None, ""
        if process is None:
            return
        process.kill()
        with anyio.CancelScope(shield=True):
            await anyio.to_thread.run_sync(process.wait)
        for pipe in (process.stdin, process.stdout):
            if pipe is not None:
                pipe.close()

    def _last_words(self) -> str:
        try:
            words = self._log.read_text(encoding="utf-8", errors="replace")
        except OSError:
            return "it said nothing"
        return " ".join(words[-LOG_CHARS:].split()) or "it said nothing"


def _environment(threads: int) -> dict[str, str]:
    """What the child may know of ours: how to find its libraries, and that its threads must not spin."""
    kept = {name: os.environ[name] for name in ("PATH", "LD_LIBRARY_PATH", "TMPDIR") if name in os.environ}
    return {
        **kept,
        "OMP_WAIT_POLICY": "passive",
        "GOMP_SPINCOUNT": "0",
        "OMP_NUM_THREADS": str(threads),
    }


class Spawn(Protocol):
    """Makes the actor that owns a server."""

    def __call__(self, name: str, weights: Weights, options: Options, key: str, log: Path) -> Ref[Locate]:
        """Begin it under a name; nothing is started yet."""
        ...


@attrs.define
class LocalServers:
    """The servers of this machine, one per weights.

    Args:
        spawn: Makes their owners, where they live as long as the engine.
        logs: Where their words go.
        options: How they are run.
    """

    spawn: Spawn
    logs: Path
    options: Options
    _known: dict[Path, tuple[Ref[Locate], str]] = attrs.field(factory=dict, repr=False)

    def serve(self, weights: Weights) -> LocalServer:
        """Prepare the server of some weights; it is started when it is located.

        Raises:
            SettingsError: The extra ``local`` is not installed.
        """
        if find_spec(PACKAGE) is None:
            raise SettingsError(f"local:{weights.name}: needs the extra 'local': pip install 'orket[local]'")
        if weights.path not in self._known:
            key, log = secrets.token_urlsafe(24), self.logs / f"llama-{len(self._known)}.log"
            ref = self.spawn(f"llama-{len(self._known)}", weights, self.options, key, log)
            self._known[weights.path] = ref, key
        ref, key = self._known[weights.path]
        locate = _locating(ref, weights.name)
        return LocalServer(name=weights.name, locate=locate, key=key, idle_s=IDLE_S)


def _locating(ref: Ref[Locate], name: str) -> Callable[[], Awaitable[str]]:
    async def locate() -> str:
        try:
            found = await ref.ask(Locate(), timeout=2 * START_S)
        except (DeliveryError, ReplyError) as error:
            text = f"local:{name}: its server cannot be asked for ({type(error).__name__})"
            raise ModelError(text, code="connection", retryable=True) from error
        if found.error:
            raise ModelError(f"local:{name}: the server {found.error}", code="connection", retryable=True)
        return found.url

    return locate
