"""Listening sockets: who may connect, and what to say when the place is taken."""

from __future__ import annotations

import errno
import ipaddress
import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from orket.client.unix import fitting
from orket.domain.errors import SettingsError

BACKLOG = 256


@contextmanager
def tcp_listener(host: str, port: int, *, keyed: bool = False) -> Iterator[socket.socket]:
    """Listen on loopback, or elsewhere if there are keys; port 0 takes any that is free.

    Raises:
        SettingsError: The host cannot be used, is not loopback though nobody has a key, or the port is taken.
    """
    family, address = _address(host, port, keyed)
    # Named as TCP, or asyncio would not switch off what makes a small answer wait for up to 40 ms: Nagle's
    # algorithm, against a client that delays its acknowledgements.
    with socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP) as listener:
        listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind(address)
            listener.listen(BACKLOG)
        except OSError as error:
            raise SettingsError(_cannot_listen(host, port, error)) from error
        listener.setblocking(False)
        yield listener


@contextmanager
def unix_listener(path: Path) -> Iterator[socket.socket]:
    """Listen on a Unix socket that only this user can reach.

    The directory becomes 0700, the socket is 0600 from the moment it has its name, and one that a dead
    engine left behind is replaced. Who holds the database's lock may do that.

    Raises:
        SettingsError: The directory is not ours, or the socket cannot be made.
    """
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as listener:
        try:
            _make_private(path.parent)
            made = path.with_name(f".{path.name}.{os.getpid()}")
            made.unlink(missing_ok=True)
            with fitting(made) as spelling:
                listener.bind(spelling)
            made.chmod(0o600)
            listener.listen(BACKLOG)
            made.rename(path)
        except OSError as error:
            raise SettingsError(f"{path}: cannot serve there: {error.strerror or error}") from error
        listener.setblocking(False)
        try:
            yield listener
        finally:
            path.unlink(missing_ok=True)


def base_url(listener: socket.socket) -> str:
    """Say where a TCP listener is reached."""
    host, port = listener.getsockname()[:2]
    return f"http://[{host}]:{port}" if listener.family is socket.AF_INET6 else f"http://{host}:{port}"


def _address(host: str, port: int, keyed: bool) -> tuple[socket.AddressFamily, tuple[str, int]]:
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    except (OSError, UnicodeError) as error:
        raise SettingsError(f"host {host!r} cannot be used: {error}") from error
    family, _, _, _, address = found[0]
    name = str(address[0])
    if not keyed and not ipaddress.ip_address(name.partition("%")[0]).is_loopback:
        raise SettingsError(
            f"refusing to listen on {host!r}: it is not loopback, and no key has been made, so whoever can "
            "connect could run commands here; make one with `orket keys create NAME`, or use 127.0.0.1"
        )
    return family, (name, port)


def _cannot_listen(host: str, port: int, error: OSError) -> str:
    if error.errno == errno.EADDRINUSE:
        return f"port {port} of {host} is in use; choose another one with --port or ORKET_PORT"
    return f"cannot listen on {host}:{port}: {error.strerror or error}"


def _make_private(folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    found = folder.lstat()
    if found.st_uid != os.geteuid():
        raise SettingsError(f"{folder}: belongs to another user, so a socket there would not be private")
    if found.st_mode & 0o077:
        folder.chmod(0o700)
