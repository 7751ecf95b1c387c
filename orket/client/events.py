"""The events of a run as an async iterator that comes back by itself."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import AsyncIterator
from contextlib import suppress
from types import TracebackType
from typing import Self, TypeVar

import anyio
import attrs
import httpx2

from orket.client.errors import ClientError, ClientProblem, UnexpectedAnswer
from orket.client.exchange import failure, unreachable
from orket.wire.codec import decode
from orket.wire.errors import WireInvalid
from orket.wire.events import EventView
from orket.wire.pieces import PIECE, PieceView

EVENT_BYTES_MAX = 64 * 1024 * 1024
LAST_KIND = "RunFinished"
T = TypeVar("T")
R = TypeVar("R")


@attrs.frozen(kw_only=True)
class Patience:
    """How often in a row, and how soon, a connection that broke is taken up again.

    ``silence_s`` is how long nothing at all, not even a sign of life, may come; it must be well above the
    bridge's heartbeat of 15 s.
    """

    attempts_max: int = 10
    first_delay_s: float = 0.1
    delay_max_s: float = 5.0
    silence_s: float = 45.0


class _Stream(AsyncIterator[T]):
    """What streams of a run have in common: they come back by themselves, and end with the run."""

    def __init__(self, http: httpx2.AsyncClient, path: str, *, after: int, patience: Patience) -> None:
        self._http, self._path, self._after, self._patience = http, path, after, patience
        self._response: httpx2.Response | None = None
        self._received: AsyncIterator[httpx2.ServerSentEvent] | None = None
        self._failures = 0
        self._over = False

    async def __aenter__(self) -> Self:
        """Be sure that the connection is closed afterwards."""
        return self

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self.aclose()

    async def aclose(self) -> None:
        """End the iteration and close the connection; may be called twice."""
        self._over = True
        await self._hang_up()

    async def __anext__(self) -> T:
        """Return what comes next, however often the connection must be taken up again for it."""
        while not self._over:
            try:
                came = await self._next()
            except httpx2.TransportError as error:
                await self._back_off(unreachable(error, str(self._http.base_url)))
            except ClientProblem as problem:
                if problem.status < 500:
                    raise
                await self._back_off(problem)
            else:
                if came is not None:
                    return came
        raise StopAsyncIteration

    async def _next(self) -> T | None:
        """Return what comes next, or None when this connection has no more."""
        received = self._received or await self._connect()
        if received is not None:
            async for one in received:
                if one.data:
                    self._failures = 0
                    return self._take(one)
            if not self._over:
                raise httpx2.RemoteProtocolError("the stream ended before the run")
        return None

    @abstractmethod
    def _take(self, one: httpx2.ServerSentEvent) -> T:
        """Read what came."""

    def _read(self, kind: type[R], data: str) -> R:
        try:
            return decode(kind, data.encode())
        except WireInvalid as error:
            raise UnexpectedAnswer(f"{self._path}: {error.detail}") from None

    def _event(self, data: str) -> EventView:
        event = self._read(EventView, data)
        self._after = event.seq
        # Nothing follows the end of a run that a watcher waits for.
        self._over = event.kind == LAST_KIND
        return event

    async def _connect(self) -> AsyncIterator[httpx2.ServerSentEvent] | None:
        request = self._http.build_request(
            "GET",
            self._path,
            headers={"accept": "text/event-stream", "last-event-id": str(self._after)},
            timeout=httpx2.Timeout(5.0, read=self._patience.silence_s),
        )
        self._response = response = await self._http.send(request, stream=True)
        if response.status_code == httpx2.codes.NO_CONTENT:
            self._over = True
            await self._hang_up()
            return None
        if response.status_code != httpx2.codes.OK:
            await response.aread()
            raise failure(response)
        source = httpx2.EventSource(response, max_event_size=EVENT_BYTES_MAX)
        self._received = source.__aiter__()
        return self._received

    async def _back_off(self, error: ClientError) -> None:
        await self._hang_up()
        self._failures += 1
        if self._failures > self._patience.attempts_max:
            raise error
        delay_s = min(self._patience.first_delay_s * 2 ** (self._failures - 1), self._patience.delay_max_s)
        asked_s = error.retry_after_s if isinstance(error, ClientProblem) else None
        await anyio.sleep(max(delay_s, min(asked_s or 0.0, self._patience.delay_max_s)))

    async def _hang_up(self) -> None:
        received, self._received = self._received, None
        response, self._response = self._response, None
        if response is not None:
            await response.aclose()
        if received is not None:
            # Reading on from a closed connection ends all the generators down to the socket. Closing the
            # outermost would leave the others to the garbage collector, which trio reports.
            with suppress(httpx2.TransportError, httpx2.StreamError):
                async for _ in received:
                    pass


class EventStream(_Stream[EventView]):
    """The events of one run, each once, in order, up to its end.

    Iterate over it, inside ``async with`` when you may leave before its end. A connection that breaks is
    taken up again after the last event that came.

    Raises:
        ClientProblem: While iterating: there is no such run.
        Unreachable: While iterating: it broke too often in a row without an event in between.
    """

    def _take(self, one: httpx2.ServerSentEvent) -> EventView:
        return self._event(one.data)


class WatchStream(_Stream[EventView | PieceView]):
    """The events of one run as in an ``EventStream``, and in between what models are writing.

    Events come each once; pieces are not kept anywhere, and whoever comes back gets the text so far again,
    from ``offset`` 0.

    Raises:
        ClientProblem: While iterating: there is no such run.
        Unreachable: While iterating: it broke too often in a row without anything in between.
    """

    def _take(self, one: httpx2.ServerSentEvent) -> EventView | PieceView:
        return self._read(PieceView, one.data) if one.event == PIECE else self._event(one.data)
