"""Requests and typed answers: what every method of the client comes down to."""

from __future__ import annotations

from typing import TypeVar
from urllib.parse import quote, urlencode

import httpx2
import msgspec

from orket.client.exchange import failure, read_answer, unreachable
from orket.wire.codec import encode

T = TypeVar("T")

# What the answer may take on top of what was asked for.
MARGIN_S = 5.0


class Calls:
    """A connection to a bridge.

    Args:
        http: The connection; its owner closes it.
        ask_s: How long the engine may take for a command, in seconds.
    """

    def __init__(self, http: httpx2.AsyncClient, *, ask_s: float = 30.0) -> None:
        self._http, self._ask_s = http, ask_s

    async def _get(self, path: str, kind: type[T], *, wait_s: float | None = None) -> T:
        if wait_s is None:
            return await self._exchange(self._http.build_request("GET", path), kind)
        return await self._exchange(
            self._http.build_request(
                "GET",
                path,
                headers={"prefer": f"wait={wait_s:.0f}"},
                timeout=httpx2.Timeout(MARGIN_S, read=wait_s + MARGIN_S),
            ),
            kind,
        )

    async def _post(
        self,
        path: str,
        body: msgspec.Struct | None,
        kind: type[T],
        headers: dict[str, str] | None = None,
        *,
        if_seq: int | None = None,
    ) -> T:
        given = {"content-type": "application/json", "request-timeout": f"{self._ask_s:g}", **(headers or {})}
        if if_seq is not None:
            given["if-match"] = f'"{if_seq}"'
        content = b"{}" if body is None else encode(body)
        return await self._exchange(
            self._http.build_request("POST", path, content=content, headers=given), kind
        )

    async def _exchange(self, request: httpx2.Request, kind: type[T]) -> T:
        return read_answer(await self._send(request), kind)

    async def _bytes(self, path: str) -> bytes:
        response = await self._send(self._http.build_request("GET", path))
        if not response.is_success:
            raise failure(response)
        return response.content

    async def _send(self, request: httpx2.Request) -> httpx2.Response:
        try:
            return await self._http.send(request)
        except httpx2.TransportError as error:
            raise unreachable(error, str(self._http.base_url)) from error


def run_path(run_id: str) -> str:
    """Name a run's resource."""
    return f"/v1/runs/{quote(run_id, safe='')}"


def path_of(*steps: str, **query: object) -> str:
    """Name a resource by the steps of its path, which are quoted, and its query."""
    path = "".join(f"/{quote(step, safe='')}" for step in steps)
    told = {name: str(value).lower() if isinstance(value, bool) else value for name, value in query.items()}
    return f"{path}?{urlencode(told)}" if told else path
