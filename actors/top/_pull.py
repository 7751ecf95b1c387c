"""Pulling snapshots, over a Unix socket or a URL, with the standard library alone."""

import http.client
import socket
import urllib.parse
from collections.abc import Callable
from contextlib import closing

from actors.errors import ActorsError
from actors.top._records import Snapshot

TIMEOUT_S = 5.0
REPLY_BYTES_MAX = 64 * 1024 * 1024

Pull = Callable[[], Snapshot]


class Gone(ActorsError):
    """There is no snapshot to be had now; the text says why, for a person."""


class UnixConnection(http.client.HTTPConnection):
    """HTTP over a Unix socket."""

    def __init__(self, path: str, timeout_s: float) -> None:
        super().__init__("top", timeout=timeout_s)
        self._path = path

    def connect(self) -> None:
        """Connect to the socket."""
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self._path)


def pull_from(place: str, timeout_s: float = TIMEOUT_S) -> Pull:
    """How to pull from ``place``: the path of a socket, or an http or https URL.

    The pull raises ``Gone`` when nobody answers there, or something that is not a snapshot.

    Raises:
        ValueError: A URL that is not http or https.
    """
    if "://" not in place:
        return lambda: _get(UnixConnection(place, timeout_s), "/", place)
    url = urllib.parse.urlsplit(place)
    kinds = {"http": http.client.HTTPConnection, "https": http.client.HTTPSConnection}
    if url.scheme not in kinds or not url.hostname:
        raise ValueError(f"{place}: neither a socket's path nor an http(s) URL")
    host, port, connection = url.hostname, url.port, kinds[url.scheme]
    target = (url.path or "/") + (f"?{url.query}" if url.query else "")
    return lambda: _get(connection(host, port, timeout=timeout_s), target, place)


def _get(connection: http.client.HTTPConnection, target: str, place: str) -> Snapshot:
    try:
        with closing(connection):
            connection.request("GET", target)
            reply = connection.getresponse()
            body = reply.read(REPLY_BYTES_MAX)
        if reply.status != 200:
            raise Gone(f"{place} answers {reply.status} {reply.reason}")
        return Snapshot.from_json(body)
    except TimeoutError:
        waited = f"{place} does not answer within {connection.timeout:g} s"
        raise Gone(f"{waited}: something blocks its event loop, or the process is stopped") from None
    except FileNotFoundError:
        raise Gone(f"there is no {place}") from None
    except ConnectionRefusedError:
        raise Gone(f"nobody listens at {place}") from None
    except (OSError, http.client.HTTPException) as error:
        raise Gone(f"{place}: {str(error) or type(error).__name__}") from None
    except ValueError as error:
        raise Gone(f"{place}: {error}") from None
