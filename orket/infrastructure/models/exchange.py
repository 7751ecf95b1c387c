"""One question to a model server over HTTP, and the events of its answer."""

from __future__ import annotations

import ssl
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from functools import cached_property

import anyio
import attrs
import httpx2
import msgspec

from orket.domain.errors import ModelError
from orket.infrastructure.models.circuit import Circuit
from orket.infrastructure.models.names import is_private
from orket.infrastructure.models.openai_chat import ErrorBody
from orket.infrastructure.models.speech import complaint, garbled

EVENT_BYTES_MAX = 4 * 1024 * 1024
ERROR_BYTES_MAX = 64 * 1024
CONNECT_S = 10.0
IDLE_S = 60.0
_EVENTS = "text/event-stream"


class _Told(msgspec.Struct):
    error: ErrorBody | str | None = None
    message: str | None = None
    detail: object = None


class Incoming:
    """The events of one answer; whoever has it closes it."""

    def __init__(self, response: httpx2.Response, *, lines: bool, idle_s: float) -> None:
        self._response, self._lines, self._idle_s = response, lines, idle_s
        self._begun = False
        self._buffer = bytearray()
        self._bytes: AsyncIterator[bytes] | None = None
        self._events: AsyncIterator[httpx2.ServerSentEvent] | None = None

    async def next(self) -> str | None:
        """Return the data of the next event, None when the answer has no more.

        The first may take as long as the whole answer may: a server reads the question first.

        Raises:
            ModelError: ``idle_timeout``, ``connection``, ``protocol``.
        """
        data = None
        with anyio.CancelScope(deadline=self._deadline()) as limit:
            try:
                data = await (self._next_line() if self._lines else self._next_event())
            except httpx2.TransportError as error:
                raise _broken(error) from error
            except (httpx2.SSEError, httpx2.DecodingError, UnicodeDecodeError) as error:
                raise garbled(str(error)) from error
        if limit.cancelled_caught:
            text = f"the model server went silent for {self._idle_s:g} s in the middle of its answer"
            raise ModelError(text, code="idle_timeout", retryable=True)
        self._begun = True
        return data

    def _deadline(self) -> float:
        return anyio.current_time() + self._idle_s if self._begun else float("inf")

    async def _next_event(self) -> str | None:
        if self._events is None:
            source = httpx2.EventSource(self._response, max_event_size=EVENT_BYTES_MAX)
            self._events = source.__aiter__()
        async for event in self._events:
            if event.data:
                return event.data
        return None

    async def _next_line(self) -> str | None:
        while (end := self._buffer.find(b"\n")) < 0:
            part = await self._next_bytes()
            if part is None:
                rest, self._buffer = self._buffer, bytearray()
                return rest.decode().strip() or None
            self._buffer += part
            if len(self._buffer) > EVENT_BYTES_MAX:
                raise garbled(f"a line of more than {EVENT_BYTES_MAX} bytes")
        line, self._buffer = self._buffer[:end].decode(), self._buffer[end + 1 :]
        return line if line.strip() else await self._next_line()

    async def part(self) -> bytes | None:
        """Return the next bytes as they come, None when there are no more.

        Raises:
            ModelError: ``connection``, ``protocol``.
        """
        try:
            return await self._next_bytes()
        except httpx2.TransportError as error:
            raise _broken(error) from error
        except httpx2.DecodingError as error:
            raise garbled(str(error)) from error

    async def _next_bytes(self) -> bytes | None:
        if self._bytes is None:
            self._bytes = self._response.aiter_bytes()
        return await anext(self._bytes, None)

    async def aclose(self) -> None:
        """Close the connection, so that the server sees it, and end every generator down to the socket."""
        await self._response.aclose()
        # Reading on from a closed connection ends all the generators in between; closing the outermost alone
        # would leave the others to the garbage collector, which trio reports.
        with suppress(httpx2.TransportError, httpx2.StreamError, httpx2.SSEError, httpx2.DecodingError):
            if self._events is not None:
                async for _ in self._events:
                    pass
            if self._bytes is not None:
                async for _ in self._bytes:
                    pass


@attrs.define(slots=False)
class Server:
    """A model server, and how it is reached; it keeps no connection open between two questions.

    Args:
        locate: Says where it is, base URL without a slash at its end; may start it.
        circuit: Whether it is worth trying.
        key: What proves who asks; in no error and no log.
        idle_s: How long it may be silent in the middle of an answer, in seconds.
    """

    locate: Callable[[], Awaitable[str]]
    circuit: Circuit
    key: str = attrs.field(default="", repr=False)
    idle_s: float = IDLE_S

    @asynccontextmanager
    async def ask(
        self, path: str, headers: Mapping[str, str], body: bytes, *, lines: bool
    ) -> AsyncIterator[Incoming]:
        """Send a question; leaving the block closes the connection, whatever is still to come.

        Raises:
            ModelError: The server refuses, cannot be reached, or does not answer in events.
        """
        with self.circuit.attempt():
            url = await self.locate()
            async with self._client(url) as http:
                request = http.build_request(
                    "POST", url + path, content=body, headers={"content-type": "application/json", **headers}
                )
                response = await self._send(http, request)
                incoming = Incoming(response, lines=lines, idle_s=self.idle_s)
                try:
                    await self._check(response, _EVENTS if not lines else "")
                    yield incoming
                finally:
                    await incoming.aclose()

    async def look_up(self, path: str, headers: Mapping[str, str]) -> bytes:
        """Fetch what a server tells about itself, at most ``EVENT_BYTES_MAX`` bytes.

        Raises:
            ModelError: The server refuses, cannot be reached, or does not answer within ``CONNECT_S``.
        """
        url = await self.locate()
        body = bytearray()
        with anyio.move_on_after(CONNECT_S) as limit:
            async with self._client(url) as http:
                request = http.build_request("GET", url + path, headers=dict(headers))
                response = await self._send(http, request)
                incoming = Incoming(response, lines=True, idle_s=self.idle_s)
                try:
                    await self._check(response, "")
                    while (part := await incoming.part()) is not None:
                        body += part
                        if len(body) > EVENT_BYTES_MAX:
                            raise garbled(f"an answer of more than {EVENT_BYTES_MAX} bytes")
                finally:
                    await incoming.aclose()
        if limit.cancelled_caught:
            raise ModelError(f"no answer within {CONNECT_S:g} s", code="timeout", retryable=True)
        return bytes(body)

    def _client(self, url: str) -> httpx2.AsyncClient:
        safe = url.startswith("https://")
        # Where no TLS is spoken the certificates of the world need not be read: an empty store trusts nobody.
        trusted = self._certificates if safe else ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        # A proxy for the outside world has no business between us and this very machine.
        outside = safe or not is_private(url)
        return httpx2.AsyncClient(
            verify=trusted, trust_env=outside, timeout=httpx2.Timeout(None, connect=CONNECT_S)
        )

    @cached_property
    def _certificates(self) -> ssl.SSLContext:
        return httpx2.create_ssl_context()

    async def _send(self, http: httpx2.AsyncClient, request: httpx2.Request) -> httpx2.Response:
        try:
            return await http.send(request, stream=True)
        except httpx2.TransportError as error:
            raise _broken(error, f"{request.url.scheme}://{request.url.netloc.decode()}") from error

    async def _check(self, response: httpx2.Response, wanted: str) -> None:
        if response.status_code != httpx2.codes.OK:
            raise await self._refusal(response)
        kind = response.headers.get("content-type", "")
        if not kind.startswith(wanted):
            raise garbled(f"it answers with {kind or 'no content type'} and not with {wanted}")

    async def _refusal(self, response: httpx2.Response) -> ModelError:
        body = await _some(response)
        words: tuple[str, ...] = ()
        message = body.decode("utf-8", "replace")
        with suppress(msgspec.MsgspecError):
            told = msgspec.json.decode(body, type=_Told)
            message = told.message or (told.error if isinstance(told.error, str) else "") or message
            if isinstance(told.error, ErrorBody):
                words, message = told.error.words, told.error.message
        if self.key:
            message = message.replace(self.key, "[redacted:key]")
        error = complaint(words, message, response.status_code)
        error.retry_after_s = retry_after_s(response.headers, datetime.now(UTC))
        return error


def retry_after_s(headers: Mapping[str, str], now: datetime) -> float | None:
    """Read how long a server wants to be left alone, None when it does not say."""
    with suppress(ValueError):
        if told := headers.get("retry-after-ms"):
            return _sane(float(told) / 1000)
    told = headers.get("retry-after", "").strip()
    with suppress(ValueError):
        return _sane(float(told))
    with suppress(ValueError, TypeError):
        return _sane((parsedate_to_datetime(told) - now).total_seconds())
    return None


def _sane(seconds: float) -> float:
    if seconds != seconds or seconds == float("inf"):
        raise ValueError(seconds)
    return max(0.0, seconds)


async def _some(response: httpx2.Response) -> bytes:
    """Read the beginning of a body; what an error says at its end is not worth waiting for."""
    body = bytearray()
    with (
        anyio.move_on_after(CONNECT_S),
        suppress(httpx2.TransportError, httpx2.StreamError, httpx2.DecodingError),
    ):
        async for part in response.aiter_bytes():
            body += part[: ERROR_BYTES_MAX - len(body)]
            if len(body) >= ERROR_BYTES_MAX:
                await response.aclose()  # what follows is not read, and the iteration ends with an error
    return bytes(body)


def _broken(error: httpx2.TransportError, where: str = "") -> ModelError:
    what = f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
    begin = f"the model server at {where} cannot be reached" if where else "the connection broke off"
    return ModelError(f"{begin} ({what})", code="connection", retryable=True)
