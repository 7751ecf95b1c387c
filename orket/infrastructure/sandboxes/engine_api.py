"""Asking a container engine (docker, or podman's service of the same shape) over its Unix socket.

One short connection per request, in HTTP/1.0: the answer ends where the connection does, so neither chunks
nor a pool of connections have to be understood. Nothing is kept between requests.
"""

from __future__ import annotations

import errno
import os
from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from typing import TypeVar
from urllib.parse import urlencode

import anyio
import msgspec
from anyio.abc import SocketStream
from anyio.streams.buffered import BufferedByteReceiveStream

from orket.domain.errors import SandboxError

T = TypeVar("T")

HEAD_BYTES_MAX = 65_536
BODY_BYTES_MAX = 16 * 1024 * 1024
CALL_S = 30.0
SCHEME = "unix://"


class EngineAbsent(SandboxError):
    """Nothing answers on the socket."""


class EngineRefused(SandboxError):
    """The engine answered that it cannot; ``status`` is the HTTP status."""

    def __init__(self, status: int, detail: str) -> None:
        super().__init__(detail)
        self.status = status


class _Message(msgspec.Struct):
    message: str = ""


def find_socket(environ: Mapping[str, str]) -> str:
    """Name the socket of the engine: ``DOCKER_HOST``, ``CONTAINER_HOST`` or a usual place; empty: none.

    An engine that is reached by network is on another machine as likely as not, where this machine's
    directories mean nothing, so only Unix sockets count.
    """
    for name in ("DOCKER_HOST", "CONTAINER_HOST"):
        if told := environ.get(name, ""):
            return told.removeprefix(SCHEME) if told.startswith(SCHEME) else ""
    own = environ.get("XDG_RUNTIME_DIR", "")
    usual = [f"{own}/docker.sock", f"{own}/podman/podman.sock"] if own else []
    usual += ["/var/run/docker.sock", "/run/podman/podman.sock"]
    return next((one for one in usual if os.path.exists(one)), "")


class EngineApi:
    """The engine behind a socket.

    Args:
        socket: Path of the Unix socket.
    """

    def __init__(self, socket: str) -> None:
        self.socket = socket

    async def call(
        self,
        method: str,
        path: str,
        *,
        kind: type[T],
        query: Mapping[str, str] | None = None,
        body: object = None,
        content: bytes | None = None,
        within_s: float = CALL_S,
    ) -> T:
        """Ask once and decode the answer as ``kind`` (``bytes``: as it is).

        Raises:
            EngineAbsent: Nothing answers there.
            EngineRefused: The engine says that it cannot.
            SandboxError: The answer is late, broken, or too large.
        """
        sent = _encoded(body) if content is None else content
        media = "application/json" if content is None else "application/x-tar"
        with self._reported(path):
            with anyio.fail_after(within_s):
                async with await anyio.connect_unix(self.socket) as stream:
                    await stream.send(_head(method, path, query, media, sent))
                    reader = BufferedByteReceiveStream(stream)
                    status = await _status(reader)
                    answer = await _rest(reader)
        _check(status, answer)
        if kind is bytes:
            return answer  # type: ignore[return-value]  # T is bytes here
        return _decoded(answer, kind, path)

    @asynccontextmanager
    async def stream(
        self, method: str, path: str, *, query: Mapping[str, str] | None = None, body: object = None
    ) -> AsyncGenerator[tuple[BufferedByteReceiveStream, SocketStream]]:
        """Ask for an answer without an end: what comes, and the connection to write to.

        Raises:
            EngineAbsent, EngineRefused, SandboxError: As ``call``, before anything has come.
        """
        with self._reported(path):
            stream = await anyio.connect_unix(self.socket)
        async with stream:
            reader = BufferedByteReceiveStream(stream)
            with self._reported(path), anyio.fail_after(CALL_S):
                await stream.send(_head(method, path, query, "application/json", _encoded(body)))
                if (status := await _status(reader)) >= 300:
                    _check(status, await _rest(reader))
            yield reader, stream

    async def lines(self, path: str, *, query: Mapping[str, str]) -> AsyncGenerator[bytes]:
        """Follow an answer of lines, such as events."""
        async with self.stream("GET", path, query=query) as (reader, _):
            while True:
                try:
                    yield await reader.receive_until(b"\n", HEAD_BYTES_MAX)
                except (anyio.IncompleteRead, anyio.BrokenResourceError):
                    return

    def _reported(self, path: str) -> _Reported:
        return _Reported(self.socket, path)


class _Reported:
    """Turns what a socket says into errors of the sandbox."""

    def __init__(self, socket: str, path: str) -> None:
        self._socket, self._path = socket, path

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: object) -> None:
        match error:
            case TimeoutError():
                raise SandboxError(f"the container engine did not answer {self._path} in time") from error
            case OSError():
                why = os.strerror(error.errno) if error.errno else str(error) or "no connection"
                if error.errno == errno.ENAMETOOLONG:
                    why = "the path is too long for a socket"
                raise EngineAbsent(f"no container engine answers on {self._socket}: {why}") from error
            case anyio.IncompleteRead() | anyio.DelimiterNotFound() | anyio.BrokenResourceError():
                raise SandboxError(f"the container engine broke off at {self._path}") from error
            case _:
                return


def _encoded(body: object) -> bytes:
    try:
        return b"" if body is None else msgspec.json.encode(body)
    except UnicodeEncodeError:
        raise SandboxError("what the container engine is to be told is not valid Unicode") from None


def _head(method: str, path: str, query: Mapping[str, str] | None, media: str, content: bytes) -> bytes:
    asked = f"{path}?{urlencode(query)}" if query else path
    lines = (
        f"{method} {asked} HTTP/1.0",
        "Host: engine",
        f"Content-Type: {media}",
        f"Content-Length: {len(content)}",
    )
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + content


async def _status(reader: BufferedByteReceiveStream) -> int:
    head = await reader.receive_until(b"\r\n\r\n", HEAD_BYTES_MAX)
    words = head.split(b"\r\n", 1)[0].split()
    if len(words) < 2 or not words[1].isdigit():
        raise SandboxError("what answers on the container engine's socket speaks no HTTP")
    return int(words[1])


async def _rest(reader: BufferedByteReceiveStream) -> bytes:
    content = bytearray()
    while True:
        try:
            content += await reader.receive()
        except anyio.EndOfStream:
            return bytes(content)
        if len(content) > BODY_BYTES_MAX:
            raise SandboxError("an answer of the container engine is too large")


def _check(status: int, answer: bytes) -> None:
    if status < 300 or status == 304:
        return
    try:
        said = msgspec.json.decode(answer, type=_Message).message
    except msgspec.MsgspecError:
        said = answer.decode("utf-8", "replace")
    raise EngineRefused(status, said.strip()[:500] or f"the container engine answered {status}")


def _decoded(answer: bytes, kind: type[T], path: str) -> T:
    try:
        return msgspec.json.decode(answer, type=kind)
    except msgspec.MsgspecError as error:
        raise SandboxError(f"the container engine's answer to {path} is not understood: {error}") from error
