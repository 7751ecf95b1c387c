"""HTTP to MCP servers: no proxies, no endless waits, and no answer without an end."""

from __future__ import annotations

from collections.abc import AsyncIterator

import httpx2

CONNECT_S = 10.0
READ_S = 3_600.0  # an event stream may be silent; the calls have their own time
ANSWER_BYTES_MAX = 8 * 1024 * 1024


def make_client(key: str = "") -> httpx2.AsyncClient:
    """Make a client for one server, with the bearer token that opens it; the caller closes it.

    Redirects are not followed, so the token goes nowhere else.
    """
    return httpx2.AsyncClient(
        headers={"authorization": f"Bearer {key}"} if key else None,
        transport=_Bounded(httpx2.AsyncHTTPTransport()),
        timeout=httpx2.Timeout(CONNECT_S, read=READ_S),
        trust_env=False,
    )


class _Bounded(httpx2.AsyncBaseTransport):
    """Ends every answer that is longer than ``ANSWER_BYTES_MAX``."""

    def __init__(self, inner: httpx2.AsyncBaseTransport) -> None:
        self._inner = inner

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        """Ask, and count what comes."""
        response = await self._inner.handle_async_request(request)
        assert isinstance(response.stream, httpx2.AsyncByteStream)
        response.stream = _Counted(response.stream, request)
        return response

    async def aclose(self) -> None:
        """Close the connections."""
        await self._inner.aclose()


class _Counted(httpx2.AsyncByteStream):
    """A body that fails when it grows too long."""

    def __init__(self, inner: httpx2.AsyncByteStream, request: httpx2.Request) -> None:
        self._inner, self._request = inner, request

    async def __aiter__(self) -> AsyncIterator[bytes]:
        """Pass on."""
        seen = 0
        async for chunk in self._inner:
            seen += len(chunk)
            if seen > ANSWER_BYTES_MAX:
                raise httpx2.ReadError(f"more than {ANSWER_BYTES_MAX} bytes", request=self._request)
            yield chunk

    async def aclose(self) -> None:
        """Close the body."""
        await self._inner.aclose()
