"""Listening sockets, as the kernel has them."""

import socket

from orket.interfaces.listening import tcp_listener


def test_connections_do_not_hold_small_answers_back() -> None:
    with tcp_listener("127.0.0.1", 0) as listener, socket.create_connection(listener.getsockname()[:2]):
        listener.settimeout(10)
        connection, _ = listener.accept()
        with connection:
            assert connection.proto == socket.IPPROTO_TCP, "asyncio looks at this"
            assert connection.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
