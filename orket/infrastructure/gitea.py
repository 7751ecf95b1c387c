"""A Gitea server over its HTTP interface: comments, closing, issues and merging.

What is written carries a mark in a comment that readers do not see, so that a second attempt can find out
whether the first one was heard.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from urllib.parse import quote

import anyio
import attrs
import httpx2

from orket.domain.errors import ForgeError
from orket.domain.pull_requests import EffectKind, ForgeCall

TIMEOUT_S = 15.0
ANSWER_BYTES_MAX = 8 * 1024 * 1024
LOOK_BACK = 50
_DETAIL_CHARS = 200
_AGAIN = frozenset({408, 423, 425, 429})

Json = Mapping[str, object]


@attrs.frozen(kw_only=True)
class Gitea:
    """A ``Forge``.

    Args:
        url: Of the server, without ``/api/v1``.
        token: An access token that may write issues and pull requests of the repositories.
        timeout_s: For one exchange.
        transport: Another way to reach it than the network.
    """

    url: str
    token: str = attrs.field(repr=False)
    timeout_s: float = TIMEOUT_S
    transport: httpx2.AsyncBaseTransport | None = None

    async def perform(self, call: ForgeCall) -> str:
        """See ``Forge.perform``."""
        repository = "/repos/" + "/".join(quote(one, safe="") for one in call.repository.split("/"))
        match call.effect.kind:
            case EffectKind.COMMENT:
                return await self._write(call, f"{repository}/issues/{call.number}/comments", {})
            case EffectKind.OPEN_ISSUE:
                return await self._write(call, f"{repository}/issues", {"title": call.effect.title})
            case EffectKind.CLOSE:
                await self._send("PATCH", f"{repository}/pulls/{call.number}", {"state": "closed"})
                return "closed"
            case EffectKind.MERGE:
                return await self._merge(call, f"{repository}/pulls/{call.number}")
            case EffectKind.START_RUN:
                raise ForgeError("a forge starts no runs", retryable=False)

    async def _write(self, call: ForgeCall, path: str, more: Json) -> str:
        mark = f"<!-- orket {call.mark} -->"
        if call.again and await self._holds(path, mark):
            return "was there already"
        await self._send("POST", path, {**more, "body": f"{call.effect.text}\n\n{mark}"})
        return "written"

    async def _holds(self, path: str, mark: str) -> bool:
        issues = path.endswith("/issues")
        query = f"?state=all&type=issues&limit={LOOK_BACK}" if issues else ""
        found = await self._send("GET", path + query)
        return isinstance(found, list) and any(
            isinstance(one, dict) and mark in str(one.get("body", "")) for one in found
        )

    async def _merge(self, call: ForgeCall, path: str) -> str:
        if call.again:
            found = await self._send("GET", path)
            if isinstance(found, dict) and found.get("merged") is True:
                return "was merged already"
        await self._send("POST", f"{path}/merge", {"Do": "merge", "delete_branch_after_merge": True})
        return "merged"

    async def _send(self, method: str, path: str, body: Json | None = None) -> object:
        headers = {"authorization": f"token {self.token}", "accept": "application/json"}
        where = f"{method} {path.partition('?')[0]}"
        try:
            with anyio.fail_after(self.timeout_s):
                async with (
                    httpx2.AsyncClient(trust_env=False, timeout=None, transport=self.transport) as http,
                    http.stream(method, f"{self.url}/api/v1{path}", headers=headers, json=body) as answer,
                ):
                    content = await _read(answer)
        except TimeoutError:
            told = f"{where}: no answer within {self.timeout_s:g} s"
            raise ForgeError(told, retryable=True) from None
        except (httpx2.TransportError, httpx2.DecodingError) as error:
            told = f"{where}: {str(error) or type(error).__name__}"
            raise ForgeError(told, retryable=True) from error
        if not answer.is_success:
            again = answer.status_code >= 500 or answer.status_code in _AGAIN
            raise ForgeError(f"{where}: {answer.status_code} {_reason(content)}".strip(), retryable=again)
        return _decoded(content)


async def _read(answer: httpx2.Response) -> bytes:
    content = b""
    async for piece in answer.aiter_bytes():
        content += piece
        if len(content) > ANSWER_BYTES_MAX:
            raise ForgeError("the answer is too long", retryable=False)
    return content


def _decoded(content: bytes) -> object:
    try:
        found: object = json.loads(content) if content else None
    except ValueError:
        return None
    return found


def _reason(content: bytes) -> str:
    found = _decoded(content)
    return str(found.get("message", ""))[:_DETAIL_CHARS] if isinstance(found, dict) else ""
