"""The part of the client that is about conversations with a driver."""

from __future__ import annotations

from orket.client.calls import Calls, path_of
from orket.wire.sessions import (
    AcceptBody,
    MessagePage,
    MessageView,
    OpenSessionBody,
    SayBody,
    SessionPage,
    SessionView,
)


class Sessions(Calls):
    """A driver answers and proposes; whoever accepts a proposal commands. All but looking needs `operate`."""

    async def open_session(self, *, by: str, model: str = "", key: str | None = None) -> SessionView:
        """Begin a conversation; ``model`` answers in it, by default the one that is set for all runs.

        With the same ``key`` it may be repeated, and begins one only.
        """
        headers = {} if key is None else {"idempotency-key": key}
        return await self._post("/v1/sessions", OpenSessionBody(by=by, model=model), SessionView, headers)

    async def sessions(self, *, limit: int = 100, page: str = "") -> SessionPage:
        """List the conversations, newest first; ``page`` is the ``next`` of the page before."""
        return await self._get(page or path_of("v1", "sessions", limit=limit), SessionPage)

    async def session(self, session_id: str) -> SessionView:
        """Show a conversation."""
        return await self._get(path_of("v1", "sessions", session_id), SessionView)

    async def messages(self, session_id: str, *, limit: int = 100, page: str = "") -> MessagePage:
        """List what was said; ``page`` as for ``sessions``."""
        return await self._get(
            page or path_of("v1", "sessions", session_id, "messages", limit=limit), MessagePage
        )

    async def say(
        self, session_id: str, text: str, *, by: str, key: str | None = None, wait_s: float = 20.0
    ) -> MessageView:
        """Say something, and wait for the answer, which is empty when it takes longer; ``key`` as above."""
        path, headers = path_of("v1", "sessions", session_id, "messages"), {"prefer": f"wait={wait_s:.0f}"}
        if key is not None:
            headers["idempotency-key"] = key
        return await self._post(path, SayBody(text=text, by=by), MessageView, headers)

    async def accept_proposal(self, session_id: str, number: int, index: int, *, by: str) -> MessageView:
        """Have proposal ``index`` (from 0) of message ``number`` (from 1) carried out."""
        path = path_of(
            "v1", "sessions", session_id, "messages", str(number), "proposals", str(index), "accept"
        )
        return await self._post(path, AcceptBody(by=by), MessageView)
