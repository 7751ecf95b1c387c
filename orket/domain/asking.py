"""Asking a model for a whole reply, where nobody watches it being written."""

from __future__ import annotations

from orket.domain.models import ModelReply, ModelRequest
from orket.domain.ports import ModelClient


class Answering:
    """A ``ModelClient`` that can also be asked for the whole reply, without a stream in between.

    One that stands in front of another can only if that one can, and says so with ``whole``.
    """

    whole: bool = True

    async def reply(self, request: ModelRequest) -> ModelReply:
        """Ask, and return the reply. When cancelled, the request is stopped.

        Raises:
            ModelError: As while streaming.
        """
        raise NotImplementedError


def answering(client: ModelClient) -> Answering | None:
    """Return the client as one that can be asked for a whole reply, or None."""
    return client if isinstance(client, Answering) and client.whole else None
