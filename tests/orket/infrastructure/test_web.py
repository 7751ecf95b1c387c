"""The web client, against a server on this machine."""

from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Event, Thread
from typing import Any

import pytest

from orket.domain.errors import ToolError
from orket.domain.web import WebRequest
from orket.infrastructure.web import HttpWeb, _is_open

pytestmark = pytest.mark.anyio


class Server(ThreadingHTTPServer):
    """Echoes, redirects, floods, hangs."""

    daemon_threads = True
    released = Event()


class Handler(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        if self.path == "/hang":
            assert isinstance(self.server, Server)
            self.server.released.wait(20)
        if self.path == "/moved":
            self.send_response(302)
            self.send_header("Location", "http://10.0.0.1/")
            self.end_headers()
            return
        self.answer(b"x" * 50_000 if self.path == "/flood" else self.path.encode())

    def do_POST(self) -> None:
        size = int(self.headers["Content-Length"])
        self.answer(self.headers["Host"].encode() + b" " + self.rfile.read(size))

    def answer(self, body: bytes) -> None:
        self.send_response(200)
        self.send_header("X-Test", self.headers.get("X-Test", ""))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002  # the name in the base class
        pass


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with Server(("127.0.0.1", 0), Handler) as running:
        thread = Thread(target=running.serve_forever)
        thread.start()
        yield running
        running.released.set()
        running.shutdown()
        thread.join()


def web(server: Server) -> HttpWeb:
    return HttpWeb((f"localhost:{server.server_port}",))


def request(server: Server, path: str, **more: Any) -> WebRequest:
    told: dict[str, Any] = {"method": "GET", "url": f"http://localhost:{server.server_port}{path}"}
    return WebRequest(**(told | more))


async def test_it_asks_and_answers(server: Server) -> None:
    got = await web(server).fetch(request(server, "/a?b=c", headers=(("X-Test", "yes"),)))
    assert (got.status, got.body, got.truncated) == (200, b"/a?b=c", False)
    assert ("x-test", "yes") in got.headers
    posted = await web(server).fetch(request(server, "/", method="POST", body=b"hello"))
    assert posted.body == f"localhost:{server.server_port} hello".encode()


async def test_it_goes_where_it_was_sent_and_no_further(server: Server) -> None:
    moved = await web(server).fetch(request(server, "/moved"))
    assert (moved.status, dict(moved.headers)["location"]) == (302, "http://10.0.0.1/")


async def test_it_reads_no_more_than_it_may(server: Server) -> None:
    flood = await web(server).fetch(request(server, "/flood", bytes_max=1_000))
    assert (len(flood.body), flood.truncated) == (1_000, True)


async def test_this_machine_is_closed_unless_it_was_opened(server: Server) -> None:
    with pytest.raises(ToolError, match="not on the open net") as closed:
        await HttpWeb().fetch(request(server, "/"))
    assert closed.value.code == "forbidden_address"


async def test_who_does_not_answer_is_told(server: Server) -> None:
    with pytest.raises(ToolError, match="may have been answered") as late:
        await web(server).fetch(request(server, "/hang", timeout_s=0.2))
    assert late.value.code == "timeout"
    with pytest.raises(ToolError) as nobody:
        await HttpWeb(("localhost:1",)).fetch(WebRequest(method="GET", url="http://localhost:1/"))
    assert nobody.value.code == "unreachable"


@pytest.mark.parametrize(
    ("address", "is_open"),
    [
        ("93.184.216.34", True),
        ("127.0.0.1", False),
        ("10.1.2.3", False),
        ("169.254.169.254", False),
        ("100.64.0.1", False),
        ("224.0.0.1", False),
        ("0.0.0.0", False),
        ("::1", False),
        ("fe80::1%eth0", False),
        ("::ffff:127.0.0.1", False),
        ("2002:7f00:1::", False),
        ("64:ff9b::7f00:1", False),
        ("2606:4700::1111", True),
    ],
)
def test_the_open_net(address: str, is_open: bool) -> None:
    assert _is_open(address) is is_open
