"""A system shown on a local Unix socket, by as much of HTTP as ``curl`` and the viewer need."""

import os
import socket
import stat
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from functools import partial
from pathlib import Path

import anyio
from anyio.abc import SocketListener, SocketStream

from actors._system import ActorSystem
from actors.top._take import take

#: Who looks at the same time; the next one is turned away.
LOOKERS_MAX = 8
REQUEST_BYTES_MAX = 8192
REQUEST_TIMEOUT_S = 5.0


@asynccontextmanager
async def serve(
    system: ActorSystem, place: str | os.PathLike[str] | socket.socket
) -> AsyncIterator[SocketListener]:
    """Show ``system`` on a Unix socket while the block runs: ``python -m actors.top PATH``.

    Only this user can connect (mode 0600), and only look. ``curl --unix-socket PATH http://top/``
    gives the same JSON.

    Args:
        system: A system that was entered.
        place: Where the socket goes; one that a dead process left behind is replaced. Or a stream
            socket that listens already, which is closed in the end.

    Yields:
        What listens.

    Raises:
        FileExistsError: Somebody else listens there, or it is not a socket.
        OSError: The socket cannot be made there.
    """
    if isinstance(place, socket.socket):
        async with _answering(system, await SocketListener.from_socket(place)) as listener:
            yield listener
        return
    path = Path(place)
    _make_room(path)
    # anyio sets the mode between bind and listen: nobody can connect before it.
    made = await anyio.create_unix_listener(path, mode=0o600)
    inode = _inode(path)
    try:
        async with _answering(system, made) as listener:
            yield listener
    finally:
        _remove(path, inode)


@asynccontextmanager
async def _answering(system: ActorSystem, listener: SocketListener) -> AsyncIterator[SocketListener]:
    """Answer whoever connects; what the block raises is not wrapped by the task group."""
    lookers = anyio.Semaphore(LOOKERS_MAX, max_value=LOOKERS_MAX)
    failure: BaseException | None = None
    async with listener, anyio.create_task_group() as group:
        group.start_soon(listener.serve, partial(_answer, system, lookers))
        try:
            yield listener
        except BaseException as error:
            if isinstance(error, anyio.get_cancelled_exc_class() | GeneratorExit):
                raise
            failure = error
        group.cancel_scope.cancel()
    if failure is not None:
        try:
            raise failure
        finally:
            del failure


def _make_room(place: Path) -> None:
    """Refuse a place where somebody listens; anyio removes what a dead process left."""
    if not place.exists():
        return
    if not stat.S_ISSOCK(place.stat().st_mode):
        raise FileExistsError(f"{place} exists and is not a socket")
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as caller, suppress(ConnectionRefusedError):
        caller.connect(str(place))
        raise FileExistsError(f"{place}: somebody listens there already")


def _inode(place: Path) -> int:
    return place.stat().st_ino


def _remove(place: Path, made: int) -> None:
    """Remove the socket, unless somebody has put another one there."""
    with suppress(FileNotFoundError):
        if _inode(place) == made:
            place.unlink()


async def _answer(system: ActorSystem, lookers: anyio.Semaphore, stream: SocketStream) -> None:
    async with stream:
        try:
            lookers.acquire_nowait()
        except anyio.WouldBlock:
            return
        try:
            with (
                suppress(anyio.EndOfStream, anyio.BrokenResourceError, OSError),
                anyio.move_on_after(REQUEST_TIMEOUT_S),
            ):
                await stream.send(respond(system, await _request(stream)))
        finally:
            lookers.release()


async def _request(stream: SocketStream) -> bytes:
    """The request line, once the whole head has come; empty when it is too long."""
    head = b""
    while b"\r\n\r\n" not in head:
        head += await stream.receive()
        if len(head) > REQUEST_BYTES_MAX:
            return b""
    return head.split(b"\r\n", 1)[0]


def respond(system: ActorSystem, request: bytes) -> bytes:
    """The answer to a request line: the snapshot, whatever the path."""
    if request.startswith((b"GET ", b"HEAD ")):
        status, body = "200 OK", take(system).to_json()
    else:
        status, body = "405 Method Not Allowed", b'{"error":"only GET"}'
    head = (
        f"HTTP/1.1 {status}\r\nContent-Type: application/json\r\n"
        f"Content-Length: {len(body)}\r\nCache-Control: no-store\r\nConnection: close\r\n\r\n"
    )
    return head.encode() + (b"" if request.startswith(b"HEAD ") else body)
