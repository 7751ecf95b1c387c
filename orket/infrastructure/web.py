"""The web, over HTTP: one connection a request, to an address on the open net, and nowhere it leads on to."""

from __future__ import annotations

import ipaddress
import socket
import ssl
from collections.abc import Collection
from contextlib import aclosing
from urllib.parse import urlsplit

import anyio
import attrs
import httpx2

from orket.domain.errors import ToolError
from orket.domain.web import WebRequest, WebResponse

CONNECT_S = 10.0
# IPv4 addresses behind a translator (RFC 6052): which one it stands for is not for us to guess.
_TRANSLATED = ipaddress.ip_network("64:ff9b::/96")
_PORTS = {"http": 80, "https": 443}


@attrs.frozen
class HttpWeb:
    """A ``WebClient``.

    A name is looked up once, and the request goes to an address that was found: what the name stands for a
    moment later makes no difference. Addresses that are not on the open net (this machine, the house's own
    net) are refused, unless ``inside`` lists the ``host:port``. The environment's proxies are not used.

    Args:
        inside: ``host:port`` of servers that may be reached wherever they are.
    """

    inside: Collection[str] = ()

    async def fetch(self, request: WebRequest) -> WebResponse:
        """See ``WebClient.fetch``."""
        sent = False
        try:
            with anyio.fail_after(request.timeout_s):
                address = await self._look_up(request.url)
                sent = True
                return await _exchange(request, address)
        except TimeoutError:
            told = "it may have been answered" if sent else "nothing was sent"
            raise ToolError(f"no answer within {request.timeout_s:g} s; {told}", code="timeout") from None
        except (httpx2.ConnectError, httpx2.ConnectTimeout) as error:
            raise ToolError(f"{request.url}: cannot connect: {error}", code="unreachable") from error
        except (httpx2.TransportError, httpx2.DecodingError) as error:
            raise ToolError(f"{request.url}: {str(error) or type(error).__name__}", code="failed") from error

    async def _look_up(self, url: str) -> str:
        """Find an address for the host of ``url``, preferring IPv4."""
        parts = urlsplit(url)
        host, port = parts.hostname or "", parts.port or _PORTS[parts.scheme]
        try:
            found = await anyio.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        except OSError as error:
            raise ToolError(f"{host}: not found: {error}", code="unreachable") from error
        addresses = [str(one[4][0]) for one in sorted(found, key=lambda one: one[0] is not socket.AF_INET)]
        if f"{host}:{port}" in self.inside:
            return addresses[0]
        if bad := [one for one in addresses if not _is_open(one)]:
            text = f"{host} stands for {bad[0]}, which is not on the open net"
            raise ToolError(text, code="forbidden_address", hint="only servers on the open net can be asked")
        return addresses[0]


def _is_open(address: str) -> bool:
    """Whether an address is one of the open net; an IPv4 address inside an IPv6 one counts as itself."""
    found = ipaddress.ip_address(address.partition("%")[0])
    if isinstance(found, ipaddress.IPv6Address):
        inner = found.ipv4_mapped or found.sixtofour or (found.teredo[1] if found.teredo else None)
        if inner is not None:
            return inner.is_global and found.ipv4_mapped is not None
    return found.is_global and not found.is_multicast and found not in _TRANSLATED


def _certificates(url: httpx2.URL) -> ssl.SSLContext:
    """Whom to trust; without TLS nobody is asked for a certificate, so none of the world's need be read."""
    return httpx2.create_ssl_context() if url.scheme == "https" else ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)


async def _exchange(request: WebRequest, address: str) -> WebResponse:
    """Send the request to ``address`` in the name of its host, and read what comes, up to the limit."""
    url = httpx2.URL(request.url)
    timeout = httpx2.Timeout(request.timeout_s, connect=min(CONNECT_S, request.timeout_s))
    async with (
        httpx2.AsyncClient(
            verify=_certificates(url), trust_env=False, timeout=timeout, follow_redirects=False
        ) as client,
        client.stream(
            request.method,
            url.copy_with(host=address),
            headers=[("Host", url.netloc.decode("ascii")), *request.headers],
            content=request.body or None,
            extensions={"sni_hostname": url.host},
        ) as response,
        aclosing(response.aiter_bytes(65_536)) as parts,
    ):
        body, truncated = bytearray(), False
        async for part in parts:
            body += part
            if len(body) > request.bytes_max:
                truncated = True
                break
        headers = tuple((name.lower(), value) for name, value in response.headers.multi_items())
        return WebResponse(
            status=response.status_code,
            headers=headers,
            body=bytes(body[: request.bytes_max]),
            truncated=truncated,
        )
